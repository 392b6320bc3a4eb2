"""Ridge regression: one penalty on the size of the coefficients, given or by generalised cross-validation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.solvers.solution import Solution, warn_if_interpolating
from genmlip.training.solvers.spectrum import Spectrum
from genmlip.training.streamed_qr import ReducedSystem


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

    A ConvergenceWarning says if it interpolates. Raises InputError for a system without equations.
    """

    smallest: float = 1e-13
    largest: float = 1e-1

    def __post_init__(self) -> None:
        if not 0 < self.smallest < self.largest:
            raise InputError(
                f"alpha range must satisfy 0 < smallest < largest, got {self.smallest}, {self.largest}"
            )

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        found = self.minimum(system, prior)
        left = system.n_rows - found.degrees_of_freedom
        warn_if_interpolating("GCVRidge", left, system.n_rows, system.n_columns)
        return found

    def minimum(self, system: ReducedSystem, prior: Array) -> Solution:
        """The solution, without a word on how little the data may tell about α."""
        if system.n_rows < 1:
            raise InputError("no equation is left to choose alpha by: add configurations or use Ridge")
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
