"""Fitting a potential to periodic bulk cells as part of a study; data and fit are kept in its cache."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from genmlip.errors import InputError
from genmlip.studies.cache import Cache
from genmlip.studies.specifications import parse_degree, parse_solver, parse_weights

if TYPE_CHECKING:
    from genmlip.crystal import Crystal
    from genmlip.potentials.ace import LinearACE
    from genmlip.training import Dataset

DATA = ("reference", "cell", "atoms", "displacement", "strain", "seed")
"""The parameters that determine the labelled cells."""


@dataclass(frozen=True)
class Training:
    """How a potential is fitted; nothing about what it is asked afterwards.

    reference : potential that labels the cells
    cell : L, edge of the cubic bulk cells in unit cells
    atoms : in all cells together, every L then has as many force components
    displacement : Å, standard deviation of every component of the random displacements
    strain : every component of the cells' random strain lies within ±strain
    seed : of displacements and strains
    observations : subset of EFV
    order, cutoff : of the linear ACE basis; cutoff in Å
    degree, solver, weights : as on the command line
    """

    reference: str = "fs:W"
    cell: int = 2
    atoms: int = 1000
    displacement: float = 0.05
    strain: float = 0.02
    seed: int = 0
    observations: str = "EFV"
    order: int = 3
    degree: str = "16,12,10"
    cutoff: float = 5.0
    solver: str = "gcv"
    weights: str = "E=30,F=1,V=1"

    def __post_init__(self) -> None:
        from genmlip.training.observations import parse_observations

        for name in ("cell", "atoms", "order"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"{name} must be a whole number ≥ 1, got {value!r}")
        if not self.cutoff > 0:
            raise InputError(f"cutoff must be a positive number of Å, got {self.cutoff!r}")
        parse_observations(self.observations)
        parse_degree(self.degree)
        parse_solver(self.solver)
        parse_weights(self.weights)

    def dataset(self, cache: Cache) -> Dataset:
        """The labelled training cells."""
        from genmlip.training import Dataset

        key = {name: getattr(self, name) for name in DATA}
        return Dataset.read(cache.entry("cells", key, lambda path: self._labelled().write(path), ".xyz"))

    def potential(self, cache: Cache) -> LinearACE:
        """The fitted potential."""
        from genmlip.potentials.ace import LinearACE

        key = {f.name: getattr(self, f.name) for f in fields(Training)}
        path = cache.entry("potential", key, lambda path: self._fitted(cache).save(path), ".json")
        potential = LinearACE.load(path)
        potential.spec = f"ace:{path}"
        return potential

    def training_errors(self, cache: Cache) -> dict[str, float | None]:
        """RMSE on the training cells: energy_rmse, virial_rmse (eV per atom) and force_rmse (eV/Å)."""
        from genmlip.training import evaluate

        errors = evaluate(self.potential(cache), self.dataset(cache))
        return {f"{name}_rmse": errors[letter].rmse for letter, name in NAMES.items()}

    def _labelled(self) -> Dataset:
        from genmlip.training import bulk_cells, label

        crystal = crystal_of(self.reference)
        n = max(1, round(self.atoms / (len(crystal.unit_cell()) * self.cell**3)))
        cells = bulk_cells(crystal, self.cell, n, self.displacement, self.strain, self.seed)
        return label(cells, crystal.potential)

    def _fitted(self, cache: Cache) -> LinearACE:
        from genmlip.potentials.ace import LinearACE
        from genmlip.training import fit

        dataset = self.dataset(cache)
        basis = LinearACE(
            dataset.symbols, cutoff=self.cutoff, order=self.order, degree=parse_degree(self.degree)
        )
        solver, weights = parse_solver(self.solver), parse_weights(self.weights)
        return fit(basis, dataset, self.observations, weights, solver).potential


NAMES = {"E": "energy", "F": "force", "V": "virial"}


@lru_cache(maxsize=4)
def crystal_of(reference: str) -> Crystal:
    """The perfect crystal of a potential specification, one per process."""
    from genmlip.crystal import Crystal
    from genmlip.potentials import load_potential

    return Crystal.from_potential(load_potential(reference))
