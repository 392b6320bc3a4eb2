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
from scipy.sparse import csc_array
from scipy.sparse.linalg import LinearOperator

from genmlip._types import Array, IntArray
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.harmonic import (
    harmonic_preconditioner,
    harmonic_products,
    periodic_preconditioner,
)
from genmlip.errors import NotConvergedError
from genmlip.potentials.base import Evaluator
from genmlip.statics.conjugate_gradients import conjugate_gradients
from genmlip.statics.galerkin import GalerkinSpace
from genmlip.statics.norms import DualNorm, energy_norm, gradient_gram
from genmlip.statics.preconditioner import NotPositiveDefiniteError, Preconditioner
from genmlip.statics.stability import hessian_products

NEWTON_TOLERANCE, CRYSTAL_TOLERANCE = 1e-6, 1e-8
"""Relative, of the residuals of H̃x = r and Hx = r in the norm of P⁻¹; ‖Dx‖ was off by half as much."""
STABILITY_TOLERANCE = 1e-6
"""Relative, of c̃0."""
CORE_WIDTH = 5.0
"""Å, where the search for the softest mode begins."""


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
    def free(self) -> IntArray:
        """The atoms that move."""
        return np.flatnonzero(self.cell.free)

    @cached_property
    def preconditioner(self) -> Preconditioner:
        """About H⁻¹ of the candidate's crystal on the free atoms; in a periodic cell it is just that."""
        return (
            harmonic_preconditioner(self.cell, self.free)
            if self.is_held
            else periodic_preconditioner(self.cell)
        )

    @cached_property
    def hessian(self) -> LinearOperator:
        """H̃ on the free atoms."""
        return hessian_products(self.evaluate, self.positions, self.free)

    @cached_property
    def space(self) -> GalerkinSpace:
        """In which H̃ is inverted, for the estimate and for its attribution."""
        return GalerkinSpace(self.hessian, self.gram, self.preconditioner)

    @cached_property
    def gram(self) -> csc_array:
        """DᵀD on the free atoms."""
        return gradient_gram(self.cell.bonds, len(self.cell), self.free)

    @property
    def is_held(self) -> bool:
        """Whether any atom is; otherwise translations cost nothing."""
        return not self.cell.free.all()

    def newton_step(self, r: Array) -> Array:
        """H̃⁻¹r (m, 3) Å for forces r (m, 3) eV/Å on the free atoms; in a periodic cell their mean is dropped.

        Raises NotPositiveDefiniteError and NotConvergedError.
        """
        return self.space.solve(r if self.is_held else r - r.mean(axis=0), NEWTON_TOLERANCE)


@dataclass(frozen=True)
class ErrorEstimate:
    """What is predicted for ‖D(w̄ − ū)‖, Å.

    value : ‖DH̃⁻¹r‖, the prediction
    bound : c̃0^(−1/2) (r · H̃⁻¹r)^(1/2) ≥ value;  dual : c̃0⁻¹ ‖r‖₋₁ ≥ bound
    crystal : ‖DH⁻¹r‖ with the harmonic operator H of the candidate's perfect crystal on the slipped lattice:
        from forces alone, blind to how soft the core is; None where H shows a direction of negative curvature
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
    cell, scale, free = residual.cell, residual.scale, residual.free
    r = residual.forces[free] if residual.is_held else residual.forces - residual.forces.mean(axis=0)

    def size(x: Array) -> float:
        u = np.zeros_like(residual.forces)
        u[free] = x
        return energy_norm(u, cell.bonds) / scale

    step = _crystal_step(residual, r)
    crystal = None if step is None else size(step)
    try:
        x = residual.newton_step(r)
    except NotPositiveDefiniteError:
        return ErrorEstimate(crystal, candidate_stability(residual))
    c0 = candidate_stability(residual)
    if c0 <= 0.0:
        return ErrorEstimate(crystal, c0)
    try:
        second = residual.newton_step(_nonlinear_forces(residual, x))
    except (NotPositiveDefiniteError, NotConvergedError):  # c̃0 is zero within the error of the differences
        return ErrorEstimate(crystal, c0)
    value = size(x)
    dual = DualNorm(cell.bonds, cell.reference, free if residual.is_held else None)
    return ErrorEstimate(
        crystal,
        c0,
        value,
        bound=sqrt(float(np.vdot(r, x)) / c0) / scale,
        dual=dual(r) / c0 / scale,
        contraction=size(second) / value if value > 0.0 else 0.0,
    )


def candidate_stability(residual: Residual) -> float:
    """c̃0: the smallest ⟨H̃v, v⟩ / ‖Dv‖² at the reference's equilibrium, eV/Å². Raises NotConvergedError.

    The residual has the symmetry of the core, which the softest mode may break: the search starts from noise,
    mostly in the core.
    """
    noise = np.random.default_rng(0).normal(size=(len(residual.free), 3))
    noise /= 1.0 + (residual.cell.r[residual.free, None] / CORE_WIDTH) ** 2
    return residual.space.stability_constant(noise, STABILITY_TOLERANCE)


def _crystal_step(residual: Residual, r: Array) -> Array | None:
    """H⁻¹r (m, 3) Å with the operator of the candidate's crystal; None if it is not positive definite."""
    if not residual.is_held:
        return residual.preconditioner.solve(r)
    operator = harmonic_products(residual.cell, residual.free)
    try:
        return conjugate_gradients(operator, r, residual.preconditioner, CRYSTAL_TOLERANCE)
    except NotPositiveDefiniteError:
        return None


def _nonlinear_forces(residual: Residual, x: Array) -> Array:
    """r(ū + x) − (r − H̃x) on the free atoms: what a Newton step x leaves because forces are not linear.

    The bracket is what it leaves because H̃x = r holds to a tolerance only.
    """
    moved = residual.positions.copy()
    moved[residual.free] += x
    change = residual.evaluate(moved).forces[residual.free] - residual.forces[residual.free]
    return change + residual.hessian.matvec(x.ravel()).reshape(x.shape)
