"""Files that survive a kill: written beside their place, flushed to disk, then renamed into it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4


def write_atomically(path: Path, content: str | bytes) -> None:
    """Replace ``path`` by a file with this content; a reader sees the old one or the new, never half."""
    data = content.encode() if isinstance(content, str) else content

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    create_atomically(path, write)


def create_atomically(path: Path, make: Callable[[Path], None]) -> None:
    """Have ``make`` create a file or folder under a temporary name, then rename it to ``path``.

    The temporary name has the suffix of ``path`` and is gone afterwards, whatever happens.
    """
    temporary = path.with_name(f".{path.stem}-{uuid4().hex[:8]}{path.suffix}")
    try:
        make(temporary)
        for file in [temporary] if temporary.is_file() else temporary.rglob("*"):
            _flush(file)
        os.replace(temporary, path)
        _flush(path.parent)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
