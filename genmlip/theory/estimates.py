"""A-posteriori estimates: the error predicted from what the candidate does at the reference's equilibrium.

docs/theory.md, section 11. With the residual r (minus the candidate's forces on ū), the candidate's Hessian
H̃ = δ²Ẽ(ū) there and its stability constant c̃0 there,

    ‖D(w̄ − ū)‖ ≈ ‖DH̃⁻¹r‖  ≤  c̃0^(−1/2) (r · H̃⁻¹r)^(1/2)  ≤  c̃0⁻¹ ‖r‖₋₁ ;

the first is a prediction, exact to first order in r; the others are bounds on it. How far "first order"
reaches is told by the contraction Θ = ‖DH̃⁻¹r(ū + x)‖ / ‖Dx‖ of Newton's method after its first step x = −H̃⁻¹r
(Deuflhard, Newton Methods for Nonlinear Problems (2004), ch. 2). Nothing is relaxed. H̃ enters by products,
in closed form or as differences of forces, so that every potential will do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import sqrt

import numpy as np
from scipy.sparse.linalg import LinearOperator

from genmlip._types import Array, IntArray
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.harmonic import (
    harmonic_operator,
    harmonic_preconditioner,
    periodic_preconditioner,
)
from genmlip.errors import NotConvergedError
from genmlip.potentials.base import Evaluator
from genmlip.statics.conjugate_gradients import conjugate_gradients
from genmlip.statics.norms import DualNorm, energy_norm, gradient_gram
from genmlip.statics.preconditioner import NotPositiveDefiniteError, Preconditioner, SparseFactor
from genmlip.statics.stability import hessian_products, stability_constant

STABILITY_TOLERANCE = 1e-2
"""Relative, of c̃0: it enters the bound with its square root."""


@dataclass(frozen=True, eq=False)
class Residual:
    """The candidate at the reference's equilibrium, put into a cell of the candidate's own crystal.

    cell : the candidate's;  evaluate : the candidate in it
    positions : (n, 3) Å, the reference's equilibrium times ``scale`` = ã / a
    forces : (n, 3) eV/Å of the candidate there, zero on atoms that are held
    """

    cell: DefectCell
    evaluate: Evaluator
    positions: Array
    forces: Array
    scale: float

    @cached_property
    def crystal_inverse(self) -> Preconditioner | None:
        """H⁻¹ of the candidate's crystal on the free atoms; None where H is not positive definite."""
        return _crystal_inverse(self.cell, np.flatnonzero(self.cell.free))

    @cached_property
    def newton_step(self) -> NewtonStep:
        """H̃⁻¹, which estimate and attribution share."""
        free = np.flatnonzero(self.cell.free)
        hessian = hessian_products(self.evaluate, self.positions, free)
        return NewtonStep(hessian, self.crystal_inverse or harmonic_preconditioner(self.cell, free))


@dataclass(frozen=True)
class ErrorEstimate:
    """What is predicted for ‖D(w̄ − ū)‖, Å.

    value : ‖DH̃⁻¹r‖, the prediction
    bound : c̃0^(−1/2) (r · H̃⁻¹r)^(1/2) ≥ value;  dual : c̃0⁻¹ ‖r‖₋₁ ≥ bound
    crystal : ‖DH⁻¹r‖ with the harmonic operator H of the candidate's perfect crystal on the slipped lattice:
        from forces alone, blind to how soft the core is; None where H is not positive definite
    stability : c̃0 of the candidate at ū, eV/Å². Where it is not positive the candidate has no equilibrium
        next to ū; then value, bound, dual and contraction are None
    contraction : Θ; the error of the prediction is about this fraction of it, and from ½ on it says little
    """

    crystal: float | None
    stability: float
    value: float | None = None
    bound: float | None = None
    dual: float | None = None
    contraction: float | None = None


def estimate_error(residual: Residual) -> ErrorEstimate:
    """The estimates of one candidate in one defect. Raises NotConvergedError if an iteration fails."""
    cell, scale = residual.cell, residual.scale
    free = np.flatnonzero(cell.free)
    r = _without_translation(residual.forces[free], cell)

    def size(x: Array) -> float:
        u = np.zeros_like(residual.forces)
        u[free] = x
        return energy_norm(u, cell.bonds) / scale

    inverse = residual.crystal_inverse
    crystal = None if inverse is None else size(inverse.solve(r))
    c0 = candidate_stability(residual)
    if c0 <= 0.0:
        return ErrorEstimate(crystal, c0)
    step = residual.newton_step
    try:
        x = step.solve(r)
        second = step.solve(_forces_after(residual, x))
    except (NotPositiveDefiniteError, NotConvergedError):  # c̃0 is zero within the error of the differences
        return ErrorEstimate(crystal, c0)
    value = size(x)
    dual = DualNorm(cell.bonds, cell.reference, free if _is_held(cell) else None)
    return ErrorEstimate(
        crystal,
        c0,
        value,
        bound=sqrt(float(np.vdot(r, x)) / c0) / scale,
        dual=dual(r) / c0 / scale,
        contraction=size(second) / value if value > 0.0 else 0.0,
    )


@dataclass(frozen=True)
class NewtonStep:
    """H̃⁻¹ at the reference's equilibrium, by conjugate gradients on products H̃v."""

    hessian: LinearOperator
    preconditioner: Preconditioner

    def solve(self, r: Array) -> Array:
        """H̃⁻¹r, (m, 3) Å on the free atoms. Raises NotPositiveDefiniteError and NotConvergedError."""
        return conjugate_gradients(self.hessian, r, self.preconditioner)


def candidate_stability(residual: Residual) -> float:
    """c̃0: the smallest ⟨H̃v, v⟩ / ‖Dv‖² at the reference's equilibrium, eV/Å². Raises NotConvergedError.

    In a periodic cell one atom is held: the quotient does not change under translations, which bring every v
    to rest there.
    """
    cell = residual.cell
    free = np.flatnonzero(cell.free)
    moving = free if _is_held(cell) else free[1:]
    hessian = hessian_products(residual.evaluate, residual.positions, moving)
    gram = gradient_gram(cell.bonds, len(cell), moving)
    points = cell.reference[moving, : 2 if cell.line_period is not None else 3]
    return stability_constant(hessian, gram, points, STABILITY_TOLERANCE)


def _forces_after(residual: Residual, x: Array) -> Array:
    """The candidate's forces on the free atoms once they have moved by x (m, 3) Å."""
    free = residual.cell.free
    moved = residual.positions.copy()
    moved[free] += x
    return _without_translation(residual.evaluate(moved).forces[free], residual.cell)


def _without_translation(forces: Array, cell: DefectCell) -> Array:
    """In a periodic cell only the part that no translation carries does work."""
    return forces if _is_held(cell) else forces - forces.mean(axis=0)


def _is_held(cell: DefectCell) -> bool:
    return not cell.free.all()


def _crystal_inverse(cell: DefectCell, free: IntArray) -> Preconditioner | None:
    """The inverse of the crystal's harmonic operator, with its full range, on the free atoms."""
    if not _is_held(cell):
        return periodic_preconditioner(cell)
    try:
        return SparseFactor(harmonic_operator(cell, free), cell.reference[free, :2])
    except NotPositiveDefiniteError:
        return None
