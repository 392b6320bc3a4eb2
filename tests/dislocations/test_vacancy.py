"""The vacancy's supercell and its pairs."""

import numpy as np
import pytest
from elastic_media import medium
from numpy.testing import assert_allclose

from genmlip.dislocations import Vacancy
from genmlip.errors import InputError

ATOMS_PER_CUBE = {"bcc": 2, "fcc": 4, "diamond": 8}
COORDINATION = {"bcc": 8, "fcc": 12, "diamond": 4}


@pytest.fixture(params=ATOMS_PER_CUBE)
def crystal(request):
    return medium(request.param)


def test_one_atom_is_missing_from_a_cube_of_at_least_twice_the_radius(crystal):
    cell = Vacancy(crystal).cell(8.0)
    edge = cell.atoms.cell[0, 0]
    m = round(edge / crystal.a0)
    assert edge == pytest.approx(m * crystal.a0)
    assert 16.0 <= edge < 16.0 + crystal.a0
    assert len(cell) == ATOMS_PER_CUBE[crystal.structure] * m**3 - 1
    assert cell.atoms.pbc.all()
    assert cell.line_period is None
    assert cell.free.all()
    assert not cell.predictor.any()
    assert cell.r.min() == pytest.approx(crystal.nearest_neighbour_distance)


def test_only_the_neighbours_of_the_vacancy_lack_one_bond(crystal):
    cell = Vacancy(crystal).cell(8.0)
    count = np.bincount(cell.bonds.i, minlength=len(cell))
    complete = COORDINATION[crystal.structure]
    beside = cell.r < 1.01 * crystal.nearest_neighbour_distance
    assert beside.sum() == complete
    assert set(count[beside]) == {complete - 1}
    assert set(count[~beside]) == {complete}


def test_pairs_are_bonds_of_the_perfect_crystal_even_where_the_cell_is_shorter_than_the_reach(crystal):
    cell = Vacancy(crystal).cell(0.75 * crystal.a0)
    pairs = cell.pairs(2.5 * crystal.a0)
    assert_allclose(pairs.deformed(cell.positions), pairs.vector, atol=1e-10)
    assert np.linalg.norm(pairs.vector, axis=1).max() <= 2.5 * crystal.a0 + 1e-9
    rounded = np.round(np.column_stack([pairs.i, pairs.j, pairs.vector]), 4) + 0.0
    reversed_ = np.round(np.column_stack([pairs.j, pairs.i, -pairs.vector]), 4) + 0.0
    assert set(map(tuple, rounded)) == set(map(tuple, reversed_))


@pytest.mark.parametrize("radius", [-1.0, np.nan, 0.1])
def test_an_impossible_radius_is_refused(radius):
    with pytest.raises(InputError, match="radius"):
        Vacancy(medium("bcc")).cell(radius)
