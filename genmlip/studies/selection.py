"""The run that asks whether chosen cells and weights make better dislocations than usual ones at equal cost.

Every training set begins with the same few cells, the pilot: a choice has to start from something. The
reference labels cells; its dislocations are used for nothing but the errors in the table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from genmlip.errors import InputError, NotConvergedError, UnknownNameError
from genmlip.studies.cache import Cache
from genmlip.studies.equilibria import crystal_of, kept_equilibrium
from genmlip.studies.runs import Scalar, UnfinishedRunError
from genmlip.studies.specifications import parse_degree

if TYPE_CHECKING:
    from ase import Atoms

    from genmlip.crystal import Crystal
    from genmlip.dislocations import Equilibrium
    from genmlip.potentials.ace import LinearACE
    from genmlip.theory.goal import GoalFunctional
    from genmlip.training import Dataset, Weights
    from genmlip.training.fitting import FitResult

CELLS = ("bulk", "random", "quadrupole", "posterior", "plausible")
WEIGHTS = ("fixed", "evidence", "goal")
FMAX = 1e-5  # eV/Å
PILOT_ATOMS, STRAINED = 96, 6
DATA = (
    "reference", "cells", "target", "rounds", "budget", "power", "seed", "radius", "order", "degree",
    "richer", "cutoff",
)  # fmt: skip
"""The parameters that determine the labelled cells."""


@dataclass(frozen=True)
class Selection:
    """One potential, fitted to cells chosen for ``target``, in one dislocation.

    cells : those beside the pilot. ``bulk``: rattled ones of ``bulk_size``³ unit cells and strained ones, as
        usual. From one pool: ``random``; ``quadrupole``, those that hold the target; ``posterior``, A-optimal
        for the target; ``plausible``, see :mod:`genmlip.training.design_of_experiments`
    weights : ``fixed`` (E=30, F=1, V=1), ``evidence`` (noise of each kind estimated) or ``goal``
    target, dislocation : what cells are chosen for, ``+`` between several; what the fit is asked
    budget, power : Σ n^power over the cells beside the pilot, n atoms each
    rounds : choices, each with labels of those before
    degree, richer : of the basis, and of the larger one whose posterior is what the truth may be

    The row holds geometry_error and energy_error in the reference's predictor, the error predicted for the
    target, and what the training set costs.
    """

    reference: str = "fs:W"
    cells: str = "bulk"
    weights: str = "fixed"
    target: str = "bcc-screw-111"
    dislocation: str = "bcc-screw-111"
    seed: int = 0
    bulk_size: int = 2
    budget: float = 800.0
    power: int = 1
    rounds: int = 4
    radius: float = 20.0
    order: int = 2
    degree: str = "24,10"
    richer: str = "40,14"
    cutoff: float = 5.5

    def __post_init__(self) -> None:
        from genmlip.dislocations.catalogue import find_system

        for name, known in (("cells", CELLS), ("weights", WEIGHTS)):
            if getattr(self, name) not in known:
                raise UnknownNameError(name, getattr(self, name), known)
        for dislocation in (self.dislocation, *self.target.split("+")):
            find_system(dislocation)
        for name in ("budget", "radius", "cutoff"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)!r}")
        for name in ("rounds", "order", "power", "bulk_size"):
            if not getattr(self, name) >= 1:
                raise InputError(f"{name} must be at least 1, got {getattr(self, name)!r}")
        for degree in (self.degree, self.richer):
            parse_degree(degree)

    def __call__(self, cache: Cache) -> Mapping[str, Scalar]:
        data = self.dataset(cache)
        potential, predicted = self.potential(cache)
        results: dict[str, Scalar] = {
            "n_atoms": data.n_atoms,
            "n_cells": len(data),
            "cost": float(sum(len(c) ** self.power for c in data)),
            "predicted_error": predicted,
        }
        try:
            return results | self._errors(potential, cache)
        except (NotConvergedError, InputError) as failure:
            raise UnfinishedRunError(str(failure), results) from failure

    def crystal(self) -> Crystal:
        """The reference's perfect crystal."""
        return crystal_of(self.reference)

    def dataset(self, cache: Cache) -> Dataset:
        """The labelled cells, the pilot first."""
        from genmlip.training import Dataset

        key = {name: getattr(self, name) for name in DATA}
        if self.cells == "bulk":
            key = {name: key[name] for name in ("reference", "cells", "budget", "power", "seed")}
            key["bulk_size"] = self.bulk_size
        elif self.cells == "random":
            key = {name: key[name] for name in ("reference", "cells", "budget", "power", "seed", "target")}
        return Dataset.read(cache.entry("selection", key, lambda path: self._chosen().write(path), ".xyz"))

    def potential(self, cache: Cache) -> tuple[LinearACE, float | None]:
        """The fitted potential, and the error predicted for the target, Å; None without equilibrium there."""
        from genmlip.potentials.ace import LinearACE

        names = (*DATA, "weights", "bulk_size")
        key = {name: getattr(self, name) for name in names}
        path = cache.entry("selected", key, lambda path: self._final(cache).save(path), ".json")
        potential = LinearACE.load(path)
        return potential, potential.metadata.get("predicted_error")

    def _errors(self, candidate: LinearACE, cache: Cache) -> dict[str, Scalar]:
        """The candidate's equilibrium next to the reference's, in the reference's predictor."""
        from genmlip.crystal import Crystal
        from genmlip.dislocations import equilibrate
        from genmlip.theory import transferred
        from genmlip.theory.assessment import MAX_CALLS, Comparison

        known = self._equilibrium(cache)
        defect = known.cell.defect
        crystal = Crystal.from_potential(candidate, defect.crystal.structure, defect.crystal.symbol)
        scale = crystal.a0 / defect.crystal.a0
        own = replace(defect, crystal=crystal, medium=defect.crystal)  # type: ignore[type-var]
        cell = known.boundary.cell(own, scale * self.radius, candidate.cutoff)
        found = equilibrate(
            own, candidate, cell.radius, known.boundary, FMAX, transferred(known, cell), max_calls=MAX_CALLS
        )
        comparison = Comparison(known, found.require_convergence(), scale)
        return {"geometry_error": comparison.geometry_error, "energy_error": comparison.energy_error}

    def _equilibrium(self, cache: Cache) -> Equilibrium:
        from genmlip.dislocations import Dislocation
        from genmlip.dislocations.boundaries import find_boundary

        defect = Dislocation(self.crystal(), self.dislocation)
        return kept_equilibrium(cache, defect, self.radius, find_boundary("clamped"), FMAX)

    def _chosen(self) -> Dataset:
        """Pilot and the cells beside it."""
        from genmlip.training import label, training_cells

        crystal = self.crystal()
        pilot = label(
            training_cells(crystal, 2, PILOT_ATOMS, n_strained=STRAINED, seed=self.seed), crystal.potential
        )
        if self.cells in ("posterior", "plausible"):
            return self._suggested(pilot)
        cells = self._usual() if self.cells == "bulk" else self.pool()
        if self.cells == "quadrupole":
            cells = [atoms for atoms in cells if atoms.info["config_type"] == "quadrupole"]
        elif self.cells == "random":
            cells = [cells[i] for i in np.random.default_rng(self.seed).permutation(len(cells))]
        return pilot + label(self._affordable(cells), crystal.potential)

    def _affordable(self, cells: Sequence[Atoms]) -> list[Atoms]:
        """In their order, those that the budget still allows."""
        left, kept = self.budget, []
        for atoms in cells:
            if len(atoms) ** self.power <= left:
                left -= len(atoms) ** self.power
                kept.append(atoms)
        return kept

    def _usual(self) -> list[Atoms]:
        """Twelve strained cells and rattled ones of three amplitudes in turn."""
        from genmlip.training import strained_cells, training_cells

        crystal, seed = self.crystal(), 1000 + self.seed
        strained = strained_cells(crystal, 1, 12, 0.01, seed=seed)
        rattled = training_cells(crystal, self.bulk_size, 4000, n_strained=0, seed=seed)
        third = len(rattled) // 3
        return strained + [rattled[k + i * third] for k in range(third) for i in range(3)]

    def pool(self) -> list[Atoms]:
        """Cells to choose from: bulk of three sizes, strained, with a vacancy, quadrupoles of the target."""
        from genmlip.training import bulk_cells, dislocation_quadrupole, strained_cells, vacancy_cells

        crystal, cells, seed = self.crystal(), [], 1000 * (1 + self.seed)
        for size, n in ((2, 6), (3, 2), (4, 1)):
            for displacement in (0.05, 0.1, 0.15):
                for strain in (0.0, 0.02):
                    seed += 1
                    cells += bulk_cells(crystal, size, n, displacement, strain, seed)
        for strain in (0.01, 0.03):
            seed += 1
            cells += strained_cells(crystal, 1, 12, strain, seed=seed)
        for displacement in (0.05, 0.1):
            seed += 1
            cells += vacancy_cells(crystal, 3, 2, displacement, seed=seed)
        for target in self.target.split("+"):
            for displacement in (0.0, 0.05, 0.1):
                seed += 1
                n = 4 if displacement else 1  # without displacement they are all the same
                cells += dislocation_quadrupole(
                    crystal, target, n, spacing=15.0, displacement=displacement, seed=seed
                )
        return cells

    def _suggested(self, data: Dataset) -> Dataset:
        """``data`` and, round by round, the cells suggested for the target."""
        from genmlip.training import label
        from genmlip.training.design_of_experiments import suggest_cells

        left, spent = self.pool(), 0.0
        for k in range(self.rounds):
            fit, richer = self._fit(data, self.degree), self._richer(data)
            allowance = self.budget * (k + 1) / self.rounds - spent
            if min(len(atoms) ** self.power for atoms in left) > allowance:
                continue
            suggestion = suggest_cells(
                fit, richer, self._goals(fit.potential), left, allowance,
                cost=lambda atoms: float(len(atoms) ** self.power), seed=self.seed,
            )  # fmt: skip
            spent += suggestion.cost
            data = data + label([left[i] for i in suggestion.indices], self.crystal().potential)
            left = [atoms for i, atoms in enumerate(left) if i not in suggestion.indices]
        return data

    def _final(self, cache: Cache) -> LinearACE:
        """The potential of the row, with the predicted error in its metadata."""
        from genmlip.training.design_of_experiments import predicted_error, weights_for_goals

        data = self.dataset(cache)
        fit, richer = self._fit(data, self.degree), self._fit(data, self.richer)
        predicted = None
        try:
            goals = self._goals(fit.potential)
            if self.weights == "goal":
                fit = self._fit(data, self.degree, weights_for_goals(fit, richer, goals, seed=self.seed))
            elif self.weights == "evidence":
                fit = self._fit(data, self.degree, separate_noise=True)
            predicted = predicted_error(fit, richer, goals, seed=self.seed)
        except NotConvergedError:
            if self.weights == "goal":
                raise
        metadata = {**fit.potential.metadata, "predicted_error": predicted}
        return fit.potential.with_coefficients(fit.potential.coefficients, fit.potential.E0, metadata)

    def _richer(self, data: Dataset) -> FitResult | None:
        return self._fit(data, self.richer) if self.cells == "plausible" else None

    def _fit(
        self, data: Dataset, degree: str, weights: Weights | None = None, separate_noise: bool = False
    ) -> FitResult:
        """The most probable ridge."""
        from genmlip.potentials.ace import LinearACE
        from genmlip.training import BayesianRidge, fit

        symbol = self.crystal().symbol
        basis = LinearACE(symbol, cutoff=self.cutoff, order=self.order, degree=parse_degree(degree))
        return fit(basis, data, "EFV", weights, BayesianRidge(separate_noise))

    def _goals(self, candidate: LinearACE) -> list[GoalFunctional]:
        """One per target, at the candidate's own equilibrium: the reference's is not known in practice."""
        from genmlip.crystal import Crystal
        from genmlip.dislocations import Dislocation, equilibrate
        from genmlip.theory.goal import GoalFunctional

        crystal = Crystal.from_potential(candidate, self.crystal().structure, self.crystal().symbol)
        goals = []
        for name in self.target.split("+"):
            dislocation = Dislocation(crystal, name)
            found = equilibrate(dislocation, candidate, self.radius, "clamped", fmax=1e-4)
            goals.append(GoalFunctional.of(found.require_convergence(), candidate)[0])
        return goals
