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
from scipy.sparse import csc_array, csr_array, diags_array

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

    @property
    def b1(self) -> float:
        """∣b1∣ Å, by which a bond across the cut is longer in the reference."""
        return abs(float(self.topology.lattice.burgers[0]))

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

    def operator(self, rows: IntArray) -> csr_array:
        """H, (3n, 3n) eV/Å²; only the rows of these atoms, which carry sources, are filled."""
        bonds: list[tuple[IntArray, IntArray, Array]] = []
        for own, old, _, block in self._stars(rows):
            if (old < 0).any():
                layer = self.cell.r.max() - self.source_radius
                raise InputError(
                    f"the interface layer of {layer:.4g} Å is thinner than the range of the force constants, "
                    f"{self.constants.range:.4g} Å"
                )
            bonds.append((own, old, np.broadcast_to(block, (len(own), 3, 3))))
        i, j, blocks = (np.concatenate(part) for part in zip(*bonds, strict=True))
        n = len(self.cell)
        filled = np.zeros(3 * n)
        filled[(3 * rows[:, None] + np.arange(3)).ravel()] = 1.0
        return csr_array(operator_from_blocks(i, j, blocks, n) + diags_array(filled) @ self.cut[1])

    @cached_property
    def cut(self) -> tuple[IntArray, csr_array]:
        """The atoms that a bond across the cut starts from or leads to, and K (3n, 3n).

        K takes every such bond of the perfect lattice away and puts the one of the slipped crystal, if there
        is one, in its place; as a sum over bonds it is symmetric and does not see translations.
        """
        n, b1 = len(self.cell), self.b1
        x1, x2 = self.cell.reference[:, :2].T
        reach = self.constants.range + b1
        near = np.flatnonzero(self.carries & (np.abs(x2) < reach) & (x1 < reach) & (b1 > 0.0))
        triplets: list[tuple[IntArray, IntArray, Array]] = []
        for own, old, new, block in self._stars(near):
            moved = (new != old) & (new >= 0) & self.carries[new]
            lost = (new < 0) & (old >= 0) & self._inside(own)
            changed = self.carries[old] & (old >= 0) & (moved | lost)
            triplets += _bond_forms(own[changed], old[changed], -block)
            triplets += _bond_forms(own[changed & moved], new[changed & moved], block)
        if not triplets:
            return np.empty(0, dtype=np.int64), csr_array((3 * n, 3 * n))
        rows, columns, blocks = (np.concatenate(part) for part in zip(*triplets, strict=True))
        correction = operator_from_blocks(rows, columns, blocks, n)
        core = self.cell.r < 0.5 * self.source_radius
        for end in (core, ~core):
            correction = correction + _invariance(correction, np.flatnonzero(end))
        return np.unique(rows), csr_array(correction)

    def _inside(self, atoms: IntArray) -> BoolArray:
        """Away from the end of the cell, where a bond can lack its partner for that reason only."""
        inside: BoolArray = self.cell.r[atoms] < 0.5 * self.source_radius
        return inside

    def _stars(self, atoms: IntArray) -> Iterator[tuple[IntArray, IntArray, IntArray, Array]]:
        """Per sublattice and bond: the atoms (k,) of that sublattice, the other ends (k,) in the perfect and
        in the slipped crystal, −1 where there is none, and the block (3, 3)."""
        basis, label = self.topology.lattice.basis[:, :2], self.topology.label
        for kappa in range(len(basis)):
            own = atoms[label[atoms, 2] == kappa]
            for step, block in zip(self.constants.labels, self.constants.blocks, strict=True):
                for other in range(len(basis)):
                    part = block[3 * kappa : 3 * kappa + 3, 3 * other : 3 * other + 3]
                    vector = step @ self.constants.plane + basis[other] - basis[kappa]
                    old = self.topology.find(label[own, :2] + step, other)
                    new, _ = self.topology.ends(own, np.array([*step, other]), vector)
                    yield own, old, new, part

    @cached_property
    def table(self) -> Array:
        """The perfect crystal's Green's function between any two columns of the cell."""
        extent = np.ptp(self.topology.label[:, :2], axis=0)
        return LatticeGreen(self.constants).table((int(extent[0]), int(extent[1])))

    @cached_property
    def woodbury(self) -> tuple[csr_array, tuple[Array, Array]]:
        """k and the factors of 1 + k Eᵀ G E, for K = E k Eᵀ on the atoms along the cut."""
        atoms, correction = self.cut
        components = (3 * atoms[:, None] + np.arange(3)).ravel()
        k = csr_array(correction[components][:, components])
        green = _green_between(self.table, self.topology.label[atoms])
        return k, lu_factor(np.eye(len(components)) + k @ green, overwrite_a=True)


class SlippedGreen:
    """H⁻¹ of a :class:`HarmonicCrystal` between some of its atoms (a,), on zero-sum sources.

    With u = G q and K = E k Eᵀ on the atoms E along the cut,
    (H + K)⁻¹ = G − G E k (1 + Eᵀ G E k)⁻¹ Eᵀ G.
    """

    def __init__(self, harmonic: HarmonicCrystal, atoms: IntArray) -> None:
        self._harmonic, cut = harmonic, harmonic.cut[0]
        sites = np.union1d(atoms, cut)
        self._own, self._cut = np.searchsorted(sites, atoms), np.searchsorted(sites, cut)
        self._sources = harmonic.carries[atoms]
        self._convolve = LatticeConvolution(harmonic.table, harmonic.topology.label[sites])
        self._q = np.zeros((len(sites), 3))

    def solve(self, g: Array) -> Array:
        """(a, 3) eV/Å, read where there may be sources → (a, 3) Å."""
        q = self._q
        q[:] = 0.0
        q[self._own[self._sources]] = g[self._sources] - g[self._sources].mean(axis=0)
        u = self._convolve(q)
        if len(self._cut):
            k, factor = self._harmonic.woodbury
            q[self._cut] -= lu_solve(factor, k @ u[self._cut].ravel()).reshape(-1, 3)
            u = self._convolve(q)
        return u[self._own]


def _invariance(correction: csc_array, atoms: IntArray) -> csc_array:
    """What makes a translation cost nothing on ``atoms`` again: C_ij = −(ρ_i + ρ_jᵀ) / k for the row sums ρ
    of the k atoms where they do not vanish.

    In a multilattice a block need not be symmetric, and at an end of the cut, where an atom is left with
    part of its bonds, its antisymmetric parts no longer cancel. They do in the sum over such atoms.
    """
    n = correction.shape[0] // 3
    translations = np.tile(np.eye(3), (n, 1))
    net = (correction @ translations).reshape(n, 3, 3)[atoms]
    scale = abs(correction.data).max(initial=0.0)
    odd = abs(net).max(axis=(1, 2)) > 1e-12 * scale
    atoms, net = atoms[odd], net[odd]
    k = len(atoms)
    blocks = -(net[:, None] + net[None, :].transpose(0, 1, 3, 2)) / max(k, 1)
    return operator_from_blocks(np.repeat(atoms, k), np.tile(atoms, k), blocks.reshape(-1, 3, 3), n)


def _bond_forms(i: IntArray, j: IntArray, block: Array) -> list[tuple[IntArray, IntArray, Array]]:
    """Half of (u_i − u_j)ᵀ(−block)(u_i − u_j): each bond is met from both its ends."""
    if len(i) == 0:
        return []
    half = np.broadcast_to(0.5 * block, (len(i), 3, 3))
    own = np.broadcast_to(-0.25 * (block + block.T), (len(i), 3, 3))
    return [(i, j, half), (j, i, half.transpose(0, 2, 1)), (i, i, own), (j, j, own)]


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
