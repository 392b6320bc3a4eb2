"""Column-pivoted QR, truncated where the pivots say that nothing new follows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import qr, solve_triangular

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.solvers.solution import Solution
from genmlip.training.solvers.spectrum import check_prior
from genmlip.training.streamed_qr import ReducedSystem


@dataclass(frozen=True)
class RankRevealingQR:
    """Minimum-‖Γ c‖ solution of the rows of the pivoted triangle down to ``tolerance`` times the first pivot.

    Close to :class:`TruncatedSVD` at a fraction of its cost: R Γ⁻¹ P = Q [T₁; T₂], and T₂ is dropped
    (Chan, Linear Algebra Appl. 88, 67, 1987; Golub & Van Loan, Matrix Computations, 4th ed., sec. 5.5.7).
    The condition in the solution is the ratio of the first to the last pivot, which is below the true one.
    """

    tolerance: float = 1e-7

    def __post_init__(self) -> None:
        if not 0 < self.tolerance < 1:
            raise InputError(f"tolerance of the QR must lie in (0, 1), got {self.tolerance!r}")

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        prior = check_prior(system, prior)
        Q, T, order = qr(system.R / prior, pivoting=True)
        pivots = np.abs(np.diag(T))
        rank = int((pivots > self.tolerance * pivots.max(initial=0.0)).sum())
        basis, L = qr(T[:rank].T, mode="economic")  # T₁ = Lᵀ basisᵀ
        d = np.zeros(len(prior))
        d[order] = basis @ solve_triangular(L, Q[:, :rank].T @ system.z, trans="T")
        singular = not pivots.all() or pivots[-1] < len(pivots) * np.finfo(float).eps * pivots[0]
        condition = np.inf if singular else float(pivots[0] / pivots[-1])
        details = {"rank": rank, "tolerance": self.tolerance}
        return Solution(d / prior, system.loss(d / prior), condition, float(rank), details)
