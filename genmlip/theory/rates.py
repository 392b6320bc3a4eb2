"""Fitting of convergence and decay rates, with logarithms fitted as logarithms and an honest uncertainty.

A claim about a rate is a fitted slope with its interval on at least five points; docs/theory.md, section 8,
has the rates that theory predicts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from genmlip._types import Array
from genmlip.errors import InputError

MINIMUM_POINTS = 5


@dataclass(frozen=True)
class RateFit:
    """y ≈ A x^slope log(x / length)^log_power, fitted in logarithms.

    standard_error : of the slope, from the scatter about the line
    window : smallest and largest x that entered
    n_points : how many points entered
    residual : root mean square of log y about the line
    """

    slope: float
    standard_error: float
    log_prefactor: float
    log_power: float
    length: float
    window: tuple[float, float]
    n_points: int
    residual: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Confidence interval of the slope (Student's t with n − 2 degrees of freedom)."""
        half = float(stats.t.ppf(0.5 * (1 + confidence), self.n_points - 2)) * self.standard_error
        return self.slope - half, self.slope + half

    def contains(self, slope: float, confidence: float = 0.95) -> bool:
        """Whether ``slope`` lies inside the interval."""
        low, high = self.interval(confidence)
        return low <= slope <= high

    def predict(self, x: ArrayLike) -> Array:
        """The fitted law at ``x``."""
        points = np.asarray(x, dtype=float)
        logs = self.log_power * np.log(np.log(points / self.length)) if self.log_power else 0.0
        return np.exp(self.log_prefactor + self.slope * np.log(points) + logs)

    def __str__(self) -> str:
        low, high = self.interval()
        log = f" · log^{self.log_power:g}" if self.log_power else ""
        return (
            f"x^({self.slope:.2f}){log}, 95 % in [{low:.2f}, {high:.2f}], {self.n_points} points "
            f"in [{self.window[0]:.3g}, {self.window[1]:.3g}]"
        )


def fit_rate(
    x: ArrayLike,
    y: ArrayLike,
    *,
    log_power: float = 0.0,
    length: float = 1.0,
    window: tuple[float, float] | None = None,
) -> RateFit:
    """Fit y ≈ A x^s log(x / length)^q for A and s by least squares in logarithms; q = ``log_power`` is given.

    x, y : (n,) positive; points outside ``window`` are left out
    Raises InputError for fewer than five points, for values that are not positive and finite, and for
    x ≤ ``length`` where a logarithm is asked for.
    """
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if xs.ndim != 1 or xs.shape != ys.shape:
        raise InputError(
            f"x and y must be one-dimensional and of equal length, got {xs.shape} and {ys.shape}"
        )
    if window is not None:
        inside = (xs >= window[0]) & (xs <= window[1])
        xs, ys = xs[inside], ys[inside]
    if len(np.unique(xs)) < MINIMUM_POINTS:
        raise InputError(f"a rate needs at least {MINIMUM_POINTS} different x, got {len(np.unique(xs))}")
    if not (np.isfinite(xs).all() and np.isfinite(ys).all() and (xs > 0).all() and (ys > 0).all()):
        raise InputError("a rate is fitted in logarithms: x and y must be positive and finite")
    if log_power and (xs <= length).any():
        raise InputError(f"a logarithmic factor log(x / {length:g}) needs every x above {length:g}")
    target = np.log(ys) - (log_power * np.log(np.log(xs / length)) if log_power else 0.0)
    line = stats.linregress(np.log(xs), target)
    residuals = target - line.intercept - line.slope * np.log(xs)
    return RateFit(
        slope=float(line.slope),
        standard_error=float(line.stderr),
        log_prefactor=float(line.intercept),
        log_power=log_power,
        length=length,
        window=(float(xs.min()), float(xs.max())),
        n_points=len(xs),
        residual=float(np.sqrt(np.mean(residuals**2))),
    )
