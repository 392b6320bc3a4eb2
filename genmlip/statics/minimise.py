"""Preconditioned minimisation of a sum of site energies; it knows nothing of crystals or defects.

Limited-memory BFGS whose initial inverse Hessian is the preconditioner (Nocedal & Wright, Numerical
Optimization, ch. 7; Packwood et al., J. Chem. Phys. 144:164109, 2016). Energies enter only as sums of
differences of site energies; where those drown in rounding, steps are accepted on directional derivatives
(the approximate Wolfe conditions of Hager & Zhang, SIAM J. Optim. 16:170, 2005).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from math import fsum

import numpy as np

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.statics.preconditioner import Preconditioner

Objective = Callable[[Array], tuple[Array, Array]]
"""x → (site energies (s,), gradient of their sum, shaped like x)."""

MEMORY = 50  # pairs (s, y) that are kept
ARMIJO, CURVATURE = 1e-3, 0.9  # weak Wolfe conditions
RELAXATION = 1.1  # factor by which the initial Hessian returns to the preconditioner per unit step
LONGEST_LEAP = 8.0  # from one trial to the next while the slope says that the minimum is farther
MAX_TRIALS = 12  # evaluations in one line search
MAX_FAILURES = 4  # line searches in a row that found nothing, each from a shorter first step
PATIENCE = 40  # steps without measurable progress after which a run counts as stalled


@dataclass(frozen=True)
class Progress:
    """Passed to the callback after every accepted step."""

    n_calls: int
    fmax: float
    energy_difference: float


@dataclass(frozen=True)
class MinimiseResult:
    """Where a minimisation ended.

    x : like the start
    energy_difference : E(x) − E(start), summed over differences of site energies
    fmax : largest Euclidean norm of a row of the gradient (one row is one atom)
    n_calls : evaluations of the objective
    message : one line; why it stopped
    """

    x: Array
    energy_difference: float
    fmax: float
    converged: bool
    n_calls: int
    message: str


class MinimiseInterrupted(KeyboardInterrupt):
    """The user pressed Ctrl-C; ``result`` is what had been reached."""

    def __init__(self, result: MinimiseResult) -> None:
        super().__init__(result.message)
        self.result = result


def minimise(
    objective: Objective,
    start: Array,
    preconditioner: Preconditioner,
    fmax: float = 1e-6,
    max_calls: int = 500,
    max_step: float = 0.3,
    callback: Callable[[Progress], None] | None = None,
) -> MinimiseResult:
    """Minimise Σ (site energies) from ``start`` until every row of the gradient is shorter than ``fmax``.

    The first trial step is −P⁻¹g, unscaled: the preconditioner is expected to have the units of a Hessian.

    start : (m, d), or (m,) for scalar unknowns
    max_step : no row of x moves farther than this in one step
    Never raises for lack of convergence: ``result.converged`` and ``result.message`` say what happened.
    Raises InputError if energies or gradient are not finite at the start, MinimiseInterrupted on Ctrl-C.
    """
    run = _Run(objective, np.array(start, dtype=float), preconditioner, fmax, max_calls, max_step)
    try:
        message = run.descend(callback)
    except KeyboardInterrupt:
        raise MinimiseInterrupted(run.result("interrupted")) from None
    return run.result(message)


def largest_row(g: Array) -> float:
    """Largest Euclidean norm of the rows of ``g`` (m, d); the largest modulus if ``g`` is (m,)."""
    if g.size == 0:
        return 0.0
    return float(np.sqrt(np.max(np.sum(g.reshape(len(g), -1) ** 2, axis=1))))


def inner(x: Array, y: Array) -> float:
    """Σ x y in one order whatever the number of threads, which BLAS does not promise."""
    return float(np.einsum("i,i->", x.reshape(-1), y.reshape(-1)))


def energy_change(new: Array, old: Array) -> float:
    """Σ (new − old), exactly rounded."""
    return fsum(new - old)


def rounding_level(energies: Array) -> float:
    """Size below which a sum of site-energy differences is noise: independent rounding errors of the sites.

    The factor covers the accumulation of a site energy over its neighbours.
    """
    return 8.0 * np.finfo(float).eps * float(np.linalg.norm(energies))


@dataclass(frozen=True)
class _Point:
    x: Array
    energies: Array
    gradient: Array

    @property
    def is_finite(self) -> bool:
        return bool(np.isfinite(self.energies).all() and np.isfinite(self.gradient).all())


class _Run:
    """State of one minimisation."""

    def __init__(
        self,
        objective: Objective,
        start: Array,
        preconditioner: Preconditioner,
        fmax: float,
        max_calls: int,
        max_step: float,
    ) -> None:
        self.objective, self.preconditioner = objective, preconditioner
        self.tolerance, self.max_calls, self.max_step = fmax, max_calls, max_step
        self.n_calls = 0
        self.now = self.evaluate(start)
        if not self.now.is_finite:
            raise InputError("energies or forces are not finite at the start of the minimisation")
        self.start_energies = self.now.energies
        self.memory: deque[tuple[Array, Array, float]] = deque(maxlen=MEMORY)
        self.stiffening = 1.0

    def evaluate(self, x: Array) -> _Point:
        self.n_calls += 1
        energies, gradient = self.objective(x)
        return _Point(x, np.asarray(energies), np.asarray(gradient))

    @property
    def fmax(self) -> float:
        return largest_row(self.now.gradient)

    @property
    def energy_difference(self) -> float:
        return energy_change(self.now.energies, self.start_energies)

    def result(self, message: str) -> MinimiseResult:
        fmax = self.fmax
        return MinimiseResult(
            self.now.x, self.energy_difference, fmax, fmax <= self.tolerance, self.n_calls, message
        )

    def descend(self, callback: Callable[[Progress], None] | None) -> str:
        """Step until something stops it; returns what did."""
        failures, idle, best = 0, 0, np.inf
        reach = self.max_step
        while True:
            fmax = self.fmax
            if fmax <= self.tolerance:
                return f"converged: max|f| = {fmax:.1e} after {self.n_calls} force calls"
            if self.n_calls >= self.max_calls:
                return f"stopped after {self.n_calls} force calls at max|f| = {fmax:.1e}"
            before = self.n_calls
            found = self.line_search(self.direction(), reach)
            if found is None:
                failures += 1
                if failures > MAX_FAILURES:
                    return f"no descent found at max|f| = {fmax:.1e}; are the forces discontinuous here?"
                if not self.memory:
                    reach /= 8.0
                self.forget()
                continue
            failures, reach = 0, min(2.0 * reach, self.max_step)
            gained = energy_change(self.now.energies, found.energies) > rounding_level(found.energies)
            self.remember(found)
            self.stiffen(self.n_calls - before)
            self.now = found
            improved = self.fmax < 0.5 * best
            best = min(best, self.fmax) if improved else best
            idle = 0 if gained or improved else idle + 1
            if idle == PATIENCE // 2:
                self.forget()
            if idle >= PATIENCE:
                return f"stalled at max|f| = {self.fmax:.1e}: {PATIENCE} steps without measurable progress"
            if callback is not None:
                callback(Progress(self.n_calls, self.fmax, self.energy_difference))

    def direction(self) -> Array:
        """−B⁻¹g by the two-loop recursion (Nocedal & Wright, algorithm 7.4).

        B₀ is the preconditioner P times ``stiffening``.
        """
        q = self.now.gradient.copy()
        alphas = []
        for s, y, sy in reversed(self.memory):
            alpha = inner(s, q) / sy
            alphas.append(alpha)
            q -= alpha * y
        q = self.preconditioner.solve(q) / self.stiffening
        for (s, y, sy), alpha in zip(self.memory, reversed(alphas), strict=True):
            q += (alpha - inner(y, q) / sy) * s
        if inner(q, self.now.gradient) <= 0.0 and self.memory:
            self.forget()
            return self.direction()
        return -q

    def remember(self, new: _Point) -> None:
        """Keep the secant pair if its curvature is safely positive."""
        s, y = new.x - self.now.x, new.gradient - self.now.gradient
        sy = inner(s, y)
        if sy > 1e-10 * np.sqrt(inner(s, s) * inner(y, y)):
            self.memory.append((s, y, sy))

    def stiffen(self, trials: int) -> None:
        """Adapt B₀ to the last step.

        Where a unit step was too long B₀ becomes P yᵀP⁻¹y / sᵀy, the stiffness that the step met; otherwise
        it goes back gradually to P, which is right far from a defect.
        """
        if trials > 1 and self.memory:
            _, y, sy = self.memory[-1]
            self.stiffening = max(1.0, inner(y, self.preconditioner.solve(y)) / sy)
        else:
            self.stiffening = max(1.0, self.stiffening / RELAXATION)

    def forget(self) -> None:
        """Back to preconditioned steepest descent."""
        self.memory.clear()
        self.stiffening = 1.0

    def line_search(self, p: Array, reach: float) -> _Point | None:
        """A point along x + αp that meets the weak Wolfe conditions, exactly or approximately.

        Starts from α = 1 (shortened to ``reach``), brackets, and interpolates the slope. If the trials run
        out the lowest point seen is taken; None if none of them is lower than x.
        """
        now, slope = self.now, inner(self.now.gradient, p)
        longest = largest_row(p)
        if not np.isfinite(slope) or slope >= 0.0 or longest == 0.0:
            return None
        noise = rounding_level(now.energies)
        limit = reach / longest
        low, low_slope, high, high_slope = 0.0, slope, np.inf, np.nan
        alpha = min(1.0, limit)
        best: _Point | None = None
        for _ in range(MAX_TRIALS):
            point = self.evaluate(now.x + alpha * p)
            if point.is_finite:
                change, new_slope = (
                    energy_change(point.energies, now.energies),
                    inner(point.gradient, p),
                )
                lower = change <= ARMIJO * alpha * slope
                if not lower and change <= noise:  # differences are noise: judge by the slope
                    lower = new_slope <= (2.0 * ARMIJO - 1.0) * slope
            else:
                lower, new_slope = False, np.nan
            if lower:
                best = point
                if new_slope >= CURVATURE * slope or alpha >= limit:
                    return point
                low, low_slope = alpha, new_slope
            else:
                high, high_slope = alpha, new_slope
            if self.n_calls >= self.max_calls:
                break
            alpha = _next_trial(low, np.array([slope, low_slope]), high, high_slope, limit)
        return best


def _next_trial(low: float, slopes: Array, high: float, high_slope: float, limit: float) -> float:
    """Secant on the slope: inside the bracket, kept away from its ends, or beyond while there is none.

    slopes : (2,) at 0 and at ``low``
    """
    if not np.isfinite(high):
        flattening = 1.0 - slopes[1] / slopes[0]  # negative along negative curvature: no minimum in sight
        return min(max(2.0, min(1.0 / max(flattening, 1e-300), LONGEST_LEAP)) * low, limit)
    width = high - low
    if np.isfinite(high_slope) and high_slope > slopes[1]:
        secant = low - slopes[1] * width / (high_slope - slopes[1])
        return float(np.clip(secant, low + 0.1 * width, high - 0.1 * width))
    return low + 0.25 * width
