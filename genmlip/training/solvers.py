"""Solvers of the reduced least-squares problem min ‖R c − z‖², each one class with the method ``solve``.

The prior is a vector Γ > 0, one number per function: the size of a coefficient is measured by ‖Γ c‖, so a Γ
that grows with radial and angular degree prefers smooth potentials. All work on d = Γ c through the singular
values of R Γ⁻¹, and none forms RᵀR. A further solver (Bayesian evidence, ARD) is a further class with
``solve``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from scipy.linalg import svd
from scipy.optimize import minimize_scalar

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.streamed_qr import ReducedSystem


@dataclass(frozen=True)
class Solution:
    """Coefficients and what the solver found out on the way.

    coefficients : (K,)
    loss : ‖A c − y‖² of the full weighted system
    condition : ratio of the largest to the smallest singular value of R Γ⁻¹ (infinite if rank-deficient)
    degrees_of_freedom : Σ of the filter factors, between 0 and K
    details : what is particular to the solver (alpha, rank, …)
    """

    coefficients: Array
    loss: float
    condition: float
    degrees_of_freedom: float
    details: dict[str, Any]


class Solver(Protocol):
    """What :func:`genmlip.training.fit` needs."""

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        """Coefficients of ``system`` (K columns) under ``prior`` (K,)."""
        ...


@dataclass(frozen=True)
class OrdinaryLeastSquares:
    """No regularisation; refuses systems that do not determine every coefficient."""

    tolerance: float = 1e-13

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        n_columns = system.n_columns
        if system.n_rows < n_columns:
            raise InputError(
                f"{system.n_rows} equations cannot determine {n_columns} functions without regularisation: "
                "add configurations, make the basis smaller, or use Ridge, GCVRidge or TruncatedSVD"
            )
        spectrum = Spectrum.of(system, prior)
        rank = spectrum.rank(self.tolerance)
        if rank < n_columns:
            raise InputError(
                f"the data determine only {rank} of {n_columns} combinations of the functions: "
                "add configurations or use Ridge, GCVRidge or TruncatedSVD"
            )
        return spectrum.solution(np.ones(rank), {"rank": rank})


@dataclass(frozen=True)
class Ridge:
    """min ‖R c − z‖² + α² ‖Γ c‖².

    α Γ_k is the typical weighted residual over the size that c_k is expected to have: with residuals of 0.01
    and smooth coefficients of 10² to 10³ eV it is 10⁻⁴ to 10⁻⁵. It is not relative to the size of the
    equations: heavily weighted ones would otherwise regularise all the others.
    """

    alpha: float = 1e-5

    def __post_init__(self) -> None:
        if not (np.isfinite(self.alpha) and self.alpha > 0):
            raise InputError(f"alpha of the ridge must be a number > 0, got {self.alpha!r}")

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        spectrum = Spectrum.of(system, prior)
        return spectrum.solution(spectrum.ridge_filter(self.alpha), {"alpha": self.alpha})


@dataclass(frozen=True)
class GCVRidge:
    """Ridge with the α that minimises the generalised cross-validation function.

    G(α) = m ‖A c_α − y‖² / (m − Σ f)² for m equations and filter factors f: the leave-one-out error with
    leverages replaced by their mean (Golub, Heath & Wahba, Technometrics 21, 215, 1979). It supposes that the
    errors of the equations are independent, which model errors are not: expect it to regularise too little,
    and far too little where the data come from a few small cells.

    smallest, largest : limits of α, in units of the largest singular value of R Γ⁻¹
    """

    smallest: float = 1e-13
    largest: float = 1e-1

    def __post_init__(self) -> None:
        if not 0 < self.smallest < self.largest:
            raise InputError(
                f"alpha range must satisfy 0 < smallest < largest, got {self.smallest}, {self.largest}"
            )

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        spectrum = Spectrum.of(system, prior)
        alpha = self._minimise(spectrum)
        details = {"alpha": alpha, "gcv": spectrum.gcv(alpha)}
        return spectrum.solution(spectrum.ridge_filter(alpha), details)

    def _minimise(self, spectrum: Spectrum) -> float:
        """Grid first, since G may have several minima; then within the neighbouring grid points."""

        def gcv(log_alpha: float) -> float:
            return spectrum.gcv(float(np.exp(log_alpha)))

        unit = np.log(spectrum.largest) if spectrum.largest > 0.0 else 0.0
        grid = unit + np.linspace(np.log(self.smallest), np.log(self.largest), 64)
        best = int(np.argmin([gcv(t) for t in grid]))
        bounds = grid[max(best - 1, 0)], grid[min(best + 1, len(grid) - 1)]
        found = minimize_scalar(gcv, bounds=bounds, method="bounded").x
        return float(np.exp(min(found, grid[best], key=gcv)))


@dataclass(frozen=True)
class TruncatedSVD:
    """Minimum-‖Γ c‖ solution in the span of the singular vectors above ``rcond`` times the largest."""

    rcond: float = 1e-8

    def __post_init__(self) -> None:
        if not 0 < self.rcond < 1:
            raise InputError(f"rcond must lie in (0, 1), got {self.rcond!r}")

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        spectrum = Spectrum.of(system, prior)
        rank = spectrum.rank(self.rcond)
        keep = (np.arange(len(spectrum.s)) < rank).astype(float)
        return spectrum.solution(keep, {"rank": rank, "rcond": self.rcond})


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
        prior = np.asarray(prior, dtype=float)
        if prior.shape != (system.n_columns,) or not (np.isfinite(prior) & (prior > 0)).all():
            raise InputError(f"the prior must hold {system.n_columns} positive numbers, one per function")
        U, s, Vt = svd(system.R / prior, full_matrices=False)
        beta = U.T @ system.z
        outside = float(np.sum((system.z - U @ beta) ** 2)) + system.residual**2
        return cls(s, Vt, beta, prior, outside, system.n_rows)

    @cached_property
    def largest(self) -> float:
        return float(self.s.max(initial=0.0))

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
        """The generalised cross-validation function at ``alpha``."""
        filters = self.ridge_filter(alpha)
        return self.n_rows * self.loss(filters) / (self.n_rows - float(filters.sum())) ** 2

    def solution(self, filters: Array, details: dict[str, Any]) -> Solution:
        """c = Γ⁻¹ V diag(f / s) β."""
        inverse = np.divide(filters, self.s, out=np.zeros_like(filters), where=self.s > 0.0)
        coefficients = self.Vt.T @ (inverse * self.beta) / self.prior
        n = len(self.prior)
        full_rank = self.rank(n * np.finfo(float).eps) == n > 0
        condition = self.largest / float(self.s.min()) if full_rank else np.inf
        return Solution(coefficients, self.loss(filters), condition, float(filters.sum()), details)
