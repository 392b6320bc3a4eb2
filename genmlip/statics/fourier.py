"""The harmonic operator of a periodic perfect crystal, inverted wave vector by wave vector."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from genmlip._types import Array, ComplexArray, IntArray
from genmlip.errors import InputError

if TYPE_CHECKING:
    from genmlip.crystal import Crystal

SITE_TOLERANCE = 1e-4  # in units of the lattice parameter


def periodic_force_constants(crystal: Crystal, repeats: int) -> tuple[Array, Array]:
    """(sites (c, 3) of the conventional cell / a0, blocks (c, c, m, m, m, 3, 3) eV/Å²) of an m × m × m
    supercell.

    ``blocks[α, β, n]`` couples site α of a cell to site β of the cell n further on, all images added up.
    """
    a0, basis, constants = crystal.a0, crystal.basis, crystal.force_constants
    sites = crystal.unit_cell().positions / a0
    sublattice = np.arange(len(sites)) % len(basis)  # the basis runs fastest
    blocks = np.zeros((len(sites), len(sites), repeats, repeats, repeats, 3, 3))
    for alpha, kappa in enumerate(sublattice):
        for other in range(len(basis)):
            ends = sites[alpha] + (constants.vectors + basis[other] - basis[kappa]) / a0
            beta, cell = locate(ends, sites)
            where: Any = (alpha, beta, *(cell % repeats).T)
            np.add.at(blocks, where, constants.blocks[:, kappa, other])
    return sites, blocks


def locate(points: Array, sites: Array) -> tuple[IntArray, IntArray]:
    """For points (n, 3) of a lattice of unit cubes: which site of the cube (n,), and which cube (n, 3).

    Raises InputError for a point that is no site.
    """
    offset = points[:, None] - sites
    distance = np.abs(offset - np.rint(offset)).max(axis=2)
    site = distance.argmin(axis=1)
    if distance.min(axis=1).max(initial=0.0) > SITE_TOLERANCE:
        raise InputError("an atom of the periodic cell is on no site of the crystal")
    return site, np.rint(points - sites[site]).astype(np.int64)


class FourierInverse:
    """H⁻¹ of the perfect supercell on forces that sum to zero, at the sites that are occupied.

    An empty site carries no force, and its displacement is dropped: on the occupied sites this is a principal
    submatrix of H⁻¹, hence symmetric and positive definite up to translations.

    sites : (c, 3) in [0, 1) of the unit cube; blocks : (c, c, m, m, m, 3, 3) eV/Å²
    occupied : (n, 3) positions of the atoms in units of the cube's edge
    """

    def __init__(self, sites: Array, blocks: Array, occupied: Array) -> None:
        m, c = blocks.shape[2], len(sites)
        site, cube = locate(occupied, sites)
        n = cube % m
        self._where = (n[:, 0], n[:, 1], n[:, 2], site)
        self._shape = (m, m, m, c, 3)
        spectrum = np.conj(np.fft.rfftn(blocks, axes=(2, 3, 4))).transpose(2, 3, 4, 0, 5, 1, 6)
        self._inverse = _inverted(spectrum.reshape(*spectrum.shape[:3], 3 * c, 3 * c))

    def solve(self, g: Array) -> Array:
        """P⁻¹g for gradients (n, 3) eV/Å; both it and the result (n, 3) Å sum to zero."""
        field = np.zeros(self._shape)
        field[self._where] = g - g.mean(axis=0)
        m, c = self._shape[0], self._shape[3]
        transform = np.fft.rfftn(field.reshape(m, m, m, 3 * c), axes=(0, 1, 2))
        solved = np.einsum("xyzab,xyzb->xyza", self._inverse, transform)
        x = np.fft.irfftn(solved, s=(m, m, m), axes=(0, 1, 2)).reshape(self._shape)[self._where]
        return x - x.mean(axis=0)


def _inverted(spectrum: ComplexArray) -> ComplexArray:
    """Ĥ(k)⁻¹ for every k; at k = 0, where translations cost nothing, on their complement."""
    size = spectrum.shape[-1]
    translations = np.kron(np.ones((size // 3, 1)), np.eye(3)) / np.sqrt(size / 3)
    projection = translations @ translations.T
    stiff = np.abs(spectrum[0, 0, 0]).max()
    spectrum[0, 0, 0] += stiff * projection
    inverse = np.asarray(np.linalg.inv(spectrum), dtype=complex)
    inverse[0, 0, 0] -= projection / stiff
    return inverse
