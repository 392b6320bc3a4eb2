"""The crystal as atomic columns along the dislocation line, and who is whose neighbour after the slip.

Integer arithmetic on lattice coordinates: no search, no matching of distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.crystal.pairs import Pairs
from genmlip.errors import InputError

_TIE = 1e-6  # Å: a bond that meets the line exactly counts as passing on the +x1 side, from both its ends


@dataclass(frozen=True, eq=False)
class ColumnLattice:
    """A lattice with columns along x3, seen in the dislocation's frame with the core at the origin.

    vectors : (3, 3) Å rows t1, t2, t3: a basis of the lattice, t3 along x3, t1 and t2 short in projection
    basis : (n_basis, 3) Å positions of the sublattices in the cell at the lattice origin
    burgers : (3,) Å, a lattice vector with no component along x2
    """

    vectors: Array
    basis: Array
    burgers: Array

    @classmethod
    def of(cls, primitive: Array, basis: Array, burgers: Array) -> ColumnLattice:
        """From primitive vectors (3, 3) and a basis (n_basis, 3) given in the frame, relative to the core."""
        n = np.array(list(product(range(-4, 5), repeat=3)))
        points = n @ primitive
        in_plane = np.hypot(points[:, 0], points[:, 1])
        scale = np.abs(primitive).max()
        line = points[(in_plane < 1e-8 * scale) & (points[:, 2] > 1e-8 * scale)]
        if len(line) == 0:
            raise InputError("the line direction is not a short lattice direction of this crystal")
        t3 = line[line[:, 2].argmin()] * [0, 0, 1]
        off = points[in_plane > 1e-8 * scale]
        off = off[np.lexsort(np.round(np.c_[off, np.hypot(off[:, 0], off[:, 1])] / scale, 8).T)]
        t1 = off[0]
        area = t1[0] * off[:, 1] - t1[1] * off[:, 0]
        t2 = off[
            np.flatnonzero(area > 1e-8 * scale**2)[0]
        ]  # two shortest vectors are a basis of a plane lattice
        return cls(np.array([t1, t2, t3]), basis, burgers)

    @property
    def line_period(self) -> float:
        """Distance of equal atoms along a column, Å."""
        return float(self.vectors[2, 2])

    def sites(self, radius: float) -> tuple[IntArray, Array]:
        """Labels (n, 3) of the columns closer than ``radius`` (two lattice coordinates and the sublattice)
        and the positions (n, 3) Å of the one atom of each with 0 ≤ x3 < line period."""
        plane = self.vectors[:2, :2]
        reach = radius + np.linalg.norm(self.basis[:, :2], axis=1).max()
        extent = np.ceil(reach * np.linalg.norm(np.linalg.inv(plane), axis=0)).astype(int)
        n1, n2 = (np.arange(-m, m + 1) for m in extent)
        labels, positions = [], []
        for kappa, offset in enumerate(self.basis):
            N = np.stack(np.meshgrid(n1, n2, indexing="ij"), axis=-1).reshape(-1, 2)
            x = N @ self.vectors[:2] + offset
            near = x[:, 0] ** 2 + x[:, 1] ** 2 < radius**2
            labels.append(np.c_[N[near], np.full(near.sum(), kappa)])
            positions.append(x[near])
        label, x = np.concatenate(labels), np.concatenate(positions)
        order = np.lexsort(label.T[[2, 1, 0]])
        label, x = label[order], x[order]
        # an atom that belongs at 0 must not appear at the period by round-off
        x[:, 2] -= np.floor(x[:, 2] / self.line_period + 1e-9) * self.line_period
        return label.astype(np.int64), x

    def bonds(self, kappa: int, cutoff: float) -> tuple[IntArray, Array]:
        """Neighbours of a site of sublattice κ in the perfect lattice: label differences (m, 3) — two lattice
        coordinates and the sublattice of the other end — and vectors (m, 3) Å, 0 < ∣vector∣ ≤ cutoff."""
        extent = np.ceil((cutoff + 2 * np.abs(self.basis).max()) * np.linalg.norm(self._inverse, axis=0)) + 1
        n = np.array(list(product(*(np.arange(-m, m + 1) for m in extent.astype(int)))))
        difference, vectors = [], []
        for other, offset in enumerate(self.basis):
            v = n @ self.vectors + offset - self.basis[kappa]
            length = np.linalg.norm(v, axis=1)
            near = (length <= cutoff) & (length > 1e-6)
            difference.append(np.c_[n[near, :2], np.full(near.sum(), other)])
            vectors.append(v[near])
        return np.concatenate(difference).astype(np.int64), np.concatenate(vectors)

    @cached_property
    def _inverse(self) -> Array:
        return np.asarray(np.linalg.inv(self.vectors), dtype=float)

    @cached_property
    def burgers_label(self) -> IntArray:
        """b in lattice coordinates (t1, t2, t3), whole numbers."""
        n = self.burgers @ self._inverse
        if np.abs(n - np.round(n)).max() > 1e-6:
            raise InputError(f"Burgers vector {self.burgers} Å is not a lattice vector")
        return np.round(n).astype(np.int64)


@dataclass(frozen=True, eq=False)
class SlippedTopology:
    """Neighbours in the slipped crystal of the sites ``label`` (n, 3) at the reference ``x`` (n, 3) Å.

    A bond that crosses the cut from above to below leads from x to x + ρ + b, in the other direction to
    x + ρ − b. On the side under tension every site keeps all its bonds. The side with the extra half-plane
    loses those at the end of the half-plane, within |b1| of the core: they have no partner.
    """

    lattice: ColumnLattice
    label: IntArray
    x: Array

    def pairs(self, cutoff: float) -> Pairs:
        """All ordered pairs whose perfect-lattice vector is no longer than ``cutoff`` (Å)."""
        found: list[tuple[IntArray, IntArray, IntArray]] = []
        rho: list[Array] = []
        for kappa in range(len(self.lattice.basis)):
            own = np.flatnonzero(self.label[:, 2] == kappa)
            for difference, vector in zip(*self.lattice.bonds(kappa, cutoff), strict=True):
                j, slip = self.ends(own, difference, vector)
                there = j >= 0
                found.append((own[there], j[there], slip[there]))
                rho.append(np.broadcast_to(vector, (int(there.sum()), 3)))
        i, j, slip = (np.concatenate(a) for a in zip(*found, strict=True))
        vectors = np.concatenate(rho)
        images = (
            self.x[i, 2] + vectors[:, 2] + slip * self.lattice.burgers[2] - self.x[j, 2]
        ) / self.lattice.line_period
        shift = np.zeros_like(vectors)
        shift[:, 2] = np.round(images) * self.lattice.line_period
        return Pairs(i, j, vectors, shift)

    def ends(self, i: IntArray, difference: IntArray, vector: Array) -> tuple[IntArray, IntArray]:
        """Where a bond of the perfect lattice leads from the atoms ``i`` (k,): the atoms at its other end
        (k,), −1 where there is none, and how many b are added to it (k,).

        difference : (3,) label difference, with the sublattice of the other end; vector : (2 or 3,) Å
        """
        slip, exists = self._slip(self.x[i], vector)
        target = self.label[i, :2] + difference[:2] + slip[:, None] * self.lattice.burgers_label[:2]
        j = self.find(target, difference[2])
        return np.where(exists, j, -1), slip

    def find(self, label: IntArray, sublattice: int) -> IntArray:
        """The atoms with the labels (k, 2) on a sublattice; −1 where there is none."""
        table, origin = self._table
        at = label - origin
        inside = ((at >= 0) & (at < table.shape[:2])).all(axis=1)
        j = np.full(len(at), -1)
        j[inside] = table[at[inside, 0], at[inside, 1], sublattice]
        return j

    def _slip(self, x: Array, vector: Array) -> tuple[IntArray, Array]:
        """How many b to add to x + ρ (n,), and whether the bond exists at all (n,)."""
        b1 = float(self.lattice.burgers[0])
        above, lands_above = x[:, 1] > 0, x[:, 1] + vector[1] > 0
        changes_side = above != lands_above
        if not changes_side.any():
            return np.zeros(len(x), dtype=np.int64), np.ones(len(x), dtype=bool)
        crossing = x[:, 0] - x[:, 1] / vector[1] * vector[0]
        unslipped = ~changes_side | (crossing > -_TIE)
        under_tension = above == (b1 < 0)
        slipped = ~unslipped & (crossing <= np.where(under_tension, 0.0, -abs(b1)) - _TIE)
        return np.where(slipped, np.where(above, 1, -1), 0), unslipped | slipped

    @cached_property
    def _table(self) -> tuple[IntArray, IntArray]:
        """Dense map from a label, counted from ``origin`` (2,), to the index of the atom, or −1."""
        origin = self.label[:, :2].min(axis=0)
        shape = (*(self.label[:, :2].max(axis=0) - origin + 1), len(self.lattice.basis))
        table = np.full(shape, -1, dtype=np.int64)
        table[self.label[:, 0] - origin[0], self.label[:, 1] - origin[1], self.label[:, 2]] = np.arange(
            len(self.label)
        )
        return table, origin
