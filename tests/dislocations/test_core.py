"""Core position, differential displacements and decay: of known displacements and of equilibria."""

import numpy as np
import pytest
from elastic_media import medium
from numpy.testing import assert_allclose

from genmlip.dislocations import (
    SYSTEMS,
    Dislocation,
    Vacancy,
    column_differences,
    core_position,
    decay_exponent,
    equilibrate,
)
from genmlip.dislocations.core import centre_of_field, centre_of_slip
from genmlip.errors import InputError

EDGES = ["bcc-edge-111", "bcc-mixed-111", "bcc-edge-100"]


def shifted(cell, c):
    """The corrector that moves the predictor by ``c`` (2,); exact while no atom changes sides of the cut."""
    far_field = cell.defect.far_field
    return far_field(cell.reference - np.array([*c, 0.0])) - far_field(cell.reference)


@pytest.mark.parametrize("c", [(0.0, 0.0), (0.4, 0.0), (-0.3, 0.25), (1.1, -0.2)])
def test_the_centre_of_a_displaced_screw_field_is_found_exactly(c):
    cell = Dislocation(medium("bcc"), "bcc-screw-111").cell(30.0)
    assert_allclose(core_position(cell, shifted(cell, c)), c, atol=1e-8)


def spread(cell, c, width=4.0):
    """The corrector, near the glide plane, that moves the predictor by ``c`` along x1 and distributes b."""
    near = np.abs(cell.reference[:, 1]) < 3.0
    x, far_field = cell.reference[near], cell.defect.far_field
    s = np.linspace(-3, 3, 41)
    weight = np.exp(-0.5 * s**2) / np.exp(-0.5 * s**2).sum()
    corrector = np.zeros((len(cell), 3))
    corrector[near] = -far_field(x)
    for w, shift in zip(weight, c + width * s, strict=True):
        corrector[near] += w * far_field(x - np.array([shift, 0.0, 0.0]))
    return corrector


@pytest.mark.parametrize("name", [*EDGES, "diamond-60"])
@pytest.mark.parametrize("c", [-0.5, 0.8])
def test_the_centre_of_a_spread_core_is_found_on_its_glide_plane(name, c):
    """Up to the tail of the elastic shear between the two planes, h c / R; the mapped predictor itself is not
    quite symmetric about its centre."""
    cell = Dislocation(medium(SYSTEMS[name].structure), name).cell(60.0)
    here, there = core_position(cell, spread(cell, 0.0)), core_position(cell, spread(cell, c))
    assert there[0] - here[0] == pytest.approx(c, abs=0.05 * abs(c) + 1e-12)
    assert abs(here[0]) < 0.05 * cell.defect.b
    assert here[1] == there[1] == 0.0


def test_two_halves_of_a_dissociated_dislocation_have_their_centre_in_the_middle():
    cell = Dislocation(medium("bcc"), "bcc-edge-111").cell(60.0)
    halves = 0.5 * (shifted(cell, (6.0, 0.0)) + shifted(cell, (-4.0, 0.0)))
    assert centre_of_slip(cell, halves) == pytest.approx(1.0, abs=0.05)


def test_a_linear_field_does_not_move_the_centre_of_the_field():
    cell = Dislocation(medium("bcc"), "bcc-screw-111").cell(30.0)
    linear = 1e-3 * cell.reference[:, :2] @ np.array([[1.0, 0.3, -0.5], [0.2, -0.4, 0.7]]) + 0.01
    assert_allclose(centre_of_field(cell, linear + shifted(cell, (0.2, 0.1))), [0.2, 0.1], atol=1e-8)


def test_by_symmetry_the_tungsten_screw_stays_on_its_three_fold_axis(tungsten):
    equilibrium = equilibrate(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 20.0, "clamped")
    assert_allclose(core_position(equilibrium.cell, equilibrium.corrector), 0.0, atol=1e-3)


def test_by_symmetry_the_tungsten_edge_100_stays_on_its_mirror_plane(tungsten):
    equilibrium = equilibrate(Dislocation(tungsten, "bcc-edge-100"), tungsten.potential, 30.0, "clamped")
    assert_allclose(core_position(equilibrium.cell, equilibrium.corrector), 0.0, atol=5e-3)


def test_the_position_does_not_depend_on_where_the_predictor_was_centred(tungsten):
    """An off-centre predictor, relaxed, leads back to the same core."""
    dislocation = Dislocation(tungsten, "bcc-screw-111")
    cell = dislocation.cell(20.0)
    start = shifted(cell, (0.35, 0.2))
    equilibrium = equilibrate(dislocation, tungsten.potential, 20.0, "clamped", start=start)
    assert_allclose(core_position(cell, equilibrium.corrector), 0.0, atol=1e-3)


def test_a_vacancy_stays_where_it_was_made_and_has_no_slip():
    cell = Vacancy(medium("bcc")).cell(8.0)
    assert_allclose(core_position(cell, np.zeros((len(cell), 3))), 0.0)
    with pytest.raises(InputError, match="a vacancy has no dislocation core"):
        centre_of_slip(cell, np.zeros((len(cell), 3)))


def test_an_annulus_without_atoms_is_refused():
    cell = Dislocation(medium("bcc"), "bcc-screw-111").cell(15.0)
    with pytest.raises(InputError, match=r"annulus from 14 to 14\.1"):
        centre_of_field(cell, np.zeros((len(cell), 3)), (14.0, 14.1))


def test_differences_between_columns_add_up_to_the_burgers_vector_around_the_core():
    """Vitek's circuit: the three columns around the easy core differ by b / 3 each."""
    cell = Dislocation(medium("bcc"), "bcc-screw-111").cell(15.0)
    columns = column_differences(cell, cell.predictor)
    inner = set(np.argsort(cell.r)[:3])
    around = [k for k in range(len(columns.slip)) if {columns.start[k], columns.end[k]} <= inner]
    assert len(around) == 3
    assert_allclose(np.abs(columns.slip[around]), cell.defect.b / 3, rtol=1e-9)


def test_every_pair_of_neighbouring_columns_occurs_once(any_dislocation):
    cell = any_dislocation.cell(20.0)
    columns = column_differences(cell, cell.predictor)
    assert np.abs(columns.slip).max() <= 0.5 * any_dislocation.b * (1 + 1e-8)
    distinct = np.unique(np.column_stack([columns.start, columns.end, np.round(columns.bond, 6)]), axis=0)
    assert len(distinct) == len(columns.slip)
    far = cell.r[columns.start] > 15.0
    assert np.abs(columns.slip[far]).max() < 0.1 * any_dislocation.b


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_the_exponent_of_a_power_law_is_recovered_within_its_error(p):
    """u = r^(1−p) along x3 (log r for p = 1) has |Du| ~ r^(−p)."""
    cell = Dislocation(medium("bcc"), "bcc-screw-111").cell(120.0)
    corrector = np.zeros((len(cell), 3))
    corrector[:, 2] = np.log(cell.r) if p == 1.0 else cell.r ** (1.0 - p)
    decay = decay_exponent(cell, corrector, window=(25.0, 110.0))
    assert decay.exponent == pytest.approx(p, abs=0.03)
    assert 0.0 < decay.standard_error < 0.03


def test_a_corrector_that_vanishes_has_no_exponent():
    cell = Dislocation(medium("bcc"), "bcc-screw-111").cell(15.0)
    assert np.isnan(decay_exponent(cell, np.zeros((len(cell), 3))).exponent)
