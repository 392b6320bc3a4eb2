"""``genmlip demo``, ``genmlip study`` and ``genmlip figures``."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genmlip.cli.arguments import Force, OutFolder, Workers
from genmlip.cli.output import check_folder, messages, show_rows
from genmlip.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

Resume = Annotated[bool, typer.Option("--resume", help="Continue the study that is in the folder.")]
DEMO_FOLDER = Path("genmlip-demo")
SHOWN = {
    "geometry_error": "geometry Å",
    "geometry_error_far": "far Å",
    "energy_error": "energy eV",
    "delta_C_rel": "δC/C",
    "force_rmse_core": "force eV/Å",
    "effectivity": "estimate",
    "n_functions": "functions",
    "cv_energy_mae": "cv eV/atom",
    "cv_force_mae": "cv eV/Å",
    "test_energy_mae": "test eV/atom",
    "test_force_mae": "test eV/Å",
}
DEMO_RESULTS = {
    "delta_C_rel": "δC/C",
    "geometry_error_own": "own Å",
    "energy_error_own": "own eV",
    "geometry_error": "common Å",
    "geometry_error_far": "far Å",
    "effectivity": "estimate",
}
SUMMARY = 40  # rows of a table that are printed; the file has them all


def study(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A name in experiments/, or the path of a .py file.")
    ],
    preset: Annotated[
        str, typer.Option(metavar="quick|paper", help="Which of its parameter sets.")
    ] = "quick",
    out: OutFolder = None,
    reference: Annotated[
        str | None, typer.Option(metavar="POT", help="Another reference in all of its runs.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of its data sets. Default: $GENMLIP_DATA.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="Only its runs with this parameter; can be repeated."),
    ] = None,
    workers: Workers = None,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Use the workers of this Dask scheduler instead.")
    ] = None,
    resume: Resume = False,
    retry: Annotated[bool, typer.Option("--retry", help="With --resume: do failed runs again.")] = False,
    force: Force = False,
) -> None:
    """Carry out a study; the folder (default: results/NAME) then holds one table with a row per run.

    A killed study continues with --resume. Runs that fail are rows with the reason, and the exit code is 3 if
    all of them do. A NAME is a file in ./experiments/ or shipped with genmlip.

    Example: genmlip study training_cell_size --preset quick --workers 4
    """
    from genmlip.potentials import load_potential
    from genmlip.studies import Study
    from genmlip.studies.cluster import DaskCluster
    from genmlip.studies.declaration import find_declaration, load_declaration
    from genmlip.studies.progress import ProgressBar, check_that_some_finished, show_failures
    from genmlip.studies.table import RESULTS
    from genmlip.studies.workers import Executor, LocalProcesses, environment

    if scheduler is not None and workers is not None:
        raise InputError("--workers and --scheduler exclude each other")
    variables = _where_data_are(data, scheduler)
    path = find_declaration(name)
    declared = getattr(load_declaration(path), "study", None)
    if not isinstance(declared, Study):
        raise InputError(f"{path} declares no study (it needs a line: study = Study(...))")
    if reference is not None:
        load_potential(reference)  # refused here, not in every run
        declared = declared.changed(reference=reference)
    if only:
        declared = declared.only(_wanted(only))
    executor: Executor = LocalProcesses(workers or os.cpu_count() or 1, path)
    if scheduler is not None:
        executor = DaskCluster(scheduler, path)
    folder = out or RESULTS / path.stem
    console = messages()
    with environment(variables):
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
    _show(table, declared.kind.__dataclass_fields__)
    show_failures(table, console)
    console.print(f"{len(table)} rows in {folder / 'table.csv'}", highlight=False)
    check_that_some_finished(table, folder)


def _where_data_are(folder: Path | None, scheduler: str | None) -> dict[str, str]:
    """The environment in which runs find the data sets of ``folder``; worker processes inherit it."""
    from genmlip.studies.accuracy import FOLDER

    if folder is None:
        return {}
    if scheduler is not None:
        raise InputError(f"--data and --scheduler exclude each other: set {FOLDER} where the workers start")
    if not folder.is_dir():
        raise InputError(f"--data {folder}: there is no such folder")
    return {FOLDER: str(folder.resolve())}


def _wanted(texts: list[str]) -> dict[str, list[str]]:
    """Values by parameter; those of one parameter are alternatives."""
    wanted: dict[str, list[str]] = {}
    for text in texts:
        key, separator, value = text.partition("=")
        if not (key and separator):
            raise InputError(f"--only {text!r} must look like KEY=VALUE, for instance seed=0")
        wanted.setdefault(key, []).append(value)
    return wanted


def figures(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="The folder of a study, of several, or of tables NAME.csv.")
    ],
    force: Force = False,
) -> None:
    """Draw the figures of a study, of several or of tables, into figures/ (PDF and PNG).

    Beside them, answers.csv and answers.md say what the tables answer to the predictions of theory.

    Example: genmlip figures results/training_cell_size
    """
    from genmlip.studies.figures import draw_all

    check_folder(folder / "figures", force)
    for path in draw_all(folder):
        print(path)


def demo(
    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Folder for table, figures and report.")
    ] = DEMO_FOLDER,
    workers: Workers = None,
    resume: Resume = False,
    force: Force = False,
    tiny: Annotated[bool, typer.Option("--tiny", hidden=True)] = False,
) -> None:
    """The main job in a few minutes: how wrong are potentials fitted to bulk cells about tungsten's screw?

    Linear ACE potentials are fitted to periodic bulk cells of growing size L, to energies and forces (EF) and
    with virials (EFV); each then relaxes the dislocation and is compared with the potential that labelled the
    cells. Writes a table, figures and report.html.
    """
    from genmlip.report.verdict import verdict
    from genmlip.studies.demo import run_demo
    from genmlip.studies.progress import NoRunFinishedError, ProgressBar, show_failures
    from genmlip.studies.workers import LocalProcesses
    from genmlip.theory.attribution import CORE_RADIUS

    console = messages()
    executor = LocalProcesses(workers or os.cpu_count() or 1)
    try:
        done = run_demo(out, executor, ProgressBar(console), tiny=tiny, resume=resume, force=force)
    except NoRunFinishedError as error:
        show_failures(error.table, console)
        raise
    print(
        "Errors of the relaxed dislocation, geometric means over the seeds.\n"
        "own: geometry and energy with each fit in its own far field; common: in the reference's;\n"
        f"far: the part of the latter beyond {CORE_RADIUS:g} Å; estimate: predicted over true common error;\n"
        "unstable: no fit has a stable crystal.\n"
    )
    show_rows(*_summary(done.table))
    show_failures(done.table, console)
    print("", *verdict(done.table, None)[:2], sep="\n")
    print(f"\nWhat was found, in words and figures: {done.report}")


def _summary(table: pd.DataFrame) -> tuple[list[str], list[list[Any]]]:
    """Header and rows: geometric means over the seeds that finished, per cell size and observations."""
    from genmlip.report.tables import failed, geometric_mean, unstable

    header = ["L", "fitted", *DEMO_RESULTS.values(), "runs"]
    rows = []
    for (cell, observations), group in table.groupby(["cell", "observations"]):
        done = group[~failed(group)]
        means = [geometric_mean(done[name]) for name in DEMO_RESULTS]
        finished = "unstable" if unstable(group).all() else f"{len(done)} of {len(group)}"
        rows.append([cell, observations, *means, finished])
    return header, rows


def _show(table: pd.DataFrame, parameters: Iterable[str]) -> None:
    """The parameters that vary and the results that matter most; the file has all rows and columns."""
    from genmlip.studies.table import COLUMNS

    varying = [name for name in parameters if table[name].nunique(dropna=False) > 1]
    others = [name for name in table if name not in {*parameters, *COLUMNS}]
    results = [name for name in SHOWN if name in others] or others
    rows = table[[*varying, *results, "status"]].head(SUMMARY)
    show_rows(
        [*varying, *(SHOWN.get(name, name) for name in results), "status"], rows.itertuples(index=False)
    )
    if len(table) > SUMMARY:
        print(f"… and {len(table) - SUMMARY} more")
