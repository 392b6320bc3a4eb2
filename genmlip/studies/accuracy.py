"""The run that measures how accurately a linear ACE of a given size fits a labelled data set.

Nothing is chosen by what is reported as a test: weights and solver by cross-validation within the training
set, the test set only tells how good the one potential is that was chosen.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import compress, product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from genmlip.errors import InputError, UnknownNameError
from genmlip.studies.cache import Cache
from genmlip.studies.runs import Scalar
from genmlip.studies.specifications import parse_degree, parse_solver, parse_weights

if TYPE_CHECKING:
    from genmlip.potentials.ace import LinearACE
    from genmlip.training import Configuration, CrossValidation, Dataset, Weights
    from genmlip.training.errors import Errors

FOLDER = "GENMLIP_DATA"
"""The environment variable that names the folder of the data sets."""

NAMES = {"E": "energy", "F": "force", "V": "virial"}


@dataclass(frozen=True)
class Accuracy:
    """Errors of one basis on one data set, cross-validated and on a test set.

    data : NAME_training.xyz.gz and NAME_test.xyz.gz in the folder that GENMLIP_DATA names, or NAME.xyz.gz,
        of which the fold 0 of ``holdout`` folds is the test set
    groups : those that are used, blank-separated; empty for all
    observations : subset of EFV
    cutoff, r0 : Å
    core : exponent of the distance transform
    order, degree, angular_weight : of the basis, as in :class:`genmlip.LinearACE`
    weights, solvers : candidates, of which cross-validation chooses the pair with the smallest product of the
        held-out mean absolute errors of energies and forces
    exchanged : groups whose labels call the yz component of the stress xz and the other way round; they are
        exchanged back
    group_weights : factors of the weights in some groups, see :class:`genmlip.training.Weights`
    n_folds, block, seed : of the cross-validation, see :func:`genmlip.training.folds`
    tested : whether the test set is looked at

    The row holds the choice (``chosen_weights``, ``chosen_solver``), mean absolute errors in eV/atom and eV/Å
    (``cv_…`` held out by cross-validation, ``test_…``, ``training_…``; those of groups end in their names),
    ``n_functions``, ``n_atoms`` and ``fit_cpu_s``.
    """

    data: str = "mlearn_Si"
    groups: str = ""
    observations: str = "EFV"
    cutoff: float = 5.5
    r0: float = 4.2
    core: int = 4
    order: int = 3
    degree: str = "16,14,12"
    angular_weight: float = 1.0
    weights: tuple[str, ...] = ("E=30,F=1,V=0.1",)
    solvers: tuple[str, ...] = ("ridge:1e-3",)
    exchanged: tuple[str, ...] = ()
    group_weights: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    n_folds: int = 5
    block: int = 3
    holdout: int = 10
    seed: int = 0
    tested: bool = True

    def __post_init__(self) -> None:
        from genmlip.training.observations import parse_observations

        parse_degree(self.degree)
        parse_observations(self.observations)
        for text in self.weights:
            self._weights(text)
        for text in self.solvers:
            parse_solver(text)
        if not (self.weights and self.solvers):
            raise InputError("weights and solvers must name at least one candidate each")
        for name, least in {"n_folds": 2, "holdout": 2, "block": 1}.items():
            if getattr(self, name) < least:
                raise InputError(f"{name} must be at least {least}, got {getattr(self, name)}")

    def __call__(self, cache: Cache) -> Mapping[str, Scalar]:
        from genmlip.training import cross_validate, evaluate, fit, folds

        training, test = self._datasets()
        for group in self.exchanged:
            if group not in training.groups:
                raise UnknownNameError("group with exchanged stresses", group, training.groups)
        ace = self.model(training)
        divided = folds(training, self.n_folds, self.block, self.seed)
        unscaled = self._weights("E=1,F=1,V=1")
        validation = cross_validate(ace, training, divided, self.observations, unscaled)
        weights, solver, held_out = self._chosen(validation)
        started = time.process_time()
        result = fit(ace, training, self.observations, self._weights(weights), parse_solver(solver))
        fit_cpu_s = time.process_time() - started
        row: dict[str, Scalar] = {
            "chosen_weights": weights,
            "chosen_solver": solver,
            "n_functions": ace.n_coefficients,
            "n_atoms": training.n_atoms,
            "training_sha256": training.sha256[:16],
            "fit_cpu_s": fit_cpu_s,
            **_columns("cv", held_out),
            **_columns("training", result.errors),
        }
        if self.tested:
            row |= _columns("test", evaluate(result.potential, test, self.observations))
        return row

    def _datasets(self) -> tuple[Dataset, Dataset]:
        """Training and test set."""
        from genmlip.training import Dataset, folds

        if FOLDER not in os.environ:
            raise InputError(f"set {FOLDER} to the folder that holds {self.data}")
        folder = Path(os.environ[FOLDER])
        whole = folder / f"{self.data}.xyz.gz"
        if whole.is_file():
            data = Dataset.read(whole)
            fold = folds(data, self.holdout, self.block, self.seed)  # of all groups, whichever are used
            parts = (Dataset(tuple(compress(data, chosen))) for chosen in (fold > 0, fold == 0))
            training, test = map(self._used, parts)
            return training, test
        training, test = (folder / f"{self.data}_{part}.xyz.gz" for part in ("training", "test"))
        if not training.is_file():
            raise InputError(
                f"there is neither {whole} nor {training}; set {FOLDER} to the folder that holds them"
            )
        return self._used(Dataset.read(training)), self._used(Dataset.read(test))

    def _used(self, data: Dataset) -> Dataset:
        from genmlip.training import Dataset

        used = data.select(*self.groups.split()) if self.groups else data
        return Dataset(tuple(_exchanged(c) if c.group in self.exchanged else c for c in used))

    def model(self, training: Dataset) -> LinearACE:
        """The potential to be fitted."""
        from genmlip.potentials.ace import LinearACE

        return LinearACE(
            training.symbols,
            cutoff=self.cutoff,
            order=self.order,
            degree=parse_degree(self.degree),
            angular_weight=self.angular_weight,
            r0=self.r0,
            core=self.core,
        )

    def _weights(self, text: str) -> Weights:
        return replace(parse_weights(text), groups=self.group_weights)

    def _scales(self, text: str) -> dict[str, float]:
        weights = parse_weights(text)
        return {letter: getattr(weights, letter) for letter in self.observations}

    def _chosen(self, validation: CrossValidation) -> tuple[str, str, Errors]:
        """The candidates with the smallest held-out errors, and these."""
        from genmlip.training import pooled

        def errors(weights: str, solver: str) -> Errors:
            return pooled(validation.errors(self._scales(weights), parse_solver(solver)))

        def error(candidate: tuple[str, str, Errors]) -> float:
            return float(
                np.prod([candidate[2][letter].mae for letter in "EF" if letter in self.observations])
            )

        candidates = ((*pair, errors(*pair)) for pair in product(self.weights, self.solvers))
        return min(candidates, key=error)


def _exchanged(labelled: Configuration) -> Configuration:
    """With the yz component of the virial where xz was, and the other way round."""
    if labelled.virial is None:
        return labelled
    virial = labelled.virial.copy()
    virial[[1, 2], [2, 1]] = labelled.virial[0, 2]
    virial[[0, 2], [2, 0]] = labelled.virial[1, 2]
    return replace(labelled, virial=virial)


def _columns(prefix: str, errors: Errors) -> dict[str, Scalar]:
    """prefix_energy_mae, and prefix_energy_mae_GROUP for every group but the sum of all."""
    return {
        f"{prefix}_{NAMES[row.observation]}_mae{'' if row.group == 'all' else '_' + row.group}": row.mae
        for row in errors.rows
    }
