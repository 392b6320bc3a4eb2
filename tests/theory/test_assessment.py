"""Assessing a candidate: zero against itself, linear in a small error, honest about failure."""

from dataclasses import replace

import numpy as np
import pytest

from genmlip.dislocations import Vacancy
from genmlip.errors import InputError, UnknownNameError, UnstableCrystalError
from genmlip.potentials import load_potential
from genmlip.potentials.finnis_sinclair import TUNGSTEN, FinnisSinclair
from genmlip.theory import assess, fit_rate


def test_a_potential_makes_no_error_against_itself(run):
    result = run(FinnisSinclair()).summary()
    for key in ("geometry_error", "geometry_error_own", "energy_error", "estimate", "estimate_dual"):
        assert result[key] == pytest.approx(0, abs=1e-7), key
    for key in ("delta_C_rel", "delta_mu_rel", "a0_error_rel"):
        assert result[key] == pytest.approx(0, abs=1e-10), key
    assert result["failure"] is None


def test_a_change_of_length_unit_is_a_lattice_mismatch_and_nothing_else(run, scaled):
    result = run(scaled(length=1.02)).summary()
    assert result["a0_error_rel"] == pytest.approx(0.02, abs=1e-9)
    for key in ("geometry_error", "geometry_error_own", "estimate"):
        assert result[key] == pytest.approx(0, abs=1e-6), key
    assert result["energy_error"] == pytest.approx(0, abs=1e-8)


def test_a_change_of_energy_unit_moves_no_atom(run, mixed, scaled):
    result = run(scaled(energy=1.5))
    assert result.common.geometry_error == pytest.approx(0, abs=1e-6)
    assert result.delta_C_rel == pytest.approx(0.5, abs=1e-8)
    assert result.common.candidate.energy == pytest.approx(1.5 * mixed.energy, rel=1e-8)


def test_error_and_estimate_are_of_first_order_in_the_perturbation(run, perturbed):
    sizes = 1e-4 * 2.0 ** np.arange(5)
    results = [run(perturbed(size)) for size in sizes]
    for name in ("geometry_error", "energy_error"):
        rate = fit_rate(sizes, [getattr(r.common, name) for r in results])
        assert rate.slope == pytest.approx(1, abs=0.05), name
    assert fit_rate(sizes, [r.estimate.value for r in results]).slope == pytest.approx(1, abs=0.02)


def test_estimates_are_ordered_and_of_the_size_of_the_error(run, perturbed):
    result = run(perturbed(1e-3))
    assert result.estimate.linear <= result.estimate.value <= result.estimate.dual
    assert 0.3 < result.effectivity < 5


def test_own_predictor_is_the_candidates_own_dislocation(run, mixed, perturbed):
    result = run(perturbed(5e-3))
    own, common = result.own.candidate.cell.defect, result.common.candidate.cell.defect
    np.testing.assert_allclose(own.stiffness, own.field.stiffness)
    np.testing.assert_allclose(common.stiffness, mixed.cell.defect.stiffness)
    assert own.crystal is common.crystal


def test_estimate_alone_relaxes_nothing(run, perturbed):
    result = run(perturbed(1e-3), estimate_only=True)
    assert result.common is None
    assert result.estimate.value > 0
    assert result.summary()["geometry_error"] is None


def test_vacancy_is_assessed_like_a_line(perturbed, tungsten):
    result = assess(tungsten.potential, perturbed(1e-3), Vacancy(tungsten), 6.0)
    assert result.common.geometry_error == pytest.approx(result.own.geometry_error, rel=1e-6)
    assert result.estimate.linear <= result.estimate.value <= result.estimate.dual


def test_local_errors_add_up_to_the_norm(run, perturbed):
    result = run(perturbed(1e-3))
    assert np.linalg.norm(result.common.local_error) == pytest.approx(result.common.geometry_error)


def test_an_unstable_candidate_is_told_and_not_relaxed(run):
    softened = FinnisSinclair(replace(TUNGSTEN, c0=1.1 * TUNGSTEN.c0))
    result = run(softened)
    assert isinstance(result.failure, UnstableCrystalError)
    assert result.summary()["candidate_stable"] is False
    assert result.common is None


def test_names_make_the_defect(perturbed, tungsten):
    by_name = assess(tungsten.potential, perturbed(1e-3), "vacancy", 5.0)
    assert by_name.common.geometry_error > 0
    with pytest.raises(UnknownNameError, match="bcc-screw-111"):
        assess(tungsten.potential, perturbed(1e-3), "bcc-screw-112", 14.0)


def test_a_candidate_without_the_element_is_refused(run):
    with pytest.raises(InputError, match="W"):
        run(load_potential("sw:Si"))
