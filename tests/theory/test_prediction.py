from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, Vacancy, equilibrate
from genmlip.errors import InputError, NotConvergedError
from genmlip.potentials.ace import LinearACE
from genmlip.theory import Comparison, GoalFunctional, predict_error
from genmlip.training import (
    PlausibleReferences,
    bulk_cells,
    fit,
    fit_richer,
    label,
    predicted_error,
    strained_cells,
)

RADIUS = 14.0  # Å


@pytest.fixture(scope="module")
def fitted(tungsten):
    """A small fit of tungsten."""
    cells = bulk_cells(tungsten, 2, 8, 0.1, seed=1) + strained_cells(tungsten, 1, 6, 0.02, seed=2)
    return fit(LinearACE("W", 4.5, order=2, degree=(14, 6)), label(cells, tungsten.potential))


@pytest.fixture(scope="module")
def candidate(fitted):
    return fitted.potential


@pytest.fixture(scope="module")
def at_rest(candidate):
    """Its screw dislocation."""
    defect = Dislocation(Crystal.from_potential(candidate, "bcc", "W"), "bcc-screw-111")
    return equilibrate(defect, candidate, RADIUS, "clamped", fmax=1e-9).require_convergence()


@pytest.fixture(scope="module")
def richer(candidate, fitted):
    return fit_richer(candidate, fitted.dataset)


def alone(potential):
    """One reference, which is this potential."""
    return PlausibleReferences(
        LinearACE.from_basis(potential.basis), potential.coefficients[:, None], potential.E0
    )


def near(candidate, size):
    """The candidate with coefficients a little off."""
    direction = np.random.default_rng(0).standard_normal(candidate.n_coefficients) / candidate.smoothness
    return candidate.with_coefficients(candidate.coefficients + size * direction)


def test_a_candidate_that_is_its_own_reference_has_no_error(candidate, at_rest):
    found = predict_error(at_rest, candidate, alone(candidate))
    assert found.value < 1e-8
    assert found.displacement.max() < 1e-8


@pytest.mark.parametrize("size", [1e-4, 1e-2])
def test_the_prediction_is_the_error_that_an_assessment_measures(candidate, at_rest, size):
    """In the candidate's own far field, with the reference at its own lattice parameter."""
    reference = near(candidate, size)
    found = predict_error(at_rest, candidate, alone(reference))
    crystal = Crystal.from_potential(reference, "bcc", "W")
    known = equilibrate(Dislocation(crystal, "bcc-screw-111"), reference, RADIUS, "clamped", fmax=1e-9)
    true = Comparison(known, at_rest, at_rest.cell.defect.crystal.a0 / crystal.a0)
    assert_allclose(found.value, true.geometry_error, rtol=max(2.0 * found.contraction, 5e-3))
    assert_allclose(found.displacement.max(), np.linalg.norm(true.corrector_error, axis=1).max(), rtol=0.1)


def test_the_contraction_falls_with_the_error(candidate, at_rest):
    found = [predict_error(at_rest, candidate, alone(near(candidate, size))) for size in (1e-3, 1e-2)]
    assert_allclose(found[1].contraction / found[0].contraction, 10.0, rtol=0.5)


def test_it_is_the_prediction_of_experimental_design(candidate, at_rest, fitted, richer):
    """There the candidate is fitted anew to every plausible reference; its fit to the data is enough."""
    n = 200
    direct = predict_error(at_rest, candidate, PlausibleReferences.of(richer, n)).value
    goal = GoalFunctional.at_equilibrium(at_rest, candidate)
    assert_allclose(direct, predicted_error(fitted, richer, [goal], n), rtol=0.1)


def test_all_numbers_belong_together(candidate, at_rest, richer):
    found = predict_error(at_rest, candidate, PlausibleReferences.of(richer))
    assert found.low < found.value < found.high
    assert_allclose(np.linalg.norm(found.local), found.value, rtol=1e-12)
    assert 0.0 < found.core_share <= 1.0
    summary = found.summary()
    assert_allclose(summary["relative_error"] * summary["corrector_norm"], summary["predicted_error"])
    assert not found.displacement[~at_rest.cell.free].any()


def test_the_sentences_give_the_number_and_say_when_not_to_trust_it(candidate, at_rest, richer):
    found = predict_error(at_rest, candidate, PlausibleReferences.of(richer))
    first, *_, last = found.sentences()
    assert f"{found.value:.2g} Å" in first
    assert "kink" in last
    assert "saddle" in " ".join(replace(found, is_minimum=False).sentences())
    assert "lattice parameter" in " ".join(replace(found, lattice_mismatch=0.03).sentences())
    assert "order of magnitude" not in " ".join(replace(found, contraction=0.2).sentences())
    assert "order of magnitude" in " ".join(replace(found, contraction=0.8).sentences())


def test_a_saddle_falls_back_on_the_crystals_stiffness(candidate, at_rest, richer):
    """Minus a stable potential is unstable everywhere; the crystal's operator does not change."""
    unstable = candidate.with_coefficients(-candidate.coefficients)
    goal, is_minimum = GoalFunctional.of(at_rest, unstable)
    assert not is_minimum
    rows = np.random.default_rng(1).standard_normal((3 * len(goal.atoms), 2))
    assert_allclose(goal.displacements(rows), GoalFunctional.harmonic(at_rest).displacements(rows))


def test_what_is_no_equilibrium_or_has_no_held_atom_is_refused(candidate, at_rest, richer, tungsten):
    references = PlausibleReferences.of(richer, 2)
    with pytest.raises(NotConvergedError):
        predict_error(replace(at_rest, converged=False), candidate, references)
    periodic = equilibrate(Vacancy(tungsten), tungsten.potential, 6.0, fmax=1e-2)
    with pytest.raises(InputError, match="vacancy has none"):
        predict_error(periodic, candidate, references)
