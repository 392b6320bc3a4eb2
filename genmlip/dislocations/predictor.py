"""Far-field predictors: the linear elastic field made consistent with the lattice that has slipped.

Where the Burgers vector has a component b1 in the plane (edge character), the atoms that face each other
across the cut come from sites that are b1 apart, so the elastic field must be read where the atoms are, not
where they were. Two ways of doing so are here; without either the residual force on the cut decays like 1/r.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.dislocations.stroh import StrohField
from genmlip.errors import GenmlipError

_SINGULARITY = 1e-3  # of b: closer to the line than this the logarithm is held constant


class Predictor(Protocol):
    """(n, 3) Å reference positions relative to the core, (n,) sublattices → (n, 3) Å displacements."""

    @property
    def field(self) -> StrohField: ...
    @property
    def internal(self) -> Array | None: ...
    def polar(self, positions: Array) -> tuple[Array, Array]:
        """r (n,) Å and the angle θ (n,), on its sheet, at which the field is read."""
        ...

    def __call__(self, positions: Array, sublattice: IntArray | None = None) -> Array: ...


@dataclass(frozen=True, eq=False)
class MappedPredictor:
    """u0 = u_lin ∘ ξ⁻¹ with ξ(y) = y − b1 e1 arg(y) / 2π.

    ξ moves points along x1 only, so that y2 = x2, y1 solves a scalar equation, and no point changes its side
    of the cut. The field is evaluated at the same y on both sides of the cut, where it jumps by exactly b.
    Atoms keep their distance from the glide plane, so ξ needs no switch in the core: the equation has one
    root for |y2| > |b1| / 2π, and where it has several, nearer the line, each is as good a predictor.

    field : linear elastic field
    internal : (n_basis, 3, 3, 3) Å, shift of the sublattices under strain; None in a Bravais lattice

    Ehrlacher, Ortner & Shapeev, Arch. Ration. Mech. Anal. 222, 1217 (2016), section 2.
    """

    field: StrohField
    internal: Array | None = None

    def __call__(self, positions: Array, sublattice: IntArray | None = None) -> Array:
        return _displacement(self, positions, sublattice)

    def polar(self, positions: Array) -> tuple[Array, Array]:
        """r (n,) Å and θ (n,) of y = ξ⁻¹(x)."""
        y = slipped_positions(positions[:, :2], float(self.field.burgers[0]))
        return _off_the_line(np.hypot(y[:, 0], y[:, 1]), self.field), np.arctan2(y[:, 1], y[:, 0])


@dataclass(frozen=True, eq=False)
class SelfConsistentPredictor:
    """u(x) = u_lin(x + u(x)): the elastic field read at the deformed position, as many builders do.

    The angle is continued from x to x + u, whatever half-plane x + u ends in; with the principal value there
    a vacancy or an overlap opens on the cut once the logarithm in u2 exceeds the spacing of the planes.
    Solved by Newton's method with a bound on the step. Fields as in :class:`MappedPredictor`.
    """

    field: StrohField
    internal: Array | None = None

    def __call__(self, positions: Array, sublattice: IntArray | None = None) -> Array:
        return _displacement(self, positions, sublattice)

    def polar(self, positions: Array) -> tuple[Array, Array]:
        """r (n,) Å and the continued angle (n,) of y = x + u."""
        y, theta = self._fixed_point(positions[:, :2])
        return _off_the_line(np.hypot(y[:, 0], y[:, 1]), self.field), theta

    def _fixed_point(
        self, x: Array, tolerance: float = 1e-12, max_iterations: int = 200
    ) -> tuple[Array, Array]:
        """y = x + u_lin(y) in the plane, (n, 2), and the continued angle of y, (n,)."""
        b = float(np.linalg.norm(self.field.burgers))
        y = x + self.field.displacement(x)[:, :2]
        theta = _continued_angle(x, y)
        active = np.arange(len(x))
        for _ in range(max_iterations):
            here = y[active]
            r = np.hypot(here[:, 0], here[:, 1])
            residual = x[active] + self.field.displacement_on_sheet(r, theta[active])[:, :2] - here
            jacobian = np.eye(2) - self.field.distortion(here)[:, :2, :2]
            step = np.linalg.solve(jacobian, residual[..., None])[..., 0]
            length = np.linalg.norm(step, axis=1)
            step *= np.minimum(1.0, 0.3 * np.maximum(r, 0.1 * b) / np.maximum(length, 1e-300))[:, None]
            y[active] = here + step
            theta[active] += turn(here, y[active])
            active = active[np.linalg.norm(residual, axis=1) > tolerance * b]
            if len(active) == 0:
                return y, theta
        raise GenmlipError(
            f"self-consistent displacement did not converge at {len(active)} of {len(x)} atoms"
        )


def slipped_positions(x: Array, b1: float) -> Array:
    """ξ⁻¹: the points y (n, 2) with y − b1 e1 arg(y) / 2π = x, on the side of the cut that x is on.

    ∣y1 − x1∣ ≤ ∣b1∣ / 2 brackets the root; Newton's method, bisecting where it leaves the bracket.
    """
    x1, x2 = x[:, 0], x[:, 1]
    low, high = x1 - 0.5 * abs(b1), x1 + 0.5 * abs(b1)
    y1 = x1 + b1 * np.arctan2(x2, x1) / (2 * np.pi)
    for _ in range(100):
        residual = y1 - b1 * np.arctan2(x2, y1) / (2 * np.pi) - x1
        low, high = np.where(residual <= 0, y1, low), np.where(residual >= 0, y1, high)
        with np.errstate(divide="ignore", invalid="ignore"):
            newton = y1 - residual / (1 + b1 * x2 / (2 * np.pi * (y1 * y1 + x2 * x2)))
        inside = (newton > low) & (newton < high)
        new = np.where(residual == 0, y1, np.where(inside, newton, 0.5 * (low + high)))
        done = np.abs(new - y1).max(initial=0.0) <= 4e-16 * np.abs(x).max(initial=1.0)
        y1 = new
        if done:
            break
    return np.stack([y1, x2], axis=1)


def _displacement(predictor: Predictor, positions: Array, sublattice: IntArray | None) -> Array:
    """The elastic displacement and, in a multilattice, the shift of each sublattice under the strain."""
    r, theta = predictor.polar(positions)
    u = predictor.field.displacement_on_sheet(r, theta)
    if predictor.internal is not None and sublattice is not None:
        strain = predictor.field.strain(np.stack([r * np.cos(theta), r * np.sin(theta)], axis=1))
        u += np.einsum("nijk,njk->ni", predictor.internal[sublattice], strain)
    return u


def _off_the_line(r: Array, field: StrohField) -> Array:
    return np.maximum(r, _SINGULARITY * float(np.linalg.norm(field.burgers)))


def turn(a: Array, b: Array) -> Array:
    """Angle from a to b, both (n, 2), in (−π, π]."""
    return np.arctan2(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0], a[:, 0] * b[:, 0] + a[:, 1] * b[:, 1])


def _continued_angle(x: Array, y: Array) -> Array:
    """Polar angle of y on the sheet that a straight way from x leads to."""
    return np.arctan2(x[:, 1], x[:, 0]) + turn(x, y)
