"""The far field from derivatives of δ against the one from integrals over k."""

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose

from genmlip.crystal import LatticeGreen, LineForceConstants
from genmlip.theory.symbolic.green_series import (
    force_constant_symbol,
    inverse_symbol,
    lattice_green_series,
)
from genmlip.theory.symbolic.plane_lattice import (
    LOG,
    SQUARE,
    TRIANGULAR,
    along_bond,
    evaluate,
    z,
    z_bar,
)

CELLS = {SQUARE: np.eye(2), TRIANGULAR: np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]])}
ORDER = 6


@pytest.fixture(scope="module", params=CELLS, ids=["square", "triangular"])
def lattice(request):
    return request.param


@pytest.fixture(scope="module")
def green(lattice):
    cell = CELLS[lattice]
    labels = np.rint(np.vstack([[[0.0, 0.0]], lattice.neighbours]) @ np.linalg.inv(cell)).astype(int)
    blocks = np.r_[lattice.n, -np.ones(lattice.n)].reshape(-1, 1, 1)
    return LatticeGreen(LineForceConstants(cell, labels, blocks))


@pytest.fixture(scope="module")
def series(lattice):
    return lattice_green_series(lattice, ORDER)


def test_the_coefficients_are_those_of_the_fourier_integrals(green, series):
    """c_jm belongs to r^(−j−2) e^{imψ} = z^a z̄^b with a = (m − j − 2) / 2, b = −(m + j + 2) / 2."""
    assert_allclose(float(-series[0].coeff(LOG) * 2), green.series.log_slope[0, 0], rtol=1e-14)
    for q, term in enumerate(series[1:], start=1):
        numerical = green.series.coefficients[2 * q][:, 0, 0]
        derived = np.zeros(len(numerical), dtype=complex)
        for part in sp.Add.make_args(term):
            rest, a = part.as_coeff_exponent(z)
            factor, b = rest.as_coeff_exponent(z_bar)
            if a > b:
                derived[int(a - b)] = 2 * complex(factor)
        assert_allclose(derived, numerical, atol=1e-10 * abs(numerical).max())


def test_the_series_is_the_greens_function_far_away(green, series):
    labels = np.array([[14, 3], [-9, 16], [2, -21]])
    x = labels @ green.constants.plane
    assert_allclose(sum(evaluate(term, x) for term in series), green(labels)[:, 0, 0], atol=1e-12)


def test_leaving_out_a_term_costs_that_term(green, series):
    labels = np.array([[14, 3], [-9, 16], [2, -21]])
    x = labels @ green.constants.plane
    values = [evaluate(term, x) for term in series]
    last = max(q for q, value in enumerate(values) if abs(value).max() > 1e-11)
    error = green(labels)[:, 0, 0] - sum(values[:last])
    assert_allclose(error, values[last], atol=0.1 * abs(values[last]).max())


def test_the_force_constants_annihilate_the_series_at_every_order(lattice, series):
    """Σ_ρ (exp ρ·∇ − 1) G = 0 for r > 0, order by order."""
    total = [sp.Integer(0)] * (2 * ORDER + 2)
    for q, term in enumerate(series[:4]):
        derivative = term
        for p in range(1, 9 - 2 * q):
            derivative = along_bond(derivative) / p
            total[2 * q + p] += derivative
    assert all(sp.expand(lattice.sum_over_neighbours(force)) == 0 for force in total[1:9])


def test_the_symbols_are_inverse_to_each_other(lattice):
    H, X = force_constant_symbol(lattice, 4), inverse_symbol(lattice, 3)
    for p in range(4):
        product = sum(H[q] * X[p - q] for q in range(p + 1))
        assert sp.expand(product) == (1 if p == 0 else 0)


def test_two_dimensional_laplacian_has_the_known_correction():
    """G = −log r / 2π + cos 4ψ / 24π r² + … of the square lattice."""
    r, psi = sp.symbols("r psi", positive=True)
    polar = {z: r * sp.exp(sp.I * psi), z_bar: r * sp.exp(-sp.I * psi)}
    term = lattice_green_series(SQUARE, 1)[1].subs(polar)
    assert sp.simplify(term.rewrite(sp.cos) - sp.cos(4 * psi) / (24 * sp.pi * r**2)) == 0
