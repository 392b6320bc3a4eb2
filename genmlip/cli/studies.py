"""``genmlip demo``, ``genmlip study`` and ``genmlip figures``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genmlip.cli.arguments import Force, OutFolder, Workers
from genmlip.cli.output import messages, show_rows
from genmlip.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Resume = Annotated[bool, typer.Option("--resume", help="Continue the study that is in the folder.")]
SUMMARY = 40  # rows of a table that are printed; the file has them all


def study(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name in experiments/, or the path of a .py file.")
    ],
    preset: Annotated[
        str, typer.Option(metavar="quick|paper", help="Which of its parameter sets.")
    ] = "quick",
    out: OutFolder = None,
    workers: Workers = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use the workers of this Dask scheduler instead.")
    ] = None,
    resume: Resume = False,
    retry: Annotated[bool, typer.Option("--retry", help="With --resume: do failed runs again.")] = False,
    force: Force = False,
) -> None:
    """Carry out a study; the folder (default: results/NAME) then holds one table with a row per run.

    A killed study continues with --resume. A NAME is a file in ./experiments/ or shipped with genmlip.

    Example: genmlip study training_cell_size --preset quick --workers 4
    """
    from genmlip.studies import Study
    from genmlip.studies.cluster import DaskCluster
    from genmlip.studies.declaration import find_declaration, load_declaration
    from genmlip.studies.progress import ProgressBar, show_failures
    from genmlip.studies.table import RESULTS
    from genmlip.studies.workers import Executor, LocalProcesses

    if scheduler is not None and workers is not None:
        raise InputError("--workers and --scheduler exclude each other")
    path = find_declaration(name)
    declared = getattr(load_declaration(path), "study", None)
    if not isinstance(declared, Study):
        raise InputError(f"{path} declares no study (it needs a line: study = Study(...))")
    executor: Executor = LocalProcesses(workers or os.cpu_count() or 1, path)
    if scheduler is not None:
        executor = DaskCluster(scheduler, path)
    folder = out or RESULTS / path.stem
    console = messages()
    table = declared.execute(
        folder,
        name=path.stem,
        preset=preset,
        executor=executor,
        progress=ProgressBar(console),
        resume=resume,
        retry=retry,
        force=force,
    )
    _show(table)
    show_failures(table, console)
    console.print(f"{len(table)} rows in {folder / 'table.csv'}", highlight=False)


def figures(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a study.")],
    force: Force = False,
) -> None:
    """Draw the figures of a finished study from its table."""
    raise NotImplementedError


def demo() -> None:
    """Run the demo."""
    raise NotImplementedError


def _show(table: pd.DataFrame) -> None:
    """The columns that vary or are results, for a terminal."""
    from genmlip.studies.table import COLUMNS

    shown = table.drop(columns=[name for name in COLUMNS if name != "status"])
    varying = [name for name in shown if shown[name].nunique(dropna=False) > 1 or len(shown) == 1]
    rows = shown[varying].head(SUMMARY)
    show_rows(varying, rows.itertuples(index=False, name=None))
