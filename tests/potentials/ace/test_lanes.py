"""Lanes against NumPy."""

import numpy as np
from numba import njit
from numpy.testing import assert_array_equal

from genmlip.potentials.ace.lanes import WIDTH, entry, load, splat, spread, square_root, store, transpose

X = np.random.default_rng(0).uniform(1, 2, (3, 5, WIDTH))


@njit
def arithmetic(x, y):
    a, b = load(x, (0, 1)), load(x, (2, 4))
    store(y, 0, a + b)
    store(y, 1, a - b)
    store(y, 2, a * b)
    store(y, 3, a / b)
    store(y, 4, square_root(a))
    store(y, 5, splat(3.0))
    store(y, 6, spread(x, (1, 2, 3)))


@njit
def turned(x, y):
    a, b, c, d = transpose(load(x, (0, 0)), load(x, (0, 1)), load(x, (0, 2)), load(x, (0, 3)))
    store(y, 0, a)
    store(y, 1, b)
    store(y, 2, c)
    store(y, 3, d)


@njit
def from_any_place(x, y, index):
    for k in range(index.size):
        store(y, entry(index, k), load(x, k))  # WIDTH numbers from an index that is complete


def test_operations_work_lane_by_lane():
    y = np.empty((7, WIDTH))
    arithmetic(X, y)
    a, b = X[0, 1], X[2, 4]
    expected = [a + b, a - b, a * b, a / b, np.sqrt(a), np.full(WIDTH, 3.0), np.full(WIDTH, X[1, 2, 3])]
    assert_array_equal(y, expected)


def test_transposition_exchanges_lanes_and_arguments():
    y = np.empty((4, WIDTH))
    turned(X, y)
    assert_array_equal(y, X[0, :4].T)


def test_complete_indices_need_no_alignment():
    x, y = np.arange(20.0), np.zeros((10, WIDTH))
    from_any_place(x, y, np.array([7, 2, 9], dtype=np.int32))
    for k, row in enumerate((7, 2, 9)):
        assert_array_equal(y[row], x[k : k + WIDTH])
    assert not y[[0, 1, 3, 4, 5, 6, 8]].any()
