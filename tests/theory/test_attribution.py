"""The causes of a predicted error: identities of the split, and candidates wrong in one known way."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.dislocations import Dislocation, equilibrate
from genmlip.potentials.finnis_sinclair import TUNGSTEN, FinnisSinclair
from genmlip.theory import advice, assess
from genmlip.theory.assessment import residual_of
from genmlip.theory.attribution import CORE_RADIUS, residual_terms


@pytest.fixture(scope="module")
def screw(tungsten):
    return equilibrate(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 30.0, "clamped", fmax=1e-8)


@pytest.fixture(scope="module")
def softer():
    """A potential with other elastic constants, and everything else."""
    return FinnisSinclair(replace(TUNGSTEN, A=TUNGSTEN.A * 1.001, c1=TUNGSTEN.c1 * 0.9999))


@pytest.fixture(scope="module")
def assessed(screw, softer):
    defect = screw.cell.defect
    return assess(defect.crystal.potential, softer, defect, 30.0, equilibrium=screw, estimate_only=True)


@pytest.fixture(scope="module")
def residual(screw, assessed, softer):
    defect = replace(screw.cell.defect, crystal=assessed.candidate_crystal, medium=screw.cell.defect.crystal)
    return residual_of(softer, defect, screw)


def test_the_terms_sum_to_the_residual(residual, screw):
    terms = residual_terms(residual, screw)
    assert_allclose(sum(terms.values()), residual.forces, atol=1e-15)
    assert all(np.all(r[~residual.cell.free] == 0.0) for r in terms.values())


def test_the_core_is_all_of_the_residual_within_its_radius_and_nothing_outside(residual, screw):
    terms, near = residual_terms(residual, screw), residual.cell.r < CORE_RADIUS
    assert_allclose(terms["core"][near], residual.forces[near], atol=0.0)
    assert np.all(terms["core"][~near] == 0.0)
    assert np.all(terms["elastic"][near] == 0.0)


def test_elastic_forces_take_over_far_away_and_fall_like_the_second_power(residual, screw):
    terms, r = residual_terms(residual, screw), residual.cell.r

    def rms(name, low, high):
        ring = (r >= low) & (r < high)
        return np.sqrt(np.mean(np.sum(terms[name][ring] ** 2, axis=1)))

    near, far = (11.0, 14.0), (22.0, 28.0)  # twice as far away
    assert rms("elastic", *near) / rms("elastic", *far) == pytest.approx(4.0, rel=0.1)
    assert rms("higher", *near) / rms("higher", *far) > 5.0
    assert rms("elastic", *far) > 3.0 * rms("higher", *far)


def test_shares_sum_to_one_and_sizes_bound_the_prediction(assessed):
    found = assessed.attribution
    assert sum(found.shares.values()) == pytest.approx(1.0, abs=1e-12)
    assert assessed.estimate.value <= sum(found.sizes.values()) * (1 + 1e-3)


def test_the_reference_itself_has_nothing_to_attribute_and_needs_nothing(screw, tungsten):
    found = assess(
        tungsten.potential, FinnisSinclair(), screw.cell.defect, 30.0, equilibrium=screw, estimate_only=True
    )
    assert found.estimate.value < 1e-6
    assert found.attribution.sizes["elastic"] < 1e-6
    assert "nothing needs to be added" in " ".join(advice(found))


def test_the_verdict_names_the_dominant_term(assessed):
    text = " ".join(advice(assessed))
    assert assessed.attribution.dominant == "core"
    assert "quadrupole:bcc-screw-111" in text
    assert "eV/Å" in text


def test_the_verdict_on_elastic_constants_asks_for_virials(assessed):
    shares = {"core": 0.1, "elastic": 0.9, "higher": 0.0}
    elastic = replace(assessed, attribution=replace(assessed.attribution, shares=shares))
    text = " ".join(advice(elastic))
    assert "virials" in text
    assert "C44" in text
