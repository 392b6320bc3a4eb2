"""The error of a boundary condition: a norm, a difference of energies, and a distance between cores."""

from dataclasses import replace
from math import fsum

import numpy as np
import pytest

from genmlip.dislocations import Dislocation, equilibrate
from genmlip.dislocations.equilibrate import core_disturbance
from genmlip.errors import InputError
from genmlip.statics.norms import energy_norm
from genmlip.theory import boundary_error, fit_rate
from genmlip.theory.boundary_errors import transferred


@pytest.fixture(scope="module")
def screw(tungsten):
    return Dislocation(tungsten, "bcc-screw-111")


@pytest.fixture(scope="module")
def relax(screw):
    """Maker of the clamped equilibrium at a radius, in the minimum of another one where that is given."""

    def make(radius, known=None, start=None):
        potential = screw.crystal.potential
        if known is not None:
            start = transferred(known, screw.cell(radius, potential.cutoff))
        return equilibrate(screw, potential, radius, "clamped", fmax=1e-7, start=start)

    return make


@pytest.fixture(scope="module")
def reference(relax):
    return relax(40.0)


@pytest.fixture(scope="module")
def small(relax, reference):
    return relax(12.0, reference)


def test_an_equilibrium_has_no_error_against_itself(reference):
    error = boundary_error(reference, reference)
    assert (error.geometry, error.beyond, error.energy, error.core_shift) == (0.0, 0.0, 0.0, 0.0)


def test_geometry_error_is_the_energy_norm_of_the_difference_continued_by_zero(small, reference):
    """Found site by site here, without any search tree."""
    place = {tuple(np.round(x, 4)): k for k, x in enumerate(reference.cell.reference)}
    difference = reference.corrector.copy()
    for x, u in zip(small.cell.reference, small.corrector, strict=True):
        difference[place[tuple(np.round(x, 4))]] -= u
    expected = energy_norm(difference, reference.cell.bonds)
    assert boundary_error(small, reference).geometry == pytest.approx(expected, rel=1e-12)


def test_error_of_the_far_field_alone_is_what_lies_beyond_the_cell(small, reference):
    """Had the clamped cell the reference's corrector in it, only the bonds that leave it would be wrong."""
    exact = replace(small, corrector=transferred(reference, small.cell))
    error = boundary_error(exact, reference)
    assert 0 < error.geometry == pytest.approx(error.beyond, rel=1e-12)
    assert error.beyond == boundary_error(small, reference).beyond
    assert error.core_shift == 0.0


def test_a_translation_of_everything_is_no_error_of_the_strain(small, reference):
    moved = replace(small, corrector=small.corrector + np.array([0.1, -0.2, 0.3]))
    expected = boundary_error(small, reference).geometry
    assert boundary_error(moved, reference).geometry == pytest.approx(expected, rel=1e-12)


def test_core_shift_is_the_distance_by_which_the_core_moved(small, reference, screw):
    """u_lin(y − c) − u_lin(y) carries the centre of the field from 0 to c."""
    c = np.array([0.05, -0.02])
    field, y = screw.field, small.cell.reference[:, :2]
    cut = (y[:, 0] < 0) & (np.abs(y[:, 1]) < 0.1)
    change = np.where(cut[:, None], 0.0, field.displacement(y - c) - field.displacement(y))
    moved = replace(small, corrector=transferred(reference, small.cell) + change)
    assert boundary_error(moved, reference).core_shift == pytest.approx(np.linalg.norm(c), rel=1e-2)


def test_energies_of_both_cells_count_from_the_same_zero(small, reference, screw):
    """In the reference's cell alone, the smaller cell's atoms have an energy higher by the error."""
    cell = reference.cell
    evaluate = screw.crystal.potential.bind(cell.atoms, cell.centres)
    clamped = evaluate(cell.positions + transferred(small, cell)).energies
    at_rest = evaluate(cell.positions + reference.corrector).energies
    expected = fsum(clamped - at_rest)
    assert expected > 0
    assert boundary_error(small, reference).energy == pytest.approx(expected, rel=1e-9)


@pytest.mark.slow
def test_clamped_errors_fall_like_one_over_the_radius_and_its_square(screw, relax):
    reference = relax(200.0)
    radii = (22.0, 28.0, 36.0, 46.0, 60.0)
    errors = [boundary_error(relax(radius, reference), reference) for radius in radii]
    assert fit_rate(radii, [e.geometry for e in errors]).slope == pytest.approx(-1, abs=0.15)
    assert fit_rate(radii, [e.energy for e in errors], log_power=2).slope == pytest.approx(-2, abs=0.25)


def test_a_degenerate_core_is_relaxed_into_the_variant_of_its_reference(relax, reference, small):
    """fs:W's screw has two cores of one energy; they differ by much more than any boundary makes."""
    other = relax(reference.cell.radius, start=-core_disturbance(reference.cell))
    assert other.energy == pytest.approx(reference.energy, abs=1e-8)
    matched, mistaken = boundary_error(relax(12.0, other), other), boundary_error(small, other)
    assert matched.geometry == pytest.approx(boundary_error(small, reference).geometry, rel=1e-3)
    assert mistaken.geometry > 3 * matched.geometry


def test_equilibria_that_mean_different_things_are_refused(small, reference, screw, tungsten):
    potential = tungsten.potential
    elsewhere = equilibrate(replace(screw, core_offset=(0.1, 0.0)), potential, 12.0, "clamped", fmax=1e-2)
    edge = equilibrate(Dislocation(tungsten, "bcc-edge-111"), potential, 12.0, "clamped", fmax=10.0)
    for other, clue in (
        (edge, "bcc-edge-111 cannot be compared with a bcc-screw-111"),
        (elsewhere, "different predictors"),
        (replace(small, potential="sw:Si"), "of one potential, not of sw:Si"),
    ):
        with pytest.raises(InputError, match=clue):
            boundary_error(other, reference)
    with pytest.raises(InputError, match="must not be smaller"):
        boundary_error(reference, small)
