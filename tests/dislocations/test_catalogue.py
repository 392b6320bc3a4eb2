"""The eight systems: geometry, names, and atom-by-atom agreement with matscipy's builders."""

import matscipy.dislocation as builders
import numpy as np
import pytest
from elastic_media import CONSTANTS, medium
from numpy.testing import assert_allclose
from scipy.spatial import cKDTree

from genmlip.dislocations import SYSTEMS, Dislocation
from genmlip.dislocations.catalogue import find_system
from genmlip.errors import InputError, UnknownNameError

BUILDERS = {
    "bcc-screw-111": builders.BCCScrew111Dislocation,
    "bcc-edge-111": builders.BCCEdge111Dislocation,
    "bcc-mixed-111": builders.BCCMixed111Dislocation,
    "bcc-edge-100": builders.BCCEdge100Dislocation,
    "fcc-screw-110": builders.FCCScrew110Dislocation,
    "fcc-edge-110": builders.FCCEdge110Dislocation,
    "diamond-screw": builders.DiamondGlideScrew,
    "diamond-60": builders.DiamondGlide60Degree,
}
CHARACTER = {
    "bcc-screw-111": 0.0, "bcc-edge-111": 90.0, "bcc-mixed-111": 70.5288, "bcc-edge-100": 90.0,
    "fcc-screw-110": 0.0, "fcc-edge-110": 90.0, "diamond-screw": 0.0, "diamond-60": 60.0,
}  # fmt: skip


@pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)
def test_frames_are_right_handed_and_the_burgers_vector_lies_in_the_glide_plane(system):
    assert_allclose(system.frame @ system.frame.T, np.eye(3), atol=1e-15)
    assert np.linalg.det(system.frame) == pytest.approx(1.0)
    assert abs(system.burgers[1]) < 1e-15
    assert system.character == pytest.approx(CHARACTER[system.name], abs=1e-4)


def test_burgers_vectors_are_lattice_vectors_and_the_core_lies_between_planes(any_dislocation):
    lattice = any_dislocation.lattice
    assert_allclose(lattice.burgers_label @ lattice.vectors, any_dislocation.burgers, atol=1e-12)
    primitive = any_dislocation.crystal.primitive_vectors
    assert abs(np.linalg.det(lattice.vectors)) == pytest.approx(abs(np.linalg.det(primitive)))
    assert np.abs(any_dislocation.cell(15.0).reference[:, 1]).min() > 0.05 * any_dislocation.b


def test_the_easy_core_of_the_bcc_screw_is_the_centroid_of_three_columns():
    cell = Dislocation(medium("bcc"), "bcc-screw-111").cell(12.0)
    nearest = cell.reference[np.argsort(cell.r)[:3]]
    assert_allclose(nearest[:, :2].mean(axis=0), 0.0, atol=1e-12)
    assert len(np.unique(np.round(nearest[:, 2], 6))) == 3


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SYSTEMS)
def test_positions_and_field_agree_with_matscipy(name):
    structure = SYSTEMS[name].structure
    a0, *C = CONSTANTS[structure]
    bulk, slipped = BUILDERS[name](a0, *C, symbol="W").build_cylinder(
        18.0, fix_width=5.0, method="adsl", self_consistent=False, verbose=False
    )
    theirs = bulk.positions - np.array(slipped.info["core_positions"][0])
    dislocation = Dislocation(medium(structure), name)
    period = dislocation.line_period
    assert bulk.cell[2, 2] == pytest.approx(period)
    ours = dislocation.cell(18.0).reference
    same_column = np.linalg.norm(ours[:, None, :2] - theirs[:1, :2], axis=2)[:, 0] < 1e-6
    offsets = theirs[0, 2] - ours[same_column, 2]  # along the line the origin is a matter of taste
    assert min(_mismatch(ours + np.array([0, 0, z]), theirs, period) for z in offsets) < 1e-9
    assert_allclose(
        dislocation.field.displacement(theirs[:, :2]), slipped.positions - bulk.positions, atol=1e-11
    )


def _mismatch(ours, theirs, period):
    """Largest distance from an atom of theirs to the nearest of ours, modulo the period."""

    def key(x):
        angle = 2 * np.pi * x[:, 2] / period
        return np.column_stack([x[:, :2], np.cos(angle), np.sin(angle)])

    distance, index = cKDTree(key(ours)).query(key(theirs))
    assert len(np.unique(index)) == len(theirs)
    return distance.max()


def test_a_misspelt_name_brings_the_nearest_one():
    with pytest.raises(UnknownNameError, match="did you mean bcc-screw-111"):
        find_system("bcc-screw-112")


def test_a_system_of_another_structure_is_refused_with_the_allowed_ones():
    with pytest.raises(
        InputError, match=r"needs a bcc crystal, this one is fcc .*fcc-screw-110, fcc-edge-110"
    ):
        Dislocation(medium("fcc"), "bcc-edge-100")
