"""Cross-validation of linear fits: one assembly of the data, any number of weights and solvers.

Every fold is assembled once, apart. The equations without a fold are the merged triangles of the others, its
own triangle gives the residual norm of what was held out, and factors of the kinds of observations only scale
triangles: no trial looks at a configuration again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress, count
from typing import TYPE_CHECKING, Any

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.training.assemble import Assembly, Progress, assemble, check_dataset
from genmlip.training.dataset import Configuration, Dataset
from genmlip.training.errors import ErrorRow, Errors, evaluate
from genmlip.training.fitting import less_cores, reference_energies, solve
from genmlip.training.observations import Weights, parse_observations
from genmlip.training.solvers import BayesianRidge, Solver

if TYPE_CHECKING:
    from genmlip.potentials.ace import LinearACE

COMPONENTS = {"E": 1, "F": 3, "V": 9}
"""Numbers per atom, of which root mean squares are taken."""


def by_group(configuration: Configuration) -> str:
    """What :func:`folds` divides evenly, unless told otherwise: the ``config_type``."""
    return configuration.group


def folds(
    dataset: Dataset,
    k: int = 5,
    block: int = 1,
    seed: int = 0,
    key: Callable[[Configuration], str] = by_group,
) -> IntArray:
    """The fold, 0 … k − 1, of every configuration, (n,).

    Configurations with the same ``key`` are cut, in the order of the data, into blocks of ``block``, and the
    blocks are dealt to the folds at random: every fold gets its share of every group, and consecutive
    snapshots of one simulation, which are correlated, stay on the same side of the division. Larger blocks
    ask for more extrapolation.

    Raises InputError unless there are 2 ≤ k ≤ n folds, each with a block.
    """
    if block < 1:
        raise InputError(f"a block of the folds holds at least one configuration, got {block}")
    members: dict[str, list[int]] = {}
    for index, configuration in enumerate(dataset):
        members.setdefault(key(configuration), []).append(index)
    blocks = {name: [indices[a : a + block] for a in range(0, len(indices), block)]
              for name, indices in sorted(members.items())}  # fmt: skip
    n_blocks = sum(map(len, blocks.values()))
    if not 2 <= k <= n_blocks:
        raise InputError(
            f"the number of folds must be from 2 to {n_blocks}, the blocks of {block} configurations; got {k}"
        )
    rng, dealt = np.random.default_rng(seed), 0
    fold = np.empty(len(dataset), dtype=np.int64)
    for pieces in blocks.values():
        for position in rng.permutation(len(pieces)):
            fold[pieces[position]] = dealt % k
            dealt += 1
    return fold


def cross_validate(
    ace: LinearACE,
    dataset: Dataset,
    fold: IntArray,
    observations: str = "EFV",
    weights: Weights | None = None,
    E0: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> CrossValidation:
    """Assemble ``dataset`` fold by fold; the trials follow.

    fold : (n,) the fold of every configuration, as :func:`folds` gives it
    weights : of the rows; the trials multiply those of a kind by a common factor
    observations, E0, progress, workers : as in :func:`genmlip.training.fit`; E0 is decided upon once, by all
        data, and fitted without the fold that is held out where it has to be fitted

    Raises InputError as :func:`genmlip.training.fit` does, and for folds that are empty or do not match.
    """
    divided, n_folds = np.asarray(fold), len(np.unique(fold))
    if divided.shape != (len(dataset),) or n_folds < 2 or set(divided.tolist()) != set(range(n_folds)):
        raise InputError(
            f"the folds of {len(dataset)} configurations are {len(dataset)} numbers from 0 on, "
            "at least two different ones, none of them left out"
        )
    kinds, weights = parse_observations(observations), weights or Weights()
    check_dataset(ace, dataset, kinds, weights)
    given, done = reference_energies(ace, dataset, kinds, weights, E0), count(1)

    def advance(*_: int) -> None:
        if progress is not None:
            progress(next(done), len(dataset))

    held_out = tuple(_part(dataset, divided == f) for f in range(n_folds))
    assemblies = tuple(
        assemble(ace, less_cores(ace, part), kinds, weights, given, advance, workers) for part in held_out
    )
    return CrossValidation(ace, held_out, weights, given, assemblies, tuple(_all_but_one(assemblies)))


@dataclass(frozen=True)
class CrossValidation:
    """The assembled folds of a data set.

    ace : the form of the potential
    held_out : the configurations of every fold
    weights : of the rows
    E0 : eV, of every element; None where it is fitted along
    assemblies : of every fold
    others : of all folds but one
    """

    ace: LinearACE
    held_out: tuple[Dataset, ...]
    weights: Weights
    E0: Mapping[str, float] | None
    assemblies: tuple[Assembly, ...]
    others: tuple[Assembly, ...]
    _fitted: dict[tuple[Any, Solver], tuple[LinearACE, ...]] = field(
        default_factory=dict, repr=False, compare=False
    )

    def potentials(
        self, scales: Mapping[str, float] | None = None, solver: Solver | None = None
    ) -> tuple[LinearACE, ...]:
        """The potentials fitted without each of the folds; kept, as measures of one trial ask for them again.

        scales : factors of the weights by observation, as in :meth:`Assembly.system`
        solver : default as in :func:`genmlip.training.fit`
        """
        trial = (tuple(sorted((scales or {}).items())), solver or BayesianRidge())
        if trial not in self._fitted:
            self._fitted[trial] = tuple(self._potential(assembly, *trial) for assembly in self.others)
        return self._fitted[trial]

    def _potential(
        self, assembly: Assembly, scales: tuple[tuple[str, float], ...], solver: Solver
    ) -> LinearACE:
        solution, free = solve(assembly.system(dict(scales)), solver, self.ace.smoothness)
        offsets = self.E0 or dict(zip(self.ace.symbols, free.tolist(), strict=True))
        return self.ace.with_coefficients(solution.coefficients, offsets)

    def rmse(
        self, scales: Mapping[str, float] | None = None, solver: Solver | None = None
    ) -> dict[str, float]:
        """Root mean square errors of what is held out, eV/atom (E, V) and eV/Å (F), from the triangles alone.

        Configurations count as they do in the loss: by their weights, and energies and virials per atom by
        the number of atoms. ``scales`` change the fit, not the measure.
        """
        square = dict.fromkeys(self.assemblies[0].parts, 0.0)
        for assembly, potential in zip(self.assemblies, self.potentials(scales, solver), strict=True):
            lead = [] if self.E0 is not None else [potential.E0[symbol] for symbol in potential.symbols]
            coefficients = np.concatenate([lead, potential.coefficients])
            for letter, part in assembly.parts.items():
                square[letter] += part.system().loss(coefficients)
        numbers = {letter: self._numbers(letter) for letter in square}
        return {k: float(np.sqrt(square[k] / n)) if (n := numbers[k]) > 0 else np.nan for k in square}

    def errors(
        self, scales: Mapping[str, float] | None = None, solver: Solver | None = None
    ) -> tuple[Errors, ...]:
        """Errors of every fold under the potential fitted without it; this evaluates the configurations.

        Every label counts once, whatever the weights; :func:`pooled` makes one table of them.
        """
        letters = "".join(self.assemblies[0].parts)
        pairs = zip(self.potentials(scales, solver), self.held_out, strict=True)
        return tuple(evaluate(potential, part, letters) for potential, part in pairs)

    def _numbers(self, letter: str) -> float:
        """Σ w² n times the components of the observation: what the sum of squares is divided by."""
        (kind,) = parse_observations(letter)
        return COMPONENTS[letter] * sum(
            len(c) * (c.weight * self.weights.of(kind, c.group)) ** 2
            for part in self.held_out
            for c in part
            if kind.target(c) is not None
        )


def pooled(errors: Sequence[Errors]) -> Errors:
    """One table for all folds; every label counts the same.

    The relative errors of energies refer to the spread within the folds.
    """
    rows: dict[tuple[str, str], list[ErrorRow]] = {}
    for table in errors:
        for row in table.rows:
            rows.setdefault((row.observation, row.group), []).append(row)
    return Errors(tuple(_pooled(same) for same in rows.values()))


def _pooled(rows: Sequence[ErrorRow]) -> ErrorRow:
    n = np.array([row.n for row in rows])
    rmse, mae, relative = np.array([(row.rmse, row.mae, row.relative) for row in rows]).T
    size = np.divide(rmse, relative, out=np.zeros_like(rmse), where=relative > 0)
    total = float(np.sqrt(np.average(rmse**2, weights=n)))
    scale = float(np.sqrt(np.average(size**2, weights=n)))
    first = rows[0]
    return ErrorRow(
        first.observation,
        first.group,
        int(n.sum()),
        total,
        float(np.average(mae, weights=n)),
        total / scale if scale > 0 else np.nan,
        first.unit,
    )


def _part(dataset: Dataset, chosen: Array) -> Dataset:
    return Dataset(tuple(compress(dataset, chosen)))


def _all_but_one(parts: Sequence[Assembly], rest: tuple[Assembly, ...] = ()) -> Iterator[Assembly]:
    """The union of all parts but one, for each of them; halving takes k log₂ k merges instead of k²."""
    if len(parts) == 1:
        yield _union(rest)
        return
    half = len(parts) // 2
    for kept, left_out in ((parts[half:], parts[:half]), (parts[:half], parts[half:])):
        yield from _all_but_one(left_out, (_union((*rest, *kept)),))


def _union(parts: Sequence[Assembly]) -> Assembly:
    kinds = parse_observations("".join(parts[0].parts))
    whole = Assembly.empty(parts[0].n_columns, kinds)
    for part in parts:
        whole.merge(part)
    return whole
