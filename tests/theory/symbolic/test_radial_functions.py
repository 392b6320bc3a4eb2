"""The distance transform and the recursion against the closed forms that the basis uses."""

import pytest
import sympy as sp
from numpy.testing import assert_allclose

from genmlip.potentials.ace.radial import RadialBasis
from genmlip.theory.symbolic.radial_functions import agnesi_parameter, jacobi_recursion

p, q = sp.symbols("p q", positive=True)


@pytest.mark.parametrize(("tail", "core"), [(2, 10), (2, 4), (3, 3), (1, 2)])
def test_the_largest_slope_at_r0_fixes_the_transform(tail, core):
    parameters, _ = RadialBasis(5.0, 2.7, 4, tail, core).parameters
    derived = float(agnesi_parameter(p, q).subs({p: tail, q: core}))
    assert_allclose(parameters[2], derived, rtol=1e-15)


@pytest.mark.parametrize(("tail", "core"), [(2, 10), (2, 4), (3, 3), (1, 2)])
def test_the_slope_is_largest_and_not_smallest_there(tail, core):
    u = sp.Symbol("u", positive=True)
    a = agnesi_parameter(sp.Integer(tail), sp.Integer(core))
    y = 1 / (1 + a * u**core / (1 + u ** (core - tail)))
    slope, third = (sp.diff(y, u, k).subs(u, 1) for k in (1, 3))
    assert slope < 0
    assert third > 0


@pytest.mark.parametrize("envelope", [1, 2, 3, 4])
def test_orthonormality_fixes_the_recursion(envelope):
    basis = RadialBasis(5.0, 2.7, 8, envelope=envelope)
    derived = [[float(c) for c in row] for row in jacobi_recursion(envelope, basis.n_max)]
    assert_allclose(basis.recursion, derived, rtol=1e-14, atol=1e-15)
