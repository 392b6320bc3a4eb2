"""Solvers that drop directions instead of damping them, or that drop none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.solvers.solution import Solution
from genmlip.training.solvers.spectrum import Spectrum
from genmlip.training.streamed_qr import ReducedSystem


@dataclass(frozen=True)
class OrdinaryLeastSquares:
    """No regularisation; refuses systems that do not determine every coefficient."""

    tolerance: float = 1e-13

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        n_columns = system.n_columns
        if system.n_rows < n_columns:
            raise InputError(
                f"{system.n_rows} equations cannot determine {n_columns} functions without regularisation: "
                "add configurations, make the basis smaller, or use a solver that regularises, "
                "such as BayesianRidge or Ridge"
            )
        spectrum = Spectrum.of(system, prior)
        rank = spectrum.rank(self.tolerance)
        if rank < n_columns:
            raise InputError(
                f"the data determine only {rank} of {n_columns} combinations of the functions: "
                "add configurations or use a solver that regularises, such as BayesianRidge or Ridge"
            )
        return spectrum.solution(np.ones(rank), {"rank": rank})


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
