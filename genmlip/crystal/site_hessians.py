"""Second derivatives of one site's energy in the perfect crystal: what the force constants are a sum of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matscipy.neighbours import neighbour_list

from genmlip._types import Array, IntArray
from genmlip.crystal.differences import derivative
from genmlip.crystal.structures import Structure, primitive_cell, unit_cell
from genmlip.errors import InputError
from genmlip.potentials.base import Potential, SitePotential, in_positions

DISPLACEMENT = 1e-2
"""Å, step of the differences of forces."""


@dataclass(frozen=True, eq=False)
class SiteHessian:
    """∂²V/∂u_a∂u_b of the site energy V of an atom of the primitive cell; the atom itself comes first.

    translations : (n + 1, 3) in primitive vectors, from the atom's cell to that of each neighbour
    sublattice : (n + 1,) of the atom and its neighbours
    blocks : (n + 1, n + 1, 3, 3) eV/Å²; rows and columns sum to zero
    """

    translations: IntArray
    sublattice: IntArray
    blocks: Array


def site_hessians(potential: Potential, structure: Structure, symbol: str, a0: float) -> list[SiteHessian]:
    """One for every atom of the primitive cell; in closed form, or by differences of the site's own forces.

    Raises InputError for a potential whose sites are hidden.
    """
    if not potential.knows_sites:
        raise InputError(
            f"{potential.spec or type(potential).__name__} does not tell the forces of one site's energy"
        )
    closed = isinstance(potential, SitePotential)
    make = _in_closed_form if closed else _by_differences
    return [make(potential, structure, symbol, a0, kappa) for kappa in range(len(structure.basis))]


def _in_closed_form(
    potential: SitePotential, structure: Structure, symbol: str, a0: float, kappa: int
) -> SiteHessian:
    cell = primitive_cell(structure, symbol, a0)
    i, j, S, D = neighbour_list("ijSD", cell, potential.cutoff)
    mine = i == kappa
    sublattice = np.concatenate(([kappa], j[mine])).astype(np.int64)
    translations = np.vstack([np.zeros((1, 3), dtype=np.int64), S[mine]])
    species = potential.species_of(cell)[sublattice]
    return SiteHessian(translations, sublattice, in_positions(potential.site_hessian(species, D[mine])))


def _by_differences(
    potential: Potential, structure: Structure, symbol: str, a0: float, kappa: int
) -> SiteHessian:
    """Moving one atom after another in a cube so wide that no image comes near the site."""
    repeats = int(2 * potential.cutoff / a0) + 2
    supercell = unit_cell(structure, symbol, a0).repeat(repeats)
    evaluator, home = potential.bind(supercell, np.array([kappa])), supercell.positions.copy()
    nb = len(structure.basis)
    bond = home / a0 - structure.basis[kappa]
    bond -= repeats * np.rint(bond / repeats)
    near = np.flatnonzero(np.linalg.norm(bond, axis=1) * a0 <= potential.cutoff + 1e-6)
    near = near[np.argsort(np.linalg.norm(bond[near], axis=1), kind="stable")]
    sublattice = near % nb  # the basis runs fastest in a cube
    lattice = bond[near] - structure.basis[sublattice] + structure.basis[kappa]
    blocks = np.empty((len(near), len(near), 3, 3))
    for a, atom in enumerate(near):
        for axis in range(3):

            def forces(t: float, atom: int = int(atom), axis: int = axis) -> Array:
                moved = home.copy()
                moved[atom, axis] += t
                return evaluator(moved).forces[near]

            blocks[a, :, axis] = -derivative(forces, DISPLACEMENT)
    blocks = 0.5 * (blocks + blocks.transpose(1, 0, 3, 2))
    blocks[0, 1:] = -blocks[1:, 1:].sum(axis=0)  # a translation costs nothing, exactly
    blocks[:, 0] = -blocks[:, 1:].sum(axis=1)
    translations = np.rint(lattice @ np.linalg.inv(structure.primitive)).astype(np.int64)
    return SiteHessian(translations, sublattice.astype(np.int64), blocks)
