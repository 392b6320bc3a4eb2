"""What a potential is here: an ASE calculator whose energy is a sum of site energies.

A new potential supplies one method, :meth:`SitePotential.site_terms`; forces, stress, the reuse of the
neighbour list and the force constants follow from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from threading import get_ident
from typing import Any, ClassVar

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, all_changes
from ase.data import atomic_numbers, chemical_symbols
from ase.stress import full_3x3_to_voigt_6_stress

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.neighbours import (
    Neighbours,
    check_centres,
    check_finite,
    gather_forces,
    has_left_skin,
)

DEFAULT_SKIN = 0.5  # Å


@dataclass(frozen=True)
class Evaluation:
    """Energies and their derivatives at one configuration.

    energies : (n_sites,) eV, or (1,) where the potential knows only the total
    forces : (n, 3) eV/Å
    virial : (3, 3) eV, −∂E/∂ε for the strain x → (1 + ε) x
    """

    energies: Array
    forces: Array
    virial: Array

    @property
    def energy(self) -> float:
        """Total energy, eV."""
        return float(self.energies.sum())


Evaluator = Callable[[Array], Evaluation]
"""positions (n, 3) Å → Evaluation, for fixed species, cell and periodicity."""


class Potential(Calculator, ABC):
    """An ASE calculator that can be bound to a configuration and evaluated many times.

    cutoff : Å; the energy of a site depends on the atoms closer than this
    symbols : the elements it describes
    site_resolved : whether ``energies`` are per site. Where they are not, energy differences are differences
        of totals and lose about log10(number of atoms) digits.
    knows_sites : whether the forces of an evaluator with ``centres`` are those of the energies on the centres
    """

    implemented_properties: ClassVar[list[str]] = ["energy", "free_energy", "energies", "forces", "stress"]
    site_resolved: bool = True
    knows_sites: bool = True
    spec: str = ""
    cutoff: float
    symbols: tuple[str, ...]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._bound: tuple[int, Atoms, Evaluator] | None = None

    @abstractmethod
    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> Evaluator:
        """An evaluator for moving ``atoms`` about at fixed species, cell and periodicity.

        With ``centres`` only the energies of the sites on those atoms are summed.
        """

    def evaluate(self, atoms: Atoms) -> Evaluation:
        """Energies, forces and virial; the neighbour list is kept while only positions change.

        Threads may share a potential: an evaluator, whose arrays are used again, serves the one that made it.
        """
        if (bound := self._bound) is not None:
            thread, seen, evaluator = bound
            if (
                thread == get_ident()
                and np.array_equal(seen.numbers, atoms.numbers)
                and np.array_equal(seen.cell, atoms.cell)
                and np.array_equal(seen.pbc, atoms.pbc)
            ):
                return evaluator(atoms.positions)
        evaluator = self.bind(atoms)
        self._bound = (get_ident(), atoms.copy(), evaluator)
        return evaluator(atoms.positions)

    def check_species(self, atoms: Atoms) -> None:
        """Raise InputError naming the elements that the potential lacks."""
        present = {chemical_symbols[number] for number in np.unique(atoms.numbers)}
        missing = sorted(present - set(self.symbols))
        if missing:
            raise InputError(
                f"potential {self.spec or type(self).__name__} has no element {', '.join(missing)} "
                f"(it describes: {', '.join(self.symbols)})"
            )

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """ASE's entry point; fills ``results``."""
        Calculator.calculate(self, atoms, properties, system_changes)
        result = self.evaluate(self.atoms)
        self.results = {"energy": result.energy, "free_energy": result.energy, "forces": result.forces}
        if self.site_resolved:
            self.results["energies"] = result.energies
        if self.atoms.cell.rank == 3 and np.isfinite(result.virial).all():
            self.results["stress"] = full_3x3_to_voigt_6_stress(-result.virial / self.atoms.get_volume())


class SitePotential(Potential):
    """E = Σ_i V_i({r_ij}): subclasses provide V_i and ∂V_i/∂r_ij."""

    @abstractmethod
    def site_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        """Write V_i into ``energies`` (m,) and ∂V_i/∂r_ij into ``gradients`` (p, 3).

        species : (n,) index into ``symbols`` of every atom
        vectors : (p, 3) Å, r_ij; pairs beyond the cutoff occur and must get the gradient zero
        """

    def site_hessian(self, species: IntArray, vectors: Array) -> Array:
        """∂²V/∂r_j∂r_k of one site, (n, 3, n, 3) eV/Å².

        ``species`` (n + 1,), the centre first; ``vectors`` (n, 3) Å, from the centre to its neighbours. Here
        by eighth-order central differences of the gradient; potentials with closed forms override it.
        """
        return hessian_by_differences(self, species, vectors)

    def site_tangents(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, changes: Array, tangents: Array
    ) -> None:
        """Write Σ_k ∂²V_i/∂r_ij∂r_ik δr_ik, what ∂V_i/∂r_ij changes by, into ``tangents`` (p, 3) eV/Å.

        vectors, changes : (p, 3) Å, r_ij and δr_ij. Here site by site from :meth:`site_hessian` where that is
        a closed form, else by eighth-order central differences of :meth:`site_terms`, which are exact only
        where no kink of the potential is within 0.04 Å. Potentials that know a faster way override it.
        """
        if type(self).site_hessian is SitePotential.site_hessian:
            tangents_by_differences(self, species, neighbours, vectors, changes, tangents)
            return
        for m, i in enumerate(neighbours.centre):
            mine = slice(neighbours.first[m], neighbours.first[m + 1])
            members = np.concatenate([[i], neighbours.index[mine]])
            hessian = self.site_hessian(species[members], vectors[mine])
            tangents[mine] = np.tensordot(hessian, changes[mine], axes=2)

    def species_of(self, atoms: Atoms) -> IntArray:
        """Index into ``symbols`` of every atom, (n,)."""
        self.check_species(atoms)
        index = np.zeros(len(chemical_symbols), dtype=np.int64)
        for k, symbol in enumerate(self.symbols):
            index[atomic_numbers[symbol]] = k
        return index[atoms.numbers]

    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> SiteEvaluator:
        return SiteEvaluator(self, atoms, centres)


EIGHTH_ORDER = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
"""f′(0) h = Σ_k weight_k (f(k h) − f(−k h)) + O(h⁹)."""


def hessian_by_differences(
    potential: SitePotential, species: IntArray, vectors: Array, step: float = 1e-2
) -> Array:
    """∂²V/∂r_j∂r_k of one site, (n, 3, n, 3) eV/Å², by central differences of order eight; ``step`` in Å."""
    n = len(vectors)
    neighbours = Neighbours.of_one_site(vectors)
    energy, gradient, hessian = np.empty(1), np.empty((n, 3)), np.zeros((n, 3, n, 3))
    moved = vectors.copy()
    for j in range(n):
        for a in range(3):
            for k, weight in EIGHTH_ORDER.items():
                for sign in (1, -1):
                    moved[j, a] = vectors[j, a] + sign * k * step
                    potential.site_terms(species, neighbours, moved, energy, gradient)
                    hessian[j, a] += sign * weight / step * gradient
            moved[j, a] = vectors[j, a]
    return 0.5 * (hessian + hessian.transpose(2, 3, 0, 1))


def tangents_by_differences(
    potential: SitePotential,
    species: IntArray,
    neighbours: Neighbours,
    vectors: Array,
    changes: Array,
    tangents: Array,
    step: float = 1e-2,
) -> None:
    """:meth:`SitePotential.site_tangents` by central differences of order eight; the largest step in Å."""
    tangents[:] = 0.0
    largest = float(abs(changes).max(initial=0.0))
    if largest == 0.0:
        return
    h = step / largest
    energies, gradients = np.empty(len(neighbours.centre)), np.empty_like(vectors)
    for k, weight in EIGHTH_ORDER.items():
        for sign in (1, -1):
            moved = vectors + sign * k * h * changes
            potential.site_terms(species, neighbours, moved, energies, gradients)
            tangents += sign * weight / h * gradients


def in_positions(site_hessian: Array) -> Array:
    """A site's Hessian (n, 3, n, 3) in bond vectors r_j = x_j − x_0 → (n + 1, n + 1, 3, 3) in positions.

    The centre comes first; its rows and columns are those that make a translation cost nothing.
    """
    n = len(site_hessian)
    blocks = np.empty((n + 1, n + 1, 3, 3))
    blocks[1:, 1:] = site_hessian.transpose(0, 2, 1, 3)
    blocks[0, 1:] = -blocks[1:, 1:].sum(axis=0)
    blocks[:, 0] = -blocks[:, 1:].sum(axis=1)
    return blocks


class SiteEvaluator:
    """Repeated evaluation of one site potential; the neighbour list is rebuilt when atoms left the skin."""

    def __init__(
        self,
        potential: SitePotential,
        atoms: Atoms,
        centres: IntArray | None = None,
        skin: float = DEFAULT_SKIN,
    ) -> None:
        self.potential, self.skin = potential, skin
        self.species = potential.species_of(atoms)
        self.n_calls = 0
        self._atoms = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        self._centres = check_centres(centres, len(atoms))
        self._rebuild(atoms.positions)

    def _rebuild(self, positions: Array) -> None:
        check_finite(positions)
        self._atoms.positions = positions
        self._built_at = np.array(positions, dtype=float)
        self.neighbours = Neighbours.of(self._atoms, self.potential.cutoff + self.skin, self._centres)
        self._vectors = np.empty_like(self.neighbours.shift)
        self._gradients = np.empty_like(self.neighbours.shift)

    def _vectors_at(self, positions: Array) -> Array:
        """r_ij (p, 3), with a neighbour list that serves."""
        if has_left_skin(positions, self._built_at, self.skin):
            self._rebuild(positions)
        return self.neighbours.vectors(positions, out=self._vectors)

    def site_terms(self, positions: Array) -> tuple[Array, Array, Array]:
        """(V_i (m,), r_ij (p, 3), ∂V_i/∂r_ij (p, 3)); the pair arrays are reused by the next call."""
        vectors = self._vectors_at(positions)
        self.n_calls += 1
        energies = np.empty(len(self.neighbours.centre))
        self.potential.site_terms(self.species, self.neighbours, vectors, energies, self._gradients)
        return energies, vectors, self._gradients

    def __call__(self, positions: Array) -> Evaluation:
        positions = np.ascontiguousarray(positions, dtype=float)
        energies, vectors, gradients = self.site_terms(positions)
        forces, virial = np.empty_like(positions), np.empty((3, 3))
        nb = self.neighbours
        gather_forces(nb.centre, nb.first, nb.index, vectors, gradients, forces, virial)
        return Evaluation(energies, forces, virial)

    @property
    def is_curvature_closed(self) -> bool:
        """Whether ``hessian_vector`` costs a few evaluations and is exact."""
        return type(self.potential).site_tangents is not SitePotential.site_tangents

    def hessian_vector(self, positions: Array, direction: Array) -> Array:
        """Σ_j ∂²E/∂x_i∂x_j · d_j, (n, 3): by how much the gradient of the energy changes along d.

        direction : (n, 3) d, in Å for a result in eV/Å. E is the energy of the sites on the ``centres``.

        Raises InputError for a direction of another shape.
        """
        positions = np.ascontiguousarray(positions, dtype=float)
        direction = np.ascontiguousarray(direction, dtype=float)
        if direction.shape != positions.shape:
            raise InputError(
                f"direction has shape {direction.shape}; it must be that of positions, {positions.shape}"
            )
        vectors, nb = self._vectors_at(positions), self.neighbours
        changes = direction[nb.index] - np.repeat(direction[nb.centre], np.diff(nb.first), axis=0)
        tangents = self._gradients
        self.potential.site_tangents(self.species, nb, vectors, changes, tangents)
        product, virial = np.empty_like(positions), np.empty((3, 3))
        gather_forces(nb.centre, nb.first, nb.index, vectors, tangents, product, virial)
        return -product
