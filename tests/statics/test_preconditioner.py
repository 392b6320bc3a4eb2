import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csc_array, csr_array, eye_array, kron
from scipy.sparse.linalg import splu

from genmlip.statics.ordering import nested_dissection, point_graph
from genmlip.statics.preconditioner import NotPositiveDefiniteError, SparseFactor, ZeroMean


def test_dissection_is_a_permutation_of_the_points(model_problem):
    problem = model_problem(15.0)
    points = problem.sites[problem.free].astype(float)
    order = nested_dissection(point_graph(csr_array(problem.laplacian), 1), points)
    assert np.array_equal(np.sort(order), np.arange(len(points)))


def test_factor_solves_with_several_unknowns_per_point(model_problem):
    problem = model_problem(10.0)
    points = problem.sites[problem.free].astype(float)
    A = csc_array(kron(problem.laplacian, np.array([[2.0, 0.3, 0.0], [0.3, 1.0, 0.1], [0.0, 0.1, 3.0]])))
    g = np.random.default_rng(0).normal(size=(len(points), 3))
    x = SparseFactor(A, points).solve(g)
    assert x.shape == g.shape
    assert_allclose((A @ x.ravel()).reshape(g.shape), g, atol=1e-10)


def test_dissection_fills_less_than_the_natural_order(model_problem):
    problem = model_problem(40.0)
    points = problem.sites[problem.free].astype(float)
    options = {"permc_spec": "NATURAL", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    natural = splu(problem.laplacian, **options)
    dissected = SparseFactor(problem.laplacian, points)
    assert dissected.fill < 0.4 * (natural.L.nnz + natural.U.nnz)


@pytest.mark.parametrize("shift", [-0.5, -4.0, -8.0])
def test_matrix_with_a_negative_eigenvalue_is_refused(model_problem, shift):
    problem = model_problem(10.0)
    points = problem.sites[problem.free].astype(float)
    shifted = csc_array(problem.laplacian + shift * eye_array(len(points)))
    assert np.linalg.eigvalsh(shifted.toarray())[0] < 0.0
    with pytest.raises(NotPositiveDefiniteError):
        SparseFactor(shifted, points)


def test_zero_mean_is_the_pseudo_inverse_of_a_periodic_laplacian():
    n = 7
    circulant = np.roll(np.eye(n), 1, axis=0)
    A = 2.0 * np.eye(n) - circulant - circulant.T
    solver = ZeroMean(SparseFactor(csc_array(A[1:, 1:]), np.arange(1.0, n)[:, None]))
    g = np.random.default_rng(0).normal(size=n)
    assert_allclose(solver.solve(g), np.linalg.pinv(A) @ g, atol=1e-13)
