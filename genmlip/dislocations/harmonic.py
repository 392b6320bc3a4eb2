"""The crystal's harmonic operator on the bonds of a defect cell, and the preconditioners made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import LinearOperator

from genmlip._types import Array, IntArray
from genmlip.crystal import Crystal
from genmlip.crystal.pairs import Pairs
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.columns import ColumnLattice
from genmlip.statics.bond_products import bond_products
from genmlip.statics.fourier import FourierInverse, periodic_force_constants
from genmlip.statics.hessian import bond_blocks, bond_operator, positive_part
from genmlip.statics.multigrid import Multigrid, Rows
from genmlip.statics.preconditioner import NotPositiveDefiniteError, Preconditioner, SparseFactor


def harmonic_operator(cell: DefectCell, unknowns: IntArray, reach: float | None = None) -> csc_array:
    """H, (3m, 3m) eV/Å²: the crystal's force constants on the bonds of the slipped crystal, m unknown
    atoms, others held.

    reach : Å, bonds beyond it are left out; default is the full range of the force constants
    """
    crystal = cell.defect.crystal
    pairs = cell.pairs(full_range(crystal) if reach is None else reach)
    blocks = bond_blocks(crystal, pairs, cell.sublattice, cell.defect.frame)
    return bond_operator(blocks, pairs, len(cell), unknowns)


def harmonic_products(cell: DefectCell, unknowns: IntArray) -> LinearOperator:
    """``harmonic_operator`` with its full range, (3m, 3m) eV/Å², by its products only."""
    return _Bonds.of(cell, full_range(cell.defect.crystal)).products(unknowns)


@dataclass(frozen=True)
class HarmonicPreconditioner:
    """Inverse of the crystal's harmonic operator, cut off after the second neighbours.

    Two shells are the fewest that hold a bcc and a diamond lattice together; more save no force calls.
    ``form`` says which operator was used: ``force constants``, or ``positive bonds`` where the cut-off force
    constants are not positive definite.
    """

    inverse: Preconditioner
    form: str

    def solve(self, g: Array) -> Array:
        """P⁻¹g, (m, 3) eV/Å → (m, 3) Å."""
        return self.inverse.solve(g)


def harmonic_preconditioner(cell: DefectCell, unknowns: IntArray) -> HarmonicPreconditioner:
    """Preconditioner for the unknown atoms while all others are held."""
    bonds = _Bonds.of(cell, 1.01 * second_neighbour_distance(cell.defect.crystal))
    try:
        return HarmonicPreconditioner(_inverse(bonds, cell, unknowns), "force constants")
    except NotPositiveDefiniteError:
        stiff = replace(bonds, blocks=positive_part(bonds.blocks))
        return HarmonicPreconditioner(_inverse(stiff, cell, unknowns), "positive bonds")


DIRECT = 1000
"""Columns up to which an operator is factorised: there that is cheap, and exact."""


def _inverse(bonds: _Bonds, cell: DefectCell, unknowns: IntArray) -> Preconditioner:
    """Factorised where it is small or where no plane lattice fits its topology, else by multigrid.

    Raises NotPositiveDefiniteError. Multigrid sees on its coarsest grid only whether long waves are stable;
    for short ones, in the crystal and on the cut, the columns around the core are factorised as well.
    """
    points = cell.reference[unknowns, : 3 if cell.line_period is None else 2]
    if cell.line_period is None or cell.atoms.pbc[:2].any() or len(unknowns) <= DIRECT:
        return SparseFactor(bonds.rows(unknowns).matrix(), points)
    core = np.sort(np.argsort(cell.r[unknowns], kind="stable")[:DIRECT])
    SparseFactor(bonds.rows(unknowns[core]).matrix(), points[core])
    return Multigrid(bonds.rows(unknowns), points, _grid_edges(cell))


@dataclass(frozen=True)
class _Bonds:
    """Bonds of a cell, and their force constants.

    i, j : (p,) atoms of ordered pairs; n : number of atoms
    kind : (p,) which of the ``blocks`` (k, 3, 3) eV/Å² is that of the pair
    """

    i: IntArray
    j: IntArray
    n: int
    kind: IntArray
    blocks: Array

    @classmethod
    def of(cls, cell: DefectCell, reach: float) -> _Bonds:
        """Bonds up to ``reach`` (Å). They come in runs with the same vector and sublattices; one of each is
        looked up."""
        crystal, sublattice = cell.defect.crystal, cell.sublattice
        pairs = cell.pairs(reach)
        ends = np.column_stack([pairs.vector, sublattice[pairs.i], sublattice[pairs.j]])
        starts = np.concatenate([[True], (ends[1:] != ends[:-1]).any(axis=1)])[: len(ends)]
        one = Pairs(pairs.i[starts], pairs.j[starts], pairs.vector[starts], pairs.shift[starts])
        blocks = bond_blocks(crystal, one, sublattice, cell.defect.frame)
        return cls(pairs.i, pairs.j, len(cell), np.cumsum(starts) - 1, blocks)

    def rows(self, unknowns: IntArray) -> Rows:
        """The operator of the unknown atoms while the others are held."""
        return Rows.of_bonds(*self._ends(unknowns), self.kind, self.blocks, len(unknowns))

    def products(self, unknowns: IntArray) -> LinearOperator:
        """The same by its products."""
        return bond_products(*self._ends(unknowns), self.kind, self.blocks, len(unknowns))

    def _ends(self, unknowns: IntArray) -> tuple[IntArray, IntArray]:
        """Of every pair the numbers of its atoms among the unknown ones, or −1."""
        number = np.full(self.n, -1, dtype=np.int64)
        number[unknowns] = np.arange(len(unknowns))
        return number[self.i], number[self.j]


def _grid_edges(cell: DefectCell) -> Array:
    """(2, 2) Å: of the lattice, or of twice it where there is only one column in its cell."""
    crystal, frame = cell.defect.crystal, cell.defect.frame
    lattice = ColumnLattice.of(crystal.primitive_vectors @ frame.T, crystal.basis @ frame.T, np.zeros(3))
    return lattice.vectors[:2, :2] * (2.0 if len(crystal.basis) == 1 else 1.0)


def periodic_preconditioner(cell: DefectCell) -> FourierInverse:
    """For a cubic supercell with atoms missing: the inverse of the perfect supercell's operator."""
    crystal = cell.defect.crystal
    repeats = round(float(cell.atoms.cell[0, 0]) / crystal.a0)
    occupied = (cell.reference + crystal.basis[0]) / crystal.a0
    return FourierInverse(*periodic_force_constants(crystal, repeats), occupied)


def full_range(crystal: Crystal) -> float:
    """Length of the longest bond with a force constant, Å."""
    return float(_bond_lengths(crystal).max()) + 1e-6


def second_neighbour_distance(crystal: Crystal) -> float:
    """Å."""
    lengths = np.unique(np.round(_bond_lengths(crystal), 6))
    shells = lengths[lengths > 1e-3]
    return float(shells[min(1, len(shells) - 1)])


def _bond_lengths(crystal: Crystal) -> Array:
    basis, constants = crystal.basis, crystal.force_constants
    bonds = constants.vectors[:, None, None] + basis[None, None, :] - basis[None, :, None]
    coupled = np.abs(constants.blocks).max(axis=(3, 4)) > 0.0
    return np.linalg.norm(bonds, axis=-1)[coupled]
