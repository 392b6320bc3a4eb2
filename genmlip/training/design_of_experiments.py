"""Which cell to label next, and how to weight what is labelled: Bayesian experimental design with a goal.

The goal is a number of a defect that is linear in the coefficients, ‖Fδc‖ (:mod:`genmlip.theory.goal`). The
textbook criterion (A-optimality) is tr(FΣFᵀ) with the posterior covariance Σ of independent errors. But a
model that is fitted to a potential it cannot represent errs by its own rigidity, not by noise; tr(FΣFᵀ) then
asks for the largest displacements there are, which the model fits worst (the bias of a design: Box & Draper,
J. Am. Stat. Assoc. 54, 622, 1959). Here the truth is a draw c′_j from the posterior of a *richer* model
instead. The fit of the model to cells with rows A, which are A′ in the richer model, is linear in such a
plausible reference,

    ĉ_j = (AᵀA + pΓ²)⁻¹ AᵀA′c′_j,    e_j = F′c′_j − Fĉ_j,    predicted error = (Σ_j ‖e_j‖² / s)^½,

and holds bias and variance alike. Cells that are not labelled yet enter by their positions only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
from ase import Atoms
from scipy.linalg import qr, solve_triangular
from scipy.optimize import minimize

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.training.assemble import composition
from genmlip.training.dataset import DEFAULT_GROUP
from genmlip.training.observations import Weights, parse_observations
from genmlip.training.plausible import PlausibleReferences, without_cores

if TYPE_CHECKING:
    from genmlip.potentials.ace import LinearACE
    from genmlip.training.fitting import FitResult

E0_PRIOR = 1e-8
"""√p Γ of reference energies: too weak to decide anything, and triangles stay invertible without energies."""

Cost = Callable[[Atoms], float]


class Goal(Protocol):
    """What the model is for, as :class:`genmlip.theory.goal.GoalFunctional` has it."""

    @property
    def atoms(self) -> Atoms:
        """Where designs are evaluated."""
        ...

    def factor(self, force_rows: Array) -> Array:
        """F (r, k) with ‖Fc‖ the error that forces ``force_rows @ c`` cause, Å."""
        ...


@dataclass(frozen=True)
class Suggestion:
    """Cells in the order in which they were chosen.

    indices : into the pool
    predicted : Å, error of the goals together before any, and after each of them
    cost : of all of them
    """

    indices: list[int]
    predicted: list[float]
    cost: float


def suggest_cells(
    fit: FitResult,
    richer: FitResult | None,
    goals: Sequence[Goal],
    pool: Sequence[Atoms],
    budget: float,
    cost: Cost = len,
    n: int = 24,
    seed: int = 0,
) -> Suggestion:
    """Cells of ``pool`` that lower the predicted error of ``goals`` most per cost, one after the other.

    fit : of the model that is wanted, to the cells that are labelled already
    richer : a fit of a larger basis to the same data, by BayesianRidge; its posterior is what the truth may
        be. None for the textbook criterion tr(FΣFᵀ), right where labels are noisy and the model is not rigid.
    goals : one per defect, made with the potential of ``fit``; their squared errors are added
    budget : of ``cost``, in its units. Choosing ends before where no further cell lowers the prediction: then
        label these, fit again and ask again, which is better than one large choice in any case.
    cost : by default the number of atoms; ``lambda atoms: len(atoms) ** 3`` for plane-wave DFT
    n, seed : number of plausible references and the seed they are drawn with

    Raises InputError for a pool without a cell that the budget allows, and for fits by solvers that estimate
    neither a posterior nor an α.
    """
    costs = np.array([float(cost(atoms)) for atoms in pool])
    if len(costs) == 0 or not costs.min() <= budget:
        raise InputError(f"the pool holds no cell that the budget of {budget:g} allows")
    model = _Whitened.of(fit, None if richer is None else PlausibleReferences.of(richer, n, seed))
    criterion = model.criterion(goals)
    rows = [Rows.joined(model.rows(atoms).values()).reduced() for atoms in pool]
    fits = model.fits([configuration.to_atoms() for configuration in fit.dataset])
    chosen: list[int] = []
    predicted, left = [criterion.now(fits)], set(range(len(pool)))
    while True:
        affordable = sorted(i for i in left if costs[i] <= budget)
        after = criterion.after(fits, [rows[i] for i in affordable])
        gains = np.log(predicted[-1] / after) / costs[affordable]
        if not affordable or not gains.max() > 0.0:
            return Suggestion(chosen, predicted, float(costs[chosen].sum()))
        best = affordable[int(np.argmax(gains))]
        fits = fits.with_rows(rows[best])
        chosen.append(best)
        predicted.append(criterion.now(fits))
        left.remove(best)
        budget -= costs[best]


def predicted_error(
    fit: FitResult, richer: FitResult | None, goals: Sequence[Goal], n: int = 24, seed: int = 0
) -> float:
    """The predicted error of ``fit``, Å; arguments as in :func:`suggest_cells`."""
    model = _Whitened.of(fit, None if richer is None else PlausibleReferences.of(richer, n, seed))
    return model.criterion(goals).now(model.fits([configuration.to_atoms() for configuration in fit.dataset]))


def weights_for_goals(
    fit: FitResult, richer: FitResult, goals: Sequence[Goal], n: int = 24, seed: int = 0
) -> Weights:
    """Those of energies and virials, with 1 for forces, that have the smallest predicted error.

    Nelder–Mead on their logarithms from the weights of ``fit``, whose factors of groups are kept; arguments
    as in :func:`suggest_cells`. The labels have a say through ``richer`` only. Raises InputError for a fit
    without forces.
    """
    model = _Whitened.of(fit, PlausibleReferences.of(richer, n, seed))
    if "F" not in model.observations:
        raise InputError(f"weights relative to forces need forces; the fit is to {model.observations}")
    criterion, weights = model.criterion(goals), _weights(fit)
    kinds: dict[str, list[Rows]] = {letter: [] for letter in model.observations}
    for configuration in fit.dataset:
        for letter, rows in model.rows(configuration.to_atoms()).items():
            kinds[letter].append(rows)
    parts = {letter: Rows.joined(rows).reduced() for letter, rows in kinds.items()}
    free = [letter for letter in parts if letter != "F" and getattr(weights, letter) > 0.0]

    def predicted(logarithms: Array) -> float:
        factors = {"F": 1.0, **dict(zip(free, np.exp(logarithms).tolist(), strict=True))}
        rows = Rows.joined(parts[letter].scaled(factor) for letter, factor in factors.items())
        return float(np.log(criterion.now(PlausibleFits.of(rows, model.prior))))

    simplex = np.vstack([np.zeros(len(free)), np.log(3.0) * np.eye(len(free))])
    options = {"initial_simplex": simplex, "xatol": 0.05, "fatol": 1e-3, "maxfev": 150}
    found = minimize(predicted, simplex[0], method="Nelder-Mead", options=options).x if free else simplex[0]
    values = {k: getattr(weights, k) / weights.F * float(np.exp(x)) for k, x in zip(free, found, strict=True)}
    return replace(weights, F=1.0, **values)


@dataclass(frozen=True, eq=False)
class Rows:
    """Whitened equations A c = y_j of the model, one right-hand side per plausible reference.

    A : (m, K), columns as in :mod:`genmlip.training.assemble`;  y : (m, s), s = 0 without references
    """

    A: Array
    y: Array

    @classmethod
    def joined(cls, parts: Iterable[Rows]) -> Rows:
        """All equations of ``parts``, of which there is at least one."""
        A, y = zip(*((part.A, part.y) for part in parts), strict=True)
        return cls(np.concatenate(A), np.concatenate(y))

    def reduced(self) -> Rows:
        """At most K equations with the same AᵀA and Aᵀy; the others are out of reach of every c."""
        K = self.A.shape[1]
        if len(self.A) <= K:
            return self
        R = _triangle(np.hstack([self.A, self.y]))[:K]
        return Rows(R[:, :K], R[:, K:])

    def scaled(self, factor: float) -> Rows:
        """Every equation multiplied by ``factor``."""
        return Rows(factor * self.A, factor * self.y)


@dataclass(frozen=True, eq=False)
class PlausibleFits:
    """The fits of the model to every plausible reference on the cells so far.

    triangle : T, (K, K) with TᵀT = AᵀA + pΓ², so that Σ = T⁻¹T⁻ᵀ;  coefficients : ĉ_j, (K, s)
    """

    triangle: Array
    coefficients: Array

    @classmethod
    def of(cls, rows: Rows, prior: Array) -> PlausibleFits:
        """``prior`` : (K,) √p Γ."""
        penalty = np.hstack([np.diag(prior), np.zeros((len(prior), rows.y.shape[1]))])
        return cls._solved(np.vstack([penalty, np.hstack([rows.A, rows.y])]), len(prior))

    def with_rows(self, rows: Rows) -> PlausibleFits:
        """After the equations of one more cell."""
        known = np.hstack([self.triangle, self.triangle @ self.coefficients])
        return self._solved(np.vstack([known, np.hstack([rows.A, rows.y])]), len(self.triangle))

    @classmethod
    def _solved(cls, system: Array, K: int) -> PlausibleFits:
        R = _triangle(system)[:K]
        return cls(R[:, :K], solve_triangular(R[:, :K], R[:, K:]))

    def sensitivity(self, F: Array) -> Array:
        """C = F T⁻¹, (r, K); ‖C‖² = tr(FΣFᵀ)."""
        return solve_triangular(self.triangle, F.T, trans="T").T

    def gain(self, rows: Rows) -> tuple[Array, Array]:
        """(B, R) with B = A T⁻¹ and RᵀR = 1 + BBᵀ, which is never formed: all that one more cell changes."""
        B = solve_triangular(self.triangle, rows.A.T, trans="T").T
        return B, _triangle(np.vstack([np.eye(len(B)), B.T]))


class Criterion(Protocol):
    """What is to become small, Å."""

    def now(self, fits: PlausibleFits) -> float:
        """Its value."""
        ...

    def after(self, fits: PlausibleFits, cells: Sequence[Rows]) -> Array:
        """(cells,) its values were one of ``cells`` added."""
        ...


@dataclass(frozen=True, eq=False)
class PlausibleError:
    """(Σ_j ‖e_j‖² / s)^½ with e_j = F′c′_j − Fĉ_j.

    F : (r, K) and references : F′c′_j, (r, s), the goals one below the other
    """

    F: Array
    references: Array

    def now(self, fits: PlausibleFits) -> float:
        return _size(self.references - self.F @ fits.coefficients)

    def after(self, fits: PlausibleFits, cells: Sequence[Rows]) -> Array:
        """Woodbury: one more cell changes Fĉ by C Bᵀ (1 + BBᵀ)⁻¹ (y − Aĉ)."""
        C, errors = fits.sensitivity(self.F), self.references - self.F @ fits.coefficients
        values = np.empty(len(cells))
        for k, rows in enumerate(cells):
            B, R = fits.gain(rows)
            news = solve_triangular(R, rows.y - rows.A @ fits.coefficients, trans="T")
            values[k] = _size(errors - C @ (B.T @ solve_triangular(R, news)))
        return values


@dataclass(frozen=True, eq=False)
class PosteriorError:
    """tr(FΣFᵀ)^½: A-optimality. F : (r, K)."""

    F: Array

    def now(self, fits: PlausibleFits) -> float:
        return float(np.linalg.norm(fits.sensitivity(self.F)))

    def after(self, fits: PlausibleFits, cells: Sequence[Rows]) -> Array:
        """One more cell takes ‖R⁻ᵀBCᵀ‖² away."""
        C = fits.sensitivity(self.F)
        taken = np.empty(len(cells))
        for k, rows in enumerate(cells):
            B, R = fits.gain(rows)
            taken[k] = np.sum(solve_triangular(R, B @ C.T, trans="T") ** 2)
        return np.sqrt(np.maximum(np.sum(C**2) - taken, np.finfo(float).tiny))


@dataclass(frozen=True, eq=False)
class _Whitened:
    """A model, the weights 1 / noise of its equations and the prior of its columns, as a fit left them.

    weights : of the observations, divided by their noise;  prior : (K,) √p Γ
    fits_E0 : whether reference energies are fitted along, and not known
    """

    model: LinearACE
    observations: str
    weights: Weights
    prior: Array
    fits_E0: bool
    references: PlausibleReferences | None

    @classmethod
    def of(cls, fit: FitResult, references: PlausibleReferences | None) -> _Whitened:
        model, weights = without_cores(fit.potential), _weights(fit)
        penalty, noise = _penalty(fit)
        scaled = {k: getattr(weights, k) / noise.get(k, noise.get("all", 1.0)) for k in ("E", "F", "V")}
        prior = np.append(np.full(len(model.symbols), E0_PRIOR), penalty * model.smoothness)
        fitted = bool(fit.metadata["E0"]["fitted"])
        return cls(model, fit.metadata["observations"], replace(weights, **scaled), prior, fitted, references)

    def fits(self, cells: Sequence[Atoms]) -> PlausibleFits:
        """The fits to every plausible reference on ``cells``."""
        return PlausibleFits.of(
            Rows.joined(rows for atoms in cells for rows in self.rows(atoms).values()), self.prior
        )

    def rows(self, atoms: Atoms) -> dict[str, Rows]:
        """The equations of one cell by the letter of the observation."""
        n, counts = len(atoms), composition(atoms, self.model.symbols)
        group = str(atoms.info.get("config_type", DEFAULT_GROUP))
        weight = float(atoms.info.get("config_weight", 1.0))
        own = self.model.design(atoms)
        theirs = None if self.references is None else self.references.model.design(atoms)
        rows = {}
        for kind in parse_observations(self.observations):
            A, lead = kind.rows(own), counts if kind.letter == "E" and self.fits_E0 else 0.0 * counts
            y = np.zeros((len(A), 0))
            if theirs is not None and self.references is not None:
                E0 = float(lead @ [self.references.E0[symbol] for symbol in self.model.symbols])
                y = kind.rows(theirs) @ self.references.coefficients + E0
            scale = np.broadcast_to(weight * self.weights.of(kind, group) * kind.scale(n), len(A))[:, None]
            A = np.hstack([np.broadcast_to(lead, (len(A), len(lead))), A])
            rows[kind.letter] = Rows(scale * A, scale * y)
        return rows

    def criterion(self, goals: Sequence[Goal]) -> Criterion:
        """Of all goals together. Raises InputError where there is none."""
        if not goals:
            raise InputError("at least one goal is needed")
        K, parts = self.model.n_coefficients, []
        for goal in goals:
            force_rows = [self.model.design(goal.atoms).forces]
            if self.references is not None:
                force_rows.append(self.references.forces(goal.atoms))
            parts.append(goal.factor(np.hstack(force_rows)))
        whole = np.concatenate(parts)
        F = np.hstack([np.zeros((len(whole), len(self.model.symbols))), whole[:, :K]])
        return PosteriorError(F) if self.references is None else PlausibleError(F, whole[:, K:])


def _weights(fit: FitResult) -> Weights:
    """The weights that a fit was made with."""
    return Weights(**fit.metadata["weights"])


def _penalty(fit: FitResult) -> tuple[float, Mapping[str, float]]:
    """√p and the noise σ of weighted equations by kind; σ = 1 and √p = α for a ridge without noise.

    BayesianRidge reports the degrees of freedom K − p Σ_k Γ_k² Σ_kk, which are solved for p.
    """
    solution, prior = fit.solution, fit.potential.smoothness
    if solution.posterior is None:
        if "alpha" not in solution.details:
            raise InputError("experimental design needs a fit by BayesianRidge, Ridge or GCVRidge")
        return float(solution.details["alpha"]), {}
    undetermined = max(len(prior) - solution.degrees_of_freedom, np.finfo(float).eps)
    spread = float(np.sum((prior * solution.posterior.deviations) ** 2))
    return float(np.sqrt(undetermined / spread)), solution.posterior.noise


def _size(errors: Array) -> float:
    """(Σ_j ‖e_j‖² / s)^½ of (r, s)."""
    return float(np.linalg.norm(errors) / np.sqrt(errors.shape[1]))


def _triangle(matrix: Array) -> Array:
    """R of the QR factorisation, at most square."""
    return np.asarray(qr(matrix, mode="r", check_finite=False)[0][: matrix.shape[1]])
