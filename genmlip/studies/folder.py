"""The folder of a study: what was declared, the rows that finished, tracebacks, the cache and the table."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from genmlip._files import create_atomically, write_atomically
from genmlip.errors import InputError
from genmlip.studies.cache import Cache
from genmlip.studies.locks import locked
from genmlip.studies.parameters import SCHEMA, Parameters
from genmlip.studies.runs import Outcome, Run, parameters_of, run_id
from genmlip.studies.table import read_rows, tidy

PACKAGES = ("genmlip", "numpy", "scipy", "numba", "ase", "matscipy", "pandas", "kimpy")


@dataclass(frozen=True)
class StudyFolder:
    """Layout: study.json, rows/RUN.json, tracebacks/RUN.txt, cache/, table.csv (and table.parquet).

    A row is written when its run ends and never changed; the table is made from the rows.
    """

    path: Path

    @property
    def cache(self) -> Cache:
        """What the runs of this study share."""
        return Cache(self.path / "cache")

    @contextmanager
    def opened(self, name: str, runs: Sequence[Run], resume: bool, force: bool) -> Iterator[None]:
        """Take the folder for this study: a new one, one to ``resume`` or, with ``force``, to start over in.

        Raises InputError where the folder holds something else or other parameters, or is in use.
        """
        if self.path.exists() and not self.path.is_dir():
            raise InputError(f"{self.path} is a file; choose another --out")
        occupied = self.path.is_dir() and any(entry.name != ".lock" for entry in self.path.iterdir())
        if occupied and not (resume or force):
            raise InputError(f"{self.path} is not empty: --resume continues its study, --force starts over")
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path / ".lock", busy=f"another process is running the study in {self.path}"):
            if force and not resume:
                self._clear()
            self._declare(name, runs, force)
            yield

    def finished(self, retry: bool) -> set[str]:
        """The ids of the runs that need no further work; with ``retry`` failed ones are not among them."""
        return {row["run"] for row in read_rows(self.path) if row["status"] == "ok" or not retry}

    def record(self, outcome: Outcome) -> dict[str, Any]:
        """Write the row of a run that ended (atomically); returns it."""
        row = asdict(outcome)
        details, row["traceback"] = row.pop("details"), None
        if details:
            row["traceback"] = f"tracebacks/{outcome.run}.txt"
            (self.path / "tracebacks").mkdir(exist_ok=True)
            write_atomically(self.path / row["traceback"], details)
        write_atomically(
            self.path / "rows" / f"{outcome.run}.json", json.dumps(row, allow_nan=False, indent=1)
        )
        return row

    def write_table(self) -> Path:
        """Assemble table.csv (and table.parquet where pyarrow is installed) from the rows of this study."""
        table = tidy(read_rows(self.path))
        path = self.path / "table.csv"
        create_atomically(path, lambda temporary: table.to_csv(temporary, index=False))
        if find_spec("pyarrow"):
            create_atomically(self.path / "table.parquet", table.to_parquet)
        return path

    def _clear(self) -> None:
        """Remove what a study wrote here, and nothing else."""
        for name in ("rows", "tracebacks", "cache"):
            shutil.rmtree(self.path / name, ignore_errors=True)
        for name in ("study.json", "table.csv", "table.parquet"):
            (self.path / name).unlink(missing_ok=True)

    def _declare(self, name: str, runs: Sequence[Run], force: bool) -> None:
        declared = [{"run": run_id(run), "parameters": parameters_of(run)} for run in runs]
        path = self.path / "study.json"
        history: list[dict[str, Any]] = []
        if path.exists():
            before = json.loads(path.read_text(encoding="utf-8"))
            history = before["history"]
            if {run["run"] for run in before["runs"]} != {run["run"] for run in declared} and not force:
                raise InputError(
                    f"{self.path} holds the study {before['name']!r} with other parameters"
                    f"{_difference(before['runs'], declared)}: choose another --out, "
                    f"or --resume --force to keep what fits"
                )
        elif any(entry.name != ".lock" for entry in self.path.iterdir()) and not force:
            raise InputError(f"{self.path} is not empty and holds no study: choose another --out")
        (self.path / "rows").mkdir(exist_ok=True)
        study = {
            "name": name,
            "kind": f"{type(runs[0]).__module__}:{type(runs[0]).__qualname__}",
            "schema": SCHEMA,
            "history": [*history, provenance()],
            "runs": declared,
        }
        write_atomically(path, json.dumps(study, allow_nan=False, indent=1))


def provenance() -> dict[str, Any]:
    """When, where and with which versions a study was started; enough to repeat it."""
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": os.cpu_count(),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "versions": versions,
    }


def _difference(before: Sequence[Parameters], now: Sequence[Parameters]) -> str:
    """Which parameters differ, for the message: ' (cell: 1 2 3, now 1 2)'."""
    changes = []
    for name in sorted({key for run in (*before, *now) for key in run["parameters"]}):
        old, new = ({str(run["parameters"].get(name)): None for run in runs} for runs in (before, now))
        if set(old) != set(new):
            changes.append(f"{name}: {' '.join(old)}, now {' '.join(new)}")
    return f" ({'; '.join(changes)})" if changes else ""
