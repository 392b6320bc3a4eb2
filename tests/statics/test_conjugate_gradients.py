"""Conjugate gradients: they solve what a factorisation solves, at a cost that does not grow, or refuse."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from genmlip.errors import NotConvergedError
from genmlip.statics.conjugate_gradients import conjugate_gradients
from genmlip.statics.preconditioner import Identity, NotPositiveDefiniteError, SparseFactor


def elastic(model):
    """The model problem's Laplacian, with six sites near the core tied down, and the inverse without them."""
    laplacian, points = model.laplacian, model.sites[model.free]
    tied = laplacian.copy()
    core = np.argsort(np.linalg.norm(points - np.array(model.core), axis=1))[:6]
    for k in core:
        tied[k, k] += 2.0
    return tied, SparseFactor(laplacian, points), points


def counted(matrix):
    calls = []

    def apply(v):
        calls.append(1)
        return matrix @ v

    return LinearOperator(matrix.shape, matvec=apply, dtype=float), calls


def test_solution_is_that_of_a_factorisation(model_problem):
    H, inverse, points = elastic(model_problem(12.0))
    r = np.random.default_rng(0).normal(size=(len(points), 1))
    x = conjugate_gradients(aslinearoperator(H), r, inverse, tolerance=1e-12)
    assert_allclose(x, SparseFactor(H, points).solve(r), atol=1e-9 * np.abs(x).max())


def test_number_of_products_does_not_grow_with_the_cell(model_problem):
    products = []
    for radius in (8.0, 16.0, 32.0):
        H, inverse, points = elastic(model_problem(radius))
        operator, calls = counted(H)
        conjugate_gradients(operator, np.random.default_rng(0).normal(size=(len(points), 1)), inverse)
        products.append(len(calls))
    assert max(products) <= 8  # P⁻¹H − 1 has rank six, so there are at most seven eigenvalues


def test_no_force_means_no_product(model_problem):
    H, inverse, points = elastic(model_problem(8.0))
    operator, calls = counted(H)
    assert not conjugate_gradients(operator, np.zeros((len(points), 1)), inverse).any()
    assert not calls


def test_a_direction_of_negative_curvature_is_met_and_refused(model_problem):
    H, inverse, points = elastic(model_problem(8.0))
    H[0, 0] -= 100.0
    with pytest.raises(NotPositiveDefiniteError):
        conjugate_gradients(aslinearoperator(H), np.ones((len(points), 1)), inverse)


def test_too_few_iterations_are_told(model_problem):
    H, _, points = elastic(model_problem(12.0))
    with pytest.raises(NotConvergedError, match="3 iterations"):
        conjugate_gradients(aslinearoperator(H), np.ones((len(points), 1)), Identity(), max_iterations=3)
