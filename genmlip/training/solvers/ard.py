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


@dataclass(frozen=True)
class ARD:
    """Maximises the evidence over the noise and one precision α_k per function, which many do not survive.

    A function is relevant if, all else being equal, the evidence is largest at a finite α_k, which is where
    d̂_k² > γ_k Σ_kk (posterior mean, determinedness and variance of d = Γ c; Faul & Tipping, Adv. Neural Inf.
    Process. Syst. 14, 383, 2002). The coefficients of the others are exactly zero. The search starts from the
    common precision of :class:`BayesianRidge`, so the prior Γ says which functions are doubted first. The
    evidence has many maxima; this is the one near that start.

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
        iterations = found.iterations
        active, relevant = np.arange(len(prior)), np.ones(len(prior), dtype=bool)
        while True:
            noise, precision = found.marginal.noise, found.marginal.precision[relevant]
            functions = np.arange(len(active))
            found = maximise(evidence, noise, precision, functions, self.tolerance, self.max_iterations)
            iterations += found.iterations
            relevant = found.marginal.relevant
            if relevant.all() or not relevant.any():
                break
            evidence, active = evidence.restricted(relevant), active[relevant]
        marginal = found.marginal
        coefficients, factor = np.zeros(len(prior)), np.zeros((len(prior), len(active)))
        coefficients[active] = marginal.mean / prior[active]
        factor[active] = marginal.factor / prior[active, None]
        details = {"functions": len(active), "iterations": iterations}
        return solution(found, system, prior, coefficients, factor, details)
