import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.errors import InputError
from genmlip.potentials.neighbours import Neighbours, periodic_images

CUTOFF = 3.0


@st.composite
def boxes(draw):
    """Skewed cells of any periodicity, with atoms inside and outside."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pbc = draw(st.tuples(st.booleans(), st.booleans(), st.booleans()))
    cell = np.diag(rng.uniform(2.0, 5.0, 3)) + rng.uniform(-1.0, 1.0, (3, 3))
    n = draw(st.integers(1, 7))
    return Atoms(numbers=np.ones(n), positions=rng.uniform(-6.0, 6.0, (n, 3)), cell=cell, pbc=pbc)


def brute_force(atoms, reach):
    """(i, j, r_ij) of all pairs within ``reach``, by trying images far out."""
    images = [np.arange(-15, 16) if p else np.zeros(1) for p in atoms.pbc]
    shifts = np.stack(np.meshgrid(*images, indexing="ij"), axis=-1).reshape(-1, 3) @ np.array(atoms.cell)
    x = atoms.positions
    vectors = x[None, :, None] + shifts[None, None] - x[:, None, None]
    i, j, s = np.nonzero(np.linalg.norm(vectors, axis=-1) < reach)
    vectors = vectors[i, j, s]
    proper = np.linalg.norm(vectors, axis=1) > 1e-9
    return i[proper], j[proper], vectors[proper]


def as_sorted_rows(i, j, vectors):
    rows = np.column_stack([i, j, np.round(vectors, 8) + 0.0])
    return rows[np.lexsort(rows.T[::-1])]


@settings(deadline=None, max_examples=60)
@given(boxes())
def test_the_list_holds_exactly_the_pairs_within_the_cutoff(atoms):
    nb = Neighbours.of(atoms, CUTOFF)
    i = np.repeat(nb.centre, np.diff(nb.first))
    found = as_sorted_rows(i, nb.index, nb.vectors(atoms.positions))
    assert_allclose(found, as_sorted_rows(*brute_force(atoms, CUTOFF)), atol=1e-7)


@settings(deadline=None, max_examples=60)
@given(boxes(), st.data())
def test_a_list_of_some_centres_is_a_part_of_the_whole(atoms, data):
    centres = np.array(data.draw(st.permutations(range(len(atoms)))))[: data.draw(st.integers(0, len(atoms)))]
    whole, part = Neighbours.of(atoms, CUTOFF), Neighbours.of(atoms, CUTOFF, centres)
    assert (part.centre == centres).all()
    for m, i in enumerate(centres):
        of_part, of_whole = slice(*part.first[m : m + 2]), slice(*whole.first[i : i + 2])
        assert (part.index[of_part] == whole.index[of_whole]).all()
        assert (part.shift[of_part] == whole.shift[of_whole]).all()


@settings(deadline=None, max_examples=60)
@given(boxes(), st.booleans())
def test_periodic_images_surround_every_centre_with_all_its_neighbours(atoms, only_first):
    centres = np.array([0]) if only_first else None
    of, shift = periodic_images(atoms, CUTOFF, centres)
    points = np.concatenate([atoms.positions, atoms.positions[of] + shift])
    number = np.concatenate([np.arange(len(atoms)), of])
    i, j, vectors = brute_force(atoms, CUTOFF)
    for centre in range(1 if only_first else len(atoms)):
        around = points - atoms.positions[centre]
        distance = np.linalg.norm(around, axis=1)
        near = (distance < CUTOFF) & (distance > 1e-9)
        mine = i == centre
        found = as_sorted_rows(np.full(near.sum(), centre), number[near], around[near])
        assert_allclose(found, as_sorted_rows(i[mine], j[mine], vectors[mine]), atol=1e-7)


def test_a_cell_that_is_not_finite_is_refused():
    with pytest.raises(InputError, match="the cell holds NaN"):
        Neighbours.of(Atoms("H", cell=[3.0, 3.0, np.nan], pbc=True), CUTOFF)


def test_a_periodic_direction_without_extent_is_refused():
    with pytest.raises(InputError, match="no extent"):
        Neighbours.of(Atoms("H", cell=[3.0, 3.0, 0.0], pbc=True), CUTOFF)
