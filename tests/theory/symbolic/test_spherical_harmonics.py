"""Harmonics, recursions and couplings from their definitions against the tables of the descriptors."""
# ruff: noqa: E741 - l is the angular momentum

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose

from genmlip.potentials.ace.coupling import invariant_tensors, real_clebsch_gordan
from genmlip.potentials.ace.harmonics import real_harmonics, recursion_table
from genmlip.theory.symbolic.spherical_harmonics import (
    generators,
    invariants,
    real_harmonic,
    recursion,
    x,
    y,
    z,
)

LMAX = 4


def column_space(tensors):
    """The orthogonal projection onto the columns."""
    q, _ = np.linalg.qr(tensors)
    return q @ q.T


def test_harmonics_are_those_of_the_descriptors():
    directions = np.random.default_rng(0).standard_normal((20, 3))
    unit = directions / np.linalg.norm(directions, axis=1)[:, None]
    values, _ = real_harmonics(directions, LMAX)
    for l in range(LMAX + 1):
        for m in range(-l, l + 1):
            derived = sp.lambdify((x, y, z), real_harmonic(l, m))(*unit.T)
            assert_allclose(values[l * l + l + m], derived + 0 * unit[:, 0], atol=1e-14)


def test_gradients_are_those_of_the_degree_zero_extension():
    directions = np.random.default_rng(1).standard_normal((5, 3))
    _, gradients = real_harmonics(directions, 3)
    r = sp.sqrt(x**2 + y**2 + z**2)
    for l, m in [(1, 0), (2, -2), (3, 1), (3, 3)]:
        extension = real_harmonic(l, m) / r**l
        derived = [sp.lambdify((x, y, z), sp.diff(extension, q))(*directions.T) for q in (x, y, z)]
        assert_allclose(gradients[l * l + l + m], derived, atol=1e-14)


def test_recursions_are_those_of_the_kernel():
    table = recursion_table(LMAX)
    for l in range(LMAX + 1):
        for m in range(l + 1):
            derived = [float(c) for c in recursion(l, m)]
            assert_allclose(table[l * (l + 1) // 2 + m], derived, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("l", [1, 2, 3])
def test_generators_have_the_commutators_of_rotations(l):
    X, Y, Z = generators(l)
    commutator, squares = Y * X - X * Y, X**2 + Y**2 + Z**2
    assert commutator == Z
    assert squares == -l * (l + 1) * sp.eye(2 * l + 1)


@pytest.mark.parametrize("ls", [(1, 1, 1), (1, 1, 2), (1, 2, 2), (1, 2, 3), (2, 2, 2)])
def test_three_harmonics_couple_in_one_way_and_by_clebsch_gordan_coefficients(ls):
    derived = np.array(invariants(ls), dtype=float)
    assert derived.shape[1] == 1
    c = real_clebsch_gordan(*ls).reshape(-1, 1)
    assert_allclose(column_space(derived), column_space(c), atol=1e-14)


@pytest.mark.parametrize("ls", [(1, 1, 1, 1), (1, 1, 2, 2), (1, 1, 1, 2)])
def test_four_harmonics_couple_by_the_invariants_of_the_basis(ls):
    tensors = invariant_tensors(ls)
    derived = np.array(invariants(ls), dtype=float)
    assert derived.shape[1] == len(tensors)
    assert_allclose(column_space(derived), column_space(tensors.reshape(len(tensors), -1).T), atol=1e-14)
