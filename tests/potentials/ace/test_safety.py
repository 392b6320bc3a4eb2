"""Atoms closer than the data: they repel, and the user hears of it once."""

import warnings

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.errors import InputError
from genmlip.potentials import load_potential
from genmlip.potentials.ace import LinearACE
from genmlip.potentials.ace import approach as approach_module
from genmlip.potentials.ace.approach import (
    End,
    attraction,
    choose_core,
    closest_pair,
    dimer,
    repel_close_atoms,
)
from genmlip.potentials.ace.core import ShortRange
from genmlip.potentials.closest import ExtrapolationWarning, smallest_distances


def cells_of(atoms, n, amplitude, seed=0):
    """``n`` copies, each strained and rattled by random amounts."""
    rng, cells = np.random.default_rng(seed), []
    for _ in range(n):
        cell = atoms.copy()
        cell.set_cell(atoms.cell @ (np.eye(3) + rng.uniform(-0.03, 0.03, (3, 3))), scale_atoms=True)
        cell.positions += rng.normal(0.0, amplitude, (len(atoms), 3))
        cells.append(cell)
    return cells


def fitted(ace, reference, cells, regularisation):
    """Ridge fit to the forces of ``reference``, with the smoothness prior; no more than it takes."""
    A = np.vstack([ace.design(cell).forces for cell in cells])
    b = np.concatenate([reference.evaluate(cell).forces.ravel() for cell in cells])
    norm = np.linalg.norm(A, axis=0)
    prior = regularisation * np.linalg.norm(b) * ace.smoothness / np.exp(np.log(ace.smoothness).mean())
    c = np.linalg.lstsq(np.vstack([A / norm, np.diag(prior)]), np.append(b, 0.0 * prior), rcond=1e-15)[0]
    return ace.with_coefficients(c / norm)


@pytest.fixture(scope="module")
def silicon_cells():
    return cells_of(bulk("Si", cubic=True, a=5.43095) * (2, 2, 2), 10, 0.06)


@pytest.fixture(scope="module")
def attractive(silicon_cells):
    """A fit without enough of a prior: below its data it attracts."""
    return fitted(LinearACE("Si", 4.5, order=3, size=200), load_potential("sw:Si"), silicon_cells, 1e-12)


@pytest.fixture(scope="module")
def safe(attractive, silicon_cells):
    return repel_close_atoms(attractive, silicon_cells)


@pytest.fixture(scope="module")
def alloy():
    ace = LinearACE(("Ta", "W"), 4.5, order=2, degree=(6, 4))
    return ace.with_coefficients(np.random.default_rng(0).normal(size=ace.n_coefficients) / ace.smoothness)


def pushed_together(potential, atoms, i, j, distances):
    """Total energies while atoms i and j are moved to the given distances along their bond."""
    bond = atoms.get_distance(i, j, mic=True, vector=True)
    length, energies = np.linalg.norm(bond), []
    for r in distances:
        moved = atoms.copy()
        moved.positions[i] += bond * (1.0 - r / length) / 2
        moved.positions[j] -= bond * (1.0 - r / length) / 2
        energies.append(potential.evaluate(moved).energy)
    return np.array(energies)


def test_atoms_of_a_bad_fit_repel_at_all_distances_below_the_data(attractive, safe, silicon_cells):
    shortest = min(smallest_distances(cell)["Si", "Si"] for cell in silicon_cells)
    r = np.arange(0.05, 1.0, 0.01) * shortest
    crystal = bulk("Si", cubic=True, a=5.43095) * (2, 2, 2)
    neighbour = int(np.argsort(crystal.get_distances(0, range(len(crystal)), mic=True))[1])
    pair = Atoms("Si2", positions=[[0, 0, 0], [0, 0, 2.3]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExtrapolationWarning)
        lost = [attraction(pushed_together(attractive, crystal, 0, neighbour, r))]
        lost += [attraction(pushed_together(attractive, pair, 0, 1, r))]
        assert max(lost) > 5.0
        assert attraction(pushed_together(safe, crystal, 0, neighbour, r)) <= approach_module.TOLERATED
        inside = r * safe.short_range["Si", "Si"].inner / shortest
        assert attraction(pushed_together(safe, pair, 0, 1, inside)) <= approach_module.TOLERATED


def test_cores_leave_the_fit_as_it_is(attractive, safe, silicon_cells):
    for cell in silicon_cells:
        design = attractive.design(cell)
        assert_array_equal(safe.design(cell).energy, design.energy)
        assert_array_equal(safe.design(cell).forces, design.forces)
        assert not safe.baseline(cell).forces.any()


def test_evaluation_with_cores_differs_by_the_error_of_tables_only(attractive, safe, silicon_cells):
    for cell in silicon_cells[:3]:
        contributions = abs(attractive.design(cell).forces * attractive.coefficients).sum(axis=1).max()
        before, after = attractive.evaluate(cell), safe.evaluate(cell)
        assert_allclose(after.energies, before.energies, atol=1e-11 * contributions)
        assert_allclose(after.forces, before.forces, atol=1e-11 * contributions)


def test_the_choice_of_the_core_is_recorded(safe, silicon_cells):
    record, core = safe.metadata["short_range"]["Si-Si"], safe.short_range["Si", "Si"]
    shortest = min(smallest_distances(cell)["Si", "Si"] for cell in silicon_cells)
    assert record["smallest_distance"] == shortest == safe.smallest_distances["Si", "Si"]
    assert (record["inner"], record["width"]) == (core.inner, core.width)
    assert core.inner < shortest
    assert record["attraction"] <= approach_module.TOLERATED < record["attraction_without"]


def test_a_good_fit_gets_the_softest_core():
    cells = cells_of(bulk("W", cubic=True, a=3.1652) * (2, 2, 2), 10, 0.08)
    ace = LinearACE("W", 5.0, order=2, degree=(12, 8))
    core = repel_close_atoms(fitted(ace, load_potential("fs:W"), cells, 1e-6), cells).short_range["W", "W"]
    shortest = min(smallest_distances(cell)["W", "W"] for cell in cells)
    assert_allclose(core.inner, approach_module.INNER[0] * shortest, rtol=1e-12)
    assert_allclose(core.width, approach_module.WIDTH[0] * core.inner, rtol=1e-12)


def test_a_dimer_whose_bond_is_shorter_than_those_of_the_crystal_calls_for_no_core_there():
    """fs:W: two atoms bind at 2.55 Å, those of a crystal at low temperature are no closer than 2.70 Å."""
    dimers = [Atoms("W2", positions=[[0, 0, 0], [0, 0, r]]) for r in np.linspace(1.8, 4.5, 60)]
    fit = fitted(LinearACE("W", 5.0, order=1, degree=20), load_potential("fs:W"), dimers, 1e-8)
    alone = dimer(fit, ("W", "W"))
    energies = sum(end.energies(fit, np.array([2.55, 2.7])) for end in alone)
    assert energies[1] - energies[0] > 5 * approach_module.TOLERATED
    core, _ = choose_core(fit, ("W", "W"), [alone], 2.7)
    assert core.inner < 2.55


def test_pairs_of_elements_without_data_repel_too(alloy):
    cells = [bulk("W", cubic=True, a=3.16), bulk("Ta", cubic=True, a=3.3)]
    potential = repel_close_atoms(alloy, cells)
    assert set(potential.short_range) == {("Ta", "Ta"), ("Ta", "W"), ("W", "W")}
    assert np.isinf(potential.smallest_distances["Ta", "W"])


def test_solutes_far_apart_in_the_data_are_not_kept_from_being_neighbours(alloy):
    cell = bulk("W", cubic=True, a=3.16) * (3, 3, 3)
    cell.symbols[0] = "Ta"
    corner = int(np.argmin(abs(cell.get_distances(0, range(len(cell)), mic=True) - 3.16 * 2**0.5)))
    cell.symbols[corner] = "Ta"
    potential = repel_close_atoms(alloy, [cell])
    assert_allclose(potential.smallest_distances["Ta", "Ta"], 3.16 * 2**0.5)
    assert potential.short_range["Ta", "Ta"].inner < 2.74 < 0.85 * 3.16 * 2**0.5
    with pytest.warns(ExtrapolationWarning, match=r"\(Ta-Ta\) are 2.740 Å apart, .* guesses above"):
        potential.evaluate(Atoms("Ta2", positions=[[0, 0, 0], [0, 0, 2.74]]))


def test_cores_that_a_potential_was_fitted_with_are_kept(alloy):
    mine = {("W", "W"): ShortRange((74, 74), 2.6, 0.7)}
    potential = repel_close_atoms(alloy.with_short_range(mine), [bulk("W", cubic=True, a=3.16)])
    assert potential.short_range["W", "W"] == mine["W", "W"]
    assert set(potential.metadata["short_range"]) == {"Ta-Ta", "Ta-W"}


def test_atoms_that_do_not_interact_are_no_data(alloy):
    cells = [
        Atoms("WTa", positions=[[0, 0, 0], [0, 0, 5.0]]),
        bulk("W", a=3.2),
        bulk("Ta", a=3.3),
        Atoms("W"),
    ]
    assert np.isinf(repel_close_atoms(alloy, cells).smallest_distances["Ta", "W"])


def test_an_approach_ends_where_the_atoms_are(alloy):
    atoms = bulk("W", cubic=True, a=3.2) * (2, 2, 2)
    atoms.symbols[3] = "Ta"
    atoms.positions += np.random.default_rng(4).normal(0.0, 0.1, (len(atoms), 3))
    ends = closest_pair(alloy, atoms, ("Ta", "W"))
    r = smallest_distances(atoms)["Ta", "W"]
    energies = alloy.evaluate(atoms).energies
    at_rest = [end.energies(alloy, np.array([r]))[0] for end in ends]
    distances = atoms.get_distances(3, range(len(atoms)), mic=True)
    distances[3] = np.inf
    assert_allclose(at_rest, energies[[3, distances.argmin()]], atol=1e-10)


def test_an_approach_of_two_atoms_alone_is_the_dimer(alloy):
    r = np.array([1.5, 2.5])
    energies = sum(end.energies(alloy, r) for end in dimer(alloy, ("Ta", "W")))
    expected = [alloy.evaluate(Atoms("TaW", positions=[[0, 0, 0], [0, 0, x]])).energy for x in r]
    assert_allclose(energies, expected, rtol=1e-12)


def test_attraction_is_the_energy_gained_on_the_way_in():
    assert attraction(np.array([5.0, 2.0, 1.0])) == 0.0
    assert attraction(np.array([5.0, 1.0, 3.0, 2.0, 4.5])) == 4.5


def test_a_pair_that_nothing_keeps_apart_is_reported(alloy):
    energies = sum(end.energies(alloy, np.array([2.4, 2.5])) for end in dimer(alloy, ("W", "W")))
    sunk = alloy.with_coefficients(1e4 * np.sign(energies[1] - energies[0]) * alloy.coefficients)
    with pytest.warns(ExtrapolationWarning, match=r"atoms W-W closer than .* 2.500 Å, attract"):
        core, record = choose_core(sunk, ("W", "W"), [dimer(sunk, ("W", "W"))], 2.5)
    assert record["attraction"] > approach_module.ALARMING
    assert core.inner <= 2.5


def test_closer_atoms_than_the_data_are_mentioned_once(alloy):
    potential = alloy.with_training_range({("W", "Ta"): 2.5, ("W", "W"): 2.0, ("Ta", "Ta"): 2.0})
    atoms = Atoms("WTaW", positions=[[0, 0, 0], [2.6, 0, 0], [0, 2.1, 0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        potential.evaluate(atoms)
    atoms.positions[1, 0] = 2.4
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        potential.evaluate(atoms)
        atoms.positions[1, 0] = 2.3
        potential.evaluate(atoms)
        potential.bind(atoms)(atoms.positions)
    assert len(caught) == 1
    line = str(caught[0].message)
    assert "atoms 0 and 1 (Ta-W) are 2.400 Å apart" in line
    assert "2.500 Å" in line
    assert "may attract" in line
    assert "\n" not in line


def test_the_training_data_themselves_are_not_mentioned(alloy):
    atoms = bulk("W", cubic=True, a=3.16) * (2, 2, 2)
    atoms.symbols[:5] = "Ta"
    atoms.positions += np.random.default_rng(0).normal(0.0, 0.1, (len(atoms), 3))
    potential = alloy.with_training_range(smallest_distances(atoms))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        potential.evaluate(atoms)


def test_a_pair_that_was_not_in_the_data_is_mentioned_within_the_cutoff(alloy):
    potential = alloy.with_training_range({("W", "W"): 2.0})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        potential.evaluate(Atoms("WTa", positions=[[0, 0, 0], [4.6, 0, 0]]))
    with pytest.warns(ExtrapolationWarning, match="had no such pair"):
        potential.evaluate(Atoms("WTa", positions=[[0, 0, 0], [4.4, 0, 0]]))


def test_a_potential_with_a_core_says_that_close_atoms_only_repel(safe):
    potential = safe.with_training_range(safe.smallest_distances)
    with pytest.warns(ExtrapolationWarning, match="only repels"):
        potential.evaluate(Atoms("Si2", positions=[[0, 0, 0], [0, 0, 1.0]]))


def test_where_the_core_does_not_act_yet_nothing_is_said(safe):
    """Atoms of a relaxing dislocation come a little closer than the data; a warning for each is none."""
    potential = safe.with_training_range(safe.smallest_distances)
    inner, smallest = safe.short_range["Si", "Si"].inner, safe.smallest_distances["Si", "Si"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        potential.evaluate(Atoms("Si2", positions=[[0, 0, 0], [0, 0, 0.5 * (inner + smallest)]]))
    with pytest.warns(ExtrapolationWarning, match="only repels"):
        potential.evaluate(Atoms("Si2", positions=[[0, 0, 0], [0, 0, 0.99 * inner]]))


def test_the_range_of_the_data_survives_files(alloy, tmp_path):
    for potential in (alloy, alloy.with_training_range({("W", "W"): 2.0})):
        potential.save(tmp_path / "alloy.json")
        assert LinearACE.load(tmp_path / "alloy.json").smallest_distances == potential.smallest_distances


@pytest.mark.parametrize(
    ("distances", "message"),
    [({("W", "Mo"): 2.0}, "Mo"), ({("W", "W"): 0.0}, "positive"), ({("W", "W"): np.nan}, "positive")],
)
def test_a_range_that_makes_no_sense_is_refused(alloy, distances, message):
    with pytest.raises(InputError, match=message):
        alloy.with_training_range(distances)


def test_an_end_leaves_its_own_vectors_alone(alloy):
    end = End(np.array([0, 1]), np.array([[0.0, 0.0, 2.0]]))
    end.energies(alloy, np.array([1.0, 3.0]))
    assert_array_equal(end.vectors, [[0.0, 0.0, 2.0]])
