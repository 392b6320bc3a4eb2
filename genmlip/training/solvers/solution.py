"""What a solver takes and gives: the reduced system and a prior; the coefficients and what it found out."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any, Protocol

from genmlip._types import Array
from genmlip.errors import GenmlipWarning
from genmlip.training.solvers.posterior import Posterior
from genmlip.training.streamed_qr import ReducedSystem


class ConvergenceWarning(GenmlipWarning):
    """Noise and penalty are not the most probable ones, or the data do not tell them."""


@dataclass(frozen=True)
class Solution:
    """Coefficients and what the solver found out on the way.

    coefficients : (K,)
    loss : ‖A c − y‖² of the full weighted system
    condition : ratio of the largest to the smallest singular value of R Γ⁻¹ (infinite if rank-deficient)
    degrees_of_freedom : Σ of the filter factors, between 0 and K: how many coefficients the data determine
    details : what is particular to the solver (alpha, rank, log_evidence, …)
    posterior : what is known about the coefficients, from solvers that estimate the noise
    """

    coefficients: Array
    loss: float
    condition: float
    degrees_of_freedom: float
    details: dict[str, Any] = field(default_factory=dict)
    posterior: Posterior | None = None


class Solver(Protocol):
    """What :func:`genmlip.training.fit` needs."""

    def solve(self, system: ReducedSystem, prior: Array) -> Solution:
        """Coefficients of ``system`` (K columns) under ``prior`` (K,).

        A solver that tells energies, forces and virials apart finds them in ``system.parts``.
        """
        ...


def warn_if_interpolating(solver: str, left: float, n_rows: float, n_columns: int) -> None:
    """A ConvergenceWarning where less than one equation is ``left`` to tell noise from what is fitted."""
    if left < 1.0:
        warnings.warn(
            f"{solver} interpolates: of {n_rows:.0f} equations for {n_columns} functions none is left to "
            "estimate the noise from, which decides how much is regularised; add configurations, make the "
            "basis smaller, or use Ridge",
            ConvergenceWarning,
            stacklevel=4,
        )
