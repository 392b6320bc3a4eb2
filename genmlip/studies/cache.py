"""What several runs of a study need is computed once and kept on disk, named by what it depends on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genmlip import __version__
from genmlip._files import create_atomically
from genmlip.studies.locks import locked
from genmlip.studies.parameters import fingerprint


@dataclass(frozen=True)
class Cache:
    """A folder of results that concurrent processes share."""

    folder: Path

    def entry(
        self, kind: str, key: Mapping[str, Any], make: Callable[[Path], object], suffix: str = ""
    ) -> Path:
        """Path of the file or folder that ``make`` creates for ``key``; made by the first process that asks.

        make : called with a path at which nothing exists yet; must create a file or a folder there. If it
            raises, nothing is kept and the next that asks tries again.
        key : everything that determines the content (the version of genmlip is added)
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"{kind}-{fingerprint({'kind': kind, 'genmlip': __version__, **key})}"
        path = self.folder / (name + suffix)
        if not path.exists():
            with locked(self.folder / f".{name}.lock"):
                if not path.exists():
                    create_atomically(path, lambda temporary: _made(make, temporary))
        return path


def _made(make: Callable[[Path], object], path: Path) -> None:
    make(path)
    if not path.exists():
        raise RuntimeError(f"the cache's {make!r} did not create {path}")
