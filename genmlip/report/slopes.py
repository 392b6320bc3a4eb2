"""Slopes of errors with 95 % intervals, where several potentials give a curve each."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy import stats

from genmlip.report.comparison import CONFIDENCE
from genmlip.theory.rates import MINIMUM_POINTS


def common_slope(x: pd.Series, y: pd.Series) -> tuple[float, float, int]:
    """Slope of y against x, half its 95 % interval, and the number of points."""
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known].astype(float), y[known].astype(float)
    x, y = x - x.mean(), y - y.mean()
    freedom = len(x) - 2
    if freedom < 1 or not (x**2).sum() > 0:
        return np.nan, np.nan, len(x)
    slope = float((x * y).sum() / (x**2).sum())
    error = np.sqrt(float(((y - slope * x) ** 2).sum()) / freedom / float((x**2).sum()))
    return slope, float(stats.t.ppf(0.5 * (1 + CONFIDENCE), freedom) * error), len(x)


def growth_of_squares(
    rows: pd.DataFrame, error: pd.Series, predicted: pd.Series
) -> tuple[float, float, float]:
    """d error² / d log R, that of ``predicted``, and half the 95 % interval of their difference, Å².

    One potential at a time, its squares regressed on 1, log R and, where there are enough radii, 1/R: by as
    much do the errors of the core, whose strain falls like r⁻², and of the far field interfere. The interval
    is Student's over the potentials, or that of the regression for a single one. Rows without either number
    are left out.
    """
    rows = rows.loc[np.isfinite(error.astype(float)) & np.isfinite(predicted.astype(float))]
    slopes, half = [], np.nan
    curve = [name for name in ("cell", "degree", "seed") if name in rows]
    for _, index in rows.groupby(curve).groups.items() if curve else [("", rows.index)]:
        R = rows.loc[index, "radius"].to_numpy(dtype=float)
        columns = [np.ones_like(R), np.log(R), 1 / R]
        X = np.column_stack(columns[: 3 if len(R) >= MINIMUM_POINTS else 2])
        if len(R) <= X.shape[1] or np.unique(R).size < X.shape[1]:
            continue
        y = np.column_stack([error.loc[index], predicted.loc[index]]).astype(float) ** 2
        solution, freedom = np.linalg.lstsq(X, y, rcond=None)[0], len(R) - X.shape[1]
        slopes.append(solution[1])
        misfit = (y - X @ solution) @ [1.0, -1.0]
        variance = np.linalg.inv(X.T @ X)[1, 1] * (misfit @ misfit) / freedom
        half = float(stats.t.ppf(0.5 * (1 + CONFIDENCE), freedom) * np.sqrt(variance))
    if not slopes:
        return np.nan, np.nan, np.nan
    found = np.array(slopes)
    if (n := len(found)) > 1:
        scatter = (found[:, 0] - found[:, 1]).std(ddof=1)
        half = float(stats.t.ppf(0.5 * (1 + CONFIDENCE), n - 1) * scatter / np.sqrt(n))
    return float(found[:, 0].mean()), float(found[:, 1].mean()), half
