"""Ridge regression whose penalty and noise are the most probable ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.solvers.evidence import Evidence
from genmlip.training.solvers.maximise import Maximum, maximise
from genmlip.training.solvers.posterior import Posterior
from genmlip.training.solvers.ridge import GCVRidge
from genmlip.training.solvers.solution import Solution
from genmlip.training.solvers.spectrum import Spectrum
from genmlip.training.streamed_qr import ReducedSystem


@dataclass(frozen=True)
class BayesianRidge:
    """Maximises the evidence over the noise σ and the common size of the coefficients Γ c.

    With ``separate_noise`` energies, forces and virials have each their own σ_t. How they are weighted
    against each other then does not matter, since what is fitted is y_t / σ_t; weights within a kind (of
    groups, of configurations) still count. This is right where the labels are noisy, and wrong where the
    model is too rigid for them: then errors of forces in one configuration are correlated, a hundred of them
    outvote its energy, and the energies are called noise. Hence the default, one σ for all weighted rows.

    For the same reason the posterior is too narrow where the model's rigidity is what is left unexplained.

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
        return solution(found, system, prior, coefficients, factor, {})


def common_precision(
    evidence: Evidence, system: ReducedSystem, prior: Array, tolerance: float, iterations: int
) -> Maximum:
    """The maximum with one precision for all functions, searched from the residuals of a ridge solution."""
    d = prior * GCVRidge().solve(system, prior).coefficients
    size = float(evidence.residuals(np.zeros_like(d)).max()) or 1.0
    noise = np.maximum(evidence.residuals(d), 1e-9 * size)
    precision = 1.0 / float(np.mean(d**2)) if d.any() else 1.0
    groups = np.zeros(len(d), dtype=np.int64)
    return maximise(evidence, noise, np.array([precision]), groups, tolerance, iterations)


def solution(
    found: Maximum,
    system: ReducedSystem,
    prior: Array,
    coefficients: Array,
    factor: Array,
    details: dict[str, Any],
) -> Solution:
    """What the maximum says, as solvers return it."""
    marginal = found.marginal
    noise = dict(zip(marginal.evidence.triangles, marginal.noise.tolist(), strict=True))
    search = {"iterations": found.iterations, "converged": found.converged}
    return Solution(
        coefficients,
        system.loss(coefficients),
        Spectrum.of(system, prior).condition,
        float(marginal.determined.sum()),
        {"log_evidence": marginal.logarithm, **search, **details},
        Posterior(factor, noise),
    )


def check_search(solver: Any) -> None:
    """Raise InputError for settings under which no search can end or begin."""
    if not (np.isfinite(solver.tolerance) and solver.tolerance > 0 and solver.max_iterations >= 1):
        raise InputError(f"{type(solver).__name__} needs tolerance > 0 and max_iterations ≥ 1, got {solver}")
