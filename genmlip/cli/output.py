"""What commands print and where they write."""

from __future__ import annotations

import ctypes
import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmlip._json import plain
from genmlip.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

STDOUT, STDERR = 1, 2  # file descriptors


def messages() -> Console:
    """Where everything that is not a result goes: standard error."""
    from rich.console import Console

    return Console(stderr=True, soft_wrap=True)


def show(result: Mapping[str, Any], as_json: bool, units: Mapping[str, str] | None = None) -> None:
    """Print one result: a JSON object, or a line per quantity."""
    if as_json:
        print(json.dumps(plain(result), allow_nan=False))
        return
    from rich.console import Console
    from rich.table import Table

    grid = Table.grid(padding=(0, 2))
    for name, value in _lines(result):
        grid.add_row(name, readable(value), (units or {}).get(name.split(" ")[-1], ""))
    Console(highlight=False).print(grid)


def show_rows(header: Iterable[str], rows: Iterable[Iterable[Any]]) -> None:
    """Print a table on standard output."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(readable(value, digits=3) for value in row))
    Console(highlight=False).print(table)


def show_sentences(sentences: Iterable[str]) -> None:
    """Print a paragraph on standard output, below what else was shown."""
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    console.print()
    for sentence in sentences:
        console.print(sentence)


def readable(value: Any, digits: int = 6) -> str:
    """Numbers to so many significant digits; yes and no; a dash for what is missing."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "–"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    if isinstance(value, list | tuple):
        return ", ".join(readable(item, digits) for item in value)
    return str(value)


@contextmanager
def only_results_on_stdout() -> Iterator[None]:
    """What libraries print meanwhile, from Python or from C, goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(STDOUT)
    os.dup2(STDERR, STDOUT)
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        ctypes.CDLL(None).fflush(None)  # else what C still buffers would follow later
        os.dup2(kept, STDOUT)
        os.close(kept)


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error for a task that calls progress(done, total); gone when it is done."""
    from rich.progress import Progress

    console = messages()
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def check_folder(path: Path | None, force: bool) -> None:
    """Raise InputError for an output folder that exists and is not empty, unless ``force``."""
    if path is None:
        return
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file, --out needs a folder")
    if path.is_dir() and any(path.iterdir()) and not force:
        raise InputError(f"{path} is not empty; --force overwrites what is in it")


def check_file(path: Path, force: bool) -> None:
    """Raise InputError for an output file that exists, unless ``force``, or whose folder does not."""
    if path.is_dir():
        raise InputError(f"{path} is a folder, --out needs a file")
    if path.exists() and not force:
        raise InputError(f"{path} exists; --force overwrites it")
    if not path.absolute().parent.is_dir():
        raise InputError(f"there is no folder {path.absolute().parent} to write {path.name} into")


def _lines(result: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in result.items():
        if isinstance(value, Mapping):
            yield from _lines(value, f"{name} ")
        else:
            yield prefix + name, value
