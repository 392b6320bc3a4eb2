"""What a person sees while a study goes on, and the failures when it is done."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from genmlip.errors import GenmlipError
from genmlip.studies.runs import Outcome

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console


class Progress(Protocol):
    """Told how many runs there are and of every one that ends."""

    @contextmanager
    def of(self, name: str, total: int, done: int) -> Iterator[None]: ...

    def advance(self, outcome: Outcome) -> None: ...


class SilentProgress:
    """Says nothing."""

    @contextmanager
    def of(self, name: str, total: int, done: int) -> Iterator[None]:
        yield

    def advance(self, outcome: Outcome) -> None:
        pass


class ProgressBar:
    """A bar with the time that is left; failures are printed above it as they happen."""

    def __init__(self, console: Console) -> None:
        from rich import progress

        self._console = console
        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=console,
        )

    @contextmanager
    def of(self, name: str, total: int, done: int) -> Iterator[None]:
        if done:
            self._console.print(f"{done} of {total} runs are there already")
        with self._bar:
            self._task = self._bar.add_task(name, total=total, completed=done)
            yield

    def advance(self, outcome: Outcome) -> None:
        if outcome.status != "ok":
            self._console.print(f"[red]run {outcome.run} failed:[/] {outcome.error}", highlight=False)
        self._bar.advance(self._task)


NUMBER = re.compile(r"\d+(\.\d+)?(e[+-]?\d+)?")


class NoRunFinishedError(GenmlipError):
    """Every run of a study failed; ``table`` holds the reasons."""

    exit_code = 3

    def __init__(self, table: pd.DataFrame, folder: Path) -> None:
        self.table = table
        super().__init__(f"none of the {len(table)} runs finished; {folder / 'table.csv'} has the reasons")


def check_that_some_finished(table: pd.DataFrame, folder: Path) -> None:
    """Raise NoRunFinishedError where every run of the ``table`` in ``folder`` failed."""
    if (table["status"] != "ok").all():
        raise NoRunFinishedError(table, folder)


def show_failures(table: pd.DataFrame, console: Console) -> None:
    """One line per reason, the most frequent first: how many runs, the first of them, where to read more.

    Messages that differ by their numbers only are one reason.
    """
    failed = table[table["status"] != "ok"]
    if failed.empty:
        return
    from rich.markup import escape

    console.print(
        f"[bold red]{len(failed)} of {len(table)} runs failed[/] (--resume --retry does them again):"
    )
    reasons = failed.groupby(failed["error"].str.replace(NUMBER, "#", regex=True), sort=False)
    for _, rows in sorted(reasons, key=lambda reason: -len(reason[1])):
        first = rows.iloc[0]
        where = first["traceback"] if isinstance(first["traceback"], str) else f"run {first['run']}"
        console.print(f"  {len(rows)} × {escape(first['error'])}  [dim]({where})[/]", highlight=False)
