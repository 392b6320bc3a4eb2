"""Far fields from moments against sums of Green's functions and against a relaxed dislocation."""

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose

from genmlip.crystal import LatticeGreen, LineForceConstants
from genmlip.dislocations import Flexible, equilibrate
from genmlip.dislocations.antiplane import AntiPlaneScrew
from genmlip.theory.rates import fit_rate
from genmlip.theory.symbolic.moments import (
    multipole_series,
    point_force_moments,
    symmetric_moments,
)
from genmlip.theory.symbolic.plane_lattice import SQUARE, TRIANGULAR, decay_order, evaluate

LABELS = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])


@pytest.fixture(scope="module")
def green():
    """Of the square lattice."""
    return LatticeGreen(LineForceConstants(np.eye(2), LABELS, np.array([[[4.0]], *[[[-1.0]]] * 4])))


def moments_of(positions, forces, order):
    """M_ab of forces (s,) at positions (s, 2)."""
    y = positions @ [1, 1j]
    pairs = [(a, b) for a in range(order + 1) for b in range(order + 1 - a) if a + b > 0]
    return {(a, b): complex(np.sum(forces * y**a * y.conj() ** b)) for a, b in pairs}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_random_forces_displace_by_their_moments(order, green):
    random = np.random.default_rng(order)
    sources = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1]), axis=-1).reshape(-1, 2)
    forces = random.standard_normal(len(sources))
    forces -= forces.mean()
    far = multipole_series(SQUARE, moments_of(sources, forces, order), order)
    radii, errors = [20, 28, 40, 56, 80], []
    for radius in radii:
        angle = 2 * np.pi * np.arange(60) / 60
        n = np.unique(np.rint(radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)).astype(int), axis=0)
        u = green.displacement(n, sources, forces[:, None])[:, 0]
        errors.append(abs(u - sum(evaluate(term, n.astype(float)) for term in far)).max())
    assert fit_rate(radii, errors).slope == pytest.approx(-order - 1, abs=0.15)


def test_two_distributions_with_the_same_moments_have_the_same_far_field(green):
    """A dipole as a forward and as a central difference: equal first, different second moments."""
    n, one = np.array([[40, 9], [-12, 33]]), np.array([[1.0], [-1.0]])
    forward = green.displacement(n, np.array([[1, 0], [0, 0]]), one)
    central = green.displacement(n, np.array([[1, 0], [-1, 0]]), one / 2)
    assert_allclose(forward, central, atol=2 / (2 * np.pi * 33**2))
    assert abs(forward).max() > 1 / (2 * np.pi * 42)


@pytest.mark.parametrize("lattice", [SQUARE, TRIANGULAR], ids=["square", "triangular"])
def test_forces_that_move_one_column_only_have_no_far_field(lattice):
    order = 8
    assert not any(multipole_series(lattice, point_force_moments(lattice, order), order))


@pytest.mark.parametrize("fold", [1, 2, 3])
def test_symmetry_decides_the_decay(fold):
    assert decay_order(multipole_series(TRIANGULAR, symmetric_moments(fold, fold), fold)) == fold


def test_isotropic_moments_are_invisible_to_the_continuum():
    """Σ f |y|² has no far field in an anti-plane continuum, and r⁻⁴ in the square lattice."""
    far = multipole_series(SQUARE, {(1, 1): sp.Symbol("M")}, 4)
    assert decay_order(far) == 4


def test_the_symmetric_core_of_the_model_problem_is_a_multipole_of_third_order():
    """From the moments of H ū. Fourth-order terms of the energy correct it by a factor 1 + O(r⁻²)."""
    screw = AntiPlaneScrew()
    at_rest = equilibrate(screw, screw.crystal.potential, 32.0, Flexible(64.0), fmax=1e-12)
    cell, u = at_rest.cell, at_rest.corrector[:, 2]
    pairs = cell.pairs(1.01)
    force = np.zeros(len(cell))
    np.add.at(force, pairs.i, u[pairs.i] - u[pairs.j])
    x, near = cell.reference[:, :2], cell.r < 24.0
    moments = moments_of(x[near], force[near], 3)
    assert max(abs(moments[key]) for key in [(1, 0), (2, 0), (1, 1), (2, 1)]) < 1e-8
    far = multipole_series(TRIANGULAR, moments, 3)
    outside = (cell.r > 26.0) & (cell.r < 32.0)
    expected = evaluate(far[2], x[outside])
    assert_allclose(u[outside], expected, atol=0.05 * abs(expected).max())
