"""Full neighbour lists in compressed form, and the two loops that every site potential shares.

The list itself comes from matscipy. It is built once with a skin and reused while the atoms move.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from ase import Atoms
from matscipy.neighbours import neighbour_list
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.errors import InputError


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
        if n == 0:
            none = np.empty(0, dtype=np.int64)
            return cls(none, np.zeros(1, dtype=np.int64), none, np.empty((0, 3)))
        cell, origin = bounding_cell(atoms)
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
        """r_ij of every pair, (p, 3) Å; raises InputError where two atoms are at the same place."""
        out = np.empty_like(self.shift) if out is None else out
        clash = pair_vectors(self.centre, self.first, self.index, self.shift, positions, out)
        if clash >= 0:
            i = self.centre[np.searchsorted(self.first, clash, side="right") - 1]
            raise InputError(f"atoms {i} and {self.index[clash]} are at the same place")
        return out


def periodic_images(atoms: Atoms, reach: float, centres: IntArray | None = None) -> tuple[IntArray, Array]:
    """The periodic images within ``reach`` (Å) of the box that holds the atoms ``centres`` (by default all).

    Returns (k,) the atom that each image is of, and (k, 3) Å, its translation. Together with the atoms
    themselves they surround every centre as the infinite crystal does.
    """
    cell, origin = bounding_cell(atoms)
    scaled = np.linalg.solve(cell.T, (atoms.positions - origin).T).T
    inner = scaled if centres is None else scaled[centres]
    if len(inner) == 0:
        return np.empty(0, dtype=np.int64), np.empty((0, 3))
    margin = reach * np.linalg.norm(np.linalg.inv(cell), axis=0)  # over the heights of the cell
    low, high = inner.min(axis=0) - margin, inner.max(axis=0) + margin
    span = np.where(atoms.pbc, np.ceil(np.maximum(high - scaled.min(0), scaled.max(0) - low)), 0.0).astype(
        int
    )
    indices, shifts = [], []
    for steps in product(*(range(-m, m + 1) for m in span)):
        if any(steps):
            inside = ((scaled + steps >= low) & (scaled + steps <= high)).all(axis=1)
            indices.append(np.flatnonzero(inside))
            shifts.append(np.tile(np.asarray(steps, dtype=float) @ cell, (len(indices[-1]), 1)))
    if not indices:
        return np.empty(0, dtype=np.int64), np.empty((0, 3))
    return np.concatenate(indices), np.concatenate(shifts)


def check_finite(positions: Array) -> None:
    """Raise InputError where positions hold NaN or infinity."""
    if not np.isfinite(positions).all():
        raise InputError("positions of the atoms hold NaN or infinity")


def check_centres(centres: IntArray | None, n: int) -> IntArray | None:
    """``centres`` as integers, each an atom and none twice; InputError otherwise."""
    if centres is None:
        return None
    centres = np.asarray(centres, dtype=np.int64)
    if len(centres) and (centres.min() < 0 or centres.max() >= n or len(np.unique(centres)) < len(centres)):
        raise InputError(f"centres must be distinct indices of the {n} atoms")
    return centres


def has_left_skin(positions: Array, built_at: Array, skin: float) -> bool:
    """Whether a list built with ``skin`` (Å) at ``built_at`` may miss pairs at ``positions``; yes for NaN."""
    if len(positions) == 0:
        return False
    moved = positions - built_at
    return not np.einsum("ia,ia->i", moved, moved).max() <= (0.5 * skin) ** 2


def bounding_cell(atoms: Atoms) -> tuple[Array, Array]:
    """The cell, with directions that are not periodic replaced by a box around the atoms; and its origin."""
    cell = np.array(atoms.cell)
    if not np.isfinite(cell).all():
        raise InputError("the cell holds NaN or infinity")
    if atoms.pbc.any() and np.linalg.matrix_rank(cell[atoms.pbc]) < atoms.pbc.sum():
        raise InputError("the cell has no extent along a direction that is periodic")
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
    """r_ij = x_j + shift − x_i; returns a pair at distance zero, or −1."""
    clash = -1
    for m in range(centre.size):
        i = centre[m]
        for p in range(first[m], first[m + 1]):
            j = index[p]
            squared = 0.0
            for a in range(3):
                x = positions[j, a] + shift[p, a] - positions[i, a]
                out[p, a] = x
                squared += x * x
            if squared == 0.0:
                clash = p
    return clash


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
