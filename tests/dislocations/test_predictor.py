"""Predictors: exact slip, no vacancy or overlap at any radius, and residual forces that decay like r⁻³."""

from dataclasses import dataclass

import numpy as np
import pytest
from elastic_media import cubic_stiffness
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, MappedPredictor, SelfConsistentPredictor, StrohField
from genmlip.dislocations.predictor import slipped_positions
from genmlip.potentials import load_potential
from genmlip.potentials.neighbours import Neighbours
from genmlip.theory.rates import fit_rate

PREDICTORS = [MappedPredictor, SelfConsistentPredictor]
BCC = ["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111", "bcc-edge-100"]
INNER, OUTER = 20.0, 100.0  # Å, "beyond the core"


@dataclass(frozen=True)
class UncorrectedField:
    """u0(x) = u_lin(x): what a predictor must not be for an edge."""

    field: StrohField
    internal: None = None

    def __call__(self, positions, sublattice=None):
        return self.field.displacement(positions[:, :2])


@dataclass(frozen=True)
class SoftenedMedium:
    """A crystal whose elastic field is computed with other constants than its own."""

    crystal: Crystal
    stiffness: np.ndarray

    def __getattr__(self, name):
        return getattr(self.crystal, name)


def residual_slope(dislocation, measure=np.max, select=None, outer=OUTER):
    """Fitted slope of the forces on the unrelaxed predictor in nine logarithmic rings."""
    cell = dislocation.cell(outer)
    forces = dislocation.crystal.potential.bind(cell.atoms, cell.centres)(cell.positions).forces
    r, size = (cell.r[cell.free], np.linalg.norm(forces[cell.free], axis=1))
    if select is not None:
        r, size = select(cell, forces)
    edges = np.geomspace(INNER, outer, 10)
    ring = np.digitize(r, edges)
    value = [measure(size[ring == k]) for k in range(1, len(edges))]
    return fit_rate(np.sqrt(edges[1:] * edges[:-1]), value).slope


def rms(values):
    return np.sqrt(np.mean(values**2))


@pytest.mark.parametrize("measure", [np.max, rms], ids=["max", "rms"])
@pytest.mark.parametrize("predictor", PREDICTORS)
@pytest.mark.parametrize("name", BCC)
def test_residual_forces_decay_like_the_inverse_cube_of_the_distance(tungsten, name, predictor, measure):
    assert -3.2 < residual_slope(Dislocation(tungsten, name, predictor), measure) < -2.8


@pytest.mark.parametrize("name", BCC[1:])
def test_without_the_lattice_correction_an_edge_leaves_forces_that_decay_like_the_inverse_distance(
    tungsten, name
):
    assert residual_slope(Dislocation(tungsten, name, UncorrectedField)) == pytest.approx(-1.0, abs=0.15)


def test_a_screw_needs_no_lattice_correction(tungsten):
    x = Dislocation(tungsten, "bcc-screw-111").cell(20.0).reference
    uncorrected = Dislocation(tungsten, "bcc-screw-111", UncorrectedField).predictor(x)
    assert_allclose(Dislocation(tungsten, "bcc-screw-111").predictor(x), uncorrected, atol=1e-12)


def test_wrong_elastic_constants_leave_forces_that_decay_like_the_inverse_square(tungsten):
    wrong = SoftenedMedium(tungsten, cubic_stiffness(400.0, 204.4, 160.6))
    slope = residual_slope(Dislocation(tungsten, "bcc-mixed-111", medium=wrong), rms)
    assert slope == pytest.approx(-2.0, abs=0.2)


@pytest.mark.parametrize("name", ["fcc-screw-110", "fcc-edge-110"])
def test_residual_forces_decay_like_the_inverse_cube_in_fcc(name):
    copper = Crystal.from_potential(load_potential("ase:ase.calculators.emt:EMT"), "fcc", "Cu")
    assert residual_slope(Dislocation(copper, name), rms, outer=50.0) < -2.8


def net_force_per_cell(cell, forces):
    """(r, |f1 + f2|) of the pairs of atoms that share a primitive cell."""
    cells, index = np.unique(cell.topology.label[:, :2], axis=0, return_inverse=True)
    index = index.ravel()
    total = np.zeros((len(cells), 3))
    np.add.at(total, index, forces)
    whole = np.bincount(index, cell.free, len(cells)) == 2
    r = np.bincount(index, cell.r, len(cells)) / 2
    return r[whole], np.linalg.norm(total[whole], axis=1)


@pytest.mark.parametrize("name", ["diamond-screw", "diamond-60"])
def test_in_diamond_the_net_force_decays_one_order_faster_than_that_between_sublattices(silicon, name):
    """Strain gradients, b / r², shift the sublattices too, and the predictor knows nothing of that."""
    dislocation = Dislocation(silicon, name)
    assert residual_slope(dislocation, rms, net_force_per_cell) == pytest.approx(-3.0, abs=0.15)
    assert residual_slope(dislocation, rms) == pytest.approx(-2.0, abs=0.1)


@pytest.mark.parametrize("name", ["diamond-screw", "diamond-60"])
def test_in_diamond_without_internal_displacement_everything_decays_one_order_more_slowly(silicon, name):
    clamped = Dislocation(silicon, name, lambda field, internal: MappedPredictor(field))
    assert residual_slope(clamped, rms, net_force_per_cell) == pytest.approx(-2.0, abs=0.15)
    assert residual_slope(clamped, rms) == pytest.approx(-1.0, abs=0.1)


@settings(max_examples=200, deadline=None)
@given(
    st.floats(-300, 300),
    st.floats(1e-3, 300),
    st.sampled_from([1, -1]),
    st.floats(0.5, 5.0),
    st.sampled_from([1, -1]),
)
def test_the_mapped_position_solves_its_equation_on_its_side_of_the_cut(x1, height, side, b1, sign):
    x = np.array([[x1, side * height]])
    y = slipped_positions(x, sign * b1)
    assert y[0, 1] == x[0, 1]
    assert abs(y[0, 0] - x1) <= 0.5 * b1 + 1e-12
    back = y[0, 0] - sign * b1 * np.arctan2(y[0, 1], y[0, 0]) / (2 * np.pi)
    assert back == pytest.approx(x1, abs=1e-11 * max(1.0, abs(x1)))


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_sites_a_burgers_vector_apart_meet_exactly_on_the_cut(any_dislocation, predictor):
    field = predictor(any_dislocation.field)
    b1 = any_dislocation.burgers[0]
    above = np.column_stack([-np.geomspace(20.0, 2000.0, 12), np.full(12, 1e-9), np.zeros(12)])
    below = above * [1, -1, 1] + [b1, 0, any_dislocation.burgers[2]]
    assert_allclose(above + field(above), below + field(below), atol=5e-9)


def test_self_consistent_displacements_solve_their_equation(any_dislocation):
    predictor = SelfConsistentPredictor(any_dislocation.field)
    x = any_dislocation.cell(30.0).reference
    u = predictor(x)
    r, theta = predictor.polar(x)
    y = x + u
    assert_allclose(np.hypot(y[:, 0], y[:, 1]), r, atol=1e-10)
    assert_allclose(np.stack([r * np.cos(theta), r * np.sin(theta)], axis=1), y[:, :2], atol=1e-10)
    assert np.abs(theta - np.arctan2(x[:, 1], x[:, 0])).max() < np.pi


@pytest.mark.parametrize("predictor", PREDICTORS)
def test_neither_vacancy_nor_overlap_opens_on_the_cut_up_to_two_hundred_angstrom(any_dislocation, predictor):
    """The logarithm in u2 takes atoms across the plane of the cut; they must keep their side of the slip."""
    dislocation = Dislocation(any_dislocation.crystal, any_dislocation.name, predictor)
    cell = dislocation.cell(200.0)
    first = dislocation.crystal.nearest_neighbour_distance
    second = {"bcc": 2 / 3**0.5, "fcc": 2**0.5, "diamond": (8 / 3) ** 0.5}[
        dislocation.crystal.structure
    ] * first
    far = (cell.r > 15.0) & (cell.r < 200.0)
    found = np.diff(Neighbours.of(cell.atoms, 0.5 * (first + second)).first)
    assert set(found[far]) == {{"bcc": 8, "fcc": 12, "diamond": 4}[dislocation.crystal.structure]}
    across = far & (cell.reference[:, 0] < 0) & (cell.reference[:, 1] * cell.positions[:, 1] < 0)
    assert across.any() == (dislocation.name in {"bcc-edge-100", "diamond-60"})


def test_the_mapped_predictor_is_finite_on_the_line_itself(any_dislocation):
    x = np.array([[0.0, 0.0, 0.0], [1e-9, 0.0, 0.3], [-1e-9, -1e-12, 0.0], [0.3, -0.0, 0.0]])
    u = any_dislocation.predictor(x)
    assert np.isfinite(u).all()
    assert np.abs(u).max() < 2 * any_dislocation.b
