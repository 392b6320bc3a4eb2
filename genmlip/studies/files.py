"""Files that survive a kill: written beside their place, flushed to disk, then renamed into it."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from genmlip.errors import InputError


def write_atomically(path: Path, text: str) -> None:
    """Replace ``path`` by a file with this text; a reader sees the old content or the new, never half."""

    def write(temporary: Path) -> None:
        temporary.write_text(text, encoding="utf-8")

    create_atomically(path, write)


def create_atomically(path: Path, make: Callable[[Path], None]) -> None:
    """Have ``make`` create a file or folder under a temporary name, then rename it to ``path``."""
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


@contextmanager
def locked(path: Path, busy: str | None = None) -> Iterator[None]:
    """Hold the lock on ``path`` (released by the system if this process dies).

    Waits for whoever holds it or, where a message ``busy`` is given, raises InputError with it.
    """
    with path.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (fcntl.LOCK_NB if busy else 0))
        except BlockingIOError:
            raise InputError(str(busy)) from None
        yield


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
