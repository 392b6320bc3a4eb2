"""Where the evidence is largest: noise per kind of observation and precisions of the coefficients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from genmlip._types import Array, IntArray
from genmlip.training.solvers.evidence import Evidence, Marginal

FAR = np.log(1e10)
"""The logarithms of σ and α stay within this distance of those to start from."""


@dataclass(frozen=True)
class Maximum:
    """The marginal where the search ended.

    iterations : of L-BFGS
    slope : largest slope of the evidence that is left, in units of ``tolerance``'s
    converged : whether it became as small as asked for
    exhausted : whether there were no iterations left; a search may also get stuck where rounding decides
    """

    marginal: Marginal
    iterations: int
    slope: float
    converged: bool
    exhausted: bool


def maximise(
    evidence: Evidence, noise: Array, precision: Array, groups: IntArray, tolerance: float, iterations: int
) -> Maximum:
    """L-BFGS-B on ln σ_t and ln α_g with the exact gradient, from ``noise`` and ``precision`` (per group).

    groups : (K,) which of the precisions belongs to function k: zeros for one in common, 0 … K − 1 for one
        each
    tolerance : largest slope, relative to √(2 n) for n equations (σ) or √(n / 2) for n functions (α), at
        which the search ends: the statistical error of an estimate is 1 in these units
    """
    n_kinds, n_groups = len(noise), len(precision)
    unit = np.sqrt(np.append(2.0 * evidence.n_rows, 0.5 * np.bincount(groups, minlength=n_groups)))
    start = unit * np.log(np.append(noise, precision))

    def at(x: Array) -> Marginal:
        values = np.exp(x / unit)
        return evidence.at(values[:n_kinds], values[n_kinds:][groups])

    def negative(x: Array) -> tuple[float, Array]:
        marginal = at(x)
        of_groups = np.zeros(n_groups)
        np.add.at(of_groups, groups, marginal.slope_of_precision)
        return -marginal.logarithm, -np.append(marginal.slope_of_noise, of_groups) / unit

    found = minimize(
        negative,
        start,
        jac=True,
        method="L-BFGS-B",
        bounds=np.column_stack([start - FAR * unit, start + FAR * unit]),
        options={"maxiter": iterations, "maxfun": 2 * iterations, "gtol": tolerance, "ftol": 0.0},
    )
    free = (found.x > start - FAR * unit) & (found.x < start + FAR * unit)
    slope = float(np.abs(found.jac[free]).max(initial=0.0))
    return Maximum(at(found.x), int(found.nit), slope, slope <= tolerance, exhausted=found.status == 1)
