import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.errors import InputError
from genmlip.training import bulk_cells, label, strained_cells, training_cells, vacancy_cells


def strain_of(atoms, perfect):
    return np.linalg.solve(perfect.cell.array, atoms.cell.array) - np.eye(3)


def test_the_same_seed_gives_the_same_cells_and_a_longer_series_begins_with_the_shorter(tungsten):
    short, long = (bulk_cells(tungsten, 2, n, 0.1, 0.02, seed=3) for n in (3, 5))
    for a, b in zip(short, long, strict=False):
        assert_array_equal(a.positions, b.positions)
        assert_array_equal(a.cell.array, b.cell.array)
    assert np.abs(long[3].positions - long[4].positions).max() > 0.01


def test_another_seed_gives_other_cells(tungsten):
    a, b = (bulk_cells(tungsten, 2, 1, 0.1, seed=seed)[0] for seed in (3, 4))
    assert np.abs(a.positions - b.positions).max() > 0.01


def test_info_records_what_made_the_cell(tungsten):
    atoms = bulk_cells(tungsten, 2, 2, 0.1, 0.02, seed=3, group="mine")[1]
    expected = {"config_type": "mine", "size": 2, "displacement": 0.1, "strain": 0.02, "seed": 3, "index": 1}
    assert atoms.info == expected


def test_strains_are_symmetric_and_fill_their_interval(tungsten):
    perfect = tungsten.unit_cell()
    strains = np.array([strain_of(a, perfect) for a in strained_cells(tungsten, 1, 200, 0.02, seed=1)])
    assert_allclose(strains, strains.transpose(0, 2, 1), atol=1e-15)
    assert np.abs(strains).max() <= 0.02
    assert_allclose(strains.std(axis=0), 0.02 / np.sqrt(3), rtol=0.2)


def test_displacements_have_the_standard_deviation_asked_for(tungsten):
    perfect = tungsten.unit_cell().repeat(4)
    moved = bulk_cells(tungsten, 4, 4, 0.1, seed=1)
    assert_allclose(np.std([a.positions - perfect.positions for a in moved]), 0.1, rtol=0.05)
    assert_array_equal(moved[0].cell.array, perfect.cell.array)


def test_the_smallest_cell_of_bcc_has_two_atoms_and_forces_when_rattled(tungsten):
    data = label(bulk_cells(tungsten, 1, 1, 0.1, seed=1), tungsten.potential)
    assert len(data[0]) == 2
    assert np.abs(data[0].forces).max() > 0.1


def test_a_vacancy_cell_lacks_one_atom(silicon):
    assert len(vacancy_cells(silicon, 2, 1, 0.05)[0]) == 8 * 8 - 1


def test_the_training_cells_of_every_size_bring_about_the_same_number_of_rattled_atoms(tungsten):
    for size in (1, 2, 3):
        cells = training_cells(tungsten, size, n_atoms=2000, n_strained=5)
        rattled = [a for a in cells if a.info["config_type"] == "bulk"]
        assert abs(sum(map(len, rattled)) - 2000) <= 3 * 2 * size**3
        assert len(cells) - len(rattled) == 5
        assert {a.info["displacement"] for a in rattled} == {0.05, 0.1, 0.15}


def test_training_cells_of_different_amplitude_are_not_copies_of_each_other(tungsten):
    cells = training_cells(tungsten, 1, n_atoms=60, n_strained=0)
    perfect = tungsten.unit_cell().positions
    pattern = [(a.positions - perfect) / a.info["displacement"] for a in cells]
    assert min(np.abs(p - q).max() for i, p in enumerate(pattern) for q in pattern[:i]) > 0.1


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"size": 0}, "size"),
        ({"size": 1.5}, "size"),
        ({"n": 0}, "n of"),
        ({"seed": -1}, "seed"),
        ({"displacement": -0.1}, "displacement"),
        ({"displacement": np.nan}, "displacement"),
        ({"strain": 0.7}, "strain"),
    ],
)
def test_settings_that_make_no_cell_are_named(tungsten, settings, named):
    with pytest.raises(InputError, match=named):
        bulk_cells(tungsten, **{"size": 1, "n": 1, "displacement": 0.1, "strain": 0.0, "seed": 0, **settings})


def test_a_vacancy_in_one_unit_cell_is_refused(tungsten):
    with pytest.raises(InputError, match="size ≥ 2"):
        vacancy_cells(tungsten, 1, 1, 0.0)
