"""From a linear model and a labelled data set to a potential: assemble, solve, measure, record."""

from __future__ import annotations

import platform
import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy

from genmlip import __version__
from genmlip._json import finite_or_none
from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.potentials.ace.approach import repel_close_atoms
from genmlip.training.assemble import LinearModel, Progress, assemble, check_dataset
from genmlip.training.collapse import warn_of_collapse
from genmlip.training.dataset import Dataset
from genmlip.training.errors import Errors, evaluate
from genmlip.training.observations import Observation, Weights, parse_observations
from genmlip.training.solvers import BayesianRidge, Solution, Solver
from genmlip.training.streamed_qr import ReducedSystem

if TYPE_CHECKING:
    from genmlip.potentials.ace import LinearACE


@dataclass(frozen=True)
class FitResult:
    """A fitted potential and how well it fits.

    solution : what the solver reports (loss, condition, degrees of freedom, alpha, …)
    n_rows : equations that went in
    seconds : wall time of assembling and solving
    """

    potential: LinearACE
    dataset: Dataset
    solution: Solution
    n_rows: int
    seconds: float

    @cached_property
    def errors(self) -> Errors:
        """RMSE and MAE on the training data, per observation and group."""
        return evaluate(self.potential, self.dataset)

    @property
    def condition(self) -> float:
        """Condition number of the weighted system with the prior's scaling."""
        return self.solution.condition

    @property
    def noise(self) -> dict[str, float]:
        """What the solver takes for noise, by letter: E in eV per √atom, F in eV/Å, V in eV per √atom.

        Standard deviations for configurations of weight one; that of the total energy or virial of n atoms is
        √n times as large. Where one noise is estimated for all rows, the ratios are those of the weights and
        not a finding. Empty for solvers that estimate none.
        """
        return dict(self.metadata["noise"])

    @property
    def metadata(self) -> dict[str, Any]:
        """What is needed to repeat the fit; stored in the potential and its file."""
        return dict(self.potential.metadata["fit"])

    def table(self) -> str:
        """Errors on the training data and a line on the fit."""
        details = ", ".join(
            f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in [*self.solution.details.items(), *_named_noise(self.noise)]
        )
        return (
            f"{self.errors.table()}\n"
            f"{self.n_rows} rows, {len(self.solution.coefficients)} functions, "
            f"condition {self.condition:.2e}, degrees of freedom "
            f"{self.solution.degrees_of_freedom:.1f}, {details}, {self.seconds:.1f} s"
        )


def fit(
    ace: LinearACE,
    dataset: Dataset,
    observations: str = "EFV",
    weights: Weights | None = None,
    solver: Solver | None = None,
    E0: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    workers: int = 1,
    cores: bool = True,
) -> FitResult:
    """The potential of the form of ``ace`` that fits ``dataset`` best.

    observations : which of energies E, forces F, virials V to fit, a non-empty subset of "EFV"
    weights : see :class:`Weights`
    solver : default :class:`BayesianRidge`, with ``ace.smoothness`` as the prior: on held-out DFT data within
        a few per cent of the best :class:`Ridge`, whose α would have to be known. On labels without noise
        from cells of a few atoms, neither it nor :class:`GCVRidge` sees a reason to regularise what those
        cells do not determine; a Ridge with α of 10⁻⁴ to 10⁻³ is then less wrong.
    E0 : eV, energy of a free atom of every element. Without it, the energies of the configurations of one
        atom without periodicity are taken, if they are there for every element; else E0 is fitted along,
        without penalty (E in the observations), or stays what it is in ``ace``.
    progress : called as progress(done, total) after every configuration
    cores : whether to keep close atoms apart where the data end: see :mod:`genmlip.potentials.ace.approach`.
        Cores that ``ace`` has already are a baseline, to which the fit adds.
    workers : threads that assemble; the result does not depend on it. Where the machine is shared, let BLAS
        have one thread (OPENBLAS_NUM_THREADS=1, set before NumPy is imported): its own would be in their way.

    Raises InputError for data that lack a label, elements that only the data or only the model have (unless
    E0 is given), unknown observations or groups, and for fewer equations than functions where the solver has
    no regularisation.
    """
    kinds, weights = parse_observations(observations), weights or Weights()
    solver = solver or BayesianRidge()
    check_dataset(ace, dataset, kinds, weights)
    started = time.perf_counter()
    given = reference_energies(ace, dataset, kinds, weights, E0)
    to_fit = less_cores(ace, dataset)
    system = assemble(ace, to_fit, kinds, weights, given, progress, workers).system()
    if system.n_rows == 0:
        raise InputError("the weights of observations, groups and configurations leave nothing to fit")
    solution, fitted = solve(system, solver, ace.smoothness)
    offsets = given or dict(zip(ace.symbols, fitted.tolist(), strict=True))
    seconds = time.perf_counter() - started
    record = {
        "observations": "".join(kind.letter for kind in kinds),
        "weights": weights.as_dict(),
        "solver": repr(solver),
        "solution": {
            "loss": solution.loss,
            "condition": finite_or_none(solution.condition),
            "degrees_of_freedom": solution.degrees_of_freedom,
            **solution.details,
        },
        "noise": noise_of_labels(solution, kinds, weights),
        "E0": {"values": offsets, "fitted": given is None},
        "data": describe(dataset),
        "n_rows": system.n_rows,
        "versions": versions(),
    }
    metadata = {**ace.metadata, "smallest_distance": finite_or_none(dataset.smallest_distance), "fit": record}
    potential = ace.with_coefficients(solution.coefficients, offsets, metadata)
    if cores:
        potential = repel_close_atoms(potential, [configuration.atoms for configuration in dataset])
    else:
        potential = potential.with_training_range(dataset.smallest_distances)
    warn_of_collapse(potential, dataset)
    return FitResult(potential, dataset, solution, system.n_rows, seconds)


def less_cores(ace: LinearACE, dataset: Dataset) -> Dataset:
    """``dataset`` less what the cores of ``ace`` say of it: what the coefficients have to explain."""
    if not ace.short_range:
        return dataset
    alone = ace.with_coefficients(np.zeros(ace.n_coefficients), dict.fromkeys(ace.symbols, 0.0))
    return dataset.less(alone.baseline)


def noise_of_labels(solution: Solution, kinds: tuple[Observation, ...], weights: Weights) -> dict[str, float]:
    """See :attr:`FitResult.noise`: the noise of weighted rows without the weights of their kind."""
    if solution.posterior is None:
        return {}
    found, factors = solution.posterior.noise, {k.letter: float(getattr(weights, k.letter)) for k in kinds}
    of = {letter: found.get(letter, found.get("all")) for letter in factors}
    return {letter: sigma / factors[letter] for letter, sigma in of.items() if sigma and factors[letter] > 0}


def solve(system: ReducedSystem, solver: Solver, prior: Array) -> tuple[Solution, Array]:
    """The solution for the columns that have a prior, and the values of the leading ones, which have none."""
    n_lead = system.n_columns - len(prior)
    if n_lead == 0:
        return solver.solve(system, prior), np.zeros(0)
    reduced, projector = system.eliminate(n_lead)
    solution = solver.solve(reduced, prior)
    return solution, projector @ (system.z - system.R[:, n_lead:] @ solution.coefficients)


def reference_energies(
    ace: LinearModel,
    dataset: Dataset,
    kinds: tuple[Observation, ...],
    weights: Weights,
    E0: Mapping[str, float] | None,
) -> dict[str, float] | None:
    """E0 of every element where it is known, None where it has to be fitted.

    Raises InputError for elements whose E0 is neither given nor in the data.
    """
    if E0 is not None:
        missing = sorted(set(ace.symbols) - set(E0))
        if missing:
            raise InputError(f"E0 lacks {', '.join(missing)} (it holds: {', '.join(E0) or 'nothing'})")
        for symbol in ace.symbols:
            if not np.isfinite(E0[symbol]):
                raise InputError(f"E0 of {symbol} must be a finite number, got {E0[symbol]!r}")
        return {symbol: float(E0[symbol]) for symbol in ace.symbols}
    _complain_of_missing(ace.symbols, dataset.symbols, "the data hold no {}, which the model describes")
    free_atoms = {
        c.atoms.get_chemical_symbols()[0]: float(c.energy)
        for c in dataset
        if len(c) == 1 and not c.atoms.pbc.any() and c.energy is not None
    }
    if set(ace.symbols) <= set(free_atoms):
        return {symbol: free_atoms[symbol] for symbol in ace.symbols}
    if all(kind.letter != "E" for kind in kinds):
        return {symbol: float(getattr(ace, "E0", {}).get(symbol, 0.0)) for symbol in ace.symbols}
    fitted = {
        symbol
        for c in dataset
        if any(k.letter == "E" and c.weight * weights.of(k, c.group) > 0 for k in kinds)
        for symbol in c.atoms.get_chemical_symbols()
    }
    if fitted:
        _complain_of_missing(ace.symbols, fitted, "no energy that is fitted has to do with {}")
    return None


def _complain_of_missing(symbols: Iterable[str], present: Collection[str], message: str) -> None:
    missing = ", ".join(symbol for symbol in symbols if symbol not in present)
    if missing:
        raise InputError(
            f"{message.format(missing)} (found: {', '.join(sorted(present))}): add configurations, give E0, "
            "or leave it out of the model"
        )


def describe(dataset: Dataset) -> dict[str, Any]:
    """Size, composition and hash of the data, for the record."""
    sizes = {
        group: {"configurations": len(part), "atoms": part.n_atoms}
        for group in dataset.groups
        for part in [dataset.select(group)]
    }
    return {
        "sha256": dataset.sha256,
        "configurations": len(dataset),
        "atoms": dataset.n_atoms,
        "groups": sizes,
        "smallest_distance": finite_or_none(dataset.smallest_distance),
    }


def versions() -> dict[str, str]:
    """Of everything that takes part in a fit."""
    return {
        "genmlip": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": platform.python_version(),
    }


def _named_noise(noise: Mapping[str, float]) -> list[tuple[str, float]]:
    return [(f"noise of {letter}", value) for letter, value in noise.items()]
