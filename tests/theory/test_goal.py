from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, Vacancy, equilibrate
from genmlip.errors import InputError
from genmlip.potentials.ace import LinearACE
from genmlip.statics.norms import energy_norm
from genmlip.theory.goal import GoalFunctional
from genmlip.training import Ridge, bulk_cells, fit, label, strained_cells

RADIUS = 14.0  # Å


@pytest.fixture(scope="module")
def candidate(tungsten):
    """A small fit of tungsten."""
    cells = bulk_cells(tungsten, 2, 6, 0.1, seed=1) + strained_cells(tungsten, 1, 6, 0.02, seed=2)
    basis = LinearACE("W", 4.5, order=2, degree=(14, 6))
    return fit(basis, label(cells, tungsten.potential), solver=Ridge(1e-3)).potential


@pytest.fixture(scope="module")
def at_rest(candidate):
    """Its mixed dislocation."""
    defect = Dislocation(Crystal.from_potential(candidate, "bcc", "W"), "bcc-mixed-111")
    return equilibrate(defect, candidate, RADIUS, "clamped", fmax=1e-8).require_convergence()


def test_the_factor_is_how_fast_the_equilibrium_moves_with_the_coefficients(candidate, at_rest):
    goal = GoalFunctional.at_equilibrium(at_rest, candidate)
    direction = np.random.default_rng(0).standard_normal(candidate.n_coefficients) / candidate.smoothness
    predicted = np.linalg.norm(goal.factor(candidate.design(goal.atoms).forces) @ direction)
    size, moved = 1e-3 / predicted, []
    for sign in (1.0, -1.0):
        other = candidate.with_coefficients(candidate.coefficients + sign * size * direction)
        found = equilibrate(
            at_rest.cell.defect, other, RADIUS, at_rest.boundary, 1e-8, start=at_rest.corrector
        )
        moved.append(found.require_convergence().corrector)
    rate = energy_norm(moved[0] - moved[1], at_rest.cell.bonds) / (2.0 * size)
    assert_allclose(rate, predicted, rtol=1e-3)


def test_the_norm_of_the_factor_is_the_energy_norm_of_the_displacements(candidate, at_rest):
    goal = GoalFunctional.harmonic(at_rest)
    rows = np.random.default_rng(1).standard_normal((3 * len(goal.atoms), 4))
    c = np.array([1.0, -2.0, 0.5, 3.0])
    expected = energy_norm(goal.displacements(rows) @ c, goal.bonds)
    assert_allclose(np.linalg.norm(goal.factor(rows) @ c), expected, rtol=1e-12)


def test_a_model_beside_itself_differs_by_nothing(candidate, at_rest):
    goal = GoalFunctional.harmonic(at_rest)
    rows = candidate.design(goal.atoms).forces[:, :5]
    factor = goal.factor(np.hstack([rows, rows]))
    assert_allclose(factor[:, :5], factor[:, 5:], atol=1e-12 * np.abs(factor).max())


def test_held_atoms_do_not_move(candidate, at_rest):
    goal = GoalFunctional.harmonic(at_rest)
    moved = goal.displacements(np.ones((3 * len(goal.atoms), 1)))
    held = np.setdiff1d(np.arange(len(goal.atoms)), goal.free)
    assert not moved[held].any()
    assert np.abs(moved[goal.free]).max() > 0.0


def test_a_periodic_cell_is_refused_by_name(tungsten):
    periodic = equilibrate(Vacancy(tungsten), tungsten.potential, 6.0, fmax=1e-2)
    with pytest.raises(InputError, match="vacancy has none"):
        GoalFunctional.harmonic(replace(periodic))
