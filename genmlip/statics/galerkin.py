"""Linear systems with one Hessian, and its stability constant, from one subspace that grows.

Solutions follow from Galerkin's condition VᵀHVy = Vᵀr, the lowest eigenvalue of Hv = λ DᵀD v from Rayleigh's
and Ritz's; both add the preconditioned residual of what is not accurate yet (Saad, Iterative Methods for
Sparse Linear Systems, ch. 6; Davidson, J. Comput. Phys. 17:87, 1975). From an empty space these are conjugate
gradients. Later right-hand sides find the soft directions already there, which cost the first one most of its
products.

Images of directions may be differences of forces. Where second derivatives have kinks these are not quite
linear and symmetric; hence VᵀHV is taken from the images as they are, and so are the residuals.
"""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import LinearOperator

from genmlip._types import Array
from genmlip.errors import NotConvergedError
from genmlip.statics.preconditioner import NotPositiveDefiniteError, Preconditioner

MOST_DIRECTIONS = 400
NOTHING_NEW = 1e-20
"""Share of the squared norm of a direction; if no more of it is new, it is rounding."""
INVERSE_ITERATION = 1e-2
"""Relative residual; enough for modes with a hundredth of the forces to be seen."""
AMPLIFIED = 30.0
"""How far an eigenvalue may lie below its Ritz value, in units of the residual squared in the norm of P⁻¹;
six was met in the screw of tungsten, whose softest modes are much softer than P says."""
NEGLIGIBLE = 1e-4
"""Of the largest Ritz value; a stability constant nearer to zero is as accurate as that one would be."""


class GalerkinSpace:
    """Directions V (k, 3m), orthonormal in the inner product of DᵀD, and their images HV.

    hessian : (3m, 3m) eV/Å²;  gram : (m, m), ``gradient_gram``
    preconditioner : P⁻¹; where ``gram`` does not see translations its results must not hold any
    """

    def __init__(self, hessian: LinearOperator, gram: csc_array, preconditioner: Preconditioner) -> None:
        self._hessian, self._gram, self._preconditioner = hessian, gram, preconditioner
        most = min(MOST_DIRECTIONS, hessian.shape[0])
        self._V = np.empty((most, hessian.shape[0]))  # rows not written to take no memory
        self._HV = np.empty_like(self._V)
        self._projected = np.zeros((most, most))
        self._k = 0

    def __len__(self) -> int:
        """Number of directions, each of which has taken one product with the Hessian."""
        return self._k

    def solve(self, r: Array, tolerance: float) -> Array:
        """x (m, 3) Å with Hx = r (m, 3) eV/Å.

        tolerance : of the residual in the norm of P⁻¹, relative to that of r
        Raises NotPositiveDefiniteError where H is not, as far as has been seen, and NotConvergedError.
        """
        flat = np.array(r, dtype=float).ravel()
        goal = tolerance**2 * float(flat @ self._preconditioned(flat))
        while True:
            y = self._galerkin(flat)
            rest = flat - y @ self._HV[: self._k]
            step = self._preconditioned(rest)
            if float(rest @ step) <= goal:
                return np.asarray(y @ self._V[: self._k]).reshape(r.shape)
            if not self._add(step):
                raise NotConvergedError("a linear system with the Hessian did not converge: no new direction")

    def stability_constant(self, start: Array, tolerance: float) -> float:
        """The lowest λ of Hv = λ DᵀD v, eV/Å²; negative where H is not positive definite.

        start : (m, 3) eV/Å, forces that excite every mode that could be the lowest; a step of inverse
            iteration from them brings all soft ones into the space
        tolerance : of the residual squared in the norm of P⁻¹, relative to λ. λ comes from above; its
            relative error is about that, or its square root where P does not know how soft the mode is
        Raises NotConvergedError.
        """
        with suppress(NotPositiveDefiniteError):  # as the Ritz values will tell
            self.solve(start, INVERSE_ITERATION)
        while True:
            values, vectors = self._ritz()
            step = self._unsettled(values, vectors, tolerance)
            if step is None or not self._add(step):
                return float(values[0])

    def _unsettled(self, values: Array, vectors: Array, tolerance: float) -> Array | None:
        """What improves the lowest Ritz pair, or the second while that may still fall below the first.

        The part HVy − DᵀDV(VᵀHVy) of the residual that is new.
        """
        scale = max(abs(values[0]), NEGLIGIBLE * values[-1])
        for n, y in enumerate(vectors.T[:2]):
            image = y @ self._HV[: self._k]
            residual = image - self._weighted((self._V[: self._k] @ image) @ self._V[: self._k])
            step = self._preconditioned(residual)
            size = float(residual @ step)
            if size > tolerance * scale and (n == 0 or values[n] - AMPLIFIED * size < values[0]):
                return step
        return None

    def _add(self, v: Array) -> bool:
        """Append what is new in v; False if nothing is."""
        k, V = self._k, self._V[: self._k]
        weighted = self._weighted(v)
        size = float(v @ weighted)
        for _ in range(2):
            v = v - (V @ weighted) @ V
            weighted = self._weighted(v)
        rest = float(v @ weighted)
        if not rest > NOTHING_NEW * size:
            return False
        if k == len(self._V):
            raise NotConvergedError(f"a subspace of {k} directions is too small for the Hessian")
        self._V[k] = v / np.sqrt(rest)
        self._HV[k] = self._hessian.matvec(self._V[k])
        if not np.isfinite(self._HV[k]).all():
            raise NotConvergedError("a product with the Hessian is not finite")
        self._k += 1
        self._projected[k, : k + 1] = self._HV[: k + 1] @ self._V[k]
        self._projected[: k + 1, k] = self._V[: k + 1] @ self._HV[k]
        return True

    def _galerkin(self, flat: Array) -> Array:
        """y (k,) with VᵀHVy = Vᵀr."""
        values, _ = self._ritz()
        if len(values) and not values[0] > 0.0:
            raise NotPositiveDefiniteError("the Hessian is not positive definite")
        y = np.linalg.solve(self._projected[: self._k, : self._k], self._V[: self._k] @ flat)
        return np.asarray(y, dtype=float)

    def _ritz(self) -> tuple[Array, Array]:
        """Eigenvalues (k,) and eigenvectors (k, k) of VᵀHV."""
        projected = self._projected[: self._k, : self._k]
        values, vectors = np.linalg.eigh(0.5 * (projected + projected.T))
        return values, vectors

    def _weighted(self, v: Array) -> Array:
        """DᵀDv."""
        return np.asarray(self._gram @ v.reshape(-1, 3)).ravel()

    def _preconditioned(self, flat: Array) -> Array:
        return self._preconditioner.solve(flat.reshape(-1, 3)).ravel()
