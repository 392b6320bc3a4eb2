"""What a potential is here: an ASE calculator whose energy is a sum of site energies.

A new potential supplies one method, :meth:`SitePotential.site_terms`; forces, stress, the reuse of the
neighbour list and the force constants follow from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
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
        self._bound: tuple[Atoms, Evaluator] | None = None

    @abstractmethod
    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> Evaluator:
        """An evaluator for moving ``atoms`` about at fixed species, cell and periodicity.

        With ``centres`` only the energies of the sites on those atoms are summed.
        """

    def evaluate(self, atoms: Atoms) -> Evaluation:
        """Energies, forces and virial; the neighbour list is kept while only positions change."""
        if self._bound is not None:
            seen, evaluator = self._bound
            if (
                np.array_equal(seen.numbers, atoms.numbers)
                and np.array_equal(seen.cell, atoms.cell)
                and np.array_equal(seen.pbc, atoms.pbc)
            ):
                return evaluator(atoms.positions)
        evaluator = self.bind(atoms)
        self._bound = (atoms.copy(), evaluator)
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

    def species_of(self, atoms: Atoms) -> IntArray:
        """Index into ``symbols`` of every atom, (n,)."""
        self.check_species(atoms)
        index = np.zeros(len(chemical_symbols), dtype=np.int64)
        for k, symbol in enumerate(self.symbols):
            index[atomic_numbers[symbol]] = k
        return index[atoms.numbers]

    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> SiteEvaluator:
        return SiteEvaluator(self, atoms, centres)


def hessian_by_differences(
    potential: SitePotential, species: IntArray, vectors: Array, step: float = 1e-2
) -> Array:
    """∂²V/∂r_j∂r_k of one site, (n, 3, n, 3) eV/Å², by central differences of order eight; ``step`` in Å."""
    n = len(vectors)
    neighbours = Neighbours.of_one_site(vectors)
    energy, gradient, hessian = np.empty(1), np.empty((n, 3)), np.zeros((n, 3, n, 3))
    stencil = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    moved = vectors.copy()
    for j in range(n):
        for a in range(3):
            for k, weight in stencil.items():
                for sign in (1, -1):
                    moved[j, a] = vectors[j, a] + sign * k * step
                    potential.site_terms(species, neighbours, moved, energy, gradient)
                    hessian[j, a] += sign * weight / step * gradient
            moved[j, a] = vectors[j, a]
    return 0.5 * (hessian + hessian.transpose(2, 3, 0, 1))


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

    def site_terms(self, positions: Array) -> tuple[Array, Array, Array]:
        """(V_i (m,), r_ij (p, 3), ∂V_i/∂r_ij (p, 3)); the pair arrays are reused by the next call."""
        if has_left_skin(positions, self._built_at, self.skin):
            self._rebuild(positions)
        self.n_calls += 1
        energies = np.empty(len(self.neighbours.centre))
        vectors = self.neighbours.vectors(positions, out=self._vectors)
        self.potential.site_terms(self.species, self.neighbours, vectors, energies, self._gradients)
        return energies, vectors, self._gradients

    def __call__(self, positions: Array) -> Evaluation:
        positions = np.ascontiguousarray(positions, dtype=float)
        energies, vectors, gradients = self.site_terms(positions)
        forces, virial = np.empty_like(positions), np.empty((3, 3))
        nb = self.neighbours
        gather_forces(nb.centre, nb.first, nb.index, vectors, gradients, forces, virial)
        return Evaluation(energies, forces, virial)
