"""Chosen training cells against usual ones, in pairs of equal seed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from genmlip.report.comparison import Gain
from genmlip.report.tables import NothingToDrawError, drawable, require

USUAL = "bulk L = 2"
CHOSEN = "plausible references"
NAMES = {
    "random": "random from the pool",
    "quadrupole": "quadrupoles of the target",
    "posterior": "A-optimal",
    "plausible": CHOSEN,
}
WEIGHTS = {"fixed": "", "evidence": ", weights by evidence", "goal": ", weights for the goal"}


def selection_gains(table: pd.DataFrame, quantity: str = "geometry_error") -> pd.DataFrame:
    """Error of the usual training set over that of every other way to train, in pairs of equal seed.

    One row per reference, power, target, way and dislocation with the columns of
    :class:`~genmlip.report.comparison.Gain`, and ``held_out``: whether the target is another dislocation.
    """
    require(table, "cells", "weights", "target", "bulk_size", "power")
    rows = drawable(table, quantity)
    common = rows["richer"].mode()[0] if "richer" in rows else None
    rows = rows.assign(way=[_way(row, common) for _, row in rows.iterrows()])
    keys = ["reference", "power", "target", "dislocation"]
    found = []
    for setting, own in rows.groupby(keys):
        logs = np.log(own.pivot_table(index="seed", columns="way", values=quantity))
        if USUAL not in logs:
            continue
        for way in logs.columns.drop(USUAL):
            ratios = (logs[USUAL] - logs[way]).dropna()
            if len(ratios):
                found.append({**dict(zip(keys, setting, strict=True)), "way": way, **vars(Gain.of(ratios))})
    if not found:
        raise NothingToDrawError("no way to train has the usual one beside it")
    gains = pd.DataFrame(found)
    held_out = [d not in t.split("+") for d, t in zip(gains["dislocation"], gains["target"], strict=True)]
    return gains.assign(held_out=held_out)


def _way(row: pd.Series, common: str | None) -> str:
    """How a row's potential was trained, in words; ``common`` is the richer basis that need not be said."""
    cells = f"bulk L = {row['bulk_size']:g}" if row["cells"] == "bulk" else NAMES[row["cells"]]
    other = row["cells"] == "plausible" and common is not None and row["richer"] != common
    return cells + (f", richer {row['richer']}" if other else "") + WEIGHTS[row["weights"]]
