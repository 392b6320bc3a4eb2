"""The whitened rows [A | y] of a linear model on a data set, reduced to triangles as they are made.

Columns are the reference energies of the elements, if they are to be fitted, followed by the model's
functions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Any, Protocol, TypeVar

import numpy as np
from ase import Atoms

from genmlip._types import Array
from genmlip.errors import InputError, UnknownNameError
from genmlip.training.dataset import Configuration, Dataset
from genmlip.training.observations import DesignRows, Observation, Weights
from genmlip.training.streamed_qr import ReducedSystem, StreamedQR

Piece = TypeVar("Piece")
Result = TypeVar("Result")

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
) -> Iterator[tuple[str, Array, Array]]:
    """(letter, A, y) per observation, scaled so that the loss is ‖A c − y‖².

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
        yield observation.letter, rows * scale[:, None], target * scale


@dataclass(frozen=True)
class Assembly:
    """The whitened rows of a model on data, reduced to one triangle per kind of observation.

    n_columns : K, reference energies included where they are fitted
    parts : by the letter of the observation, E, F or V
    """

    n_columns: int
    parts: dict[str, StreamedQR]

    @classmethod
    def empty(cls, n_columns: int, observations: tuple[Observation, ...]) -> Assembly:
        """No rows yet."""
        return cls(n_columns, {o.letter: StreamedQR(n_columns) for o in observations})

    @property
    def n_rows(self) -> int:
        """Equations of all kinds."""
        return sum(part.n_rows for part in self.parts.values())

    def merge(self, other: Assembly) -> None:
        """Add all rows that ``other`` has seen; ``other`` stays as it is.

        Raises InputError unless both have the same columns and kinds of observations.
        """
        if (self.n_columns, set(self.parts)) != (other.n_columns, set(other.parts)):
            raise InputError(
                f"cannot merge {other.n_columns} columns of {''.join(other.parts)} into {self.n_columns} "
                f"columns of {''.join(self.parts)}"
            )
        for letter, part in self.parts.items():
            part.merge(other.parts[letter])

    def system(self, scales: Mapping[str, float] | None = None) -> ReducedSystem:
        """All rows as one reduced system, which keeps its parts.

        scales : factors of the rows of a kind, on top of the weights they were assembled with; 1 where not
            given, and 0 leaves the kind out. Multiplying a weight afterwards costs one QR of the triangles,
            not another assembly.

        Raises UnknownNameError for a kind that was not assembled, InputError for a scale that is no number
        ≥ 0 and where nothing is left.
        """
        scales = scales or {}
        for letter, scale in scales.items():
            if letter not in self.parts:
                raise UnknownNameError("kind of observation in the scales", letter, self.parts)
            if not (np.isfinite(scale) and scale >= 0):
                raise InputError(f"scale of {letter} must be a number ≥ 0, got {scale!r}")
        kept = {letter: scales.get(letter, 1.0) for letter in self.parts if scales.get(letter, 1.0) > 0}
        if not kept:
            raise InputError("the scales leave no kind of observation")
        return ReducedSystem.of_parts(
            {letter: self.parts[letter].system().scaled(scale) for letter, scale in kept.items()}
        )


def assemble(
    model: LinearModel,
    dataset: Dataset,
    observations: tuple[Observation, ...],
    weights: Weights,
    E0: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> Assembly:
    """All rows of ``dataset``, reduced as they are made; memory does not grow with the data.

    workers : threads; kernels and LAPACK run without the interpreter's lock. The pieces that they work on
        and the order in which these are merged depend on the data alone, so the result does not depend on
        the number of workers, to the last bit.

    Disjoint parts of the data may be assembled apart and merged (:meth:`Assembly.merge`).
    Raises InputError for a number of workers below 1.
    """
    if workers < 1:
        raise InputError(f"the number of workers must be at least 1, got {workers}")
    n_columns = (0 if E0 is not None else len(model.symbols)) + len(model.smoothness)
    count = _Counter(len(dataset), progress)

    def reduce(piece: Sequence[Configuration]) -> Assembly:
        assembly = Assembly.empty(n_columns, observations)
        for configuration in piece:
            for letter, A, y in whitened_rows(model, configuration, observations, weights, E0):
                assembly.parts[letter].push(A, y)
            count.one()
        return assembly

    whole = Assembly.empty(n_columns, observations)
    for part in _in_order(reduce, _pieces(dataset, n_columns), workers):
        whole.merge(part)
    return whole


def composition(atoms: Atoms, symbols: tuple[str, ...]) -> Array:
    """Number of atoms of each of ``symbols``, (n_symbols,)."""
    present = atoms.get_chemical_symbols()
    return np.array([present.count(symbol) for symbol in symbols], dtype=float)


def _pieces(dataset: Dataset, n_columns: int) -> Iterator[list[Configuration]]:
    """Runs of configurations with so many forces that merging their triangle costs little beside them."""
    piece: list[Configuration] = []
    for configuration in dataset:
        piece.append(configuration)
        if sum(map(len, piece)) >= n_columns:
            yield piece
            piece = []
    if piece:
        yield piece


def _in_order(work: Callable[[Piece], Result], pieces: Iterable[Piece], workers: int) -> Iterator[Result]:
    """``work`` of every piece, in threads, in the order of the pieces; at most workers + 1 are under way."""
    if workers == 1:
        yield from map(work, pieces)
        return
    pool, waiting = ThreadPoolExecutor(workers), deque[Future[Result]]()
    try:
        for piece in pieces:
            waiting.append(pool.submit(work, piece))
            if len(waiting) > workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class _Counter:
    """Reports configurations as they are done, from whichever thread."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self._done, self._total, self._progress, self._lock = 0, total, progress, Lock()

    def one(self) -> None:
        """One more is done."""
        with self._lock:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)
