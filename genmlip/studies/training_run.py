"""Fitting a potential to periodic cells as part of a study; data and fit are kept in its cache."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from genmlip.errors import InputError
from genmlip.studies.cache import Cache
from genmlip.studies.equilibria import crystal_of
from genmlip.studies.specifications import parse_degree, parse_solver

if TYPE_CHECKING:
    from ase import Atoms

    from genmlip.crystal import Crystal
    from genmlip.potentials.ace import LinearACE
    from genmlip.training import Dataset

DATA = (
    "reference", "symbol", "structure", "cell", "atoms", "displacements", "strain", "n_strained", "seed",
    "source",
)  # fmt: skip
"""The parameters that determine the labelled cells."""


@dataclass(frozen=True)
class Training:
    """How a potential is fitted; nothing about what it is asked afterwards.

    The cells are those of :func:`~genmlip.training.training_cells`: rattled ones, which are not strained, and
    where asked for some strained ones, which are not rattled. Rattled ones may hold a dislocation instead.

    reference : potential that labels the cells
    symbol, structure : element and bcc, fcc or diamond, where the reference offers several; else empty
    cell : L, edge of the cubic cells in unit cells
    atoms : in all rattled cells together, so that every L brings as many forces
    displacements : Å, standard deviations of every component of the random displacements
    strain : every component of the random strains lies within ±strain
    n_strained : how many cells are strained
    seed : of displacements and strains
    source : where the rattled cells come from: ``bulk``, ``quadrupole:DISLOCATION`` (periodic cells that hold
        two of its cores each) or ``bulk+quadrupole:DISLOCATION``, half of the atoms from either; the strained
        cells are bulk in all three
    observations : subset of EFV
    order, degree, cutoff : of the linear ACE basis; cutoff in Å
    degree, solver : as on the command line
    virial_weight : of the strained cells' virials, relative to the others

    The default basis suits ``fs:W``: the curvature of its pair potential jumps, which a fine radial basis can
    resolve; the many-body part is smooth.
    """

    reference: str = "fs:W"
    symbol: str = ""
    structure: str = ""
    cell: int = 2
    atoms: int = 5000
    displacements: tuple[float, ...] = (0.05, 0.1, 0.15)
    strain: float = 0.01
    n_strained: int = 12
    seed: int = 0
    source: str = "bulk"
    observations: str = "EFV"
    order: int = 2
    degree: str = "60,12"
    cutoff: float = 4.5
    solver: str = "ridge:1e-4"
    virial_weight: float = 3.0

    def __post_init__(self) -> None:
        from genmlip.training.observations import parse_observations

        for name in ("cell", "atoms", "order"):
            value = getattr(self, name)
            if not isinstance(value, int | np.integer) or value < 1:
                raise InputError(f"{name} must be a whole number ≥ 1, got {value!r}")
        if not self.cutoff > 0:
            raise InputError(f"cutoff must be a positive number of Å, got {self.cutoff!r}")
        parse_observations(self.observations)
        self._sources()
        degrees = parse_degree(self.degree)
        if isinstance(degrees, tuple) and len(degrees) != self.order:
            raise InputError(
                f"degree {self.degree!r} names {len(degrees)} correlation orders, but order is {self.order}"
            )
        parse_solver(self.solver)

    def crystal(self) -> Crystal:
        """The reference's perfect crystal."""
        return crystal_of(self.reference, self.symbol, self.structure)

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

    def _sources(self) -> tuple[bool, str]:
        """Whether there are rattled bulk cells, and the dislocation of the quadrupoles or nothing."""
        from genmlip.dislocations.catalogue import find_system

        kinds, _, dislocation = self.source.partition(":")
        if kinds not in SOURCES or bool(dislocation) != ("quadrupole" in kinds):
            known = " or ".join(f"{kind}:DISLOCATION" if "quadrupole" in kind else kind for kind in SOURCES)
            raise InputError(f"source must be {known}, got {self.source!r}")
        if dislocation:
            find_system(dislocation)
        return "bulk" in kinds, dislocation

    def _labelled(self) -> Dataset:
        from genmlip.training import label, strained_cells, training_cells

        crystal = self.crystal()
        bulk, dislocation = self._sources()
        atoms = self.atoms // 2 if bulk and dislocation else self.atoms
        strained = (self.n_strained, self.strain)
        if bulk:
            cells = training_cells(crystal, self.cell, atoms, self.displacements, *strained, self.seed)
        else:
            cells = strained_cells(crystal, self.cell, *strained, seed=self.seed) if self.n_strained else []
        if dislocation:
            cells += self._quadrupoles(crystal, dislocation, atoms)
        return label(cells, crystal.potential)

    def _quadrupoles(self, crystal: Crystal, dislocation: str, atoms: int) -> list[Atoms]:
        """About ``atoms`` in rattled quadrupoles, shared among the displacements."""
        from genmlip.training import dislocation_quadrupole

        size = len(dislocation_quadrupole(crystal, dislocation)[0])
        n = max(1, round(atoms / len(self.displacements) / size))
        return [
            cell
            for k, displacement in enumerate(self.displacements)
            for cell in dislocation_quadrupole(
                crystal,
                dislocation,
                n,
                displacement=displacement,
                seed=len(self.displacements) * self.seed + k,
            )
        ]

    def _fitted(self, cache: Cache) -> LinearACE:
        from genmlip.potentials.ace import LinearACE
        from genmlip.training import Weights, fit

        dataset = self.dataset(cache)
        basis = LinearACE(
            dataset.symbols, cutoff=self.cutoff, order=self.order, degree=parse_degree(self.degree)
        )
        weights = Weights(groups={STRAINED: {"V": self.virial_weight}} if STRAINED in dataset.groups else {})
        return fit(basis, dataset, self.observations, weights, parse_solver(self.solver)).potential


STRAINED = "strained"
SOURCES = ("bulk", "quadrupole", "bulk+quadrupole")
NAMES = {"E": "energy", "F": "force", "V": "virial"}
