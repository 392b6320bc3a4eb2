"""The vacancy in a periodic supercell: the point defect that the dislocations are held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from genmlip._types import Array, IntArray
from genmlip.crystal.pairs import Pairs
from genmlip.dislocations.cell import DefectCell, check_radius
from genmlip.errors import InputError

if TYPE_CHECKING:
    from genmlip.crystal import Crystal


@dataclass(frozen=True, eq=False)
class Vacancy:
    """A missing atom of sublattice 0, at the origin, in cubic axes; the predictor is zero."""

    crystal: Crystal
    name: str = "vacancy"

    @property
    def frame(self) -> Array:
        """The cubic axes, (3, 3)."""
        return np.eye(3)

    def cell(self, radius: float, cutoff: float | None = None, extent: float | None = None) -> DefectCell:
        """A periodic cubic supercell of edge ≥ 2 ``radius`` (Å), all atoms free.

        Raises InputError if the radius is not finite or smaller than half the lattice parameter, and for an
        ``extent``: there is nothing outside.
        """
        if extent is not None:
            raise InputError("the cell of a vacancy is periodic and has no atoms outside")
        a0 = self.crystal.a0
        check_radius(radius, 0.5 * a0, "half the lattice parameter")
        m = int(np.ceil(2 * radius / a0 - 1e-9))
        reference, sublattice = self._supercell(m)
        n = len(reference)
        atoms = Atoms([self.crystal.symbol] * n, positions=reference, cell=[m * a0] * 3, pbc=True)
        return DefectCell(
            defect=self, radius=float(radius), atoms=atoms, reference=reference, sublattice=sublattice,
            predictor=np.zeros((n, 3)), free=np.ones(n, dtype=bool), centres=np.arange(n),
            line_period=None, topology=PeriodicTopology(reference, m * a0),
        )  # fmt: skip

    def _supercell(self, m: int) -> tuple[Array, IntArray]:
        """Sites of m × m × m cubic cells within ±m a0 / 2 of the origin, without the one at the origin."""
        edge = m * self.crystal.a0
        inverse = np.linalg.inv(self.crystal.primitive_vectors)
        extent = int(np.ceil(edge * np.linalg.norm(inverse, axis=0).max())) + 1
        n = np.stack(np.meshgrid(*[np.arange(-extent, extent + 1)] * 3, indexing="ij"), axis=-1).reshape(
            -1, 3
        )
        lattice = n @ self.crystal.primitive_vectors
        positions, sublattice = [], []
        origin = np.asarray(self.crystal.basis)[0]
        for kappa, offset in enumerate(self.crystal.basis):
            x = lattice + offset - origin
            keep = ((x >= -0.5 * edge - 1e-6) & (x < 0.5 * edge - 1e-6)).all(axis=1)
            if kappa == 0:
                keep &= np.abs(x).max(axis=1) > 1e-6
            positions.append(x[keep])
            sublattice.append(np.full(keep.sum(), kappa))
        return np.concatenate(positions), np.concatenate(sublattice).astype(np.int64)


@dataclass(frozen=True, eq=False)
class PeriodicTopology:
    """Neighbours in a periodic cube of edge ``edge`` (Å): those of the perfect lattice."""

    x: Array
    edge: float

    def pairs(self, cutoff: float) -> Pairs:
        """All ordered pairs no further apart than ``cutoff`` (Å)."""
        from matscipy.neighbours import neighbour_list

        cell = self.edge * np.eye(3)
        i, j, vector, S = neighbour_list(
            "ijDS", positions=self.x, cell=cell, pbc=[True] * 3, cutoff=cutoff + 1e-9
        )
        return Pairs(i.astype(np.int64), j.astype(np.int64), vector, S.astype(float) @ cell)
