"""Closed forms of the elastic constants against Hessians of the potentials."""

import pytest
import sympy as sp
from numpy.testing import assert_allclose

from genmlip.crystal.elastic import third_order_constants
from genmlip.crystal.tensors import to_voigt
from genmlip.errors import UnknownNameError
from genmlip.theory.symbolic.elastic_moduli import (
    SECOND_ORDER,
    THIRD_ORDER,
    a,
    embedded_pair_modulus,
    kleinman_parameter,
    r,
    stillinger_weber_modulus,
    taylor_symbols,
)

WITHIN_THE_KINK = 3e-6
"""Step in strain: the core repulsion of fs:W sets in 1.5e-5 inside the nearest neighbours."""


def derivatives(name, function, x, at):
    """Values of name_0 … name_3, derived from the published form."""
    return {
        symbol: sp.diff(function, x, k).subs(x, at).evalf(30) for k, symbol in enumerate(taylor_symbols(name))
    }


@pytest.fixture(scope="module")
def tungsten_values(tungsten):
    """Without the core repulsion, which sets in closer than the nearest neighbours."""
    p, a0 = tungsten.potential.parameters, tungsten.a0
    density = sp.Symbol("density", positive=True)
    values, total = {a: a0}, 0.0
    for shell, (distance, count) in enumerate([(a0 * sp.sqrt(3) / 2, 8), (a0, 6)], start=1):
        assert distance < p.c
        assert distance > p.b0
        values |= derivatives(f"V{shell}", (r - p.c) ** 2 * (p.c0 + p.c1 * r + p.c2 * r**2), r, distance)
        values |= derivatives(f"f{shell}", (r - p.d) ** 2, r, distance)
        total += count * (distance - p.d) ** 2
    return values | derivatives("F", -p.A * sp.sqrt(density), density, total)


@pytest.fixture(scope="module")
def silicon_values(silicon):
    p = silicon.potential.parameters
    pair = p.epsilon * p.A * (p.B * (p.sigma / r) ** p.p - 1) * sp.exp(p.sigma / (r - p.a * p.sigma))
    screening = sp.sqrt(p.epsilon * p.lam) * sp.exp(p.gamma * p.sigma / (r - p.a * p.sigma))
    distance = silicon.a0 * sp.sqrt(3) / 4
    return {r: distance} | derivatives("phi", pair, r, distance) | derivatives("g", screening, r, distance)


@pytest.fixture(scope="module")
def third_order_tungsten(tungsten):
    return third_order_constants(tungsten.homogeneous, WITHIN_THE_KINK)


@pytest.fixture(scope="module")
def third_order_silicon(silicon):
    return third_order_constants(silicon.homogeneous, 1e-3)


def component(stiffness, name):
    i, j = (int(digit) - 1 for digit in name[1:])
    return to_voigt(stiffness)[i, j]


@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_order_constants_of_tungsten(name, tungsten, tungsten_values):
    derived = float(embedded_pair_modulus(name).subs(tungsten_values))
    assert_allclose(component(tungsten.stiffness, name), derived, rtol=1e-12)


@pytest.mark.parametrize("name", THIRD_ORDER)
def test_third_order_constants_of_tungsten(name, third_order_tungsten, tungsten_values):
    derived = float(embedded_pair_modulus(name).subs(tungsten_values))
    assert_allclose(third_order_tungsten[name], derived, rtol=1e-8)


@pytest.mark.parametrize("relaxed", [True, False], ids=["relaxed", "clamped"])
@pytest.mark.parametrize("name", SECOND_ORDER)
def test_second_order_constants_of_silicon(name, relaxed, silicon, silicon_values):
    derived = float(stillinger_weber_modulus(name, relaxed).subs(silicon_values))
    measured = silicon.stiffness if relaxed else silicon.clamped_stiffness
    assert_allclose(component(measured, name), derived, rtol=1e-10)


@pytest.mark.parametrize("name", THIRD_ORDER)
def test_third_order_constants_of_silicon(name, third_order_silicon, silicon_values):
    derived = float(stillinger_weber_modulus(name).subs(silicon_values))
    assert_allclose(third_order_silicon[name], derived, rtol=1e-8)


def test_the_sublattices_of_silicon_shift_by_the_kleinman_parameter(silicon, silicon_values):
    """Γ: atom 0 against atom 1 under 2 η_23 = 1, that is ε_23 = ε_32 = ½."""
    first, second = silicon.internal_displacement
    bond = silicon.basis[1] - silicon.basis[0]
    derived = float(kleinman_parameter().subs(silicon_values)) * abs(bond[0])
    assert_allclose((second - first)[0, 1, 2], derived, rtol=1e-10)


def test_a_pair_potential_obeys_the_cauchy_relation():
    no_density = dict.fromkeys(taylor_symbols("F"), 0)
    difference = embedded_pair_modulus("C12") - embedded_pair_modulus("C44")
    assert sp.expand(difference.subs(no_density)) == 0
    assert sp.expand(difference) != 0


def test_relaxation_changes_shears_only():
    assert stillinger_weber_modulus("C11") == stillinger_weber_modulus("C11", relaxed=False)
    softer = stillinger_weber_modulus("C44", relaxed=False) - stillinger_weber_modulus("C44")
    assert softer.subs(dict.fromkeys(softer.free_symbols, 1)) > 0


@pytest.mark.parametrize("modulus", [embedded_pair_modulus, stillinger_weber_modulus])
def test_unknown_constants_are_refused(modulus):
    with pytest.raises(UnknownNameError, match="elastic constant 'C45'"):
        modulus("C45")
