"""What a defect hands to statics: atoms, which of them move, and who is bonded to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

import numpy as np
from ase import Atoms

from genmlip._types import Array, BoolArray, IntArray
from genmlip.crystal.pairs import Pairs
from genmlip.crystal.structures import BOND_TOLERANCE
from genmlip.errors import InputError

if TYPE_CHECKING:
    from genmlip.crystal import Crystal


class Defect(Protocol):
    """A dislocation or point defect in a crystal."""

    @property
    def crystal(self) -> Crystal: ...
    @property
    def name(self) -> str: ...
    @property
    def frame(self) -> Array: ...
    def cell(self, radius: float, cutoff: float | None = None, extent: float | None = None) -> DefectCell: ...


class Topology(Protocol):
    """Finds the neighbours of a cell's sites."""

    def pairs(self, cutoff: float) -> Pairs: ...


@dataclass(frozen=True, eq=False)
class DefectCell:
    """Atoms around a defect, enough of them that forces on the free ones are those of the infinite crystal.

    radius : Å
    atoms : at reference + predictor; periodic along a dislocation line, around a point defect everywhere
    reference : (n, 3) Å perfect-lattice positions in the defect's frame, the core at the origin
    sublattice : (n,) index into the crystal's basis
    predictor : (n, 3) Å
    free : (n,) the atoms with r < radius
    centres : (m,) indices of the sites whose energy can change when free atoms move
    line_period : Å; None for a point defect
    inverted_cores : (k, 2) Å in the reference, where the cell holds the defect once more, inverted (b → −b)
    objection : positions (n, 3) Å → why this cell no longer holds its defect, or nothing
    """

    defect: Defect
    radius: float
    atoms: Atoms
    reference: Array
    sublattice: IntArray
    predictor: Array
    free: BoolArray
    centres: IntArray
    line_period: float | None
    topology: Topology
    inverted_cores: Array = field(default_factory=lambda: np.empty((0, 2)))
    objection: Callable[[Array], str] = lambda positions: ""

    def __len__(self) -> int:
        return len(self.reference)

    @property
    def positions(self) -> Array:
        """Reference + predictor, (n, 3) Å."""
        return self.reference + self.predictor

    @cached_property
    def r(self) -> Array:
        """Distance from the line (dislocation) or the point (vacancy) in the reference, (n,) Å."""
        dimension = 3 if self.line_period is None else 2
        return np.linalg.norm(self.reference[:, :dimension], axis=1)

    def pairs(self, cutoff: float) -> Pairs:
        """All ordered pairs with ∣vector∣ ≤ ``cutoff`` (Å) in the topology of the slipped crystal."""
        return self.topology.pairs(cutoff)

    @cached_property
    def bonds(self) -> Pairs:
        """Nearest-neighbour pairs."""
        return self.pairs(BOND_TOLERANCE * self.defect.crystal.nearest_neighbour_distance)


LARGEST_RADIUS = 1e4
"""Å; beyond, no memory holds the cell of a line."""


def check_radius(radius: float, smallest: float, reason: str) -> None:
    """Raise InputError unless ``radius`` is a finite number of at least ``smallest`` (Å)."""
    if not isinstance(radius, int | float | np.number) or not np.isfinite(radius):
        raise InputError(f"radius must be a finite number of Å, got {radius!r}")
    if radius > LARGEST_RADIUS:
        raise InputError(f"radius {radius:g} Å is too large: at most {LARGEST_RADIUS:g} Å")
    if radius < smallest:
        raise InputError(f"radius {radius:g} Å is too small: at least {smallest:.4g} Å are needed ({reason})")
