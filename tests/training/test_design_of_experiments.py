import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.errors import InputError
from genmlip.potentials.ace import LinearACE
from genmlip.training import BayesianRidge, Ridge, Weights, bulk_cells, fit, label, vacancy_cells
from genmlip.training.design_of_experiments import (
    PlausibleError,
    PlausibleFits,
    PlausibleReferences,
    PosteriorError,
    Rows,
    _Whitened,
    predicted_error,
    suggest_cells,
    weights_for_goals,
)


class ForcesAround:
    """A goal: the forces on all atoms of one configuration."""

    def __init__(self, atoms):
        self.atoms = atoms

    def factor(self, force_rows):
        return np.linalg.qr(force_rows, mode="r")


@pytest.fixture(scope="module")
def plain(small_ace, tungsten_data):
    """The fit of the model that is wanted."""
    return fit(small_ace, tungsten_data, solver=BayesianRidge())


@pytest.fixture(scope="module")
def richer(tungsten_data):
    """The fit of a larger one."""
    return fit(LinearACE("W", 4.8, order=2, degree=(9, 8)), tungsten_data, solver=BayesianRidge())


@pytest.fixture(scope="module")
def goals(tungsten):
    return [ForcesAround(vacancy_cells(tungsten, 2, 1, 0.05, seed=3)[0])]


@pytest.fixture(scope="module")
def pool(tungsten):
    return [
        atoms
        for size, displacement in ((1, 0.05), (1, 0.2), (2, 0.1), (2, 0.2))
        for atoms in bulk_cells(tungsten, size, 3, displacement, strain=0.02, seed=4)
    ]


@pytest.fixture
def problem():
    """Random rows, prior and goal: (rows so far, rows of one cell, prior, F, F′c′)."""
    rng = np.random.default_rng(5)
    K, s = 12, 5
    known = Rows(rng.standard_normal((30, K)), rng.standard_normal((30, s)))
    cell = Rows(rng.standard_normal((20, K)), rng.standard_normal((20, s)))
    return known, cell, np.linspace(0.1, 1.0, K), rng.standard_normal((7, K)), rng.standard_normal((7, s))


def test_what_a_cell_would_do_is_what_it_does(problem):
    known, cell, prior, F, references = problem
    fits = PlausibleFits.of(known, prior)
    for criterion in (PlausibleError(F, references), PosteriorError(F)):
        (foretold,) = criterion.after(fits, [cell])
        assert_allclose(foretold, criterion.now(fits.with_rows(cell)), rtol=1e-12)


def test_cells_may_come_one_by_one(problem):
    known, cell, prior, _, _ = problem
    one_by_one = PlausibleFits.of(known, prior).with_rows(cell)
    at_once = PlausibleFits.of(Rows.joined([known, cell]), prior)
    assert_allclose(one_by_one.coefficients, at_once.coefficients, rtol=1e-10)
    assert_allclose(np.abs(one_by_one.triangle), np.abs(at_once.triangle), atol=1e-12)


def test_reduced_rows_say_the_same(problem):
    _, cell, prior, _, _ = problem
    smaller = cell.reduced()
    assert len(smaller.A) == len(prior)
    assert_allclose(
        PlausibleFits.of(smaller, prior).coefficients, PlausibleFits.of(cell, prior).coefficients, rtol=1e-10
    )


def test_the_posterior_is_that_of_the_fit(plain, tungsten_data):
    model = _Whitened.of(plain, None)
    fits = model.fits([c.atoms for c in tungsten_data])
    K = plain.potential.n_coefficients
    spread = np.linalg.norm(fits.sensitivity(np.eye(K + 1)[1:]), axis=1)
    assert_allclose(spread, plain.solution.posterior.deviations, rtol=1e-5)


@pytest.mark.parametrize("solver", [Ridge(1e-2), BayesianRidge()], ids=repr)
def test_the_fit_to_a_plausible_reference_is_the_fit_to_its_labels(small_ace, cells, richer, solver):
    truth = richer.potential
    done = fit(small_ace, label(cells, truth), solver=solver)
    model = _Whitened.of(done, PlausibleReferences(truth, truth.coefficients[:, None], truth.E0))
    foreseen = model.fits(cells).coefficients[1:, 0]
    assert_allclose(foreseen, done.potential.coefficients, rtol=1e-4, atol=1e-6)


def test_weights_of_configurations_groups_and_known_energies_count_as_in_the_fit(small_ace, cells, richer):
    truth = richer.potential
    data = label(cells, truth, group="all").with_weights(lambda c: 0.1 if len(c) < 5 else 1.0)
    weights = Weights(groups={"all": {"V": 3.0}})
    done = fit(small_ace, data, weights=weights, solver=Ridge(1e-2), E0=truth.E0)
    model = _Whitened.of(done, PlausibleReferences(truth, truth.coefficients[:, None], truth.E0))
    foreseen = model.fits([c.to_atoms() for c in data])
    assert_allclose(foreseen.coefficients[1:, 0], done.potential.coefficients, rtol=1e-4, atol=1e-6)


def test_choices_lower_the_prediction_and_keep_to_the_budget(plain, richer, goals, pool):
    for richer_fit in (richer, None):
        found = suggest_cells(plain, richer_fit, goals, pool, budget=40)
        assert found.indices
        assert len(set(found.indices)) == len(found.indices)
        assert found.cost == sum(len(pool[i]) for i in found.indices) <= 40
        assert np.all(np.diff(found.predicted) < 0.0)


def test_the_prediction_of_a_suggestion_is_that_of_the_larger_set(plain, richer, goals, pool):
    found = suggest_cells(plain, richer, goals, pool, budget=20)
    assert_allclose(found.predicted[0], predicted_error(plain, richer, goals), rtol=1e-8)
    model = _Whitened.of(plain, PlausibleReferences.of(richer, 24, 0))
    cells = [c.atoms for c in plain.dataset] + [pool[i] for i in found.indices]
    assert_allclose(model.criterion(goals).now(model.fits(cells)), found.predicted[-1], rtol=1e-6)


def test_small_cells_come_first_where_large_ones_are_dear(plain, goals, pool):
    any_size = suggest_cells(plain, None, goals, pool, budget=1, cost=lambda atoms: 1)
    by_cube = suggest_cells(plain, None, goals, pool, budget=16**3, cost=lambda atoms: len(atoms) ** 3)
    assert len(pool[any_size.indices[0]]) > len(pool[by_cube.indices[0]])


def test_labels_of_the_pool_are_not_looked_at(plain, richer, goals, pool, tungsten):
    with_labels = [c.to_atoms() for c in label(pool, tungsten.potential)]
    assert suggest_cells(plain, richer, goals, pool, 30) == suggest_cells(
        plain, richer, goals, with_labels, 30
    )


def test_the_scale_of_all_weights_says_nothing(small_ace, tungsten_data, richer, goals):
    predictions = []
    for factor in (1.0, 7.0):
        weights = Weights(E=3.0 * factor, F=factor, V=2.0 * factor)
        done = fit(small_ace, tungsten_data, weights=weights, solver=BayesianRidge())
        predictions.append(predicted_error(done, richer, goals))
    assert_allclose(predictions[0], predictions[1], rtol=1e-2)


def test_weights_for_goals_predict_no_larger_error(small_ace, tungsten_data, richer, goals):
    ridge = Ridge(1e-3)
    before = fit(small_ace, tungsten_data, weights=Weights(E=30.0, V=1.0), solver=ridge)
    weights = weights_for_goals(before, richer, goals)
    after = fit(small_ace, tungsten_data, weights=weights, solver=ridge)
    assert weights.F == 1.0
    assert predicted_error(after, richer, goals) <= predicted_error(before, richer, goals) * (1 + 1e-9)


def test_unusable_input_is_named(plain, richer, goals, pool, small_ace, tungsten_data):
    with pytest.raises(InputError, match="budget of 1 "):
        suggest_cells(plain, richer, goals, pool, budget=1)
    with pytest.raises(InputError, match="no cell"):
        suggest_cells(plain, richer, goals, [], budget=10)
    with pytest.raises(InputError, match="at least one goal"):
        suggest_cells(plain, richer, [], pool, budget=10)
    rigid = fit(small_ace, tungsten_data, solver=Ridge())
    with pytest.raises(InputError, match="BayesianRidge"):
        suggest_cells(plain, rigid, goals, pool, budget=10)
    without_forces = fit(small_ace, tungsten_data, "EV", solver=Ridge())
    with pytest.raises(InputError, match="need forces"):
        weights_for_goals(without_forces, richer, goals)
