import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.errors import InputError
from genmlip.training import GCVRidge, OrdinaryLeastSquares, Ridge, StreamedQR, TruncatedSVD
from genmlip.training.solvers import Spectrum


def problem(seed=0, m=60, k=12, decay=3.0, noise=0.1):
    """Rows, right-hand side and prior of a problem with singular values over ``decay`` decades."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((m, k)) @ np.diag(np.logspace(0, -decay, k)) @ rng.standard_normal((k, k))
    y = A @ rng.standard_normal(k) + noise * rng.standard_normal(m)
    return A, y, np.linspace(1.0, 5.0, k) ** 2


def reduce(A, y):
    reduction = StreamedQR(A.shape[1])
    reduction.push(A, y)
    return reduction.system()


def augmented(A, y, prior, lam):
    k = len(prior)
    return np.linalg.lstsq(np.vstack([A, lam * np.diag(prior)]), np.append(y, np.zeros(k)))[0]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6), m=st.integers(2, 60), k=st.integers(1, 15), log_alpha=st.floats(-6, 0)
)  # fmt: skip
def test_ridge_is_the_least_squares_solution_of_the_augmented_rows(seed, m, k, log_alpha):
    A, y, prior = problem(seed, m, k)
    alpha = 10.0**log_alpha
    solution = Ridge(alpha).solve(reduce(A, y), prior)
    expected = augmented(A, y, prior, alpha)
    scale = np.abs(expected).max()
    assert_allclose(solution.coefficients, expected, rtol=1e-6, atol=1e-7 * scale / alpha**0.5)
    assert_allclose(solution.loss, np.sum((A @ solution.coefficients - y) ** 2), rtol=1e-8, atol=1e-12)


def test_heavier_equations_do_not_regularise_the_others():
    """Two unrelated blocks: the weight of one leaves the solution of the other alone."""
    A, y, prior = problem(m=30, k=5)
    B, z, _ = problem(1, m=30, k=5)
    none = np.zeros_like(A)
    light, heavy = (
        Ridge(1e-2).solve(
            reduce(np.block([[A, none], [none, w * B]]), np.append(y, w * z)), np.tile(prior, 2)
        )
        for w in (1.0, 1e4)
    )
    assert_allclose(light.coefficients[:5], heavy.coefficients[:5], rtol=1e-8)


def test_the_condition_number_is_that_of_the_weighted_system_in_the_scaling_of_the_prior():
    A, y, prior = problem()
    assert_allclose(Ridge().solve(reduce(A, y), prior).condition, np.linalg.cond(A / prior), rtol=1e-8)


def gcv_by_brute_force(A, y, prior, lam):
    """m ‖(1 − H) y‖² / tr(1 − H)² with the influence matrix H written out."""
    H = A @ np.linalg.solve(A.T @ A + lam**2 * np.diag(prior**2), A.T)
    rest = np.eye(len(y)) - H
    return len(y) * np.sum((rest @ y) ** 2) / np.trace(rest) ** 2


def test_the_gcv_function_is_that_of_the_influence_matrix():
    A, y, prior = problem()
    spectrum = Spectrum.of(reduce(A, y), prior)
    for alpha in (1e-4, 1e-2, 0.3):
        expected = gcv_by_brute_force(A, y, prior, alpha)
        assert_allclose(spectrum.gcv(alpha), expected, rtol=1e-8)


@pytest.mark.parametrize("seed", range(5))
def test_gcv_finds_the_minimum_of_a_fine_scan(seed):
    A, y, prior = problem(seed, noise=0.5)
    system = reduce(A, y)
    spectrum = Spectrum.of(system, prior)
    scan = min(gcv_by_brute_force(A, y, prior, a * spectrum.largest) for a in np.logspace(-6, -1, 400))
    solution = GCVRidge(1e-6, 1e-1).solve(system, prior)
    assert solution.details["gcv"] <= scan * (1 + 1e-6)
    assert_allclose(solution.coefficients, Ridge(solution.details["alpha"]).solve(system, prior).coefficients)


def test_gcv_says_so_where_there_is_no_equation():
    with pytest.raises(InputError, match="no equation is left"):
        GCVRidge().solve(StreamedQR(3).system(), np.ones(3))


def test_gcv_leaves_no_fewer_degrees_of_freedom_than_none():
    """Singular values that are rounding are no more degrees of freedom than there are equations."""
    A, y, prior = problem(m=5, k=12)
    solution = GCVRidge(1e-20, 1e-1).solve(reduce(A, y), prior)
    assert np.isfinite(solution.details["gcv"])
    assert solution.degrees_of_freedom < 5.0


def test_gcv_regularises_more_where_there_is_more_noise():
    alphas = [
        GCVRidge().solve(reduce(A, y), p).details["alpha"]
        for A, y, p in (problem(1, noise=s) for s in (1e-3, 1.0))
    ]
    assert alphas[1] > 10 * alphas[0]


def test_a_rougher_prior_makes_smaller_rough_coefficients():
    A, y, _ = problem()
    flat, rough = np.ones(12), np.append(np.ones(6), 100.0 * np.ones(6))
    size = [np.linalg.norm(Ridge(0.1).solve(reduce(A, y), p).coefficients[6:]) for p in (flat, rough)]
    assert size[1] < 0.2 * size[0]


def test_truncated_svd_gives_the_smallest_solution_of_a_rank_deficient_problem():
    A, y, prior = problem(noise=0.0)
    A[:, -1] = A[:, 0] - A[:, 1]
    solution = TruncatedSVD(1e-10).solve(reduce(A, y), prior)
    expected = np.linalg.lstsq(A / prior, y, rcond=1e-10)[0] / prior
    assert solution.details["rank"] == 11
    assert_allclose(solution.coefficients, expected, rtol=1e-6, atol=1e-8)


def test_ordinary_least_squares_agrees_with_lstsq_whatever_the_prior():
    A, y, prior = problem()
    solution = OrdinaryLeastSquares().solve(reduce(A, y), prior)
    assert_allclose(solution.coefficients, np.linalg.lstsq(A, y)[0], rtol=1e-8)
    assert solution.degrees_of_freedom == 12


def test_ordinary_least_squares_refuses_fewer_equations_than_functions():
    A, y, prior = problem(m=11)
    with pytest.raises(InputError, match="11 equations cannot determine 12 functions"):
        OrdinaryLeastSquares().solve(reduce(A, y), prior)
    assert np.isfinite(Ridge().solve(reduce(A, y), prior).coefficients).all()


def test_ordinary_least_squares_refuses_a_rank_deficient_system():
    A, y, prior = problem()
    A[:, 3] = A[:, 4]
    with pytest.raises(InputError, match="only 11 of 12"):
        OrdinaryLeastSquares().solve(reduce(A, y), prior)


def test_a_system_of_zeros_gives_zero_coefficients():
    solution = Ridge().solve(reduce(np.zeros((5, 3)), np.zeros(5)), np.ones(3))
    assert_allclose(solution.coefficients, 0)


@pytest.mark.parametrize("prior", [np.ones(3), np.zeros(12), -np.ones(12), np.full(12, np.nan)])
def test_a_prior_must_be_positive_and_of_the_right_length(prior):
    A, y, _ = problem()
    with pytest.raises(InputError, match="12 positive numbers"):
        Ridge().solve(reduce(A, y), prior)


@pytest.mark.parametrize(
    "make",
    [lambda: Ridge(0.0), lambda: Ridge(np.nan), lambda: GCVRidge(1.0, 0.1), lambda: TruncatedSVD(1.0)],
)
def test_parameters_out_of_range_are_refused(make):
    with pytest.raises(InputError):
        make()
