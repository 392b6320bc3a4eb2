import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.training import StreamedQR


def random_system(seed, m, k):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((m, k)) * 10.0 ** rng.uniform(-2, 2, k), rng.standard_normal(m)


def stream(A, y, cuts, block=None):
    reduction = StreamedQR(A.shape[1], block=block)
    for rows in np.split(np.arange(len(y)), sorted(cuts)):
        reduction.push(A[rows], y[rows])
    return reduction


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), m=st.integers(1, 80), k=st.integers(1, 20),
    cuts=st.lists(st.integers(0, 80), max_size=6), block=st.sampled_from([1, 7, 64, None]),
)  # fmt: skip
def test_the_reduced_system_has_the_same_loss_for_all_coefficients(seed, m, k, cuts, block):
    A, y = random_system(seed, m, k)
    system = stream(A, y, [min(c, m) for c in cuts], block).system()
    assert system.n_rows == m
    assert_allclose(np.tril(system.R, -1), 0, atol=1e-14)
    for c in np.random.default_rng(seed + 1).standard_normal((3, k)):
        loss = np.sum((A @ c - y) ** 2)
        reduced = np.sum((system.R @ c - system.z) ** 2) + system.residual**2
        assert_allclose(reduced, loss, rtol=1e-10)


@pytest.mark.parametrize("block", [5, None])
def test_streaming_gives_the_least_squares_solution(block):
    A, y = random_system(3, 3000, 40)
    system = stream(A, y, range(0, 3000, 17), block).system()
    direct, residual, *_ = np.linalg.lstsq(A, y)
    assert_allclose(np.linalg.solve(system.R, system.z), direct, rtol=1e-10)
    assert_allclose(system.residual**2, residual[0], rtol=1e-11)


def test_an_ill_conditioned_system_keeps_the_digits_that_normal_equations_lose():
    """Condition 1e10: AᵀA has condition 1e20, beyond double precision."""
    rng = np.random.default_rng(0)
    U, V = (np.linalg.qr(rng.standard_normal(s))[0] for s in ((400, 12), (12, 12)))
    A = U * np.logspace(0, -10, 12) @ V
    exact = rng.standard_normal(12)
    system = stream(A, A @ exact, range(0, 400, 33), 20).system()
    assert_allclose(np.linalg.solve(system.R, system.z), exact, atol=1e-4)


def test_merged_parts_are_as_good_as_one_stream():
    A, y = random_system(5, 500, 23)
    first, second = stream(A[:180], y[:180], [40, 90]), stream(A[180:], y[180:], [200])
    first.merge(second)
    system, whole = first.system(), stream(A, y, []).system()
    assert system.n_rows == 500
    assert_allclose(np.abs(system.R), np.abs(whole.R), atol=1e-11 * np.abs(whole.R).max())
    assert_allclose(system.residual, whole.residual, rtol=1e-11)


def test_rows_may_follow_after_the_system_was_asked_for():
    A, y = random_system(6, 100, 8)
    reduction = stream(A[:60], y[:60], [])
    reduction.system()
    reduction.push(A[60:], y[60:])
    system = reduction.system()
    assert_allclose(np.linalg.solve(system.R, system.z), np.linalg.lstsq(A, y)[0], rtol=1e-10)


@pytest.mark.parametrize("copies", [0, 1])
def test_eliminated_columns_come_out_as_in_the_whole_problem(copies):
    """Two free columns (the second a copy of the first or not) and a penalty on the others only."""
    A, y = random_system(8, 60, 9)
    if copies:
        A[:, 1] = 2.0 * A[:, 0]
    system = stream(A, y, [20]).system()
    reduced, projector = system.eliminate(2)
    c = np.linalg.lstsq(np.vstack([reduced.R, 0.3 * np.eye(7)]), np.append(reduced.z, np.zeros(7)))[0]
    lead = projector @ (system.z - system.R[:, 2:] @ c)
    whole = np.vstack([A, np.hstack([np.zeros((7, 2)), 0.3 * np.eye(7)])])
    expected = np.linalg.lstsq(whole, np.append(y, np.zeros(7)))[0]
    assert_allclose(np.append(lead, c), expected, rtol=1e-8, atol=1e-10)
    assert reduced.n_rows == 60 - (1 if copies else 2)


def test_memory_does_not_grow_with_the_number_of_rows():
    reduction = StreamedQR(10, block=100)
    A, y = random_system(1, 50, 10)
    for _ in range(200):
        reduction.push(A, y)
        assert reduction._rows.shape == (100, 11)
    assert reduction.system().n_rows == 10_000


def test_rows_of_the_wrong_shape_are_refused():
    with pytest.raises(ValueError, match="columns"):
        StreamedQR(3).push(np.ones((2, 4)), np.ones(2))
