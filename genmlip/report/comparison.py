"""What virials do to a quantity, measured in pairs: two fits to the same training cells, one without virials.

Fits to the same cells err together, so their ratio scatters far less than either of them; a mean of ratios is
geometric, because the errors of a few seeds have long tails.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from genmlip.report.tables import GROUPS, drawable

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Gain:
    """Error without virials over the error with them.

    ratio : geometric mean over the pairs
    low, high : 95 % interval of it (Student's t of the logarithms); NaN for a single pair
    won : pairs in which virials made the error smaller
    pairs : how many there are
    """

    ratio: float
    low: float
    high: float
    won: int
    pairs: int

    @classmethod
    def of(cls, logs: pd.Series) -> Gain:
        """From the logarithms of the ratios."""
        count, mean = len(logs), float(logs.mean())
        half = np.nan
        if count > 1:
            quantile = stats.t.ppf(0.5 * (1 + CONFIDENCE), count - 1)
            half = float(quantile * logs.std(ddof=1) / np.sqrt(count))
        low, high = np.exp([mean - half, mean + half])
        return cls(float(np.exp(mean)), float(low), float(high), int((logs > 0).sum()), count)

    @property
    def separated(self) -> bool:
        """Whether the interval excludes 'no difference'; never so for a single pair."""
        return self.low > 1.0 or self.high < 1.0


def compare_observations(
    table: pd.DataFrame, quantity: str, without: str = "EF", with_virials: str = "EFV"
) -> pd.DataFrame:
    """What virials do to ``quantity`` in every setting that has pairs, one row per setting.

    Columns: the groups (dislocation, radius, cell, …) and those of :class:`Gain`, with ``separated``.
    """
    logs = log_ratios(table, quantity, without, with_virials)
    keys = [name for name in GROUPS if name in logs]
    rows = []
    for setting, own in logs.groupby(keys, dropna=False):
        found = Gain.of(own["log_ratio"])
        rows.append({**dict(zip(keys, setting, strict=True)), **vars(found), "separated": found.separated})
    return pd.DataFrame(rows)


def overall_gain(
    table: pd.DataFrame, quantity: str, without: str = "EF", with_virials: str = "EFV"
) -> Gain | None:
    """The same over all pairs of the table, whatever their setting; None where there is no pair."""
    logs = log_ratios(table, quantity, without, with_virials)["log_ratio"]
    return Gain.of(logs) if len(logs) else None


def log_ratios(table: pd.DataFrame, quantity: str, without: str, with_virials: str) -> pd.DataFrame:
    """log(error without virials / error with them) per pair: the groups, ``seed`` and ``log_ratio``."""
    rows = drawable(table, quantity)
    keys = [name for name in (*GROUPS, "seed") if name in rows]
    rows = rows.loc[rows["observations"].isin([without, with_virials])]
    logs = np.log(rows[quantity]).groupby([rows[name] for name in (*keys, "observations")], dropna=False)
    pairs = logs.mean().unstack("observations").reindex(columns=[without, with_virials]).dropna()
    return (pairs[without] - pairs[with_virials]).rename("log_ratio").reset_index()
