"""The homogeneously deformed crystal: energy of one primitive cell under strain and internal shifts.

Atom κ of the cell at lattice translation R sits at F (R + X_κ) + ζ_κ, with a deformation gradient F and
shifts ζ_κ. With F written by its columns the unknowns are the rows of one array

    y = [F_·1, F_·2, F_·3, ζ_1, …, ζ_nb],   (3 + nb, 3),

and every bond is linear in them: r = Σ_m G_m y_m with G = [X_bond, e_κ′ − e_κ]. This is the Cauchy–Born
energy with its internal degrees of freedom; :mod:`genmlip.crystal.elastic` relaxes them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property, partial

import numpy as np
from ase import Atoms

from genmlip._types import Array, IntArray
from genmlip.crystal.differences import derivative
from genmlip.errors import InputError
from genmlip.potentials.base import Potential, SitePotential
from genmlip.potentials.neighbours import Neighbours

LARGEST_STRETCH = 1.25
"""Bonds up to the cutoff are found as long as the crystal is not compressed by more than this factor."""


class HomogeneousCrystal(ABC):
    """W(y) of one primitive cell, eV.

    cell : Atoms, the undeformed primitive cell
    """

    def __init__(self, potential: Potential, cell: Atoms) -> None:
        self.potential, self.cell = potential, cell

    @staticmethod
    def of(potential: Potential, cell: Atoms) -> HomogeneousCrystal:
        """Exact derivatives where the potential gives its sites, else differences of stress and forces."""
        kind = SiteHomogeneousCrystal if isinstance(potential, SitePotential) else ForeignHomogeneousCrystal
        return kind(potential, cell)

    @property
    def n_basis(self) -> int:
        """Number of atoms in the primitive cell."""
        return len(self.cell)

    @property
    def volume(self) -> float:
        """Volume of the undeformed primitive cell, Å³."""
        return float(self.cell.get_volume())

    def state(self, F: Array | None = None) -> Array:
        """y for the deformation gradient F (3, 3), by default the identity, and no shifts."""
        y = np.zeros((3 + self.n_basis, 3))
        y[:3] = np.eye(3) if F is None else np.transpose(F)
        return y

    @abstractmethod
    def energy(self, y: Array) -> float:
        """W(y), eV."""

    @abstractmethod
    def gradient(self, y: Array) -> Array:
        """∂W/∂y, (3 + nb, 3)."""

    @abstractmethod
    def hessian(self, y: Array) -> Array:
        """∂²W/∂y∂y, (3 + nb, 3, 3 + nb, 3)."""


class SiteHomogeneousCrystal(HomogeneousCrystal):
    """W = Σ_κ V_κ, with derivatives from those of the site energies."""

    potential: SitePotential

    def __init__(self, potential: SitePotential, cell: Atoms) -> None:
        super().__init__(potential, cell)
        self._species = potential.species_of(cell)

    @cached_property
    def _bonds(self) -> list[tuple[IntArray, Array]]:
        """Per basis atom the species (centre first) and G (n, 3 + nb) of all bonds that may come in reach."""
        from matscipy.neighbours import neighbour_list

        i, j, X = neighbour_list("ijD", self.cell, LARGEST_STRETCH * self.potential.cutoff)
        unit = np.eye(self.n_basis)
        bonds = []
        for centre in range(self.n_basis):
            mine = i == centre
            G = np.hstack([X[mine], unit[j[mine]] - unit[centre]])
            bonds.append((self._species[np.concatenate(([centre], j[mine]))], G))
        return bonds

    def _sites(self, y: Array) -> Iterator[tuple[IntArray, Array, Array]]:
        """Species, G and bond vectors of the neighbours inside the cutoff, per site."""
        for species, G in self._bonds:
            vectors = G @ y
            inside = np.einsum("ja,ja->j", vectors, vectors) < self.potential.cutoff**2
            yield species[np.concatenate(([True], inside))], G[inside], np.ascontiguousarray(vectors[inside])

    def _terms(self, species: IntArray, vectors: Array) -> tuple[float, Array]:
        energy, gradient = np.empty(1), np.empty_like(vectors)
        self.potential.site_terms(species, Neighbours.of_one_site(vectors), vectors, energy, gradient)
        return float(energy[0]), gradient

    def energy(self, y: Array) -> float:
        return sum(self._terms(species, vectors)[0] for species, _, vectors in self._sites(y))

    def gradient(self, y: Array) -> Array:
        total = np.zeros_like(y)
        for species, G, vectors in self._sites(y):
            total += G.T @ self._terms(species, vectors)[1]
        return total

    def hessian(self, y: Array) -> Array:
        total = np.zeros(y.shape * 2)
        for species, G, vectors in self._sites(y):
            site = self.potential.site_hessian(species, vectors)
            total += np.einsum("jm,jakb,kn->manb", G, site, G, optimize=True)
        return total


class ForeignHomogeneousCrystal(HomogeneousCrystal):
    """W from the total energy, stress and forces of a potential whose sites are hidden."""

    step = 2e-3
    """Of the differences: a strain for F, in units of the cube root of the cell volume for ζ. Where a
    potential has kinks, the moduli are thus means over strains of ±0.8 %."""

    def _atoms(self, y: Array) -> Atoms:
        atoms = self.cell.copy()
        atoms.set_cell(self.cell.cell[:] @ y[:3])
        atoms.positions = self.cell.positions @ y[:3] + y[3:]
        return atoms

    def energy(self, y: Array) -> float:
        return self.potential.evaluate(self._atoms(y)).energy

    def gradient(self, y: Array) -> Array:
        """From −virial = ∂W/∂F Fᵀ + Σ ∂W/∂ζ ⊗ ζ, since a further strain moves the shifts too."""
        result = self.potential.evaluate(self._atoms(y))
        if not np.isfinite(result.virial).all():
            raise InputError(f"potential {self.potential.spec} gives no stress, which a crystal needs")
        strain_derivative = -result.virial + np.einsum("ka,kb->ab", result.forces, y[3:])
        return np.vstack([np.linalg.solve(y[:3].T, strain_derivative.T), -result.forces])

    def _gradient_along(self, y: Array, direction: Array, t: float) -> Array:
        return self.gradient(y + t * direction)

    def hessian(self, y: Array) -> Array:
        hessian = np.empty(y.shape * 2)
        length = self.volume ** (1 / 3)
        for m, a in np.ndindex(*y.shape):
            direction = np.zeros_like(y)
            direction[m, a] = 1.0 if m < 3 else length
            hessian[m, a] = (
                derivative(partial(self._gradient_along, y, direction), self.step) / direction[m, a]
            )
        return 0.5 * (hessian + hessian.transpose(2, 3, 0, 1))
