"""Full neighbour lists in compressed form, and the two loops that every site potential shares.

The list itself comes from matscipy. It is built once with a skin and reused while the atoms move.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from matscipy.neighbours import neighbour_list
from numba import njit

from genmlip._types import Array, IntArray


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of the sites ``centre``: those of site m are the entries ``first[m]:first[m + 1]``.

    centre : (m,) index of the atom that each site sits on
    first : (m + 1,) offsets
    index : (p,) atom j of each pair
    shift : (p, 3) Å, translation of the periodic image, so that r_ij = x_j + shift − x_i
    """

    centre: IntArray
    first: IntArray
    index: IntArray
    shift: Array

    @classmethod
    def of(cls, atoms: Atoms, cutoff: float, centres: IntArray | None = None) -> Neighbours:
        """All pairs closer than ``cutoff`` (Å); with ``centres`` only the sites on those atoms."""
        n = len(atoms)
        cell, origin = _bounding_cell(atoms)
        i, j, S = neighbour_list(
            "ijS", positions=atoms.positions - origin, cell=cell, pbc=atoms.pbc, cutoff=cutoff
        )
        i, j = i.astype(np.int64), j.astype(np.int64)
        count = np.bincount(i, minlength=n)
        if centres is None:
            centres = np.arange(n, dtype=np.int64)
        else:
            centres = np.asarray(centres, dtype=np.int64)
            position = np.full(n, -1, dtype=np.int64)
            position[centres] = np.arange(len(centres))
            keep = position[i] >= 0
            order = np.argsort(position[i[keep]], kind="stable")
            j, S, count = j[keep][order], S[keep][order], count[centres]
        first = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
        return cls(centres, first, j, S.astype(float) @ cell)

    @classmethod
    def of_one_site(cls, vectors: Array) -> Neighbours:
        """The list of a single site, atom 0, whose neighbours are the atoms 1 … n at ``vectors`` (n, 3)."""
        n = len(vectors)
        return cls(np.zeros(1, dtype=np.int64), np.array([0, n]), np.arange(1, n + 1), np.zeros_like(vectors))

    def vectors(self, positions: Array, out: Array | None = None) -> Array:
        """r_ij of every pair, (p, 3) Å."""
        out = np.empty_like(self.shift) if out is None else out
        pair_vectors(self.centre, self.first, self.index, self.shift, positions, out)
        return out


def _bounding_cell(atoms: Atoms) -> tuple[Array, Array]:
    """The cell, with directions that are not periodic replaced by a box around the atoms; and its origin."""
    cell = np.array(atoms.cell)
    if atoms.pbc.all() or len(atoms) == 0:
        return cell, np.zeros(3)
    box = cell.copy()
    for k in np.flatnonzero(~atoms.pbc):
        box[k] = 0.0
    free = np.flatnonzero(~atoms.pbc)
    _, _, vt = np.linalg.svd(box)
    box[free] = vt[3 - len(free) :]  # unit vectors orthogonal to the periodic directions
    scaled = np.linalg.solve(box.T, atoms.positions.T).T
    origin = np.zeros(3)
    for k in free:
        low, high = scaled[:, k].min(), scaled[:, k].max()
        origin += (low - 1.0) * box[k]
        box[k] *= high - low + 2.0
    return box, origin


@njit(cache=True, nogil=True)
def pair_vectors(centre, first, index, shift, positions, out):  # type: ignore[no-untyped-def]
    """r_ij = x_j + shift − x_i."""
    for m in range(centre.size):
        i = centre[m]
        for p in range(first[m], first[m + 1]):
            j = index[p]
            for a in range(3):
                out[p, a] = positions[j, a] + shift[p, a] - positions[i, a]


@njit(cache=True, nogil=True)
def gather_forces(centre, first, index, vectors, gradients, forces, virial):  # type: ignore[no-untyped-def]
    """f_i = Σ_j g_ij − Σ_j g_ji and the virial −Σ r_ij ⊗ g_ij, with g_ij = ∂V_i/∂r_ij."""
    forces[:] = 0.0
    virial[:] = 0.0
    for m in range(centre.size):
        i = centre[m]
        for p in range(first[m], first[m + 1]):
            j = index[p]
            for a in range(3):
                g = gradients[p, a]
                forces[i, a] += g
                forces[j, a] -= g
                for b in range(3):
                    virial[b, a] -= vectors[p, b] * g
