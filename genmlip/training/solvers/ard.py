"""Automatic relevance determination: one precision per function, so that functions drop out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genmlip._types import Array
from genmlip.training.solvers.bayesian_ridge import check_search, common_precision, solution
from genmlip.training.solvers.evidence import Evidence
from genmlip.training.solvers.maximise import maximise
from genmlip.training.solvers.solution import Solution
from genmlip.training.streamed_qr import ReducedSystem

MOST_ROUNDS = 20
"""Of leaving functions out and searching again; mostly two to four are enough."""

SETTLED = 0.01
"""Rise of ln p(y) that moving the α_k one by one still promises, at which the search ends."""


@dataclass(frozen=True)
class ARD:
    """Maximises the evidence over the noise and one precision α_k per function, which many do not survive.

    All α_k are searched together by L-BFGS, from the common precision of :class:`BayesianRidge`, so the
    prior Γ says which functions are doubted first. Then the functions leave whose own α_k is best infinite
    (:attr:`Marginal.best_precision`), their coefficients being zero; others that had gone too far come back,
    and the search goes on until nothing changes. The evidence has many maxima; this is one near that start.

    separate_noise, tolerance, max_iterations : as in :class:`BayesianRidge`
    """

    separate_noise: bool = False
    tolerance: float = 1e-2
    max_iterations: int = 500

    def __post_init__(self) -> None:
        check_search(self)

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        evidence = Evidence.of(system, prior, self.separate_noise)
        found = common_precision(evidence, system, prior, self.tolerance, self.max_iterations)
        iterations, active, precision = found.iterations, np.arange(len(prior)), found.marginal.precision
        for left in reversed(range(MOST_ROUNDS)):
            found = maximise(
                evidence, found.marginal.noise, precision, np.arange(len(active)),
                self.tolerance, self.max_iterations,
            )  # fmt: skip
            iterations += found.iterations
            best = found.marginal.best_precision
            relevant = np.isfinite(best)
            settled = relevant.all() and found.marginal.gain.sum() < SETTLED
            if settled or not relevant.any() or left == 0:
                break
            if not relevant.all():
                evidence, active = evidence.restricted(relevant), active[relevant]
            precision = best[relevant]
        marginal = found.marginal
        coefficients, factor = np.zeros(len(prior)), np.zeros((len(prior), len(active)))
        coefficients[active] = marginal.mean / prior[active]
        factor[active] = marginal.factor / prior[active, None]
        details = {"functions": len(active), "iterations": iterations}
        return solution(self, found, system, prior, coefficients, factor, details)
