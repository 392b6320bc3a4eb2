"""Products of density moments say the same in real and in complex harmonics."""
# ruff: noqa: E741 - l is the angular momentum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.special import sph_harm_y

from genmlip.errors import InputError
from genmlip.potentials.ace.basis import ACEBasis
from genmlip.potentials.ace.complex_harmonics import degree_and_order, to_complex, to_real
from genmlip.potentials.ace.harmonics import real_harmonics

LMAX = 3
HARMONICS = np.array([l * l + k for _ in range(2) for l in range(LMAX + 1) for k in range(2 * l + 1)])
CHANNEL = np.repeat([0, 1], (LMAX + 1) ** 2)
INVARIANTS = ACEBasis(("W",), 5.0, (4.0, 6.0, 6.0, 6.0), 1.0, 2.7)


def moments_of(directions, radial, harmonics, channel):
    """Real and complex density moments of the same neighbours."""
    real = real_harmonics(directions, LMAX)[0]
    x, y, z = directions.T
    theta, phi = np.arccos(z / np.linalg.norm(directions, axis=1)), np.arctan2(y, x)
    l, m = degree_and_order(harmonics)
    spherical = np.array([sph_harm_y(a, b, theta, phi) for a, b in zip(l, m, strict=True)])
    return (radial[channel] * real[harmonics]).sum(axis=1), (radial[channel] * spherical).sum(axis=1)


@pytest.fixture(scope="module")
def moments():
    rng = np.random.default_rng(1)
    return moments_of(rng.normal(size=(7, 3)), rng.normal(size=(2, 7)), HARMONICS, CHANNEL)


def densities(moments, monomials, weights):
    products = np.where(monomials < 0, 1.0, moments[monomials]).prod(axis=1)
    return (weights * products[:, None]).real.sum(axis=0)


labels = st.lists(
    st.lists(st.integers(0, len(HARMONICS) - 1), min_size=1, max_size=4), min_size=1, max_size=6
)


@given(labels, st.integers(0, 2**32 - 1))
def test_a_real_part_over_complex_moments_is_a_polynomial_in_real_ones(moments, rows, seed):
    monomials = np.array([[*row, *[-1] * (4 - len(row))] for row in rows])
    weights = np.random.default_rng(seed).normal(size=(len(rows), 2))
    A, C = moments
    substituted = to_real(monomials, weights, HARMONICS)
    size = len(rows) * abs(weights).max() * (1 + abs(C).max()) ** 4
    assert_allclose(
        densities(A, *substituted), densities(C, monomials, weights), atol=1e-13 * size * len(rows)
    )


def test_degree_and_order_invert_the_index_of_harmonics():
    l, m = degree_and_order(np.arange(400))
    assert (l * l + l + m == np.arange(400)).all()
    assert (abs(m) <= l).all()


@pytest.fixture(scope="module")
def invariant():
    """Weights (T, 2) of two random rotation-invariant densities over real moments."""
    c = np.random.default_rng(2).normal(size=(2, INVARIANTS.n_functions))
    return INVARIANTS.monomials, (INVARIANTS.coefficients.T @ c.T), INVARIANTS.moments[:, 2]


def test_real_to_complex_to_real_is_the_identity(invariant):
    monomials, weights, harmonics = invariant
    there = to_complex(monomials, weights, harmonics)
    back, restored = to_real(*there, harmonics)
    order = np.lexsort(monomials.T[::-1])
    assert (back == monomials[order]).all()
    assert_allclose(restored, weights[order], rtol=1e-12, atol=1e-13)


def test_complex_to_real_to_complex_is_the_identity(invariant):
    there = to_complex(*invariant)
    again = to_complex(*to_real(*there, invariant[2]), invariant[2])
    assert (again[0] == there[0]).all()
    assert_allclose(again[1], there[1], rtol=1e-12, atol=1e-13)


def test_complex_products_have_the_value_of_the_real_ones(invariant):
    monomials, weights, harmonics = invariant
    rng = np.random.default_rng(3)
    channel = INVARIANTS.moments[:, 1]
    A, C = moments_of(rng.normal(size=(9, 3)), rng.normal(size=(channel.max() + 1, 9)), harmonics, channel)
    assert_allclose(
        densities(C, *to_complex(monomials, weights, harmonics)), densities(A, monomials, weights), rtol=1e-12
    )


def test_projections_add_up_to_zero_in_complex_invariants(invariant):
    labels, _ = to_complex(*invariant)
    m = np.where(labels < 0, 0, degree_and_order(invariant[2])[1][labels])
    assert (m.sum(axis=1) == 0).all()


def test_only_one_of_two_conjugate_products_occurs(invariant):
    labels, _ = to_complex(*invariant)
    m = np.where(labels < 0, 0, degree_and_order(invariant[2])[1][labels])
    mirrored = {tuple(sorted(row[row >= 0])) for row in labels - 2 * m}
    kept = {tuple(row[row >= 0]) for row in labels}
    itself = {
        tuple(sorted(row[row >= 0]))
        for row, a in zip(labels - 2 * m, labels, strict=True)
        if (np.sort(row) == np.sort(a)).all()
    }
    assert kept & mirrored == itself


def test_products_that_are_not_invariant_have_no_real_complex_form():
    with pytest.raises(InputError, match="not invariant"):
        to_complex(np.array([[1, 2]]), np.ones((1, 1)), HARMONICS)  # A_{1,−1} A_{1,0}


def test_no_products_stay_no_products():
    for convert in (to_real, to_complex):
        labels, weights = convert(np.empty((0, 3), dtype=np.int64), np.empty((0, 2)), HARMONICS)
        assert labels.shape == (0, 3)
        assert weights.shape == (0, 2)
