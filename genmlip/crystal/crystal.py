"""The perfect crystal of a potential: one frozen object from which everything else is derived."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ase import Atoms, units
from ase.data import atomic_masses, atomic_numbers

from genmlip._types import Array, ComplexArray
from genmlip.crystal import elastic, phonons
from genmlip.crystal.force_constants import ForceConstants, force_constants
from genmlip.crystal.homogeneous import LARGEST_STRETCH, HomogeneousCrystal
from genmlip.crystal.lattice_parameter import minimise_over_lattice_parameter
from genmlip.crystal.site_hessians import SiteHessian, site_hessians
from genmlip.crystal.structures import (
    STRUCTURES,
    Structure,
    choose_structure,
    choose_symbol,
    expected_lattice_parameter,
    primitive_cell,
    unit_cell,
    warn_if_far_from_expected,
)
from genmlip.crystal.tensors import cubic_third_order
from genmlip.potentials.base import Potential

STABILITY_TOLERANCE = 1e-6
"""A mode counts as stable when its stiffness exceeds this fraction of the largest one."""


@dataclass(frozen=True, eq=False)
class Crystal:
    """An element in a cubic structure at the lattice parameter ``a0`` (Å), described by ``potential``.

    Axes are the cubic ones. Elastic tensors are relaxed-ion ones unless they say clamped.
    """

    potential: Potential
    structure: str
    symbol: str
    a0: float

    @classmethod
    def from_potential(
        cls, potential: Potential, structure: str | None = None, symbol: str | None = None
    ) -> Crystal:
        """The crystal at zero pressure; element and structure default to what the potential offers.

        A LatticeParameterWarning says so where it is far from what is known of the element. Raises InputError
        where element or structure must be chosen, UnstableCrystalError where no lattice parameter minimises
        the energy.
        """
        symbol = choose_symbol(potential, symbol)
        kind = choose_structure(symbol, structure)
        guess = expected_lattice_parameter(symbol, kind)
        cell = HomogeneousCrystal.of(potential, primitive_cell(kind, symbol, guess))

        def slope(a: float) -> float:
            if LARGEST_STRETCH * a >= guess:
                here, edge = cell, guess
            else:  # so much closer, atoms have neighbours that ``cell`` does not know
                here, edge = HomogeneousCrystal.of(potential, primitive_cell(kind, symbol, a)), a
            return float(np.trace(here.gradient(here.state(a / edge * np.eye(3)))[:3])) * (guess / edge)

        name = f"{kind.name} {symbol} with {potential.spec or type(potential).__name__}"
        a0 = minimise_over_lattice_parameter(slope, guess, name)
        warn_if_far_from_expected(name, symbol, kind, a0)
        return cls(potential, kind.name, symbol, a0)

    @property
    def _kind(self) -> Structure:
        return STRUCTURES[self.structure]

    @property
    def primitive_vectors(self) -> Array:
        """(3, 3) Å, rows."""
        return self.a0 * self._kind.primitive

    @property
    def basis(self) -> Array:
        """(nb, 3) Å, atoms of the primitive cell."""
        return self.a0 * self._kind.basis

    @property
    def nearest_neighbour_distance(self) -> float:
        """Å."""
        return float(self.a0 * self._kind.neighbour_distance)

    @property
    def mass(self) -> float:
        """Atomic mass units."""
        return float(atomic_masses[atomic_numbers[self.symbol]])

    def primitive_cell(self) -> Atoms:
        """The periodic primitive cell."""
        return primitive_cell(self._kind, self.symbol, self.a0)

    def unit_cell(self) -> Atoms:
        """The periodic conventional cube; atoms of the basis follow each other."""
        return unit_cell(self._kind, self.symbol, self.a0)

    @cached_property
    def homogeneous(self) -> HomogeneousCrystal:
        """The energy of the crystal under homogeneous strain and internal shifts."""
        return HomogeneousCrystal.of(self.potential, self.primitive_cell())

    @cached_property
    def energy_per_atom(self) -> float:
        """eV."""
        return self.homogeneous.energy(self.homogeneous.state()) / len(self.basis)

    @cached_property
    def stiffness(self) -> Array:
        """C, (3, 3, 3, 3) eV/Å³, with the basis relaxed."""
        return elastic.relaxed_stiffness(self.homogeneous)

    @cached_property
    def clamped_stiffness(self) -> Array:
        """C at fixed positions of the atoms in the cell, (3, 3, 3, 3) eV/Å³."""
        return elastic.clamped_stiffness(self.homogeneous)

    @cached_property
    def internal_displacement(self) -> Array:
        """Γ, (nb, 3, 3, 3) Å: atom κ moves by ζ_κi = Γ_κijk ε_jk relative to the mean over the basis."""
        return elastic.internal_displacement(self.homogeneous)

    @cached_property
    def third_order_constants(self) -> dict[str, float]:
        """C111, C112, C123, C144, C155, C456 in eV/Å³, with the basis relaxed."""
        return elastic.third_order_constants(self.homogeneous)

    @cached_property
    def third_order(self) -> Array:
        """∂³E/∂η∂η∂η per volume, (3,)*6 eV/Å³."""
        return cubic_third_order(self.third_order_constants)

    @property
    def elastic_constants(self) -> dict[str, float]:
        """C11, C12, C44 in GPa."""
        return _cubic_constants(self.stiffness)

    @cached_property
    def force_constants(self) -> ForceConstants:
        """H_κκ'(R)."""
        return force_constants(self.potential, self._kind, self.symbol, self.a0)

    @cached_property
    def site_hessians(self) -> list[SiteHessian]:
        """∂²V/∂u∂u of every atom of the primitive cell. Raises InputError where sites are hidden."""
        return site_hessians(self.potential, self._kind, self.symbol, self.a0)

    def phonons(self, q: Array) -> Array:
        """Frequencies (..., 3 nb) THz, ascending, at wave vectors q (..., 3) Å⁻¹; imaginary ones negative."""
        return self.phonon_modes(q)[0]

    def phonon_modes(self, q: Array) -> tuple[Array, ComplexArray]:
        """Frequencies (..., 3 nb) THz and polarisations (..., nb, 3, 3 nb)."""
        return phonons.modes(self.force_constants, self.mass, q)

    @cached_property
    def is_stable(self) -> bool:
        """Stable against every homogeneous strain (Born's criteria) and every phonon."""
        if not elastic.is_elastically_stable(self.stiffness, STABILITY_TOLERANCE):
            return False
        softest = phonons.stability_constant(self.force_constants, self.primitive_vectors)
        return softest > STABILITY_TOLERANCE * float(abs(self.force_constants.blocks).max())

    def summary(self) -> dict[str, Any]:
        """What the command line prints: Å, eV, GPa."""
        return {
            "potential": self.potential.spec,
            "structure": self.structure,
            "symbol": self.symbol,
            "a0": self.a0,
            "energy_per_atom": self.energy_per_atom,
            **self.elastic_constants,
            "C44_clamped": _cubic_constants(self.clamped_stiffness)["C44"],
            "C3": {name: value / units.GPa for name, value in self.third_order_constants.items()},
            "stable": self.is_stable,
        }


def _cubic_constants(stiffness: Array) -> dict[str, float]:
    C = stiffness / units.GPa
    return {"C11": float(C[0, 0, 0, 0]), "C12": float(C[0, 0, 1, 1]), "C44": float(C[1, 2, 1, 2])}
