import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import LineForceConstants
from genmlip.dislocations import SYSTEMS, Dislocation
from genmlip.errors import InputError

CRYSTALS = {"bcc": "tungsten", "fcc": "morse", "diamond": "silicon"}


@pytest.fixture(params=SYSTEMS)
def dislocation(request):
    return Dislocation(request.getfixturevalue(CRYSTALS[SYSTEMS[request.param].structure]), request.param)


@pytest.fixture
def line(dislocation):
    return LineForceConstants.of(
        dislocation.crystal.force_constants, dislocation.frame, dislocation.lattice.vectors
    )


def test_waves_across_the_line_are_waves_of_the_crystal(line, dislocation):
    k = np.random.default_rng(0).standard_normal((20, 2))
    frame, nb = dislocation.frame, len(dislocation.crystal.basis)
    turn = np.kron(np.eye(nb), frame)
    expected = turn @ dislocation.crystal.force_constants.matrix(k @ frame[:2]) @ turn.T
    assert_allclose(line.fourier(k @ line.plane.T), expected, atol=1e-11)


def test_each_column_occurs_once_and_with_its_opposite(line):
    labels = {tuple(n) for n in line.labels.tolist()}
    assert len(labels) == len(line.labels)
    assert {(-n1, -n2) for n1, n2 in labels} == labels


def test_their_cell_times_the_line_period_is_that_of_the_crystal(line, dislocation):
    volume = dislocation.crystal.primitive_cell().get_volume()
    assert_allclose(line.area * dislocation.line_period, volume, rtol=1e-12)


def test_vectors_of_another_lattice_are_refused(tungsten):
    dislocation = Dislocation(tungsten, "bcc-screw-111")
    with pytest.raises(InputError, match="another lattice"):
        LineForceConstants.of(tungsten.force_constants, dislocation.frame, 1.01 * dislocation.lattice.vectors)


def test_forces_without_reaction_are_refused():
    labels = np.array([[0, 0], [1, 0], [-1, 0]])
    with pytest.raises(InputError, match="transpose"):
        LineForceConstants(np.eye(2), labels, np.array([2.0, -1.5, -0.5]).reshape(3, 1, 1))
