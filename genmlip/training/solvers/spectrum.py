"""The singular values of R Γ⁻¹: all that solvers with one parameter need to know of a system."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.linalg import svd

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.solvers.solution import Solution
from genmlip.training.streamed_qr import ReducedSystem


@dataclass(frozen=True)
class Spectrum:
    """R Γ⁻¹ = U diag(s) Vᵀ and β = Uᵀ z; a solver is a choice of filter factors f on it."""

    s: Array
    Vt: Array
    beta: Array
    prior: Array
    outside: float
    n_rows: int

    @classmethod
    def of(cls, system: ReducedSystem, prior: Array) -> Spectrum:
        """Raises InputError unless the prior is one positive number per function."""
        prior = check_prior(system, prior)
        U, s, Vt = svd(system.R / prior, full_matrices=False)
        beta = U.T @ system.z
        outside = float(np.sum((system.z - U @ beta) ** 2)) + system.residual**2
        return cls(s, Vt, beta, prior, outside, system.n_rows)

    @cached_property
    def largest(self) -> float:
        return float(self.s.max(initial=0.0))

    @cached_property
    def condition(self) -> float:
        """Of R Γ⁻¹; infinite where it is singular within rounding."""
        n = len(self.prior)
        full_rank = self.rank(n * np.finfo(float).eps) == n > 0
        return self.largest / float(self.s.min()) if full_rank else np.inf

    def rank(self, tolerance: float) -> int:
        """Number of singular values above ``tolerance`` times the largest."""
        return int((self.s > tolerance * self.largest).sum())

    def ridge_filter(self, alpha: float) -> Array:
        """f = s² / (s² + α²)."""
        ratio = (self.s / alpha) ** 2
        return ratio / (1.0 + ratio)

    def loss(self, filters: Array) -> float:
        """‖A c − y‖²."""
        return float(np.sum(((1.0 - filters) * self.beta) ** 2)) + self.outside

    def gcv(self, alpha: float) -> float:
        """The generalised cross-validation function at ``alpha``; infinite where no equation is left over."""
        filters = self.ridge_filter(alpha)
        left = self.n_rows - float(filters.sum())
        return self.n_rows * self.loss(filters) / left**2 if left > 0.0 else np.inf

    def solution(self, filters: Array, details: dict[str, Any]) -> Solution:
        """c = Γ⁻¹ V diag(f / s) β."""
        inverse = np.divide(filters, self.s, out=np.zeros_like(filters), where=self.s > 0.0)
        coefficients = self.Vt.T @ (inverse * self.beta) / self.prior
        return Solution(coefficients, self.loss(filters), self.condition, float(filters.sum()), details)


def check_prior(system: ReducedSystem, prior: Array) -> Array:
    """The prior as an array; raises InputError unless it is one positive number per function."""
    prior = np.asarray(prior, dtype=float)
    if prior.shape != (system.n_columns,) or not (np.isfinite(prior) & (prior > 0)).all():
        raise InputError(f"the prior must hold {system.n_columns} positive numbers, one per function")
    return prior
