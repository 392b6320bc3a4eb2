"""Radial functions: orthonormality, the distance transform, the cutoff."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import eval_jacobi

from genmlip.potentials.ace.radial import RadialBasis


@pytest.fixture(params=[(2, 10, 3), (2, 4, 3), (3, 3, 4), (1, 2, 5)])
def radial(request):
    tail, core, envelope = request.param
    return RadialBasis(cutoff=5.0, r0=2.7, n_max=20, tail=tail, core=core, envelope=envelope)


def transform(radial, r):
    """x(r), written out again from the formula."""
    p, q = radial.tail, radial.core
    a = 2 * (2 * p * q - p - q) / (p * p + q * q + p + q)
    y = lambda u: 1 / (1 + a * u**q / (1 + u ** (q - p)))  # noqa: E731
    y_cut = y(radial.cutoff / radial.r0)
    return 2 * (y(r / radial.r0) - y_cut) / (1 - y_cut) - 1


def test_functions_are_jacobi_polynomials_times_the_envelope(radial):
    r = np.linspace(0.8, 4.99, 50)
    x = transform(radial, r)
    values, _ = radial(r)
    s = radial.envelope
    for n in range(radial.n_max):
        shape = ((1 + x) / 2) ** s * eval_jacobi(n, 0, 2 * s, x)
        assert_allclose(values[n], np.sqrt((2 * n + 2 * s + 1) / 2) * shape, atol=1e-11)


def test_functions_are_orthonormal_in_the_transformed_distance(radial):
    nodes, weights = np.polynomial.legendre.leggauss(60)
    low, high = np.full(60, 1e-3), np.full(60, radial.cutoff)
    for _ in range(200):  # invert the monotonic x(r) by bisection
        middle = (low + high) / 2
        inside = transform(radial, middle) > nodes
        low, high = np.where(inside, middle, low), np.where(inside, high, middle)
    values, _ = radial((low + high) / 2)
    assert_allclose((values * weights) @ values.T, np.eye(radial.n_max), atol=1e-9)


def test_slopes_are_derivatives(radial):
    r = np.linspace(1.0, 4.9, 60)
    h = 1e-3
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    difference = sum(w * (radial(r + k * h)[0] - radial(r - k * h)[0]) for k, w in weights.items()) / h
    assert_allclose(radial(r)[1], difference, atol=1e-7)


def test_resolution_is_highest_at_r0(radial):
    r = np.linspace(0.5, 5.0, 4001)
    slope = abs(np.gradient(transform(radial, r), r))
    assert_allclose(r[slope.argmax()], radial.r0, atol=3e-3)


def test_functions_vanish_at_the_cutoff_to_the_order_of_the_envelope(radial):
    gaps = np.array([4e-3, 2e-3, 1e-3])
    values, slopes = (abs(f[:5]) for f in radial(radial.cutoff - gaps))
    order = np.log2(values[:, :-1] / values[:, 1:])
    assert_allclose(order, radial.envelope, atol=0.05)
    assert_allclose(np.log2(slopes[:, :-1] / slopes[:, 1:]), radial.envelope - 1, atol=0.05)
    for beyond in radial(radial.cutoff + gaps):
        assert_allclose(beyond, 0.0, atol=0)


def test_functions_are_bounded_for_any_distance(radial):
    values, slopes = radial(np.linspace(0.01, 6.0, 500))
    bound = np.sqrt((2 * np.arange(20) + 2 * radial.envelope + 1) / 2)  # at x = 1, where P_k^{(0, b)} = 1
    assert np.isfinite(slopes).all()
    assert (abs(values).max(axis=1) <= bound * 1.0001).all()


@pytest.mark.parametrize(("n_max", "tail", "core", "envelope"), [(1, 2, 10, 3), (2, 1, 2, 4), (40, 2, 10, 3)])
def test_extended_precision_changes_no_more_than_rounding(n_max, tail, core, envelope):
    basis = RadialBasis(5.0, 2.7, n_max, tail, core, envelope)
    r = np.linspace(0.1, 5.2, 200)
    for found, expected in zip(basis.extended(r), basis(r), strict=True):
        assert found.dtype == np.longdouble
        assert_allclose(found.astype(float), expected, atol=1e-12 * abs(expected).max())
