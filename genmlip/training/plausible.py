"""What the truth may be where no reference is at hand: draws from the posterior of a richer fit.

A fit knows what its own data say about its coefficients, but not what its form cannot express. A larger
basis, fitted to the same data, can say more; draws from its posterior agree with the data and differ where
these say nothing. They are *plausible references*: potentials that may stand for the one that labelled the
data. What no basis of this kind can express (a kink), they do not know either.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from ase import Atoms

from genmlip._types import Array
from genmlip.errors import FileFormatError, GenmlipWarning, InputError
from genmlip.potentials.ace.basis import MAX_DEGREE
from genmlip.potentials.base import Potential
from genmlip.training.assemble import Progress
from genmlip.training.dataset import Dataset
from genmlip.training.fitting import FitResult, fit
from genmlip.training.observations import Weights, parse_observations
from genmlip.training.solvers import BayesianRidge

if TYPE_CHECKING:
    from genmlip.potentials.ace import ACEBasis, LinearACE

RICHNESS = 2.25
"""Least number of functions of the richer basis per function of the candidate's, as in ``optimal_training``;
degrees being whole numbers, 2.4 to 3.6 come of it."""

ENOUGH_EQUATIONS = 4
"""Per function of the richer basis; what happens with fewer is told in docs/training.md."""

STEP = 1.05
"""Factor between the degrees that are tried for it."""


@dataclass(frozen=True, eq=False)
class PlausibleReferences:
    """Draws from the posterior of a richer model.

    model : of the richer form;  coefficients : (K′, s);  E0 : eV, by element
    """

    model: LinearACE
    coefficients: Array
    E0: Mapping[str, float]

    @classmethod
    def of(cls, richer: FitResult, n: int = 100, seed: int = 0) -> PlausibleReferences:
        """``n`` draws around a fit. Raises InputError for a solver without posterior."""
        posterior = richer.solution.posterior
        if posterior is None:
            raise InputError("plausible references need a posterior: fit the richer model with BayesianRidge")
        if n < 1:
            raise InputError(f"at least one plausible reference is needed, got {n}")
        deviations = posterior.sample(n, np.random.default_rng(seed))
        potential = richer.potential
        return cls(without_cores(potential), potential.coefficients[:, None] + deviations.T, potential.E0)

    def forces(self, atoms: Atoms) -> Array:
        """(3 n, s) eV/Å, of every draw on ``atoms``."""
        return np.asarray(self.model.design(atoms).forces @ self.coefficients)

    def virials(self, atoms: Atoms) -> Array:
        """(6, s) eV, likewise, −∂E/∂ε in the order xx, yy, zz, yz, xz, xy."""
        return np.asarray(self.model.design(atoms).virial @ self.coefficients)


def fit_richer(
    candidate: Potential,
    data: Dataset,
    degrees: float | Sequence[float] | None = None,
    progress: Progress | None = None,
    workers: int = 1,
) -> FitResult:
    """A richer basis than that of ``candidate``, fitted to ``data`` as the candidate says it was fitted.

    candidate : a :class:`LinearACE` that :func:`fit` made: its basis and its record of observations, weights
        and energies of free atoms are used, its coefficients are not
    degrees : of the richer basis, see :func:`richer_basis`
    progress, workers : as in :func:`fit`

    The solver is :class:`BayesianRidge`, with one noise for every kind of observation if the candidate was
    fitted so. Warns where ``data`` are others than the candidate was fitted to, and where they are few.
    Raises InputError for a potential of another kind, one without that record, data that do not suit it, and
    for a basis that is not richer.
    """
    linear, record = _linear(candidate), fit_record(candidate)
    model = type(linear).from_basis(richer_basis(linear.basis, degrees))
    E0 = None if record["E0"].get("fitted", True) else record["E0"]["values"]
    solver = BayesianRidge(separate_noise="separate_noise=True" in record["solver"])
    weights = Weights(**record["weights"])
    result = fit(model, data, record["observations"], weights, solver, E0, progress, workers)
    if not fitted_to(candidate, data):
        warnings.warn(
            f"{candidate.spec} was fitted to other data ({_size(record)}) than those given ({len(data)} "
            f"configurations, {data.n_atoms} atoms): the prediction is what the given data say about it",
            GenmlipWarning,
            stacklevel=2,
        )
    n_functions = result.potential.n_coefficients
    if result.n_rows < ENOUGH_EQUATIONS * n_functions:
        warnings.warn(
            f"the data give {result.n_rows} equations for the {n_functions} functions of the richer basis; "
            f"with less than {ENOUGH_EQUATIONS} for each, a prediction from it can be several times off",
            GenmlipWarning,
            stacklevel=2,
        )
    return result


def richer_basis(basis: ACEBasis, degrees: float | Sequence[float] | None = None) -> ACEBasis:
    """A larger basis of the same cutoff and radial functions, which can express all that ``basis`` can.

    degrees : one for all orders of ``basis``, or one per order, of which there may be more. By default those
        of ``basis`` times the smallest factor, in steps of ``STEP``, that makes ``RICHNESS`` times as many
        functions or more, or as many as the limit of degrees allows.

    Raises InputError for a basis that is not richer.
    """
    if degrees is None:
        return _enlarged(basis)
    wanted = (degrees,) * basis.order if isinstance(degrees, int | float) else tuple(degrees)
    if len(wanted) < basis.order or any(new < old for new, old in zip(wanted, basis.degrees, strict=False)):
        raise InputError(
            f"a richer basis needs degrees of at least {_listed(basis.degrees)}, one per correlation order, "
            f"as the candidate has them; got {_listed(wanted)}"
        )
    richer = replace(basis, degrees=wanted)
    if richer.n_functions <= basis.n_functions:
        raise InputError(
            f"the basis of degrees {_listed(wanted)} is not richer than the candidate's, of degrees "
            f"{_listed(basis.degrees)}: both have {basis.n_functions} functions per element"
        )
    return richer


def fitted_to(candidate: Potential, data: Dataset) -> bool:
    """Whether these are the data that ``candidate`` was fitted to, by their hash."""
    described = fit_record(candidate).get("data")
    return isinstance(described, Mapping) and described.get("sha256") == data.sha256


def fit_record(candidate: Potential) -> Mapping[str, Any]:
    """How ``candidate`` says it was fitted: observations, weights, solver, E0, data and more.

    Raises InputError for a potential that is no linear ACE or has no such record, and FileFormatError where
    the record is damaged.
    """
    record = _linear(candidate).metadata.get("fit")
    if not isinstance(record, Mapping):
        raise InputError(
            f"{candidate.spec} does not say how it was fitted (no metadata.fit): only potentials made by "
            "genmlip train, or by genmlip.fit, do"
        )

    def damaged(field: str) -> NoReturn:
        raise FileFormatError(f"{candidate.spec}: field 'metadata.fit.{field}' is missing or damaged")

    for field, kind in (("observations", str), ("weights", Mapping), ("solver", str), ("E0", Mapping)):
        if not isinstance(record.get(field), kind):
            damaged(field)
    parse_observations(record["observations"])
    E0 = record["E0"].get("values")
    if not isinstance(E0, Mapping) or not all(isinstance(value, int | float) for value in E0.values()):
        damaged("E0")
    try:
        Weights(**record["weights"])
    except (TypeError, AttributeError):
        damaged("weights")
    return record


def without_cores(potential: LinearACE) -> LinearACE:
    """Its form alone: the next fit will choose its own repulsive cores, inside of what it is shown."""
    return type(potential).from_basis(potential.basis)


def _linear(candidate: Potential) -> LinearACE:
    from genmlip.potentials.ace import LinearACE

    if not isinstance(candidate, LinearACE):
        raise InputError(
            f"{candidate.spec}: without a reference, only a linear ACE of genmlip (a .json file of genmlip "
            "train) can be assessed: its basis, and how it was fitted, say what a richer one is"
        )
    return candidate


def _enlarged(basis: ACEBasis) -> ACEBasis:
    """All degrees larger by one factor, as far as they may be."""
    factor, richer = 1.0, basis
    while richer.n_functions < RICHNESS * basis.n_functions and min(richer.degrees) < MAX_DEGREE:
        factor *= STEP
        degrees = (min(max(d, float(round(factor * d))), MAX_DEGREE) for d in basis.degrees)
        richer = replace(basis, degrees=tuple(degrees))
    if richer.n_functions == basis.n_functions:
        raise InputError(
            f"no degree of the candidate's basis ({_listed(basis.degrees)}) can be larger, the limit being "
            f"{MAX_DEGREE}: give degrees with one more correlation order for the richer one"
        )
    return richer


def _listed(degrees: Sequence[float]) -> str:
    return ", ".join(f"{degree:g}" for degree in degrees)


def _size(record: Mapping[str, Any]) -> str:
    """Of the data that a record describes, for a message."""
    described = record.get("data")
    if not isinstance(described, Mapping):
        return "not described"
    return f"{described.get('configurations', '?')} configurations, {described.get('atoms', '?')} atoms"
