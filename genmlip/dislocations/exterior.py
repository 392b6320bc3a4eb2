"""The infinite harmonic crystal around a dislocation: its operator, and its Green's function.

Bonds are those of the slipped crystal. In the reference, which is the perfect lattice, those that cross the
cut lead to sites b farther on; the operator is that of the perfect lattice plus a correction K on the atoms
along the cut, and the inverse follows from the lattice Green's function by the Sherman–Morrison–Woodbury
formula. (Tan & Trinkle, Phys. Rev. E 94, 023308 (2016), solve for the Green's function of such a topology
numerically.) A screw has no such bonds, and K is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse import csc_array, csr_array

from genmlip._types import Array, BoolArray, IntArray
from genmlip.crystal.lattice_green import LatticeGreen
from genmlip.crystal.line_constants import LineForceConstants
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.columns import SlippedTopology
from genmlip.errors import InputError
from genmlip.statics.convolution import LatticeConvolution
from genmlip.statics.hessian import operator_from_blocks


@dataclass(frozen=True, eq=False)
class HarmonicCrystal:
    """H of the slipped crystal, on a cell whose atoms closer than ``source_radius`` (Å) may carry sources.

    The cut ends there; beyond it the crystal is perfect and goes on to infinity.
    """

    cell: DefectCell
    source_radius: float

    @cached_property
    def topology(self) -> SlippedTopology:
        """Raises InputError for a defect that is no straight dislocation."""
        topology = self.cell.topology
        if not isinstance(topology, SlippedTopology):
            raise InputError(
                f"a harmonic far field needs a straight dislocation, which {self.cell.defect.name} is not"
            )
        return topology

    @cached_property
    def constants(self) -> LineForceConstants:
        """Force constants summed along the line."""
        defect = self.cell.defect
        return LineForceConstants.of(
            defect.crystal.force_constants, defect.frame, self.topology.lattice.vectors
        )

    @cached_property
    def carries(self) -> BoolArray:
        """(n,) whether an atom lies within the source radius."""
        return self.cell.r < self.source_radius

    @cached_property
    def sources(self) -> IntArray:
        """Indices of those atoms."""
        return np.flatnonzero(self.carries)

    @cached_property
    def operator(self) -> csr_array:
        """H, (3n, 3n) eV/Å²; rows of the atoms that carry sources, the others are empty."""
        i, j, blocks = self._bonds
        n = len(self.cell)
        perfect = operator_from_blocks(i, j, blocks, n)
        _, correction = self.cut
        return csr_array(perfect + correction)

    @cached_property
    def _bonds(self) -> tuple[IntArray, IntArray, Array]:
        """Perfect-lattice blocks from every source atom: (p,), (p,), (p, 3, 3)."""
        rows, columns, blocks = [], [], []
        for own, difference, _, block in self._stars():
            j = self.topology.find(self.topology.label[own, :2] + difference[:2], int(difference[2]))
            if (j < 0).any():
                layer = self.cell.r.max() - self.source_radius
                raise InputError(
                    f"the interface layer of {layer:.4g} Å is thinner than the range of the force constants, "
                    f"{self.constants.range:.4g} Å"
                )
            rows.append(own)
            columns.append(j)
            blocks.append(np.broadcast_to(block, (len(own), 3, 3)))
        return np.concatenate(rows), np.concatenate(columns), np.concatenate(blocks)

    def _stars(self) -> Iterator[tuple[IntArray, IntArray, Array, Array]]:
        """Per sublattice and bond: source atoms (k,), label difference (3,), vector (2,), block (3, 3)."""
        basis = self.topology.lattice.basis[:, :2]
        for kappa in range(len(basis)):
            own = self.sources[self.topology.label[self.sources, 2] == kappa]
            for label, block in zip(self.constants.labels, self.constants.blocks, strict=True):
                for other in range(len(basis)):
                    part = block[3 * kappa : 3 * kappa + 3, 3 * other : 3 * other + 3]
                    vector = label @ self.constants.plane + basis[other] - basis[kappa]
                    yield own, np.array([*label, other]), vector, part

    @cached_property
    def cut(self) -> tuple[IntArray, csc_array]:
        """The atoms that a bond across the cut starts from or leads to, and K (3n, 3n).

        K takes every such bond of the perfect lattice away and puts the one of the slipped crystal, if there
        is one, in its place; as a sum over bonds it is symmetric and does not see translations.
        """
        n = len(self.cell)
        triplets: list[tuple[IntArray, IntArray, Array]] = []
        for own, difference, vector, block in self._stars():
            if not difference[:2].any():
                continue
            new, slip = self.topology.ends(own, difference, vector)
            old = self.topology.find(self.topology.label[own, :2] + difference[:2], int(difference[2]))
            moved = (slip != 0) & (new >= 0) & self.carries[new]
            lost = (slip == 0) & (new < 0)
            changed = self.carries[old] & (old >= 0) & (moved | lost)
            triplets += _bond_forms(own[changed], old[changed], -block)
            triplets += _bond_forms(own[changed & moved], new[changed & moved], block)
        if not triplets:
            return np.empty(0, dtype=np.int64), csc_array((3 * n, 3 * n))
        rows, columns, blocks = (np.concatenate(part) for part in zip(*triplets, strict=True))
        return np.unique(rows), operator_from_blocks(rows, columns, blocks, n)


def _bond_forms(i: IntArray, j: IntArray, block: Array) -> list[tuple[IntArray, IntArray, Array]]:
    """Half of (u_i − u_j)ᵀ(−block)(u_i − u_j): each bond is met from both its ends."""
    if len(i) == 0:
        return []
    half = np.broadcast_to(0.5 * block, (len(i), 3, 3))
    own = np.broadcast_to(-0.25 * (block + block.T), (len(i), 3, 3))
    return [(i, j, half), (j, i, half.transpose(0, 2, 1)), (i, i, own), (j, j, own)]


class SlippedGreen:
    """H⁻¹ of a :class:`HarmonicCrystal` on zero-sum sources; a preconditioner.

    With u = G q and K = E k Eᵀ on the atoms E along the cut,
    (H + K)⁻¹ = G − G E k (1 + Eᵀ G E k)⁻¹ Eᵀ G.
    """

    def __init__(self, harmonic: HarmonicCrystal) -> None:
        self._sources = harmonic.sources
        label = harmonic.topology.label
        extent = np.ptp(label[:, :2], axis=0)
        table = LatticeGreen(harmonic.constants).table((int(extent[0]), int(extent[1])))
        self._convolve = LatticeConvolution(table, label, self._sources)
        atoms, correction = harmonic.cut
        self._number = np.full(len(label), -1)
        self._number[self._sources] = np.arange(len(self._sources))
        self._atoms = atoms
        if len(atoms):
            components = (3 * atoms[:, None] + np.arange(3)).ravel()
            self._k = csr_array(csr_array(correction)[components][:, components])
            green = _green_between(table, label[atoms])
            self._factor = lu_factor(np.eye(len(components)) + (self._k @ green), overwrite_a=True)

    def solve(self, g: Array) -> Array:
        """(n, 3) eV/Å, read where there may be sources → (n, 3) Å, everywhere."""
        q = g[self._sources]
        q = q - q.mean(axis=0)
        u = self._convolve(q)
        if len(self._atoms):
            w = lu_solve(self._factor, self._k @ u[self._atoms].ravel()).reshape(-1, 3)
            q[self._number[self._atoms]] -= w
            u = self._convolve(q)
        return u


def _green_between(table: Array, label: IntArray) -> Array:
    """G between all pairs of sites, (3s, 3s)."""
    reach = (np.array(table.shape[:2]) - 1) // 2
    n = label[:, None, :2] - label[None, :, :2] + reach
    component = 3 * label[:, 2][:, None] + np.arange(3)
    G = table[
        n[..., 0][:, None, :, None],
        n[..., 1][:, None, :, None],
        component[:, :, None, None],
        component[None, None, :, :],
    ]
    return np.ascontiguousarray(G).reshape(3 * len(label), 3 * len(label))
