"""Assessing a candidate: zero against itself, linear in a small error, honest about failure."""

from dataclasses import replace

import numpy as np
import pytest

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, Vacancy, equilibrate, make_defect
from genmlip.dislocations.boundaries import closed_boundary
from genmlip.dislocations.equilibrate import core_disturbance
from genmlip.dislocations.harmonic import harmonic_products
from genmlip.errors import (
    InputError,
    NotConvergedError,
    UnknownNameError,
    UnstableCrystalError,
)
from genmlip.potentials import load_potential
from genmlip.potentials.finnis_sinclair import TUNGSTEN, FinnisSinclair
from genmlip.potentials.stillinger_weber import SILICON, StillingerWeber
from genmlip.statics import (
    SparseFactor,
    assemble_hessian,
    crystal_stability,
    energy_norm,
    stability_constant,
)
from genmlip.theory import assess, assessment, estimates, fit_rate
from genmlip.theory.assessment import residual_of


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


@pytest.mark.parametrize("name", ["bcc-screw-111", "bcc-edge-111", "vacancy"])
def test_prediction_becomes_exact_as_the_perturbation_vanishes(tungsten, perturbed, name):
    """effectivity = 1 + O(ε): the soft core of a dislocation included."""
    defect = make_defect(tungsten, name)
    radius = 6.0 if name == "vacancy" else 12.0
    rest = equilibrate(defect, tungsten.potential, radius, closed_boundary(defect), fmax=1e-9)
    for size in (1e-4, 1e-3):
        result = assess(tungsten.potential, perturbed(size), defect, radius, equilibrium=rest, fmax=1e-9)
        assert result.effectivity == pytest.approx(1, abs=20 * size)
        assert result.estimate.contraction < 30 * size


def test_prediction_lies_below_its_bounds_and_so_does_the_error(run, perturbed):
    for size in (1e-3, -3e-3, 1e-2):
        result = run(perturbed(size))
        estimate, error = result.estimate, result.common.geometry_error
        assert estimate.value <= estimate.bound <= estimate.dual
        assert error <= estimate.bound


def test_stiffness_of_the_crystal_does_not_bound_the_error_of_a_soft_core(run, perturbed):
    """Why the Hessian is taken at the equilibrium: the crystal's says half the error and no more."""
    result = run(perturbed(1e-3))
    assert result.estimate.crystal < 0.7 * result.common.geometry_error
    line = np.array(result.common.reference.cell.defect.system.line)
    assert result.estimate.stability < 0.2 * crystal_stability(result.candidate_crystal, line)


def test_estimate_is_that_of_the_factorised_hessian():
    """H̃ from site Hessians in closed form, with silicon's internal shifts; products are differences here."""
    reference = StillingerWeber("Si", SILICON)
    candidate = StillingerWeber("Si", replace(SILICON, lam=21.3, sigma=2.096))
    defect = make_defect(Crystal.from_potential(reference), "diamond-60")
    rest = equilibrate(defect, reference, 14.0, closed_boundary(defect))
    found = assess(reference, candidate, defect, 14.0, equilibrium=rest, estimate_only=True)

    in_common = replace(defect, crystal=found.candidate_crystal, medium=defect.crystal)
    residual = residual_of(candidate, in_common, rest)
    cell, free, atoms = residual.cell, residual.free, residual.cell.atoms.copy()
    atoms.positions = residual.positions
    hessian = assemble_hessian(candidate, atoms, cell.centres, free)
    points, r = cell.reference[free, :2], residual.forces[free]
    x = np.zeros_like(residual.forces)
    x[free] = SparseFactor(hessian, points).solve(r)
    c0 = stability_constant(hessian, residual.gram, points)
    assert found.estimate.value == pytest.approx(energy_norm(x, cell.bonds) / residual.scale, rel=3e-6)
    assert found.estimate.stability == pytest.approx(c0, rel=3e-6)
    bound = np.sqrt(np.vdot(residual.forces, x) / c0) / residual.scale
    assert found.estimate.bound == pytest.approx(bound, rel=3e-6)


def test_a_saddle_of_the_candidate_is_told_and_not_estimated(tungsten):
    """The symmetric core of the degenerate screw has no force, but the candidate does not stay there."""
    screw = Dislocation(tungsten, "bcc-screw-111")
    n = len(screw.cell(12.0))
    saddle = equilibrate(screw, tungsten.potential, 12.0, "clamped", start=np.zeros((n, 3)))
    result = assess(
        tungsten.potential, tungsten.potential, screw, 12.0, equilibrium=saddle, estimate_only=True
    )
    assert result.estimate.stability < 0.0
    told = result.summary()
    for key in ("estimate", "estimate_bound", "estimate_dual", "estimate_contraction", "effectivity"):
        assert told[key] is None, key
    assert told["estimate_crystal"] is not None


def test_harmonic_lattice_that_gives_way_does_not_end_an_assessment(run, perturbed, monkeypatch):
    """Bonds are lost where a half-plane ends; the crystal may be stable and its slipped lattice not."""
    whole = run(perturbed(1e-3))
    monkeypatch.setattr(estimates, "harmonic_products", lambda cell, free: -harmonic_products(cell, free))
    result = run(perturbed(1e-3))
    assert result.failure is None
    assert result.estimate.crystal is None
    assert result.estimate.value == pytest.approx(whole.estimate.value, rel=1e-3)
    assert result.common is not None


def test_units_of_a_wrong_potential_change_nothing_but_the_lattice_parameter(run, scaled, perturbed):
    """Predictors, clamped boundary, sites and estimates all scale with ã / a."""
    wrong = perturbed(2e-3)
    plain, larger = run(wrong).summary(), run(scaled(length=1.03, of=wrong)).summary()
    assert larger["a0_error_rel"] == pytest.approx(1.03 * (1 + plain["a0_error_rel"]) - 1, abs=1e-9)
    for key in ("geometry_error", "geometry_error_own", "energy_error", "energy_error_own"):
        assert larger[key] == pytest.approx(plain[key], rel=1e-5), key
    assert larger["estimate_crystal"] == pytest.approx(plain["estimate_crystal"], rel=1e-5)
    assert larger["estimate"] == pytest.approx(plain["estimate"], rel=0.03)  # V″ has kinks


def test_candidate_falls_into_the_variant_of_the_core_that_the_reference_has(tungsten, perturbed):
    """The degenerate screw has two mirror images; taking one for the other would be an error of order b."""
    screw = Dislocation(tungsten, "bcc-screw-111")
    disturbance = core_disturbance(screw.cell(12.0))
    variants = [
        equilibrate(screw, tungsten.potential, 12.0, "clamped", start=sign * disturbance, fmax=1e-8)
        for sign in (1, -1)
    ]
    assert np.abs(variants[0].corrector - variants[1].corrector).max() > 0.1
    errors = [
        assess(tungsten.potential, perturbed(1e-3), screw, 12.0, equilibrium=variant).common.geometry_error
        for variant in variants
    ]
    assert errors[0] == pytest.approx(errors[1], rel=1e-3)
    assert errors[0] < 0.05


def test_error_in_the_common_predictor_survives_a_failure_in_the_own_one(run, perturbed, monkeypatch):
    relax = assessment._relaxed

    def only_common(defect, *arguments):
        if defect.medium is None:
            raise NotConvergedError("lost")
        return relax(defect, *arguments)

    monkeypatch.setattr(assessment, "_relaxed", only_common)
    result = run(perturbed(1e-3))
    assert isinstance(result.failure, NotConvergedError)
    assert result.common.geometry_error > 0
    assert result.own is None


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
    assert result.estimate.value <= result.estimate.bound <= result.estimate.dual


def test_local_errors_add_up_to_the_norm(run, perturbed):
    result = run(perturbed(1e-3))
    assert np.linalg.norm(result.common.local_error) == pytest.approx(result.common.geometry_error)


def test_an_unstable_candidate_is_told_and_not_relaxed(run):
    softened = FinnisSinclair(replace(TUNGSTEN, c0=1.1 * TUNGSTEN.c0))
    result = run(softened)
    assert isinstance(result.failure, UnstableCrystalError)
    assert result.summary()["candidate_stable"] is False
    assert result.common is None


def test_an_estimate_that_fails_does_not_cost_the_errors(run, perturbed, monkeypatch):
    def fails(residual):
        raise NotConvergedError("Lanczos iteration did not converge")

    monkeypatch.setattr("genmlip.theory.assessment.estimate_error", fails)
    result = run(perturbed(1e-3))
    assert result.estimate is None
    assert result.common.geometry_error > 0
    assert result.own.geometry_error > 0
    assert "Lanczos" in str(result.failure)


def test_names_make_the_defect(perturbed, tungsten):
    by_name = assess(tungsten.potential, perturbed(1e-3), "vacancy", 5.0)
    assert by_name.common.geometry_error > 0
    with pytest.raises(UnknownNameError, match="bcc-screw-111"):
        assess(tungsten.potential, perturbed(1e-3), "bcc-screw-112", 14.0)


def test_a_candidate_without_the_element_is_refused(run):
    with pytest.raises(InputError, match="W"):
        run(load_potential("sw:Si"))
