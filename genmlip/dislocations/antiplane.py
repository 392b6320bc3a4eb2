"""The model problem, whose rates are known: a screw among rigid columns (docs/theory.md, section 9).

It goes through the same machinery as the dislocations of real crystals, which is thereby tested in seconds
and to many digits; it is no choice of a user.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import sqrt

import numpy as np

from genmlip._types import Array
from genmlip.crystal import Crystal, Structure
from genmlip.dislocations.catalogue import System
from genmlip.dislocations.dislocation import Dislocation
from genmlip.potentials.antiplane import AntiPlanePotential
from genmlip.potentials.base import Potential
from genmlip.statics.stability import crystal_stability

COLUMNS = Structure(
    "columns",
    primitive=np.array([[1.0, 0.0, 0.0], [0.5, sqrt(3) / 2, 0.0], [0.0, 0.0, 1.0]]),
    basis=np.zeros((1, 3)),
    centring=np.zeros((1, 3)),
    neighbour_distance=1.0,
)
"""Simple hexagonal with c = a; it has no conventional cube."""

SCREW = System(
    "antiplane-screw", COLUMNS.name, glide=(1, 0, 0), normal=(0, 1, 0), line=(0, 0, 1),
    twice_burgers=(0, 0, 2), core=(1 / 2, sqrt(3) / 6), core_site="centroid of an upward triangle of columns",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class AntiPlaneCrystal(Crystal):
    """Columns at 1 Å from each other on a triangular lattice, with a period of 1 Å, along the third axis."""

    potential: Potential = field(default_factory=AntiPlanePotential)
    structure: str = COLUMNS.name
    symbol: str = "H"
    a0: float = 1.0

    @property
    def _kind(self) -> Structure:
        return COLUMNS

    @cached_property
    def stiffness(self) -> Array:
        """The isotropic C with λ = μ, (3, 3, 3, 3) eV/Å³, μ being that of long waves of columns.

        Every strain that does not vary along the columns costs what it should. The others, which rigid
        columns do not have, are given the moduli that complete the isotropic tensor.
        """
        constants, delta = self.force_constants, np.eye(3)
        squares = constants.vectors[:, 0] ** 2
        mu = -0.5 * float(squares @ constants.blocks[:, 0, 0, 2, 2]) / self.homogeneous.volume
        return mu * (
            np.einsum("ij,kl->ijkl", delta, delta)
            + np.einsum("ik,jl->ijkl", delta, delta)
            + np.einsum("il,jk->ijkl", delta, delta)
        )

    @cached_property
    def clamped_stiffness(self) -> Array:
        """The same: there is one column per cell."""
        return self.stiffness

    @cached_property
    def is_stable(self) -> bool:
        """Stable against all displacements of columns as a whole."""
        return crystal_stability(self, line=np.array([0.0, 0.0, 1.0])) > 0.0


@dataclass(frozen=True)
class AntiPlaneScrew(Dislocation):
    """The screw dislocation among columns, b = (0, 0, 1) Å, by default at the middle of a triangle.

    There three mirror lines and the threefold axis make the leading terms of the far field vanish; with a
    ``core_offset`` the predictor is as good as that of a general dislocation.
    """

    crystal: Crystal = field(default_factory=AntiPlaneCrystal)
    name: str = SCREW.name

    def __post_init__(self) -> None:
        """There is one system only."""

    @property
    def system(self) -> System:
        """The orientation and the place of the core."""
        return SCREW
