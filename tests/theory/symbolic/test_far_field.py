"""Orders of the predictor's force, and the force itself against the model problem's."""

import numpy as np
import pytest
import sympy as sp
from numpy.testing import assert_allclose

from genmlip.dislocations.antiplane import AntiPlaneScrew
from genmlip.errors import InputError
from genmlip.theory.symbolic.far_field import (
    SCREW,
    continuum_predictor,
    general_potential,
    logarithm_of_the_first_moment,
    residual_force,
    slip_potential,
    threefold_potential,
)
from genmlip.theory.symbolic.plane_lattice import (
    LOG,
    SQUARE,
    TRIANGULAR,
    PlaneLattice,
    decay_order,
    evaluate,
    inverse_laplacian,
    laplacian,
    rho,
    z,
    z_bar,
)

c = sp.Symbol("c")


def lattice_force(lattice, slope, u, points):
    """Σ_ρ slope(ρ, D_ρ u) at points (n, 2) beside the cut."""
    bonds = enumerate(lattice.neighbours)
    return sum(slope(k, evaluate(u, points + bond) - evaluate(u, points)) for k, bond in bonds)


def ring(radius):
    """Points away from the cut and from axes of symmetry."""
    angle = np.array([-2.2, -0.9, 0.13, 0.7, 1.85])
    return radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)


@pytest.mark.parametrize(("lattice", "order"), [(SQUARE, 4), (TRIANGULAR, 6)], ids=["square", "triangular"])
def test_without_cubic_terms_the_lattice_decides_the_order(lattice, order):
    assert decay_order(residual_force(lattice, slip_potential(6), [SCREW], 6)) == order


@pytest.mark.parametrize("potential", [threefold_potential(), general_potential()], ids=["3-fold", "general"])
def test_cubic_terms_leave_the_force_of_a_general_crystal(potential):
    assert decay_order(residual_force(TRIANGULAR, potential, [SCREW], 3)) == 3


@pytest.mark.parametrize("p", [1, 2, 3])
def test_every_continuum_corrector_gains_one_order(p):
    potential = threefold_potential()
    force = residual_force(TRIANGULAR, potential, continuum_predictor(TRIANGULAR, potential, p), p + 3)
    assert decay_order(force) == p + 3


def test_a_general_crystal_gains_an_order_and_a_logarithm():
    potential = general_potential()
    predictor = continuum_predictor(TRIANGULAR, potential, 1)
    assert predictor[1].has(LOG)
    assert decay_order(residual_force(TRIANGULAR, potential, predictor, 4)) == 4


def test_the_logarithm_is_that_of_the_first_moment_of_the_force():
    """u1 ≈ −(M ∂ + M̄ ∂̄) G per area with M = m log r and G = −A log(z z̄) / πn."""
    potential = general_potential()
    moment = logarithm_of_the_first_moment(residual_force(TRIANGULAR, potential, [SCREW], 3))
    logarithmic = sp.expand(continuum_predictor(TRIANGULAR, potential, 1)[1]).coeff(LOG)
    assert sp.expand(logarithmic - moment / (2 * sp.pi * TRIANGULAR.n) * (1 / z + 1 / z_bar)) == 0


def test_a_threefold_axis_forbids_the_logarithm():
    potential = threefold_potential()
    assert logarithm_of_the_first_moment(residual_force(TRIANGULAR, potential, [SCREW], 3)) == 0
    assert not any(u.has(LOG) for u in continuum_predictor(TRIANGULAR, potential, 2)[1:])


def test_the_force_is_that_of_the_model_problem():
    """To the first term that is left out, r⁻¹⁰."""
    cell = AntiPlaneScrew().cell(24.0)
    forces = cell.defect.crystal.potential.bind(cell.atoms, cell.centres)(cell.positions).forces[:, 2]
    points, inside = cell.reference[:, :2], cell.free & (cell.r > 4.0)
    series = residual_force(TRIANGULAR, slip_potential(8), [SCREW], 8)
    error = forces[inside] - sum(evaluate(term, points[inside]) for term in series)
    r = cell.r[inside]
    assert abs(error * r**10).max() < 1.0
    assert abs(error[r > 20.0]).max() < 2e-3 * abs(forces[inside][r > 20.0]).max()


@pytest.mark.parametrize("p", [0, 1, 2])
def test_the_force_of_cubic_bonds_is_what_the_predictor_leaves(p):
    potential = threefold_potential()
    predictor = continuum_predictor(TRIANGULAR, potential, p)
    series = [term.subs(c, 1) for term in residual_force(TRIANGULAR, potential, predictor, p + 5)]
    u, points = sum(predictor).subs(c, 1), ring(60.0)
    found = lattice_force(TRIANGULAR, lambda k, s: s + (-1) ** k * s**2 / 2, u, points)
    assert_allclose(found, sum(evaluate(term, points) for term in series), atol=0.01 * abs(found).max())


@pytest.mark.parametrize("source", [z**-3 * z_bar, LOG**2 / (z**2 * z_bar), 1 / (z * z_bar), LOG / z**3])
def test_the_inverse_laplacian_is_one(source):
    assert sp.expand(laplacian(inverse_laplacian(source)) - source) == 0


@pytest.mark.parametrize("lattice", [SQUARE, TRIANGULAR], ids=["square", "triangular"])
def test_a_sum_over_neighbours_keeps_the_powers_that_their_number_divides(lattice):
    bonds = lattice.neighbours @ [1, 1j]
    for k in range(-7, 8):
        assert_allclose(complex(lattice.sum_over_neighbours(rho**k)), np.sum(bonds**k), atol=1e-12)


def test_a_lattice_of_five_neighbours_is_refused():
    with pytest.raises(InputError, match=r"allowed: 4, 6"):
        PlaneLattice(5)


def test_a_force_without_terms_has_no_order():
    with pytest.raises(InputError, match="up to the order 3"):
        decay_order(residual_force(TRIANGULAR, {}, [SCREW], 3))
