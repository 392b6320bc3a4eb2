"""The crystal's harmonic operator on the bonds of a defect cell, and the preconditioners made of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from genmlip._types import Array, IntArray
from genmlip.crystal import Crystal
from genmlip.dislocations.cell import DefectCell
from genmlip.statics.fourier import FourierInverse, periodic_force_constants
from genmlip.statics.hessian import bond_blocks, bond_operator, positive_part
from genmlip.statics.preconditioner import NotPositiveDefiniteError, SparseFactor


def harmonic_operator(cell: DefectCell, unknowns: IntArray, reach: float | None = None) -> csc_array:
    """H, (3m, 3m) eV/Å²: the crystal's force constants on the bonds of the slipped crystal, m unknown
    atoms, others held.

    reach : Å, bonds beyond it are left out; default is the full range of the force constants
    """
    crystal = cell.defect.crystal
    pairs = cell.pairs(full_range(crystal) if reach is None else reach)
    blocks = bond_blocks(crystal, pairs, cell.sublattice, cell.defect.frame)
    return bond_operator(blocks, pairs, len(cell), unknowns)


@dataclass(frozen=True)
class HarmonicPreconditioner:
    """Inverse of the crystal's harmonic operator, cut off after the second neighbours and factorised.

    Two shells are the fewest that hold a bcc and a diamond lattice together; more take longer to factorise
    and save no force calls. ``form`` says which operator was used: ``force constants``, or ``positive
    bonds`` where the cut-off force constants are not positive definite.
    """

    factor: SparseFactor
    form: str

    def solve(self, g: Array) -> Array:
        """P⁻¹g, (m, 3) eV/Å → (m, 3) Å."""
        return self.factor.solve(g)


def harmonic_preconditioner(cell: DefectCell, unknowns: IntArray) -> HarmonicPreconditioner:
    """Preconditioner for the unknown atoms while all others are held."""
    crystal = cell.defect.crystal
    pairs = cell.pairs(1.01 * second_neighbour_distance(crystal))
    blocks = bond_blocks(crystal, pairs, cell.sublattice, cell.defect.frame)
    points = cell.reference[unknowns, : 3 if cell.line_period is None else 2]
    try:
        operator = bond_operator(blocks, pairs, len(cell), unknowns)
        return HarmonicPreconditioner(SparseFactor(operator, points), "force constants")
    except NotPositiveDefiniteError:
        operator = bond_operator(positive_part(blocks), pairs, len(cell), unknowns)
        return HarmonicPreconditioner(SparseFactor(operator, points), "positive bonds")


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
