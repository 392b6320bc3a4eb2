"""Hx = r for a Hessian that is known by its products only."""

from __future__ import annotations

import numpy as np
from scipy.sparse.linalg import LinearOperator

from genmlip._types import Array
from genmlip.errors import NotConvergedError
from genmlip.statics.preconditioner import NotPositiveDefiniteError, Preconditioner


def conjugate_gradients(
    hessian: LinearOperator,
    r: Array,
    preconditioner: Preconditioner,
    tolerance: float = 1e-4,
    max_iterations: int = 500,
) -> Array:
    """x (m, 3) Å with Hx = r (m, 3) eV/Å, by preconditioned conjugate gradients.

    With a crystal's harmonic operator P as the preconditioner all but a few eigenvalues of P⁻¹H lie near one,
    and the number of products does not depend on the number of atoms.

    hessian : (3m, 3m) eV/Å²
    tolerance : of the residual in the norm of P⁻¹, relative to that of r
    Raises NotPositiveDefiniteError on meeting a direction of no positive curvature, and NotConvergedError.
    """
    x, residual = np.zeros_like(r), np.array(r, dtype=float)
    z = preconditioner.solve(residual)
    p, size = z, float(np.vdot(residual, z))
    goal = tolerance**2 * size
    for _ in range(max_iterations):
        if size <= goal:
            return x
        image = hessian.matvec(p.ravel()).reshape(r.shape)
        curvature = float(np.vdot(p, image))
        if not curvature > 0.0:  # also where forces are not finite
            raise NotPositiveDefiniteError("the Hessian is not positive definite")
        step = size / curvature
        x = x + step * p
        residual = residual - step * image
        z = preconditioner.solve(residual)
        before, size = size, float(np.vdot(residual, z))
        p = z + (size / before) * p
    raise NotConvergedError(f"conjugate gradients did not converge in {max_iterations} iterations", x)
