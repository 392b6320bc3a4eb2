"""Pairs of neighbouring sites: the bonds on which differences of displacements are taken."""

from __future__ import annotations

from dataclasses import dataclass

from genmlip._types import Array, IntArray


@dataclass(frozen=True, eq=False)
class Pairs:
    """Ordered pairs of neighbours; each has its reverse.

    i, j : (p,) indices
    vector : (p, 3) Å, the vector from i to j in the perfect lattice
    shift : (p, 3) Å, translation of the periodic image: y_j + shift − y_i is the deformed bond
    """

    i: IntArray
    j: IntArray
    vector: Array
    shift: Array

    def __len__(self) -> int:
        return len(self.i)

    def deformed(self, positions: Array) -> Array:
        """y_j + shift − y_i, (p, 3) Å."""
        return positions[self.j] + self.shift - positions[self.i]
