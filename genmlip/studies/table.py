"""One tidy table: a row per run, parameters and results side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmlip.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

RESULTS = Path("results")
COLUMNS = ("status", "wall_s", "error_type", "error", "traceback", "run")
"""The columns of every table beside parameters and results."""


def read_table(study: str | Path) -> pd.DataFrame:
    """The table of a study: its folder, a folder's name in ``results/``, or a table file (.csv, .parquet).

    A folder is read run by run, so the table is complete even while the study goes on or after it was killed.

    Raises InputError where there is no such table.
    """
    import pandas as pd

    for path in (Path(study), RESULTS / study):
        if path.suffix == ".parquet" and path.is_file():
            return pd.read_parquet(path)
        if path.suffix == ".csv" and path.is_file():
            return pd.read_csv(path)
        if (path / "study.json").is_file():
            return tidy(read_rows(path))
    raise InputError(
        f"no study or table at {study} (nor in {RESULTS}/): give a study's folder or a table file"
    )


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of a study that finished, successfully or not, in the order in which it declares them."""
    study = json.loads((folder / "study.json").read_text(encoding="utf-8"))
    paths = (folder / "rows" / f"{run['run']}.json" for run in study["runs"])
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths if path.exists()]


def tidy(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Rows as written by the study → one flat table: parameters, results, then how the run went."""
    import pandas as pd

    return pd.DataFrame([_flat(row) for row in rows]).infer_objects()


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: _cell(value) for name, value in row["parameters"].items()}
    flat |= row["results"]
    return flat | {name: row[name] for name in COLUMNS}


def _cell(value: Any) -> Any:
    """A scalar: lists as words, mappings as JSON."""
    if isinstance(value, Mapping):
        return json.dumps(value, sort_keys=True)
    return " ".join(map(str, value)) if isinstance(value, list) else value
