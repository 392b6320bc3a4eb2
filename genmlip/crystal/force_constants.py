"""Force constants of the perfect crystal.

E = ½ Σ_R,S Σ_κκ' u_κ(R) · H_κκ'(S − R) u_κ'(S), so that H_κκ'(R) = ∂²E/∂u_κ(0)∂u_κ'(R).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from genmlip._types import Array, ComplexArray, IntArray
from genmlip.crystal.structures import Structure
from genmlip.errors import InputError
from genmlip.potentials.base import Potential, SitePotential


@dataclass(frozen=True, eq=False)
class ForceConstants:
    """H_κκ'(R) of a crystal whose primitive cell holds nb atoms.

    vectors : (m, 3) Å, lattice translations R; with R also −R
    blocks : (m, nb, nb, 3, 3) eV/Å²
    """

    vectors: Array
    blocks: Array

    def fourier(self, q: Array) -> ComplexArray:
        """Ĥ_κκ'(q) = Σ_R H_κκ'(R) exp(i q · R), (..., 3) Å⁻¹ → (..., nb, nb, 3, 3); periodic in q."""
        phase = np.exp(1j * np.asarray(q, dtype=float) @ self.vectors.T)
        return np.tensordot(phase, self.blocks, axes=(-1, 0))

    @property
    def range(self) -> float:
        """Length of the longest translation, Å."""
        return float(np.linalg.norm(self.vectors, axis=1).max())


def force_constants(potential: Potential, structure: Structure, symbol: str, a0: float) -> ForceConstants:
    """Exact where the potential gives the Hessians of its sites, else by differences of forces in a supercell."""
    if isinstance(potential, SitePotential):
        table = _from_sites(potential, structure, symbol, a0)
    else:
        table = _from_forces(potential, structure, symbol, a0)
    return _assembled(table, structure, a0)


def _from_sites(potential: SitePotential, structure: Structure, symbol: str, a0: float) -> tuple[IntArray, Array]:
    """Σ over sites of ∂²V/∂u_j∂u_k, as (translations (p, 3) in primitive vectors, blocks (p, nb, nb, 3, 3)).

    The Hessian of a site in the bond vectors r_j = u_j − u_0 becomes one in (u_0, u_1, …) by the rows −Σ_j of the
    centre. The pair (j, k) of atoms contributes to the translation R_k − R_j.
    """
    from matscipy.neighbours import neighbour_list

    cell = primitive_cell(structure, symbol, a0)
    nb = len(cell)
    i, j, S, D = neighbour_list("ijSD", cell, potential.cutoff)
    species = potential.species_of(cell)
    translations, blocks = [], []
    for centre in range(nb):
        mine = i == centre
        sublattice = np.concatenate(([centre], j[mine]))
        site = np.vstack([np.zeros((1, 3), dtype=np.int64), S[mine]])
        hessian = _with_centre(potential.site_hessian(species[sublattice], D[mine]))
        n = len(site)
        block = np.zeros((n, n, nb, nb, 3, 3))
        rows, columns = np.ix_(range(n), range(n))
        block[rows, columns, sublattice[:, None], sublattice[None, :]] = hessian.transpose(0, 2, 1, 3)
        translations.append((site[None, :, :] - site[:, None, :]).reshape(-1, 3))
        blocks.append(block.reshape(-1, nb, nb, 3, 3))
    return np.concatenate(translations), np.concatenate(blocks)


def _with_centre(hessian: Array) -> Array:
    """(n, 3, n, 3) in bond vectors → (n + 1, 3, n + 1, 3) in positions, the centre first."""
    difference = np.hstack([-np.ones((len(hessian), 1)), np.eye(len(hessian))])
    return np.einsum("jm,jakb,kn->manb", difference, hessian, difference, optimize=True)


def _from_forces(potential: Potential, structure: Structure, symbol: str, a0: float) -> tuple[IntArray, Array]:
    """Columns −∂f_κ'(R)/∂u_κ(0) by fourth-order differences in a cubic supercell wider than twice their range.

    Forces answer to displacements at up to twice the cutoff. Only displacements along the first cubic axis are
    made: the threefold axis [111] through every atom of the structures here turns it into the other two.
    """
    step = 1e-2  # Å
    reach = 2 * potential.cutoff
    repeats = int(np.floor(2 * reach / a0)) + 1
    supercell = unit_cell(structure, symbol, a0).repeat(repeats)
    evaluator = potential.bind(supercell)
    scaled = structure.conventional
    nb = len(structure.basis)
    # ASE repeats the whole cube, within which the basis runs fastest.
    sublattice = np.arange(len(supercell)) % nb
    raise NotImplementedError(scaled, evaluator, sublattice, step)


def _assembled(table: tuple[IntArray, Array], structure: Structure, a0: float) -> ForceConstants:
    """Equal translations added up; the symmetry H_κκ'(R) = H_κ'κ(−R)ᵀ and Σ_Rκ' H_κκ'(R) = 0 to rounding."""
    translations, inverse = np.unique(table[0], axis=0, return_inverse=True)
    blocks = np.zeros((len(translations), *table[1].shape[1:]))
    np.add.at(blocks, inverse.ravel(), table[1])
    opposite = np.lexsort((-translations).T[::-1])
    if not np.array_equal(translations[opposite], -translations):
        raise InputError("force constants need with every translation its opposite")
    blocks = 0.5 * (blocks + blocks[opposite].transpose(0, 2, 1, 4, 3))
    coupled = abs(blocks).max(axis=(1, 2, 3, 4)) > 0
    return ForceConstants(translations[coupled] @ (a0 * structure.primitive), blocks[coupled])


def primitive_cell(structure: Structure, symbol: str, a0: float) -> Atoms:
    """The primitive cell along cubic axes, periodic."""
    return Atoms([symbol] * len(structure.basis), a0 * structure.basis, cell=a0 * structure.primitive, pbc=True)


def unit_cell(structure: Structure, symbol: str, a0: float) -> Atoms:
    """The conventional cube, periodic."""
    positions = a0 * structure.conventional
    return Atoms([symbol] * len(positions), positions, cell=a0 * np.eye(3), pbc=True)
