"""Arrays that take longer to compute than to read, kept on disk between runs: the user's cache.

Nothing depends on it. What cannot be read is computed, what cannot be written is not kept, and neither is an
error. (What the runs of a study share lies in the study's folder: genmlip.studies.Cache.)
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from genmlip._files import create_atomically
from genmlip._types import Array

LIMIT = 300_000_000
"""Bytes of one kind of arrays that are kept."""


@dataclass(frozen=True)
class ArrayCache:
    """A folder of arrays, each a .npy file with its checksum behind it, that concurrent processes share.

    limit : bytes of all files; those used least recently go first
    """

    folder: Path
    limit: int = LIMIT

    def admits(self, nbytes: int) -> bool:
        """Whether an array of this size is kept: one alone must not drive out all others."""
        return nbytes <= self.limit // 3

    def get(self, key: str, make: Callable[[], Array]) -> Array:
        """The array of this key: read if it is there and whole, else made and, where possible, kept."""
        path = self.folder / f"{key}.npy"
        array = _read(path)
        if array is None:
            array = make()
            if self.admits(array.nbytes):
                with suppress(OSError):
                    self._write(path, array)
        return array

    def _write(self, path: Path, array: Array) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        create_atomically(path, lambda temporary: _save(temporary, array))
        found = []
        for file in self.folder.iterdir():  # also what a killed process left under a temporary name
            with suppress(FileNotFoundError):
                found.append((file.stat(), file))
        total = 0
        for stat, file in sorted(found, key=lambda entry: entry[0].st_mtime_ns, reverse=True):
            total += stat.st_size
            if total > self.limit:
                file.unlink(missing_ok=True)


def user_cache(kind: str) -> ArrayCache | None:
    """Arrays of one kind in the folder GENMLIP_CACHE, by default genmlip in XDG_CACHE_HOME or ~/.cache.

    None if GENMLIP_CACHE is empty, or if there is no home.
    """
    chosen = os.environ.get("GENMLIP_CACHE")
    if chosen == "":
        return None
    common = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "genmlip"
    try:
        folder = Path(chosen or common).expanduser()
    except RuntimeError:
        return None
    return ArrayCache(folder / kind)


def content_key(*parts: ArrayLike) -> str:
    """A name for what is computed from these numbers and arrays, and from nothing else."""
    digest = hashlib.sha256()
    for part in parts:
        array = np.asarray(part)
        digest.update(f"{array.dtype.str} {array.shape} ".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _save(path: Path, array: Array) -> None:
    buffer = BytesIO()
    np.save(buffer, array)
    with path.open("wb") as file:
        file.write(buffer.getbuffer())
        file.write(hashlib.sha256(buffer.getbuffer()).digest())


def _read(path: Path) -> Array | None:
    """None unless the file is there, can be read and agrees with its checksum."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    split = max(len(content) - hashlib.sha256().digest_size, 0)
    if hashlib.sha256(memoryview(content)[:split]).digest() != content[split:]:
        return None
    with suppress(OSError):
        os.utime(path)  # now the one used last
    return np.asarray(np.load(BytesIO(content)))
