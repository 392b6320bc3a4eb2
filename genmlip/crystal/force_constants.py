"""Force constants of the perfect crystal.

E = ½ Σ_R,S Σ_κκ' u_κ(R) · H_κκ'(S − R) u_κ'(S), so that H_κκ'(R) = ∂²E/∂u_κ(0)∂u_κ'(R).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from genmlip._types import Array, ComplexArray, IntArray
from genmlip.crystal.differences import derivative
from genmlip.crystal.site_hessians import DISPLACEMENT, SiteHessian, site_hessians
from genmlip.crystal.structures import Structure, unit_cell
from genmlip.errors import InputError
from genmlip.potentials.base import Potential, SitePotential

Table: TypeAlias = tuple[IntArray, Array]
"""Contributions to H: translations (p, 3) in primitive vectors, repeated, and blocks (p, nb, nb, 3, 3)."""

SUM_RULE_TOLERANCE = 1e-6
"""Net force constant under translation, relative to the largest one, beyond which the input is refused."""


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
        return np.tensordot(phase, self.blocks.astype(complex), axes=(-1, 0))

    def matrix(self, q: Array) -> ComplexArray:
        """Ĥ(q) as a Hermitian matrix, (..., 3) Å⁻¹ → (..., 3 nb, 3 nb); the sublattice runs slowest."""
        n = 3 * self.blocks.shape[1]
        return np.moveaxis(self.fourier(q), -2, -3).reshape(*np.shape(q)[:-1], n, n)

    @property
    def range(self) -> float:
        """Length of the longest translation, Å."""
        return float(np.linalg.norm(self.vectors, axis=1).max())


def force_constants(potential: Potential, structure: Structure, symbol: str, a0: float) -> ForceConstants:
    """H_κκ'(R): exact where the potential gives the Hessians of its sites, else by differences of forces.

    Raises InputError where a potential reaches beyond its cutoff.
    """
    if isinstance(potential, SitePotential):
        table = _from_sites(site_hessians(potential, structure, symbol, a0))
    else:
        table = _from_forces(potential, structure, symbol, a0)
    return _assembled(table, structure, a0)


def _from_sites(sites: list[SiteHessian]) -> Table:
    """Σ over sites of ∂²V/∂u_j∂u_k: the pair (j, k) of atoms contributes to the translation R_k − R_j."""
    translations, blocks = [], []
    nb = len(sites)
    for site in sites:
        n = len(site.sublattice)
        block = np.zeros((n, n, nb, nb, 3, 3))
        rows, columns = np.ix_(range(n), range(n))
        block[rows, columns, site.sublattice[:, None], site.sublattice[None, :]] = site.blocks
        translations.append((site.translations[None] - site.translations[:, None]).reshape(-1, 3))
        blocks.append(block.reshape(-1, nb, nb, 3, 3))
    return np.concatenate(translations), np.concatenate(blocks)


def _from_forces(potential: Potential, structure: Structure, symbol: str, a0: float) -> Table:
    """The rows −∂f_κ'(R)/∂u_κ(0) by differences of forces, in a cube so wide that no image interferes.

    An atom's displacement is felt up to twice the cutoff away. Displacements along the first cubic axis
    suffice: in the structures here the threefold axis [111] passes through every atom of the basis, and turns
    them into the other two, H_κκ'(QR) = Q H_κκ'(R) Qᵀ.
    """
    reach = 2 * potential.cutoff + 1e-6  # so that rounding takes in both of ±R or neither
    repeats = int(2 * reach / a0) + 1
    supercell = unit_cell(structure, symbol, a0).repeat(repeats)
    evaluator, home = potential.bind(supercell), supercell.positions.copy()
    nb = len(structure.basis)
    sublattice = np.arange(len(supercell)) % nb  # the basis runs fastest in a cube
    translations, blocks = [], []
    for centre in range(nb):

        def forces(t: float, centre: int = centre) -> Array:
            moved = home.copy()
            moved[centre, 0] += t
            return evaluator(moved).forces

        bond = home / a0 - structure.basis[centre]
        bond -= repeats * np.rint(bond / repeats)
        near = np.linalg.norm(bond, axis=1) * a0 <= reach
        row = -derivative(forces, DISPLACEMENT)[near]
        lattice = bond[near] - structure.basis[sublattice[near]] + structure.basis[centre]
        for axis in range(3):
            block = np.zeros((len(row), nb, nb, 3, 3))
            block[np.arange(len(row)), centre, sublattice[near], axis] = np.roll(row, axis, axis=1)
            turned = np.roll(lattice, axis, axis=1) @ np.linalg.inv(structure.primitive)
            translations.append(np.rint(turned).astype(np.int64))
            blocks.append(block)
    return np.concatenate(translations), np.concatenate(blocks)


def _assembled(table: Table, structure: Structure, a0: float) -> ForceConstants:
    """Equal translations added up, with H_κκ'(R) = H_κ'κ(−R)ᵀ exactly and Σ_Rκ' H_κκ'(R) = 0 to rounding."""
    translations, inverse = np.unique(table[0], axis=0, return_inverse=True)
    blocks = np.zeros((len(translations), *table[1].shape[1:]))
    np.add.at(blocks, inverse.ravel(), table[1])
    # np.unique sorts, and the order of −R is the reverse of that of R.
    blocks = 0.5 * (blocks + blocks[::-1].transpose(0, 2, 1, 4, 3))
    net = blocks.sum(axis=(0, 2))
    if abs(net).max() > SUM_RULE_TOLERANCE * abs(blocks).max():
        raise InputError(
            f"translating the crystal costs force constants of {abs(net).max():.1e} eV/Å²: "
            "the potential reaches beyond the cutoff it declares, or its forces are not those of its energy"
        )
    home, sites = len(translations) // 2, np.arange(blocks.shape[1])
    blocks[home, sites, sites] -= 0.5 * (net + net.transpose(0, 2, 1))
    coupled = abs(blocks).max(axis=(1, 2, 3, 4)) > 0
    return ForceConstants(translations[coupled] @ (a0 * structure.primitive), blocks[coupled])
