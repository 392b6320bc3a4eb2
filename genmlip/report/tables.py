"""Reading a study's table for a figure: which rows finished, and their spread over the seeds.

The columns that figures know (one row per run):

==================== ============================================================================
reference            specification of the reference potential
dislocation          name in the catalogue, or ``vacancy``
radius               Å, radius of the region that relaxes
cell                 edge of the periodic training cells in cubic unit cells
observations         what was fitted: letters of E (energies), F (forces), V (virials)
seed                 of the random training displacements and strains
geometry_error       ‖D(w̄ − ū)‖, Å, both potentials in the reference's predictor
geometry_error_far   its part outside the core (10 Å)
geometry_error_own   geometry_error, each potential in its own predictor
energy_error         eV per line period, in the reference's predictor
delta_C_rel          ‖C̃ − C‖ / ‖C‖
force_rmse_core      eV/Å, forces of the fit on the reference's equilibrium near the core
estimate             a-posteriori estimate of the geometry error, Å
effectivity          estimate / geometry_error
candidate_stable     whether the fit's perfect crystal is stable
status, error        ``ok``, or ``failed`` and why
==================== ============================================================================
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from genmlip._types import Array, IntArray
from genmlip.errors import InputError

SETTINGS = (
    "reference", "boundary", "atoms", "displacements", "strain", "n_strained", "order", "degree", "cutoff",
    "solver", "virial_weight",
)  # fmt: skip
GROUPS = ("dislocation", "radius", "cell", *SETTINGS)


class NothingToDrawError(InputError):
    """The table holds no row that a figure could show."""


def require(table: pd.DataFrame, *columns: str) -> None:
    """Raise InputError naming the columns that ``table`` lacks."""
    missing = [name for name in columns if name not in table]
    if missing:
        raise NothingToDrawError(
            f"the table has no column {', '.join(missing)} (it has: {', '.join(map(str, table.columns))})"
        )


def failed(table: pd.DataFrame) -> pd.Series:
    """(rows,) bool: the run recorded an error, or a status other than ok."""
    bad = pd.Series(False, index=table.index)
    if "error" in table:
        text = table["error"].astype("string").fillna("").str.strip()
        bad |= text != ""
    if "status" in table:
        bad |= table["status"] != "ok"
    return bad


def unstable(table: pd.DataFrame) -> pd.Series:
    """(rows,) bool: the run failed because the fit's perfect crystal is not stable."""
    if "candidate_stable" not in table:
        return pd.Series(False, index=table.index)
    return failed(table) & (table["candidate_stable"].astype("boolean") == False).fillna(False)  # noqa: E712


def geometric_mean(values: pd.Series) -> float:
    """Of the magnitudes of all finite values but zero; NaN where there is none.

    The mean of every error here: those of a few seeds have long tails, and ratios are what counts.
    """
    magnitudes = pd.to_numeric(values, errors="coerce").astype(float).abs()
    magnitudes = magnitudes[np.isfinite(magnitudes) & (magnitudes > 0)]
    return float(np.exp(np.log(magnitudes).mean())) if len(magnitudes) else np.nan


def drawable(table: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """The rows that finished and whose ``columns`` are positive and finite, energies by absolute value.

    Raises NothingToDrawError where no row is left.
    """
    require(table, *columns)
    rows = table.loc[~failed(table)].copy()
    keep = pd.Series(True, index=rows.index)
    for name in columns:
        values = pd.to_numeric(rows[name], errors="coerce").astype(float)
        rows[name] = values.abs() if name == "energy_error" else values
        keep &= np.isfinite(rows[name]) & (rows[name] > 0)
    rows = rows.loc[keep]
    if rows.empty:
        raise NothingToDrawError(f"no run finished with positive {', '.join(columns)}")
    return with_groups(rows)


def with_groups(rows: pd.DataFrame) -> pd.DataFrame:
    """Add the columns ``dislocation`` and ``observations``, empty, where a table has none."""
    missing = {name: "" for name in ("dislocation", "observations") if name not in rows}
    return rows.assign(**missing) if missing else rows


def at_largest_radius(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with the largest radius of each dislocation; all rows where a table has no radius."""
    if "radius" not in rows:
        return rows
    rows = with_groups(rows)
    return rows.loc[rows["radius"] == rows.groupby("dislocation")["radius"].transform("max")]


def varying_settings(rows: pd.DataFrame) -> list[str]:
    """Those settings beside dislocation, radius and cell that take more than one value for a dislocation."""
    known = [name for name in SETTINGS if name in rows]
    groups = with_groups(rows).groupby("dislocation")
    return [name for name in known if (groups[name].nunique(dropna=False) > 1).any()]


@dataclass(frozen=True)
class Spread:
    """Geometric mean and range over the seeds at every x."""

    x: Array
    centre: Array
    low: Array
    high: Array
    count: IntArray

    @property
    def bars(self) -> Array:
        """(2, n) distances from the centre to the range's ends, as matplotlib's errorbar takes them."""
        return np.maximum(np.array([self.centre - self.low, self.high - self.centre]), 0.0)


def spread(rows: pd.DataFrame, x: str, y: str) -> Spread:
    """Group the positive ``y`` by ``x``."""
    groups = rows.groupby(x)[y]
    summary = groups.agg(["min", "max", "count"])
    centre = groups.agg(geometric_mean)
    return Spread(
        x=summary.index.to_numpy(float),
        centre=centre.to_numpy(float),
        low=summary["min"].to_numpy(float),
        high=summary["max"].to_numpy(float),
        count=summary["count"].to_numpy(np.int64),
    )
