"""The main job, small: tungsten's ½⟨111⟩ screw and potentials fitted to bulk cells, with and without virials.

Without virials, what the cells say about the elastic constants comes from the energies of the few strained
ones and from force constants that are folded over the periodic images as long as the cell is small.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from genmlip.studies.figures import draw_all
from genmlip.studies.folder import StudyFolder
from genmlip.studies.generalisation import Generalisation
from genmlip.studies.parameters import grid
from genmlip.studies.progress import Progress, check_that_some_finished
from genmlip.studies.study import Study
from genmlip.studies.workers import Executor

if TYPE_CHECKING:
    import pandas as pd

DEMO = Study(grid(cell=[1, 2, 3, 4, 5], observations=["EF", "EFV"], seed=range(3)), radius=40.0)

TINY = Study(grid(cell=[2, 3], observations=["EF", "EFV"]), radius=12.0, atoms=300, order=2, degree="40,8")
"""The whole path in seconds, for a test; its numbers mean nothing."""


@dataclass(frozen=True)
class DemoResult:
    """The table, and the files that were written beside it."""

    table: pd.DataFrame
    report: Path
    figures: list[Path]


def run_demo(
    out: str | Path,
    executor: Executor | None = None,
    progress: Progress | None = None,
    *,
    tiny: bool = False,
    resume: bool = False,
    force: bool = False,
) -> DemoResult:
    """Carry out the study, draw its figures and write report.html, all in ``out``.

    Raises NoRunFinishedError where every run failed.
    """
    study, folder = TINY if tiny else DEMO, Path(out)
    table = study.execute(
        folder, name="demo", executor=executor, progress=progress, resume=resume, retry=resume, force=force
    )
    check_that_some_finished(table, folder)
    return DemoResult(table, *_tell(study, folder, table))


def _tell(study: Study, folder: Path, table: pd.DataFrame) -> tuple[Path, list[Path]]:
    """report.html and figures/ from the table and the reference's equilibrium."""
    from genmlip import report

    first = cast(Generalisation, study.runs()[0])
    equilibrium = first.equilibrium(StudyFolder(folder).cache)
    record = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    page = report.write_report(folder, table, equilibrium, _parameters(table), record["history"][-1])
    figures = draw_all(folder)
    for draw in (report.decay, report.differential_displacement):
        figures += report.save(draw(equilibrium), folder / "figures" / draw.__name__)
    return page, figures


def _parameters(table: pd.DataFrame) -> dict[str, Any]:
    """What was asked for: one value, or the list of those that vary."""
    names = list(Generalisation.__dataclass_fields__)
    values = {name: list(dict.fromkeys(table[name])) for name in names}
    return {name: found if len(found) > 1 else found[0] for name, found in values.items()}
