"""The edge's predictor against Stroh's field, and its force against springs with and without the slip map."""

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose

from genmlip.dislocations.antiplane import AntiPlaneCrystal
from genmlip.dislocations.stroh import StrohField
from genmlip.theory.rates import fit_rate
from genmlip.theory.symbolic.edge_predictor import (
    conjugate,
    edge_force,
    kappa,
    linear_edge,
    logarithms_of_the_first_moments,
    slipped,
)
from genmlip.theory.symbolic.plane_lattice import TRIANGULAR, rho, z, z_bar

BONDS = TRIANGULAR.neighbours @ [1, 1j]
RADII = [20.0, 28.0, 40.0, 56.0, 80.0]

_log_r, _theta = sp.symbols("log_r theta")
_ELASTIC = sp.lambdify(
    (z, z_bar, _log_r, _theta),
    linear_edge().subs({sp.log(z): _log_r + sp.I * _theta, sp.log(z_bar): _log_r - sp.I * _theta}),
)


def continued_angle(x, near):
    """arg x within π of ``near``."""
    return near + np.angle(x * np.exp(-1j * near))


def elastic(x, near):
    """u_lin on the sheet where the angle is close to ``near``."""
    return _ELASTIC(x, np.conj(x), np.log(abs(x)), continued_angle(x, near))


def predictor(x, near):
    """u_lin ∘ ξ⁻¹, from ξ(y) = y − θ(y) / 2π by fixed-point iteration."""
    y = x
    for _ in range(60):
        y = x + continued_angle(y, near) / (2 * np.pi)
    return elastic(y, near)


def spring_force(bonds):
    return np.sum(bonds - bonds / abs(bonds))


def force(u, x):
    """On a site at x (complex) above or beside the cut, with the neighbours of the slipped lattice."""
    near, bonds = np.angle(x), []
    for bond in BONDS:
        across = x.real < 0 and x.imag > 0 > (x + bond).imag
        there = u(x + bond + 1, near - 2 * np.pi) + 1 if across else u(x + bond, near)
        bonds.append(bond + there - u(x, near))
    return spring_force(np.array(bonds))


def test_the_field_is_the_sextic_formalisms():
    """At equal |x|, where the logarithm's constant drops out of differences."""
    stroh = StrohField(AntiPlaneCrystal().stiffness, np.array([1.0, 0.0, 0.0]))
    angle = np.linspace(-3.0, 3.0, 9)
    x = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * 3.0
    expected = stroh.displacement(x)[:, :2] @ [1, 1j]
    found = elastic(x @ [1, 1j], 0.0)
    assert_allclose(found - found[0], expected - expected[0], atol=1e-12)


def test_linear_elasticity_holds():
    u = linear_edge()
    residual = 2 * sp.diff(u, z, z_bar) + sp.diff(conjugate(u), z_bar, 2)
    assert sp.simplify(residual) == 0


@pytest.mark.parametrize("predict", [lambda u: [u], slipped], ids=["without", "with"])
def test_away_from_the_cut_the_force_is_of_third_order(predict):
    force = edge_force(predict(linear_edge()))
    assert force[:2] == [0, 0]
    assert force[2] != 0


def test_the_force_of_the_slip_map_has_no_branch_cut():
    force = edge_force(slipped(linear_edge()))[2]
    assert slipped(linear_edge())[1].has(sp.log)
    assert not force.has(sp.log)
    assert sp.simplify(force - edge_force([linear_edge()])[2]) != 0


def test_the_force_strains_the_core_by_a_logarithm_and_does_not_turn_it():
    strain, dilatation_and_torque = logarithms_of_the_first_moments(edge_force(slipped(linear_edge())))
    assert strain != 0
    assert sp.im(dilatation_and_torque) == 0


@pytest.mark.parametrize("angle", [-1.9, 0.4, 1.2, 2.5])
def test_the_force_is_that_of_springs(angle):
    derived = sp.lambdify((z, z_bar), edge_force(slipped(linear_edge()))[2].subs(kappa, 1))
    errors = []
    for radius in RADII:
        x = radius * np.exp(1j * angle)
        errors.append(abs(force(predictor, x) - derived(x, np.conj(x))))
    assert fit_rate(RADII, errors).slope < -3.8


def test_the_slip_map_makes_the_lattice_continue_across_the_cut():
    x = np.array([-9.0 + 0.3j, -30.0 - 0.2j])
    above, below = predictor(x, np.pi), predictor(x + 1, -np.pi)
    assert_allclose(above, below + 1, atol=1e-13)


@pytest.mark.parametrize(("u", "order"), [(predictor, -3.0), (elastic, -1.0)], ids=["with", "without"])
def test_without_the_slip_map_the_force_along_the_cut_decays_two_orders_slower(u, order):
    forces = [abs(force(u, -radius + 0.4j)) for radius in RADII]
    assert fit_rate(RADII, forces).slope == pytest.approx(order, abs=0.1)


def test_conjugation_swaps_the_coordinates():
    assert conjugate(sp.I * rho * z / z_bar**2) == -sp.I * z_bar / (rho * z**2)
