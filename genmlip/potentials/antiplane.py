"""Rigid columns on a plane lattice that interact through their slip: the anti-plane model as a potential."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.potentials.base import SiteEvaluator, SitePotential
from genmlip.potentials.neighbours import Neighbours

STIFFNESS = 4.0
"""κ, eV/Å²: with it the triangular lattice is as stiff in the plane, λ = μ = √3 eV/Å³, as out of it."""

CLOSEST = 0.5
"""Å; what is closer than this in the plane is the column itself, one period further along the line."""


class AntiPlanePotential(SitePotential):
    """V_i = ½ Σ_j [ψ(z_ij) + ½ κ (d_ij − 1)²], a bond being shared by its ends.

    z is the component of r_ij along x3, d its length in the plane, j runs over the columns with d below the
    cutoff, and ψ(z) = sin²(πz) / 2π², with ψ″(0) = 1 eV/Å², does not change when a column slips by the period
    of 1 Å. Where no column leaves its place in the plane this is the scalar model of Ehrlacher, Ortner &
    Shapeev (Arch. Ration. Mech. Anal. 222, 1217 (2016), section 2); the springs in the plane then rest.

    No potential of a material: one atom, called H, stands for a column, whose neighbours are found in the
    plane, once each, whatever the slip.
    """

    def __init__(self) -> None:
        super().__init__()
        self.symbols = ("H",)
        self.cutoff = 1.2

    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> ColumnEvaluator:
        return ColumnEvaluator(self, atoms, centres)

    def site_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        antiplane_sites(neighbours.first, vectors, self.cutoff, STIFFNESS, energies, gradients)

    def site_hessian(self, species: IntArray, vectors: Array) -> Array:
        """Closed form of :meth:`SitePotential.site_hessian`; bonds do not couple."""
        d = np.linalg.norm(vectors[:, :2], axis=1)
        j = np.flatnonzero((d > CLOSEST) & (d < self.cutoff))
        n = vectors[j, :2] / d[j, None]
        along = np.einsum("ja,jb->jab", n, n)
        block = np.zeros((len(j), 3, 3))
        block[:, :2, :2] = 0.5 * STIFFNESS * (along + (1.0 - 1.0 / d[j])[:, None, None] * (np.eye(2) - along))
        block[:, 2, 2] = 0.5 * np.cos(2 * np.pi * vectors[j, 2])
        hessian = np.zeros((len(d), 3, len(d), 3))
        hessian[j, :, j, :] = block
        return hessian


class ColumnEvaluator(SiteEvaluator):
    """Finds neighbours by their distance in the plane, without images along the line."""

    def _rebuild(self, positions: Array) -> None:
        self._atoms.pbc = [*self._atoms.pbc[:2], False]
        super()._rebuild(positions * [1.0, 1.0, 0.0])
        self._built_at = np.array(positions, dtype=float)


@njit(cache=True, nogil=True)
def antiplane_sites(first, vectors, cutoff, stiffness, energies, gradients):  # type: ignore[no-untyped-def]
    """V_i and ∂V_i/∂r_ij; ψ′(z) = sin(2πz) / 2π."""
    for m in range(first.size - 1):
        energy = 0.0
        for p in range(first[m], first[m + 1]):
            x, y, z = vectors[p, 0], vectors[p, 1], vectors[p, 2]
            d = np.sqrt(x * x + y * y)
            gradients[p] = 0.0
            if CLOSEST < d < cutoff:
                slip = np.sin(np.pi * z) / np.pi
                stretch = d - 1.0
                energy += 0.25 * (slip * slip + stiffness * stretch * stretch)
                gradients[p, 0] = 0.5 * stiffness * stretch * x / d
                gradients[p, 1] = 0.5 * stiffness * stretch * y / d
                gradients[p, 2] = 0.5 * slip * np.cos(np.pi * z)
        energies[m] = energy
