"""The whitened rows [A | y] of a linear model on a data set, reduced to a triangle as they are made.

Columns are the reference energies of the elements, if they are to be fitted, followed by the model's
functions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from ase import Atoms

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.dataset import Configuration, Dataset
from genmlip.training.observations import DesignRows, Observation, Weights
from genmlip.training.streamed_qr import StreamedQR

Progress = Callable[[int, int], Any]
"""Called as progress(done, total) after every configuration."""


class LinearModel(Protocol):
    """What is fitted: E = Σ_s n_s E0_s + Σ_k c_k B_k, with the prior that grows with the roughness of B_k."""

    @property
    def symbols(self) -> tuple[str, ...]: ...
    @property
    def smoothness(self) -> Array:
        """(K,) positive, the prior Γ of every function."""
        ...

    def design(self, atoms: Atoms) -> DesignRows:
        """Energy, force and virial of every function."""
        ...


def check_dataset(
    model: LinearModel, dataset: Dataset, observations: tuple[Observation, ...], weights: Weights
) -> None:
    """Raise InputError naming the configuration that cannot be fitted, before any work is done."""
    if len(dataset) == 0:
        raise InputError("the data set holds no configuration")
    weights.check_groups(dataset.groups)
    for configuration in dataset:
        missing = sorted(set(configuration.atoms.get_chemical_symbols()) - set(model.symbols))
        if missing:
            raise InputError(
                f"{configuration.source}: the model has no element {', '.join(missing)} "
                f"(it describes: {', '.join(model.symbols)})"
            )
        if configuration.smallest_distance < 1e-3:
            raise InputError(f"{configuration.source}: two atoms are at the same place")
        for observation in observations:
            if weights.of(observation, configuration.group) > 0 and observation.target(configuration) is None:
                _complain(configuration, observation, observations)


def _complain(
    configuration: Configuration, observation: Observation, wanted: tuple[Observation, ...]
) -> None:
    available = "".join(o.letter for o in wanted if o.target(configuration) is not None)
    ways = [f"observations={available!r}"] if available else []
    ways.append(f"weights with {{{configuration.group!r}: {{{observation.letter!r}: 0}}}}")
    raise InputError(
        f"{configuration.source}: no {observation.plural} (asked for: {observation.letter}; "
        f"it has: {available or 'no labels'}); use {' or '.join(ways)}"
    )


def whitened_rows(
    model: LinearModel,
    configuration: Configuration,
    observations: tuple[Observation, ...],
    weights: Weights,
    E0: Mapping[str, float] | None,
) -> Iterator[tuple[Array, Array]]:
    """(A, y) per observation, scaled so that the loss is ‖A c − y‖².

    With ``E0`` the energies of the free atoms are subtracted from y; without, A begins with the numbers of
    atoms of every element.
    """
    n_atoms, counts = len(configuration), composition(configuration.atoms, model.symbols)
    factor = {o: configuration.weight * weights.of(o, configuration.group) for o in observations}
    if not any(factor.values()):
        return
    design = model.design(configuration.atoms)
    for observation in observations:
        target = observation.target(configuration)
        if factor[observation] == 0.0 or target is None:
            continue
        rows = observation.rows(design)
        lead = counts if observation.letter == "E" else np.zeros_like(counts)
        if E0 is None:
            rows = np.hstack([np.broadcast_to(lead, (len(target), len(lead))), rows])
        else:
            target = target - float(lead @ [E0[s] for s in model.symbols])
        scale = np.broadcast_to(factor[observation] * observation.scale(n_atoms), target.shape)
        yield rows * scale[:, None], target * scale


def assemble(
    model: LinearModel,
    dataset: Dataset,
    observations: tuple[Observation, ...],
    weights: Weights,
    E0: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> StreamedQR:
    """The streamed QR of all rows; its memory does not grow with the data.

    Disjoint parts of the data may be assembled apart and merged (:meth:`StreamedQR.merge`).
    """
    n_lead = 0 if E0 is not None else len(model.symbols)
    reduction = StreamedQR(n_lead + len(model.smoothness))
    for done, configuration in enumerate(dataset, start=1):
        for A, y in whitened_rows(model, configuration, observations, weights, E0):
            reduction.push(A, y)
        if progress is not None:
            progress(done, len(dataset))
    return reduction


def composition(atoms: Atoms, symbols: tuple[str, ...]) -> Array:
    """Number of atoms of each of ``symbols``, (n_symbols,)."""
    present = atoms.get_chemical_symbols()
    return np.array([present.count(symbol) for symbol in symbols], dtype=float)
