import numpy as np
import pytest
from ase.build import bulk
from ase.neighborlist import neighbor_list
from numpy.testing import assert_allclose

from genmlip.crystal import STRUCTURES, Crystal
from genmlip.crystal.structures import expected_lattice_parameter
from genmlip.errors import InputError

COORDINATION = {"bcc": 8, "fcc": 12, "diamond": 4}


@pytest.fixture
def alloy(pair_potential):
    potential = pair_potential()
    potential.symbols, potential.spec = ("Cu", "Ti", "Fe"), "test:alloy"
    return potential


@pytest.fixture(params=STRUCTURES)
def placed(request, pair_potential):
    """A crystal of each structure."""
    return Crystal(pair_potential(), request.param, "Cu", 3.7)


@pytest.mark.parametrize("cubic", [False, True])
def test_cells_are_those_of_ase(placed, cubic):
    ours = placed.unit_cell() if cubic else placed.primitive_cell()
    theirs = bulk("Cu", placed.structure, a=3.7, cubic=cubic)
    assert len(ours) == len(theirs)
    assert_allclose(ours.get_volume(), theirs.get_volume(), rtol=1e-14)
    distances = [np.sort(neighbor_list("d", cell, 6.0)) for cell in (ours, theirs)]
    assert_allclose(*distances, atol=1e-12)


def test_nearest_neighbours_lie_at_the_stated_distance(placed):
    distances = neighbor_list("d", placed.unit_cell(), 1.01 * placed.nearest_neighbour_distance)
    assert len(distances) == COORDINATION[placed.structure] * len(placed.unit_cell())
    assert_allclose(distances, placed.nearest_neighbour_distance, rtol=1e-14)


def test_the_basis_runs_fastest_in_the_cube(placed):
    cube = placed.unit_cell().positions
    lattice = cube - np.tile(placed.basis, (len(cube) // len(placed.basis), 1))
    integers = lattice @ np.linalg.inv(placed.primitive_vectors)
    assert_allclose(integers, np.rint(integers), atol=1e-12)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_primitive_vectors_are_right_handed(structure):
    assert np.linalg.det(STRUCTURES[structure].primitive) > 0


def test_a_structure_other_than_the_natural_one_keeps_the_distance_of_neighbours():
    fcc, bcc = (expected_lattice_parameter("Cu", STRUCTURES[s]) for s in ("fcc", "bcc"))
    assert_allclose(fcc * STRUCTURES["fcc"].neighbour_distance, bcc * STRUCTURES["bcc"].neighbour_distance)


def test_several_elements_ask_for_a_symbol(alloy):
    with pytest.raises(InputError, match=r"--symbol \(Cu, Ti, Fe\)"):
        Crystal.from_potential(alloy)


def test_an_element_the_potential_lacks_is_refused_with_the_known_ones(alloy):
    with pytest.raises(InputError, match=r"no element W \(it describes: Cu, Ti, Fe\)"):
        Crystal.from_potential(alloy, symbol="W")


def test_an_element_that_is_not_cubic_asks_for_a_structure(alloy):
    with pytest.raises(InputError, match=r"Ti is hcp .* --structure \(bcc, fcc, diamond\)"):
        Crystal.from_potential(alloy, symbol="Ti")


def test_an_unknown_structure_is_refused_with_the_nearest_known_one(pair_potential):
    with pytest.raises(InputError, match="did you mean fcc"):
        Crystal.from_potential(pair_potential(), structure="fccc")


def test_structure_and_symbol_default_to_what_the_potential_offers(tungsten, silicon):
    assert (tungsten.symbol, tungsten.structure) == ("W", "bcc")
    assert (silicon.symbol, silicon.structure) == ("Si", "diamond")
