import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.training import ARD, BayesianRidge, StreamedQR
from genmlip.training.solvers.evidence import Evidence

SUPPORT = [1, 4, 9, 17]
SIZES = [1.0, -0.7, 0.5, 2.0]


def sparse_problem(seed=0, K=24, n=400, noise=0.05):
    """A system whose labels come from four of the functions, the prior, and its rows."""
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, K)) @ (np.eye(K) + 0.2 * rng.standard_normal((K, K)) / np.sqrt(K))
    c = np.zeros(K)
    inside = [k for k in SUPPORT if k < K]
    c[inside] = SIZES[: len(inside)]
    return reduce(A, A @ c + noise * rng.standard_normal(n)), np.linspace(1.0, 3.0, K), c, A


def reduce(A, y):
    reduction = StreamedQR(A.shape[1])
    reduction.push(A, y)
    return reduction.system()


@pytest.mark.parametrize("seed", range(4))
def test_the_functions_that_made_the_labels_are_found(seed):
    system, prior, c, _ = sparse_problem(seed)
    solution = ARD().solve(system, prior)
    kept = np.flatnonzero(solution.coefficients)
    assert set(SUPPORT) <= set(kept)
    assert solution.details["functions"] == len(kept) < 14  # of 24; noise keeps a function with odds of 0.3
    assert_allclose(solution.coefficients, c, atol=4 * 0.05 / np.sqrt(400))


def test_a_sparse_truth_is_estimated_better_than_by_a_common_penalty():
    errors = np.array(
        [
            [np.linalg.norm(s.solve(system, prior).coefficients - c) for s in (ARD(), BayesianRidge())]
            for system, prior, c, _ in map(sparse_problem, range(8))
        ]
    )
    assert errors[:, 0].mean() < 0.8 * errors[:, 1].mean()


def test_its_evidence_is_above_that_of_a_common_precision():
    system, prior, *_ = sparse_problem()
    ard, ridge = (s.solve(system, prior).details["log_evidence"] for s in (ARD(), BayesianRidge()))
    assert ard > ridge


def test_no_function_alone_would_raise_the_evidence_by_coming_or_going():
    system, prior, *_ = sparse_problem(2)
    solution = ARD().solve(system, prior)
    evidence = Evidence.of(system, prior, False)
    noise, kept = np.array([solution.posterior.noise["all"]]), solution.coefficients != 0.0
    precision = np.where(kept, 1.0, 1e16)
    for _ in range(300):  # MacKay's fixed point, to have the precisions that the solution does not tell
        marginal = evidence.at(noise, precision)
        precision[kept] = marginal.determined[kept] / marginal.mean[kept] ** 2
    assert_allclose(marginal.logarithm, solution.details["log_evidence"], atol=0.02)
    for k in range(len(prior)):
        for other in 10.0 ** np.arange(-2.0, 17.0):
            changed = np.where(np.arange(len(prior)) == k, other, precision)
            assert evidence.at(noise, changed).logarithm < marginal.logarithm + 0.02


@pytest.mark.parametrize("seed", range(3))
def test_the_gain_of_one_precision_is_what_a_scan_of_it_finds(seed):
    system, prior, *_ = sparse_problem(seed, K=6, n=30, noise=2.0)
    evidence, noise = Evidence.of(system, prior, False), np.array([1.5])
    precision = np.logspace(-1, 1.5, 6)
    marginal = evidence.at(noise, precision)
    for k in range(6):
        scan = 10.0 ** np.append(np.linspace(-3, 6, 100), np.log10(min(marginal.best_precision[k], 1e12)))
        values = [evidence.at(noise, np.where(np.arange(6) == k, a, precision)).logarithm for a in scan]
        assert_allclose(max(values) - marginal.logarithm, marginal.gain[k], atol=1e-6)
        assert values[-1] >= max(values) - 1e-9


def test_functions_left_out_are_certain_to_be_zero():
    system, prior, *_ = sparse_problem(1)
    solution = ARD().solve(system, prior)
    out = solution.coefficients == 0.0
    assert_array_equal(solution.posterior.deviations[out], 0.0)
    assert (solution.posterior.deviations[~out] > 0.0).all()


def test_a_copy_of_a_function_is_no_reason_to_lose_both():
    _, prior, c, A = sparse_problem()
    A[:, 5] = A[:, 4]
    rng = np.random.default_rng(3)
    y = A @ c + 0.05 * rng.standard_normal(len(A))
    solution = ARD().solve(reduce(A, y), prior)
    assert_allclose(solution.coefficients[4] + solution.coefficients[5], c[4], atol=0.02)
