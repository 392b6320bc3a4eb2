"""A study: which runs there are. Carrying them out is left to an executor, keeping them to the folder."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import closing
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmlip.errors import InputError, UnknownNameError
from genmlip.studies.folder import StudyFolder
from genmlip.studies.parameters import Parameters
from genmlip.studies.progress import Progress, SilentProgress
from genmlip.studies.runs import Run, make_run, run_id
from genmlip.studies.table import read_table
from genmlip.studies.workers import Executor, InProcess

if TYPE_CHECKING:
    import pandas as pd


class Study:
    """Runs of one kind over parameter sets.

    runs : parameter sets of the whole study (preset "paper"); see :func:`~genmlip.studies.grid`
    quick : a small selection that shows the trend in minutes (preset "quick"); without it, ``runs``
    kind : the frozen dataclass that is one run; by default a generalisation run
    common : parameters shared by all runs; a parameter set may override them

    Raises InputError for parameters that the kind of run refuses, before anything is computed.
    """

    def __init__(
        self,
        runs: Iterable[Parameters],
        quick: Iterable[Parameters] | None = None,
        kind: type[Run] | None = None,
        **common: Any,
    ) -> None:
        if kind is None:
            from genmlip.studies.generalisation import Generalisation

            kind = Generalisation
        self.kind = kind
        paper = self._make(runs, common)
        self.presets: Mapping[str, Sequence[Run]] = {
            "quick": paper if quick is None else self._make(quick, common),
            "paper": paper,
        }

    def runs(self, preset: str = "paper") -> Sequence[Run]:
        """The runs of a preset, each once. Raises InputError where :meth:`only` has left none."""
        if preset not in self.presets:
            raise UnknownNameError("preset", preset, self.presets)
        if not self.presets[preset]:
            raise InputError(f"no run of the preset {preset} has the parameters asked for")
        return self.presets[preset]

    def changed(self, **parameters: Any) -> Study:
        """The same study with these parameters in all of its runs, such as another reference.

        Raises InputError for parameters that the kind of run does not have or refuses.
        """
        self._check_known(parameters)
        other = copy(self)
        other.presets = {
            name: _each_once(replace(run, **parameters) for run in runs)
            for name, runs in self.presets.items()
        }
        return other

    def only(self, wanted: Mapping[str, Collection[str]]) -> Study:
        """The part of the study whose parameters have one of the values given for them, as text.

        Raises InputError for parameters that the kind of run does not have, and for values that no run has.
        """
        self._check_known(wanted)
        for key, texts in wanted.items():
            known = {_text(getattr(run, key)) for runs in self.presets.values() for run in runs}
            for text in texts:
                if text not in known:
                    raise UnknownNameError(f"value of {key}", text, known)
        other = copy(self)
        other.presets = {
            name: [run for run in runs if all(_text(getattr(run, key)) in wanted[key] for key in wanted)]
            for name, runs in self.presets.items()
        }
        return other

    def execute(
        self,
        out: str | Path,
        *,
        name: str = "study",
        preset: str = "paper",
        executor: Executor | None = None,
        progress: Progress | None = None,
        resume: bool = False,
        retry: bool = False,
        force: bool = False,
    ) -> pd.DataFrame:
        """Carry out what is not yet done and return the table; failed runs are rows with the reason.

        resume : continue in a folder that holds this study; with ``retry`` failed runs are done again
        force : start over in a folder that is not empty; with ``resume``, continue although parameters differ
        """
        runs, folder = self.runs(preset), StudyFolder(Path(out))
        progress = progress or SilentProgress()
        with folder.opened(name, runs, resume, force):
            done = folder.finished(retry)
            todo = [run for run in runs if run_id(run) not in done]
            try:
                with (
                    progress.of(name, total=len(runs), done=len(runs) - len(todo)),
                    closing((executor or InProcess())(todo, folder.cache)) as outcomes,
                ):
                    for outcome in outcomes:
                        folder.record(outcome)
                        progress.advance(outcome)
            finally:
                folder.write_table()
        return read_table(folder.path)

    def main(self, arguments: Sequence[str] | None = None) -> None:
        """Entry point of a declaration that is run as a script; the options of ``genmlip study``."""
        from genmlip.cli import main

        script = getattr(sys.modules["__main__"], "__file__", None)
        if script is None:
            raise InputError(
                "study.main() is for files that are run as scripts; call study.execute(out) instead"
            )
        main(["study", str(script), *(sys.argv[1:] if arguments is None else arguments)])

    def _check_known(self, parameters: Iterable[str]) -> None:
        known = self.kind.__dataclass_fields__
        if unknown := [name for name in parameters if name not in known]:
            raise InputError(
                f"the runs of this study have no parameter {', '.join(unknown)}; known: {', '.join(known)}"
            )

    def _make(self, parameter_sets: Iterable[Parameters], common: Mapping[str, Any]) -> Sequence[Run]:
        runs = [make_run(self.kind, {**common, **parameters}) for parameters in parameter_sets]
        if not runs:
            raise InputError("a study needs at least one run")
        return _each_once(runs)


def _each_once(runs: Iterable[Run]) -> Sequence[Run]:
    return list({run_id(run): run for run in runs}.values())


def _text(value: object) -> str:
    """As one writes it: whole numbers without a point."""
    return f"{value:g}" if isinstance(value, float) else str(value)
