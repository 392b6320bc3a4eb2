import json
import warnings
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.errors import FileFormatError, GenmlipWarning, InputError, UnknownNameError
from genmlip.potentials import load_potential
from genmlip.potentials.ace import LinearACE
from genmlip.training import (
    ARD,
    BayesianRidge,
    Dataset,
    PlausibleReferences,
    Ridge,
    Weights,
    fit,
    fit_richer,
)
from genmlip.training.plausible import RICHNESS, fit_record, fitted_to, richer_basis


@pytest.fixture(scope="module")
def candidate(small_ace, tungsten_data):
    return fit(small_ace, tungsten_data).potential


@pytest.fixture
def damaged(candidate, tmp_path):
    """The candidate's file with another entry in the record of its fit, loaded."""

    def damaged(field, value):
        path = tmp_path / "w.json"
        candidate.save(path)
        content = json.loads(path.read_text())
        content["metadata"]["fit"][field] = value
        path.write_text(json.dumps(content))
        return LinearACE.load(path)

    return damaged


@pytest.mark.parametrize("degree", [(16,), (16, 8), (60, 8, 6), (20, 8, 6, 5)])
def test_the_richer_basis_holds_the_candidates_and_is_as_much_larger_as_in_the_study(degree):
    basis = LinearACE("W", 5.0, order=len(degree), degree=degree).basis
    richer = richer_basis(basis)
    assert set(basis.functions) < set(richer.functions)
    assert RICHNESS <= richer.n_functions / basis.n_functions < 1.4 * RICHNESS
    assert replace(richer, degrees=basis.degrees) == basis


def test_degrees_that_are_as_large_as_they_may_be_stay():
    """(60, 12, 8) is what genmlip train takes by default; 60 is the limit."""
    basis = LinearACE("W", 5.0, order=2, degree=(60, 8)).basis
    assert richer_basis(basis).degrees[0] == 60
    with pytest.raises(InputError, match="one more correlation order"):
        richer_basis(LinearACE("W", 5.0, order=1, degree=60).basis)


def test_a_richer_basis_may_have_more_correlation_orders(small_ace):
    richer = richer_basis(small_ace.basis, (6, 6, 6))
    assert richer.order == 3
    assert set(small_ace.basis.functions) < set(richer.functions)


@pytest.mark.parametrize("degrees", [4, (6, 5), (20,), (6, 6), (6.4, 6.4), (6, 6, 2)])
def test_a_basis_that_is_not_richer_is_refused(small_ace, degrees):
    with pytest.raises(InputError, match="richer"):
        richer_basis(small_ace.basis, degrees)


def test_the_richer_fit_repeats_all_that_the_candidate_says_of_its_own(small_ace, tungsten_data):
    weights = Weights(E=10.0, V=0.5, groups={"strained": {"V": 3.0}})
    candidate = fit(small_ace, tungsten_data, "EF", weights, Ridge(1e-3), {"W": -2.0}).potential
    basis = richer_basis(small_ace.basis)
    expected = fit(LinearACE.from_basis(basis), tungsten_data, "EF", weights, BayesianRidge(), {"W": -2.0})
    found = fit_richer(candidate, tungsten_data)
    assert_allclose(found.potential.coefficients, expected.potential.coefficients, rtol=1e-12)
    assert found.potential.E0 == {"W": -2.0}


@pytest.mark.parametrize("solver", [BayesianRidge(True), ARD(True)], ids=repr)
def test_noise_that_was_estimated_apart_is_so_again(small_ace, tungsten_data, solver):
    candidate = fit(small_ace, tungsten_data, solver=solver).potential
    assert set(fit_richer(candidate, tungsten_data).solution.posterior.noise) == {"E", "F", "V"}


def test_a_file_and_its_data_know_each_other(candidate, tungsten_data, tmp_path):
    candidate.save(tmp_path / "w.json")
    tungsten_data.write(tmp_path / "w.xyz")
    assert fitted_to(LinearACE.load(tmp_path / "w.json"), Dataset.read(tmp_path / "w.xyz"))


def test_other_data_than_the_candidates_are_noted(candidate, tungsten_data):
    with warnings.catch_warnings():
        warnings.simplefilter("error", GenmlipWarning)
        fit_richer(candidate, tungsten_data)
    with pytest.warns(GenmlipWarning, match=r"14 configurations, 140 atoms.*13 configurations"):
        fit_richer(candidate, tungsten_data.filter(lambda c: c is not tungsten_data[13]))


def test_data_that_are_few_for_the_richer_basis_are_noted(candidate, tungsten_data):
    with pytest.warns(GenmlipWarning, match="equations for the .* functions of the richer basis"):
        fit_richer(candidate, tungsten_data.select("strained"))


def test_the_forces_of_a_draw_are_those_of_its_potential(candidate, tungsten_data):
    references = PlausibleReferences.of(fit_richer(candidate, tungsten_data), n=2, seed=1)
    atoms = tungsten_data[0].atoms
    drawn = references.model.with_coefficients(references.coefficients[:, 1])
    assert_allclose(references.forces(atoms)[:, 1], drawn.evaluate(atoms).forces.ravel(), atol=1e-10)


def test_draws_scatter_as_the_posterior_says(candidate, tungsten_data):
    richer = fit_richer(candidate, tungsten_data)
    references = PlausibleReferences.of(richer, n=4000)
    assert_allclose(references.coefficients.std(axis=1), richer.solution.posterior.deviations, rtol=0.1)


def test_a_potential_that_is_no_linear_ace_is_refused(tungsten_data):
    with pytest.raises(InputError, match=r"fs:W: .* linear ACE"):
        fit_richer(load_potential("fs:W"), tungsten_data)


def test_a_potential_that_does_not_say_how_it_was_fitted_is_refused(known_ace, tungsten_data):
    with pytest.raises(InputError, match="does not say how it was fitted"):
        fit_richer(known_ace, tungsten_data)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("observations", 3), ("weights", [1]), ("weights", {"Q": 1}), ("weights", {"groups": 3}),
        ("solver", None), ("E0", -2.0), ("E0", {"fitted": False}),
        ("E0", {"fitted": False, "values": {"W": "low"}}),
    ],
)  # fmt: skip
def test_a_damaged_record_is_refused_by_the_name_of_the_field(damaged, field, value):
    with pytest.raises(FileFormatError, match=f"'metadata.fit.{field}'"):
        fit_record(damaged(field, value))


def test_impossible_entries_of_a_record_are_refused(damaged, tungsten_data):
    with pytest.raises(InputError, match="weight of E"):
        fit_record(damaged("weights", {"E": -1.0}))
    with pytest.raises(UnknownNameError, match="observation 'X'"):
        fit_record(damaged("observations", "EX"))
    assert not fitted_to(damaged("data", 5), tungsten_data)


def test_plausible_references_are_closer_to_held_out_dft_forces_than_the_candidate(dft_data):
    train, test = (Dataset.read(dft_data / f"mlearn_Mo_{part}.xyz.gz") for part in ("training", "test"))
    train = Dataset(train.configurations[::4])
    candidate = fit(LinearACE("Mo", 5.0, order=2, degree=(12, 6), r0=3.5, core=4), train).potential
    references = PlausibleReferences.of(fit_richer(candidate, train), 20)
    ours, theirs = [], []
    for configuration in test.select("AIMD-NVT"):
        truth = configuration.forces.reshape(-1, 1)
        ours.append(candidate.evaluate(configuration.atoms).forces.reshape(-1, 1) - truth)
        theirs.append(references.forces(configuration.atoms) - truth)
    rmse = np.sqrt(np.mean(np.concatenate(theirs) ** 2, axis=0))
    assert rmse.max() < 0.95 * np.sqrt(np.mean(np.concatenate(ours) ** 2))
