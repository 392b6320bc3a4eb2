"""Saddles of a sum of site energies: where the gradient vanishes and one direction has negative curvature.

Newton's method that goes uphill along the softest direction and downhill along all others (eigenvector
following; Cerjan & Miller, J. Chem. Phys. 75:2800, 1981). Hessian and mode are known by their action on a
small subspace, which grows by preconditioned residuals (Davidson, J. Comput. Phys. 17:87, 1975). Curvatures
are those of P⁻¹H: with a crystal's harmonic operator P nearly all are close to one, the core's apart.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.statics.minimise import Objective, largest_row
from genmlip.statics.preconditioner import Preconditioner

DIFFERENCE = 1e-4  # Å, the farthest that an atom is moved for a product with the Hessian
FEWEST_DIRECTIONS, MAX_DIRECTIONS = 12, 40  # of the subspace that certifies; of any
NEWTON_ACCURACY, MODE_ACCURACY = 0.03, 0.1  # relative residuals, in the norm of P⁻¹
NOTHING_NEW = 1e-10  # share of a vector's squared norm; less of it is the error of the differences
SOFTEST = 2e-3  # of P: curvatures nearer to zero are taken for this much
MAX_STEP = 0.15  # Å, the farthest that an atom moves in one step
KICK, MAX_KICKS = 0.05, 3  # Å; along the second softest direction where that is unstable too
TRACKED = 3  # of the softest directions, among which the mode of the step before is looked for
SMALL_GRADIENT = 5e-3  # √eV, norm of P⁻¹; growth up to this is no concern
MAX_GROWTH = 2.0  # of the norm of the gradient in one step, before the step is shortened


@dataclass(frozen=True)
class Saddle:
    """Where a search for a saddle ended.

    x : like the start
    energies : (s,) site energies there
    fmax : largest Euclidean norm of a row of the gradient
    mode : the softest direction, largest row one
    curvatures : the two smallest eigenvalues of P⁻¹H; of opposite sign at a saddle of index one
    n_calls : evaluations of the objective
    """

    x: Array
    energies: Array
    fmax: float
    mode: Array
    curvatures: tuple[float, float]
    converged: bool
    n_calls: int
    message: str


def find_saddle(
    objective: Objective,
    start: Array,
    mode: Array,
    preconditioner: Preconditioner,
    fmax: float = 1e-5,
    max_calls: int = 1000,
    max_distance: float = np.inf,
    callback: Callable[[int, float], None] | None = None,
) -> Saddle:
    """The saddle of index one near ``start``, uphill along what ``mode`` becomes.

    start : (m, d); mode : (m, d), roughly the direction of negative curvature
    max_distance : Å, Euclidean norm of all unknowns; a search that leads farther away is given up
    callback : called with the number of evaluations and the largest force after every step
    Never raises for lack of convergence. Raises InputError if forces are not finite at the start.
    """
    search = _Search(objective, np.array(start, dtype=float), preconditioner)
    search.choose_mode(mode)
    for _ in range(1 + MAX_KICKS):
        failure = search.approach(fmax, max_calls, max_distance, callback)
        first, second = search.certify()
        if failure is not None or second > 0.0:
            break
        search.kick()
    force = largest_row(search.gradient)
    converged = force <= fmax and first < 0.0 < second
    message = (
        f"converged: max|f| = {force:.1e} after {search.n_calls} force calls"
        if converged
        else failure or f"no saddle of index one: curvatures {first:.2g} and {second:.2g}"
    )
    return Saddle(
        search.x, search.energies, force, search.mode / largest_row(search.mode), (first, second), converged,
        search.n_calls, message,
    )  # fmt: skip


class _Search:
    """State of one search."""

    def __init__(self, objective: Objective, start: Array, preconditioner: Preconditioner) -> None:
        self.objective, self.preconditioner = objective, preconditioner
        self.n_calls = 0
        self.start, self.x = start, start
        self.energies, self.gradient = self.evaluate(start)
        if not np.isfinite(self.gradient).all():
            raise InputError("forces are not finite at the start of the search for a saddle")
        self.mode = np.zeros_like(start)
        self.mode_dual = np.zeros_like(start)
        self.aside = np.zeros_like(start)
        self.aside_dual: tuple[Array, ...] = ()  # empty until two directions are known to lead down

    def approach(
        self,
        fmax: float,
        max_calls: int,
        max_distance: float,
        callback: Callable[[int, float], None] | None,
    ) -> str | None:
        """Newton steps until the forces vanish; why they do not, or None."""
        reach = MAX_STEP
        while largest_row(self.gradient) > fmax:
            if self.n_calls >= max_calls or reach < 1e-3 * MAX_STEP:
                return f"saddle not reached after {self.n_calls} force calls"
            if np.linalg.norm(self.x - self.start) > max_distance:
                return "the search for the saddle led away from its start"
            step = self.newton_step()
            longest = largest_row(step)
            grew = self.move(step * min(1.0, reach / longest))
            reach = 0.25 * min(reach, longest) if grew > MAX_GROWTH else min(2.0 * reach, MAX_STEP)
            if callback is not None:
                callback(self.n_calls, largest_row(self.gradient))
        return None

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        self.n_calls += 1
        energies, gradient = self.objective(x)
        return np.asarray(energies), np.asarray(gradient)

    def product(self, v: Array) -> Array:
        """Hv by a one-sided difference of gradients."""
        scale = DIFFERENCE / largest_row(v)
        return (self.evaluate(self.x + scale * v)[1] - self.gradient) / scale

    def subspace(self) -> _Subspace:
        return _Subspace(self.product, self.preconditioner)

    def choose_mode(self, direction: Array) -> None:
        """The softest direction near a given one, whose image under P is not known: P⁻¹H stands in for it."""
        space = self.subspace()
        space.add(self.product(direction))
        space.settle(1)
        self.mode, self.mode_dual = space.mode(0)

    def newton_step(self) -> Array:
        """−H⁻¹g with the curvature of the mode made negative, of all other directions positive."""
        space = self.subspace()
        for w in (self.mode_dual, *self.aside_dual, self.gradient):
            space.add(w)
        space.settle(1 + len(self.aside_dual))
        goal = NEWTON_ACCURACY * self.size(self.gradient)
        while len(space) < MAX_DIRECTIONS:
            residual = space.newton_residual(self.gradient)
            if self.size(residual) <= goal or not space.add(residual):
                break
        uphill = space.nearest_mode(self.mode_dual)
        self.mode, self.mode_dual = space.mode(uphill)
        if self.aside_dual:
            self.aside_dual = (space.mode(int(uphill == 0))[1],)
        return space.step(self.gradient, uphill)

    def move(self, step: Array) -> float:
        """Take the step, or half of it and so on; the factor by which the gradient grew at first."""
        before, first = max(self.size(self.gradient), SMALL_GRADIENT), 0.0
        for _ in range(6):
            energies, gradient = self.evaluate(self.x + step)
            grew = self.size(gradient) / before if np.isfinite(gradient).all() else np.inf
            first = first or grew
            if grew <= MAX_GROWTH:
                break
            step = 0.5 * step
        self.x, self.energies, self.gradient = self.x + step, energies, gradient
        return first

    def size(self, g: Array) -> float:
        """√(gᵀP⁻¹g)."""
        return float(np.sqrt(max(float(np.vdot(g, self.preconditioner.solve(g))), 0.0)))

    def certify(self) -> tuple[float, float]:
        """The two smallest curvatures; the second direction is kept.

        It is sought from a random start where the mode is, as what competes with the mode is near it; from
        its image under H, which is free of what costs nothing, such as a translation.
        """
        space = self.subspace()
        space.add(self.mode_dual)
        where = np.linalg.norm(self.mode.reshape(len(self.mode), -1), axis=1)
        noise = np.random.default_rng(0).normal(size=self.x.shape)
        noise *= where.reshape(-1, *[1] * (self.x.ndim - 1))
        space.add(self.product(self.preconditioner.solve(noise)))
        while len(space) < FEWEST_DIRECTIONS and space.add(space.residual(1)):
            pass
        space.settle(2)
        values = space.ritz()[0]
        if len(values) == 1:  # there is one unknown
            return float(values[0]), np.inf
        uphill = space.nearest_mode(self.mode_dual)
        self.mode, self.mode_dual = space.mode(uphill)
        self.aside, dual = space.mode(int(uphill == 0))
        self.aside_dual = (dual,)
        return float(values[0]), float(values[1])

    def kick(self) -> None:
        """A step along the second direction."""
        self.x = self.x + KICK / largest_row(self.aside) * self.aside
        self.energies, self.gradient = self.evaluate(self.x)


class _Subspace:
    """Directions V with their duals W = PV, VᵀW = 1, and their images HV; P itself is never needed."""

    def __init__(self, product: Callable[[Array], Array], preconditioner: Preconditioner) -> None:
        self.product, self.preconditioner = product, preconditioner
        self.V: list[Array] = []
        self.W: list[Array] = []
        self.HV: list[Array] = []

    def __len__(self) -> int:
        return len(self.V)

    def add(self, w: Array) -> bool:
        """Append P⁻¹w; False where nothing new is left of it."""
        v = self.preconditioner.solve(w)
        size = float(np.vdot(v, w))
        for _ in range(2):
            for known, dual in zip(self.V, self.W, strict=True):
                w, v = w - np.vdot(known, w) * dual, v - np.vdot(dual, v) * known
        rest = float(np.vdot(v, w))
        if not rest > NOTHING_NEW * size:
            return False
        self.V.append(v / np.sqrt(rest))
        self.W.append(w / np.sqrt(rest))
        self.HV.append(self.product(self.V[-1]))
        return True

    def ritz(self) -> tuple[Array, Array]:
        """Eigenvalues (k,) and eigenvectors (k, k) of VᵀHV."""
        A = np.array([[np.vdot(v, h) for h in self.HV] for v in self.V])
        values, vectors = np.linalg.eigh(0.5 * (A + A.T))
        return values, vectors

    def settle(self, count: int) -> None:
        """Extend the subspace until the lowest ``count`` modes are found."""
        while len(self) < MAX_DIRECTIONS:
            residual = self.unsettled(count)
            if residual is None or not self.add(residual):
                return

    def nearest_mode(self, dual: Array) -> int:
        """Which of the softest directions has most of the one with that dual."""
        overlap = self.ritz()[1].T @ np.array([np.vdot(v, dual) for v in self.V])
        return int(np.argmax(np.abs(overlap[:TRACKED])))

    def mode(self, k: int) -> tuple[Array, Array]:
        """The k-th softest direction, v and Pv."""
        y = self.ritz()[1][:, k]
        return _combine(y, self.V), _combine(y, self.W)

    def unsettled(self, count: int) -> Array | None:
        """Residual Hv − λPv of the first of the lowest ``count`` modes that is not accurate yet."""
        values = self.ritz()[0]
        for k, value in enumerate(values[:count]):
            residual = self.residual(k)
            size = np.sqrt(max(float(np.vdot(residual, self.preconditioner.solve(residual))), 0.0))
            if size > MODE_ACCURACY * max(abs(value), MODE_ACCURACY):
                return residual
        return None

    def residual(self, k: int) -> Array:
        """Hv − λPv of the k-th softest direction; of the stiffest where there are not so many."""
        values, vectors = self.ritz()
        k = min(k, len(values) - 1)
        return _combine(vectors[:, k], self.HV) - values[k] * _combine(vectors[:, k], self.W)

    def newton_residual(self, g: Array) -> Array:
        """g + Hs for the s in the subspace that Galerkin's condition selects."""
        values, vectors = self.ritz()
        share = vectors.T @ np.array([np.vdot(v, g) for v in self.V])
        return g - _combine(vectors @ (share / _away_from_zero(values)), self.HV)

    def step(self, g: Array, uphill: int) -> Array:
        """Eigenvector following inside the subspace, −P⁻¹g outside."""
        values, vectors = self.ritz()
        coefficients = np.array([np.vdot(v, g) for v in self.V])
        stiffness = np.maximum(np.abs(values), SOFTEST)
        stiffness[uphill] *= -1.0
        inside = _combine(vectors @ (vectors.T @ coefficients / stiffness), self.V)
        outside = self.preconditioner.solve(g - _combine(coefficients, self.W))
        return -inside - outside


def _combine(coefficients: Array, vectors: list[Array]) -> Array:
    return np.asarray(np.tensordot(coefficients, np.array(vectors), axes=1))


def _away_from_zero(values: Array) -> Array:
    return np.where(np.abs(values) < SOFTEST, np.copysign(SOFTEST, values), values)
