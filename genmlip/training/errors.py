"""Errors of any calculator on a labelled data set, by observation and by group."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from ase.calculators.calculator import Calculator

from genmlip._types import Array
from genmlip.errors import InputError, UnknownNameError
from genmlip.training.dataset import Configuration, Dataset
from genmlip.training.labels import observe
from genmlip.training.observations import FROBENIUS, Observation, parse_observations

ALL_GROUPS = "all"
NOTHING = 1e-9
"""eV or eV/Å below which labels are zero but for round-off, and relative errors say nothing."""


@dataclass(frozen=True)
class ErrorRow:
    """Errors of one observation in one group; energies and virials are divided by the number of atoms.

    n : how many numbers were compared; rmse, mae : in ``unit``
    relative : rmse over the root mean square of the labels; for energies, of their deviation from the mean
    """

    observation: str
    group: str
    n: int
    rmse: float
    mae: float
    relative: float
    unit: str


@dataclass(frozen=True)
class Errors:
    """A table with one row per observation and group, the groups after ``all``."""

    rows: tuple[ErrorRow, ...]

    def __getitem__(self, key: str | tuple[str, str]) -> ErrorRow:
        """``errors["F"]`` over all groups, ``errors["F", "bulk"]`` of one."""
        observation, group = (key, ALL_GROUPS) if isinstance(key, str) else key
        for row in self.rows:
            if (row.observation, row.group) == (observation, group):
                return row
        raise UnknownNameError(
            "error", f"{observation}, {group}", [f"{r.observation}, {r.group}" for r in self.rows]
        )

    def records(self) -> list[dict[str, Any]]:
        """One dictionary per row, for a data frame."""
        return [asdict(row) for row in self.rows]

    def table(self) -> str:
        """The rows as text."""
        head = f"{'observation':<12}{'group':<16}{'n':>8}{'RMSE':>12}{'MAE':>12}{'relative':>10}  unit"
        lines = [
            f"{r.observation:<12}{r.group:<16}{r.n:>8}{r.rmse:>12.3e}{r.mae:>12.3e}{r.relative:>10.2%}"
            f"  {r.unit}"
            for r in self.rows
        ]
        return "\n".join([head, *lines])


def evaluate(
    calculator: Calculator,
    dataset: Dataset,
    observations: str = "EFV",
    progress: Callable[[int, int], Any] | None = None,
) -> Errors:
    """Errors of ``calculator`` (any ASE calculator) against the labels that the data set has.

    An observation that neither side can give anywhere has no row. Raises InputError for an empty data set and
    for elements that a genmlip potential lacks.
    """
    if len(dataset) == 0:
        raise InputError("the data set holds no configuration")
    kinds = parse_observations(observations)
    collected: dict[tuple[Observation, str], list[tuple[Array, Array]]] = {}
    for done, configuration in enumerate(dataset, start=1):
        for observation, pair in _compare(calculator, configuration, kinds):
            collected.setdefault((observation, configuration.group), []).append(pair)
        if progress is not None:
            progress(done, len(dataset))
    rows = []
    for observation in kinds:
        by_group = {group: pairs for (o, group), pairs in collected.items() if o == observation}
        if by_group:
            everything = [pair for pairs in by_group.values() for pair in pairs]
            rows.append(_row(observation, ALL_GROUPS, everything))
            rows += [_row(observation, group, by_group[group]) for group in sorted(by_group)]
    return Errors(tuple(rows))


def _compare(
    calculator: Calculator, configuration: Configuration, kinds: tuple[Observation, ...]
) -> list[tuple[Observation, tuple[Array, Array]]]:
    """(label, prediction) per atom for every observation that both sides have."""
    energy, forces, virial = observe(calculator, configuration.atoms)
    predictions: dict[str, float | Array | None] = {"E": energy, "F": forces, "V": virial}
    found = []
    for observation in kinds:
        label = observation.target(configuration)
        prediction = observation.flatten(predictions[observation.letter])
        if label is not None and prediction is not None:
            per_atom = observation.per_atom(len(configuration))
            found.append((observation, (label / per_atom, prediction / per_atom)))
    return found


def _row(observation: Observation, group: str, pairs: list[tuple[Array, Array]]) -> ErrorRow:
    labels = np.concatenate([label for label, _ in pairs])
    errors = np.concatenate([prediction - label for label, prediction in pairs])
    nine = np.tile(
        FROBENIUS**2, len(pairs)
    )  # the mean is over the nine components, not the six different ones
    weight = nine if observation.letter == "V" else np.ones_like(labels)
    centred = labels - labels.mean() if observation.letter == "E" else labels
    rmse, size = (float(np.sqrt(np.average(x**2, weights=weight))) for x in (errors, centred))
    mae = float(np.average(np.abs(errors), weights=weight))
    relative = rmse / size if size > NOTHING else np.nan
    return ErrorRow(observation.letter, group, len(labels), rmse, mae, relative, observation.unit)
