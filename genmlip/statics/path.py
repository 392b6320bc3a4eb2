"""Minimum-energy paths between two minima of a sum of site energies; it knows nothing of crystals.

A string of images (E, Ren & Vanden-Eijnden, J. Chem. Phys. 126:164103, 2007) that descends with the
preconditioner, as in Makri, Ortner & Kermode (J. Chem. Phys. 150:094109, 2019), so that few images and few
sweeps serve whatever the number of atoms; then the highest saddle on it, on its own and to any accuracy.
Energies enter only as sums of differences of site energies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline, CubicSpline

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.statics.minimise import Objective, energy_change, largest_row, rounding_level
from genmlip.statics.preconditioner import Preconditioner
from genmlip.statics.saddle import Saddle, find_saddle

FEWEST_IMAGES = 3
FIRST_STEP, LONGEST_STEP = 0.3, 0.7  # of −P⁻¹g
MAX_MOVE = 0.2  # Å, the farthest that an atom moves in one sweep
NEAR = 0.2  # of the length of the path, how far from the highest point of the profile its saddle may be
MAX_HUMPS, SAME_HEIGHT = 3, 1e-3  # searches on one path; relative height that is not worth another
STEADY = 8  # sweeps without shortening after which the step is lengthened


@dataclass(frozen=True)
class Sweep:
    """Passed to the callback: evaluations so far, and what is to become small.

    away : Å, farthest that an atom would move in a step across the path; NaN once the saddle is sought
    fmax : largest force at the saddle, eV/Å; NaN before
    """

    n_calls: int
    away: float
    fmax: float


@dataclass(frozen=True, eq=False)
class Path:
    """Images between two minima, the first and the last of which they are.

    images : (n, m, d)
    energies : (n,) relative to the first image
    s : (n,) Euclidean length of the path up to each image, divided by its whole length
    slopes : (n,) dE/ds
    length : of the path in the norm of all unknowns
    away : farthest that an atom of any image would move in a preconditioned step across the path
    saddle : the highest; None where no image is higher than the ends
    barrier : E(saddle) − E(first image); without a converged saddle that of the highest image
    """

    images: Array
    energies: Array
    s: Array
    slopes: Array
    length: float
    away: float
    saddle: Saddle | None
    barrier: float
    converged: bool
    n_calls: int
    message: str

    def profile(self, s: Array) -> Array:
        """Energy along the path, cubic between images, whose energies and slopes it takes."""
        return np.asarray(CubicHermiteSpline(self.s, self.energies, self.slopes)(s))


class PathInterrupted(KeyboardInterrupt):
    """Ctrl-C during the search; ``result`` is the path that had been reached."""

    def __init__(self, result: Path) -> None:
        super().__init__(result.message)
        self.result = result


def minimum_energy_path(
    objective: Objective,
    start: Array,
    end: Array,
    preconditioner: Preconditioner,
    n_images: int = 9,
    fmax: float = 1e-5,
    tolerance: float = 5e-3,
    max_calls: int = 5000,
    callback: Callable[[Sweep], None] | None = None,
) -> Path:
    """The path over the highest saddle between two minima, from a straight line between them.

    start, end : (m, d) minima, ends of the path
    n_images : with the ends; the image that is highest is replaced by the saddle. Where the saddle is not
        found from so few, as on a winding path, 2 n − 1 are tried
    fmax : largest force at the saddle
    tolerance : largest step of an atom across the path
    Never raises for lack of convergence: ``converged`` and ``message`` say what happened. Raises InputError
    (number of images, ends that coincide) and PathInterrupted on Ctrl-C.
    """
    if n_images < FEWEST_IMAGES:
        raise InputError(f"a path has at least {FEWEST_IMAGES} images, got {n_images}")
    if largest_row(end - start) == 0.0:
        raise InputError("the ends of the path are the same")
    string = _String(objective, preconditioner, start, end, n_images)
    try:
        string.settle(tolerance, max_calls, callback)
        string.climb(fmax, max_calls, callback)
        if string.saddle is not None and not string.saddle.converged:
            string.refine()
            string.settle(tolerance, max_calls, callback)
            string.climb(fmax, max_calls, callback)
    except KeyboardInterrupt:
        raise PathInterrupted(string.path(tolerance, "interrupted")) from None
    return string.path(tolerance)


class _String:
    """State of one search."""

    def __init__(
        self, objective: Objective, preconditioner: Preconditioner, start: Array, end: Array, n_images: int
    ) -> None:
        self.objective, self.preconditioner = objective, preconditioner
        self.n_calls = 0
        share = np.linspace(0.0, 1.0, n_images).reshape(-1, *[1] * np.ndim(start))
        self.images = (1.0 - share) * start + share * end
        evaluations = [self.evaluate(x) for x in self.images]
        self.site_energies = [energies for energies, _ in evaluations]
        self.gradients = np.array([gradient for _, gradient in evaluations])
        self.saddle: Saddle | None = None
        self.away = np.inf

    def evaluate(self, x: Array) -> tuple[Array, Array]:
        self.n_calls += 1
        energies, gradient = self.objective(x)
        return np.asarray(energies), np.asarray(gradient)

    # The string

    def settle(self, tolerance: float, max_calls: int, callback: Callable[[Sweep], None] | None) -> None:
        """Sweeps of preconditioned descent and redistribution until steps along the path are all that is
        left."""
        h, steady, best = FIRST_STEP, 0, np.inf
        while True:
            steps = self.steps_across()
            self.away = max(largest_row(d) for d in steps)
            if callback is not None:
                callback(Sweep(self.n_calls, self.away, np.nan))
            if self.away <= tolerance or self.n_calls >= max_calls:
                return
            grows = self.away > 1.2 * best
            h, steady = (max(0.5 * h, 0.05), 0) if grows else (h, steady + 1)
            if steady == STEADY:
                h, steady = min(1.3 * h, LONGEST_STEP), 0
            best = self.away if grows else min(best, self.away)
            self.images[1:-1] += min(h, MAX_MOVE / self.away) * steps
            self.redistribute()
            for k in range(1, len(self.images) - 1):
                self.site_energies[k], self.gradients[k] = self.evaluate(self.images[k])

    def steps_across(self) -> Array:
        """−P⁻¹g of the inner images without its share along the path, (n − 2, m, d)."""
        inner = slice(1, -1)
        steps = np.array([-self.preconditioner.solve(g) for g in self.gradients[inner]])
        tangents = self.tangents()[inner]
        along = [np.vdot(t, d) / np.vdot(t, t) for t, d in zip(tangents, steps, strict=True)]
        return steps - np.reshape(along, (-1, *[1] * (steps.ndim - 1))) * tangents

    def lengths(self) -> Array:
        """Euclidean length of the polygon up to every image, (n,)."""
        gaps = np.linalg.norm(np.diff(self.images, axis=0).reshape(len(self.images) - 1, -1), axis=1)
        return np.concatenate([[0.0], np.cumsum(gaps)])

    def tangents(self) -> Array:
        """dx/ds by a cubic spline through all images, s from 0 to 1, (n, m, d)."""
        s = self.lengths()
        return np.asarray(CubicSpline(s / s[-1], self.images)(s / s[-1], 1))

    def redistribute(self) -> None:
        """Move the images along the path to equal distances."""
        s = self.lengths()
        even = np.linspace(0.0, s[-1], len(s))
        self.images[1:-1] = CubicSpline(s, self.images)(even[1:-1])

    def refine(self) -> None:
        """An image between any two."""
        s = self.lengths()
        between = 0.5 * (s[1:] + s[:-1])
        new = CubicSpline(s, self.images)(between)
        order = np.argsort(np.concatenate([s, between]), kind="stable")
        evaluations = [self.evaluate(x) for x in new]
        energies = self.site_energies + [e for e, _ in evaluations]
        self.images = np.concatenate([self.images, new])[order]
        self.gradients = np.concatenate([self.gradients, [g for _, g in evaluations]])[order]
        self.site_energies = [energies[k] for k in order]

    # Its saddle

    def energies(self) -> Array:
        return np.array([energy_change(e, self.site_energies[0]) for e in self.site_energies])

    def slopes(self) -> Array:
        return np.array([np.vdot(g, t) for g, t in zip(self.gradients, self.tangents(), strict=True)])

    def climb(self, fmax: float, max_calls: int, callback: Callable[[Sweep], None] | None) -> None:
        """From the highest point of the profile to the saddle, which replaces the nearest inner image.

        Where the profile is higher elsewhere than the saddle turns out to be, it goes on from there.
        """
        visited: list[float] = []
        while len(visited) < MAX_HUMPS:
            top, height = self.summit(visited)
            if height <= self.level():
                return
            visited.append(top)
            saddle = self.saddle_near(top, fmax, max_calls, callback)
            if self.saddle is None or (saddle.converged and self.height(saddle) > self.height(self.saddle)):
                self.saddle = saddle
            if not saddle.converged:
                return
            s = self.lengths()
            nearest = 1 + int(np.argmin(np.abs(s[1:-1] / s[-1] - top)))
            self.images[nearest] = saddle.x
            self.site_energies[nearest], self.gradients[nearest] = saddle.energies, np.zeros_like(saddle.x)

    def summit(self, visited: list[float]) -> tuple[float, float]:
        """Where the profile is highest, farther than an image from the places visited, and how high."""
        s = self.lengths() / self.lengths()[-1]
        fine = np.linspace(0.0, 1.0, 50 * len(s) + 1)
        profile = CubicHermiteSpline(s, self.energies(), self.slopes())(fine)
        for place in visited:
            profile[np.abs(fine - place) < 1.0 / (len(s) - 1)] = -np.inf
        return float(fine[np.argmax(profile)]), float(profile.max())

    def level(self) -> float:
        """What the profile must exceed to be worth a search, given that images are not quite on the path."""
        if self.saddle is not None and self.saddle.converged:
            steps = self.steps_across()
            gains = [float(np.vdot(g, d)) for g, d in zip(self.gradients[1:-1], steps, strict=True)]
            off_path = max(np.abs(gains))
            return (1.0 + SAME_HEIGHT) * self.height(self.saddle) + off_path
        return max(0.0, float(self.energies()[-1])) + rounding_level(self.site_energies[0])

    def height(self, saddle: Saddle) -> float:
        return energy_change(saddle.energies, self.site_energies[0])

    def saddle_near(
        self, place: float, fmax: float, max_calls: int, callback: Callable[[Sweep], None] | None
    ) -> Saddle:
        """The saddle uphill from a point of the path, 0 < ``place`` < 1.

        One that is farther off than a fraction of the path would not be one of this path.
        """
        s = self.lengths()
        path, before = CubicSpline(s / s[-1], self.images), self.n_calls

        def told(calls: int, force: float) -> None:
            if callback is not None:
                callback(Sweep(before + calls, self.away, force))

        saddle = find_saddle(
            self.objective, path(place), path(place, 1), self.preconditioner, fmax,
            max(max_calls - before, 0), NEAR * s[-1], told,
        )  # fmt: skip
        self.n_calls += saddle.n_calls
        return saddle

    def path(self, tolerance: float, failure: str | None = None) -> Path:
        """What has been reached."""
        s, energies = self.lengths(), self.energies()
        barrier = float(energies.max())
        if self.saddle is not None and self.saddle.converged:
            barrier = self.height(self.saddle)
        settled = self.away <= tolerance
        message = failure or (
            f"images still move by {self.away:.1e} Å across the path after {self.n_calls} force calls"
            if not settled
            else self.saddle.message
            if self.saddle is not None
            else "no image is higher than the ends"
        )
        return Path(
            images=self.images.copy(),
            energies=energies,
            s=s / s[-1],
            slopes=self.slopes(),
            length=float(s[-1]),
            away=self.away,
            saddle=self.saddle,
            barrier=barrier,
            converged=failure is None and settled and (self.saddle is None or self.saddle.converged),
            n_calls=self.n_calls,
            message=message,
        )
