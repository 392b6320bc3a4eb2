"""Ridge regression whose penalty and noise are the most probable ones."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.solvers.evidence import Evidence, Marginal
from genmlip.training.solvers.maximise import Maximum, maximise
from genmlip.training.solvers.posterior import Posterior
from genmlip.training.solvers.ridge import GCVRidge
from genmlip.training.solvers.solution import ConvergenceWarning, Solution, warn_if_interpolating
from genmlip.training.solvers.spectrum import Spectrum
from genmlip.training.streamed_qr import ReducedSystem

if TYPE_CHECKING:
    from genmlip.training.solvers.ard import ARD


NOISY = (0.1, 0.5, 1.0)
"""Of the labels' root mean square: noise to begin with where equations are fewer than functions."""
FLAT = 0.01
"""Of ln p: maxima that differ less are equally good."""
ROUNDING = 1e-10
"""Noise over the labels' root mean square; labels that are fitted so well have none, and no maximum."""


@dataclass(frozen=True)
class BayesianRidge:
    """Maximises the evidence over the noise σ and the common size of the coefficients Γ c.

    With ``separate_noise`` energies, forces and virials have each their own σ_t. How they are weighted
    against each other then does not matter, since what is fitted is y_t / σ_t; weights within a kind (of
    groups, of configurations) still count. This is right where the labels are noisy, and wrong where the
    model is too rigid for them: then errors of forces in one configuration are correlated, a hundred of them
    outvote its energy, and the energies are called noise. Hence the default, one σ for all weighted rows.

    For the same reason the posterior is too narrow where the model's rigidity is what is left unexplained.

    Where there are fewer equations than functions, noise and interpolation may be equally probable. A
    ConvergenceWarning says if no equation is left to estimate the noise from, or if the search did not end
    at a maximum.

    tolerance : of ln σ and ln α, in units of their statistical error
    max_iterations : of L-BFGS
    """

    separate_noise: bool = False
    tolerance: float = 1e-3
    max_iterations: int = 200

    def __post_init__(self) -> None:
        check_search(self)

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        evidence = Evidence.of(system, prior, self.separate_noise)
        found = common_precision(evidence, system, prior, self.tolerance, self.max_iterations)
        coefficients, factor = found.marginal.mean / prior, found.marginal.factor / prior[:, None]
        return solution(self, found, system, prior, coefficients, factor, {})


def common_precision(
    evidence: Evidence, system: ReducedSystem, prior: Array, tolerance: float, iterations: int
) -> Maximum:
    """The maximum with one precision for all functions, searched from the residuals of a ridge solution.

    With fewer equations than functions these may be zero, and there the evidence is flat: interpolation is
    as probable with any smaller noise. So the search begins with noisier labels too, and the best end counts.
    """
    d = prior * GCVRidge().minimum(system, prior).coefficients
    alone = evidence.residuals(np.zeros_like(d))
    size = float(alone.max()) or 1.0
    noise = np.maximum(evidence.residuals(d), 1e-9 * size)
    precision = 1.0 / float(np.mean(d**2)) if d.any() else 1.0
    groups = np.zeros(len(d), dtype=np.int64)
    found = maximise(evidence, noise, np.array([precision]), groups, tolerance, iterations)
    if system.n_rows > system.n_columns:
        return found
    for share in NOISY:
        noise = np.maximum(share * alone, 1e-9 * size)
        other = maximise(evidence, noise, np.array([precision]), groups, tolerance, iterations)
        if other.marginal.logarithm > found.marginal.logarithm + FLAT:
            found = other
    return found


def solution(
    solver: BayesianRidge | ARD,
    found: Maximum,
    system: ReducedSystem,
    prior: Array,
    coefficients: Array,
    factor: Array,
    details: dict[str, Any],
) -> Solution:
    """What the maximum says, as solvers return it; warns where it is none."""
    marginal = found.marginal
    warn_of_doubts(solver, found, len(prior))
    noise = dict(zip(marginal.evidence.triangles, marginal.noise.tolist(), strict=True))
    search = {
        "iterations": found.iterations,
        "converged": found.converged,
        "left_for_noise": left_for_noise(marginal),
    }
    return Solution(
        coefficients,
        system.loss(coefficients),
        Spectrum.of(system, prior).condition,
        float(marginal.determined.sum()),
        {"log_evidence": marginal.logarithm, **search, **details},
        Posterior(factor, noise),
    )


def left_for_noise(marginal: Marginal) -> float:
    """Equations left to estimate the noise from: Σ_t ‖A_t c − y_t‖² / σ_t², at a maximum n − Σγ."""
    residuals = marginal.evidence.residuals(marginal.mean)
    return float((marginal.evidence.n_rows * (residuals / marginal.noise) ** 2).sum())


def warn_of_doubts(solver: BayesianRidge | ARD, found: Maximum, n_columns: int) -> None:
    """A ConvergenceWarning where the search did not end at a maximum, or at one that means nothing."""
    name, marginal, evidence = type(solver).__name__, found.marginal, found.marginal.evidence
    rms = evidence.residuals(np.zeros(evidence.n_columns))
    if not rms.all():  # labels of zero have no noise
        return
    if found.converged:
        warn_if_interpolating(name, left_for_noise(marginal), evidence.n_rows.sum(), n_columns)
    elif (marginal.noise > ROUNDING * rms).all():
        remedy = "raise max_iterations" if found.exhausted else "it got stuck there: take a larger tolerance"
        warnings.warn(
            f"{name} has not found the most probable noise and penalty in {found.iterations} iterations: the "
            f"slope of the evidence is {found.slope:.2g} instead of {solver.tolerance:.2g}; "
            f"{remedy}, or use Ridge",
            ConvergenceWarning,
            stacklevel=4,
        )


def check_search(solver: Any) -> None:
    """Raise InputError for settings under which no search can end or begin."""
    if not (np.isfinite(solver.tolerance) and solver.tolerance > 0 and solver.max_iterations >= 1):
        raise InputError(f"{type(solver).__name__} needs tolerance > 0 and max_iterations ≥ 1, got {solver}")
