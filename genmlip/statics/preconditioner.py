"""Preconditioners: anything that maps a gradient to a step.

Here the direct one, a sparse factorisation; multigrid and Fourier's series are in modules of their own.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import SuperLU, splu

from genmlip._types import Array, IntArray
from genmlip.errors import GenmlipError
from genmlip.statics.ordering import nested_dissection, point_graph


class Preconditioner(Protocol):
    """An approximate inverse Hessian, symmetric and positive definite on the space of the unknowns."""

    def solve(self, g: Array) -> Array:
        """P⁻¹g, shaped like ``g``; units Å if ``g`` is in eV/Å."""
        ...


class NotPositiveDefiniteError(GenmlipError):
    """A matrix that should be positive definite is not."""


class Identity:
    """No preconditioner, up to one stiffness (eV/Å²)."""

    def __init__(self, stiffness: float = 1.0) -> None:
        self.stiffness = stiffness

    def solve(self, g: Array) -> Array:
        return g / self.stiffness


class SparseFactor:
    """A = LDLᵀ by SuperLU in symmetric mode, after a nested dissection of the points that carry the unknowns.

    matrix : (m d, m d) sparse, symmetric; the unknowns of one point are consecutive
    points : (m, 2 or 3) where the unknowns sit; only the elimination order depends on it
    Raises NotPositiveDefiniteError if a pivot is not positive (Sylvester's law of inertia).
    """

    def __init__(self, matrix: csc_array, points: Array) -> None:
        size = matrix.shape[0]
        dim = size // max(len(points), 1)
        order = nested_dissection(point_graph(matrix, dim), points)
        self._order: IntArray = (dim * order[:, None] + np.arange(dim)).ravel()
        self._factor = _symmetric_factor(csc_array(csc_array(matrix)[self._order][:, self._order]))

    @property
    def fill(self) -> int:
        """Entries of both factors."""
        return int(self._factor.nnz)

    def solve(self, g: Array) -> Array:
        flat = g.reshape(-1)
        x = np.empty_like(flat)
        x[self._order] = self._factor.solve(flat[self._order])
        return x.reshape(g.shape)


class ZeroMean:
    """A preconditioner for translation-invariant problems: the sum over the rows of g and of the step is
    zero.

    The singular operator is inverted with one point held (``grounded`` acts on the rows 1 …); for gradients
    that sum to zero this is the exact inverse up to a translation, which the projection removes.
    """

    def __init__(self, grounded: Preconditioner) -> None:
        self._grounded = grounded

    def solve(self, g: Array) -> Array:
        x = np.zeros_like(g)
        x[1:] = self._grounded.solve(g[1:] - g.mean(axis=0))
        return x - x.mean(axis=0)


def _symmetric_factor(matrix: csc_array) -> SuperLU:
    """LU with the diagonal as pivots, so that its signs count the negative eigenvalues."""
    refusal = "the matrix is not positive definite"
    try:
        factor = splu(matrix, permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})
    except RuntimeError as error:  # SuperLU met a pivot of exactly zero
        raise NotPositiveDefiniteError(refusal) from error
    pivots = factor.U.diagonal()
    on_diagonal = np.array_equal(factor.perm_r, factor.perm_c)
    if not (on_diagonal and (pivots > 1e-12 * np.abs(pivots).max(initial=0.0)).all()):
        raise NotPositiveDefiniteError(refusal)
    return factor
