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


def growth_of_squares(rows: pd.DataFrame, error: pd.Series) -> tuple[float, float, int]:
    """g of error² = a + g log R + c/R, half its 95 % interval (Å²), and the number of points that entered.

    c/R is what the error of the core, whose strain falls like r⁻², the boundary and constants that still
    change with the strain leave behind (docs/theory.md, section 12); with few radii it is left out. One
    potential at a time, of those that have all radii; the interval is Student's over the potentials, or that
    of the regression for a single one.
    """
    rows = rows.assign(square=error.astype(float) ** 2)
    rows = rows.loc[np.isfinite(rows["square"])]
    radii = np.unique(rows["radius"].to_numpy(dtype=float))
    columns = [np.ones_like(radii), np.log(radii), 1 / radii]
    X = np.column_stack(columns[: 3 if len(radii) >= MINIMUM_POINTS else 2])
    if len(radii) <= X.shape[1]:
        return np.nan, np.nan, 0
    curve = [name for name in ("cell", "degree", "seed") if name in rows]
    slopes, half = [], np.nan
    for _, own in rows.groupby(curve) if curve else [("", rows)]:
        y = own.groupby("radius")["square"].mean()
        if len(y) < len(radii):
            continue
        solution, freedom = np.linalg.lstsq(X, y, rcond=None)[0], len(radii) - X.shape[1]
        slopes.append(float(solution[1]))
        misfit = y - X @ solution
        error_of_slope = np.sqrt(np.linalg.inv(X.T @ X)[1, 1] * float(misfit @ misfit) / freedom)
        half = float(stats.t.ppf(0.5 * (1 + CONFIDENCE), freedom) * error_of_slope)
    if (n := len(slopes)) > 1:
        half = float(stats.t.ppf(0.5 * (1 + CONFIDENCE), n - 1) * np.std(slopes, ddof=1) / np.sqrt(n))
    return (float(np.mean(slopes)) if slopes else np.nan), half, n * len(radii)
