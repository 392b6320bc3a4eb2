import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.errors import InputError
from genmlip.training import RankRevealingQR, StreamedQR, TruncatedSVD


def problem(seed=0, m=60, k=12, decay=3.0, noise=0.1):
    """Rows with singular values over ``decay`` decades, right-hand side and prior."""
    rng = np.random.default_rng(seed)
    U, V = (np.linalg.qr(rng.standard_normal((n, k)))[0] for n in (m, k))
    A = U * np.logspace(0, -decay, k) @ V.T
    return A, A @ rng.standard_normal(k) + noise * rng.standard_normal(m), np.linspace(1.0, 5.0, k)


def reduce(A, y):
    reduction = StreamedQR(A.shape[1])
    reduction.push(A, y)
    return reduction.system()


def test_without_truncation_it_is_least_squares():
    A, y, prior = problem()
    solution = RankRevealingQR(1e-12).solve(reduce(A, y), prior)
    assert_allclose(solution.coefficients, np.linalg.lstsq(A, y)[0], rtol=1e-8)
    assert_allclose(solution.loss, np.sum((A @ solution.coefficients - y) ** 2), rtol=1e-10)
    assert solution.degrees_of_freedom == 12


@pytest.mark.parametrize("m", [60, 8])
def test_a_rank_deficient_problem_gets_its_smallest_solution_as_from_the_svd(m):
    A, y, prior = problem(m=max(m, 12))
    A, y = A[:m], y[:m]
    A[:, -1] = A[:, 0] - 2.0 * A[:, 1]
    system = reduce(A, y)
    pivoted, svd = (solver.solve(system, prior) for solver in (RankRevealingQR(1e-10), TruncatedSVD(1e-10)))
    assert pivoted.details["rank"] == svd.details["rank"] == min(11, m)
    assert_allclose(pivoted.coefficients, svd.coefficients, rtol=1e-6, atol=1e-9)
    assert pivoted.condition == np.inf


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), decay=st.floats(1, 10), log_tolerance=st.floats(-8, -2))
def test_the_rank_is_that_of_the_svd_at_a_tolerance_near_by(seed, decay, log_tolerance):
    A, y, prior = problem(seed, decay=decay)
    system, tolerance = reduce(A, y), 10.0**log_tolerance
    fewest, most = (TruncatedSVD(f * tolerance).solve(system, prior).details["rank"] for f in (30, 1 / 30))
    assert fewest <= RankRevealingQR(tolerance).solve(system, prior).details["rank"] <= most


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), decay=st.floats(1, 8))
def test_the_pivots_underestimate_the_condition_by_a_modest_factor(seed, decay):
    A, y, prior = problem(seed, decay=decay)
    condition = RankRevealingQR(1e-12).solve(reduce(A, y), prior).condition
    assert np.linalg.cond(A / prior) / 100 < condition < np.linalg.cond(A / prior) * (1 + 1e-9)


def test_a_coarser_tolerance_keeps_a_smaller_rank_and_smaller_coefficients():
    A, y, prior = problem(decay=6.0)
    system = reduce(A, y)
    solutions = [RankRevealingQR(t).solve(system, prior) for t in (1e-9, 1e-4, 1e-2)]
    ranks = [s.details["rank"] for s in solutions]
    sizes = [np.linalg.norm(prior * s.coefficients) for s in solutions]
    assert ranks == sorted(ranks, reverse=True)
    assert sizes == sorted(sizes, reverse=True)


def test_a_system_of_zeros_gives_zero_coefficients():
    solution = RankRevealingQR().solve(reduce(np.zeros((5, 3)), np.zeros(5)), np.ones(3))
    assert_allclose(solution.coefficients, 0.0)


@pytest.mark.parametrize("tolerance", [0.0, 1.0, np.nan, -1e-3])
def test_a_tolerance_out_of_range_is_refused(tolerance):
    with pytest.raises(InputError, match="tolerance of the QR"):
        RankRevealingQR(tolerance)
