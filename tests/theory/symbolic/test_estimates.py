"""Exponents and constants of the a-priori estimate against the laws that are fitted, and lattice sums."""

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose
from scipy.sparse import lil_array
from scipy.sparse.linalg import spsolve

from genmlip.dislocations.antiplane import AntiPlaneScrew
from genmlip.statics.norms import DualNorm
from genmlip.theory.boundary_rates import PREDICTED
from genmlip.theory.symbolic.estimates import (
    L,
    R,
    b,
    energy_norm_factor,
    gradient_norm,
    hardy_constant,
    hardy_function,
    hardy_quotient,
    mismatch_slope,
    tail_norm,
    tail_sum,
)
from genmlip.theory.symbolic.plane_lattice import SQUARE, TRIANGULAR


@pytest.fixture(scope="module")
def cell():
    return AntiPlaneScrew().cell(62.0)


def test_the_elastic_term_grows_like_the_root_of_a_logarithm():
    assert sp.simplify(gradient_norm(1) - b * sp.sqrt(sp.log(R / L) / (2 * sp.pi))) == 0


def common_predictor_error(radius, c):
    """‖Dw‖² on the square lattice with springs 1 and c² along x1 and x2, clamped at the isotropic field."""
    half = np.arange(-int(radius) - 2, int(radius) + 2) + 0.5
    x1, x2 = np.meshgrid(half, half, indexing="ij")
    u0, free = np.arctan2(x2, x1) / (2 * np.pi), np.hypot(x1, x2) < radius
    number = np.full(u0.shape, -1)
    number[free] = np.arange(free.sum())
    H, force = lil_array((free.sum(),) * 2), np.zeros(free.sum())
    for shift, axis, k in [(1, 0, 1.0), (-1, 0, 1.0), (1, 1, c**2), (-1, 1, c**2)]:
        strain = np.roll(u0, shift, axis)[free] - u0[free]
        force += k * (strain - np.rint(strain))
        neighbour = np.roll(number, shift, axis)[free]
        inner = np.flatnonzero(neighbour >= 0)
        H[inner, neighbour[inner]] = -k
        H.setdiag(H.diagonal() + k)
    w = np.zeros(u0.shape)
    w[free] = spsolve(H.tocsc(), force)
    return 2 * (np.sum(np.diff(w, axis=0) ** 2) + np.sum(np.diff(w, axis=1) ** 2))


@pytest.mark.parametrize("c", [1.2, 0.7])
def test_the_squared_error_of_a_common_predictor_grows_with_the_logarithm_as_the_moduli_say(c):
    radii = [20.0, 40.0, 80.0]
    slopes = np.diff([common_predictor_error(R, c) for R in radii]) / np.log(2)
    symbol = sp.Symbol("c", positive=True)
    derived = energy_norm_factor(SQUARE) * mismatch_slope().subs({symbol: c, b: 1})
    assert_allclose(slopes, float(derived), rtol=0.02)


def test_moduli_that_are_wrong_by_a_factor_leave_the_predictor_right():
    assert mismatch_slope().subs(sp.Symbol("c", positive=True), 1) == 0


def test_the_nonlinear_term_falls_like_the_core_radius():
    law = gradient_norm(1, degree=2, outer=sp.oo)
    assert sp.simplify(L * sp.diff(law, L) / law) == -1
    assert sp.simplify(b * sp.diff(law, b) / law) == 2


def test_the_dispersion_term_falls_like_the_square_of_the_core_radius():
    law = gradient_norm(3, outer=sp.oo)
    assert sp.simplify(L * sp.diff(law, L) / law) == -2
    assert sp.simplify(b * sp.diff(law, b) / law) == 1


def test_the_predictor_of_the_model_problem_grows_by_that_logarithm(cell):
    pairs = cell.pairs(1.01)
    u = cell.predictor[:, 2]
    strain = u[pairs.j] - u[pairs.i]
    squares = np.bincount(pairs.i, (strain - np.rint(strain)) ** 2, len(cell))
    inner, outer = 12.0, 60.0
    found = np.sqrt(np.sum(squares[(cell.r > inner) & (cell.r < outer)]))
    derived = gradient_norm(1) * sp.sqrt(energy_norm_factor(TRIANGULAR))
    assert_allclose(found, float(derived.subs({b: 1, L: inner, R: outer})), rtol=5e-3)


@pytest.mark.parametrize(
    ("boundary", "geometry", "energy"),
    [
        ("clamped", tail_norm(-2, 1), tail_sum(-4, 2)),  # ū, (10) and (11)
        ("sinclair", tail_norm(1 - 3, 0), tail_sum(-3 - 1, 1)),  # r f0, and the work f0 · ū, (25)
        ("flexible", tail_norm(-3, 1), tail_sum(-6, 2)),  # C3[∇u0, ∇ū], (20), and its square, (22)
    ],
)
def test_the_laws_that_boundary_conditions_are_fitted_with(boundary, geometry, energy):
    assert tuple(PREDICTED[boundary]["geometry_error"]) == geometry
    assert tuple(PREDICTED[boundary]["energy_error"]) == energy


def test_the_energy_of_a_harmonic_exterior_lacks_the_cubic_terms():
    """(21): ½ C3[∇u0, ∇ū, ∇ū] ~ r⁻⁵ log² r."""
    assert tail_sum(-5, 2) == (-3, 2)


def test_hardys_constant():
    assert hardy_constant() == 2


def test_hardys_constant_is_approached():
    T = sp.Symbol("T", positive=True)
    assert sp.simplify(hardy_quotient(T) - sp.Rational(1, 4) - sp.pi**2 / sp.log(T) ** 2) == 0
    assert sp.limit(hardy_quotient(T), T, sp.oo) == 1 / hardy_constant() ** 2


def test_the_lattice_attains_hardys_quotient(cell):
    """f = v / (r t)² between columns at rest at t = 1 and t = T: ‖f‖₋₁ = ‖r t f‖ / √(κ A · quotient)."""
    T, outer = 3.0, 60.0
    r0 = outer * np.e
    inside = np.flatnonzero((cell.r < outer) & (cell.r > r0 * np.exp(-T)))
    r, symbol = cell.r[inside], sp.Symbol("t", positive=True)
    t = np.log(r0 / r)
    f = sp.lambdify(symbol, hardy_function(symbol, T))(t) / (r * t) ** 2
    dual = DualNorm(cell.pairs(1.01), cell.reference, inside)(f[:, None] * [0.0, 0.0, 1.0])
    factor = energy_norm_factor(TRIANGULAR) * TRIANGULAR.area * hardy_quotient(sp.Float(T))
    assert_allclose(dual, np.linalg.norm(r * t * f) / np.sqrt(float(factor)), rtol=0.02)
