"""Laws that every site potential obeys, whatever its form."""

import numpy as np
import pytest
from ase import Atoms
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from potential_cases import configurations, potential_of
from scipy.spatial.transform import Rotation

from genmlip.errors import InputError
from genmlip.potentials.base import SiteEvaluator


@pytest.fixture
def rattled(case):
    return configurations(case)["rattled"]


@pytest.fixture
def cluster(case):
    """Without periodicity, so that it can be rotated."""
    return cluster_of(case)


def cluster_of(case):
    atoms = configurations(case)["strained"]
    return Atoms(atoms.symbols, positions=atoms.positions)


def test_forces_are_minus_the_gradient_of_the_energy(potential, rattled):
    evaluate, forces, h = potential.bind(rattled), potential.evaluate(rattled).forces, 1e-5
    for i, a in [(0, 0), (3, 1), (len(rattled) - 1, 2)]:
        step = np.zeros_like(rattled.positions)
        step[i, a] = h
        difference = np.sum(
            evaluate(rattled.positions + step).energies - evaluate(rattled.positions - step).energies
        )
        assert_allclose(-difference / (2 * h), forces[i, a], atol=2e-7 * abs(forces).max())


def test_the_virial_is_minus_the_derivative_with_respect_to_strain(potential, rattled):
    h, expected = 1e-5, np.empty((3, 3))
    for a in range(3):
        for b in range(3):
            energies = []
            for sign in (1, -1):
                strained, strain = rattled.copy(), np.eye(3)
                strain[a, b] += sign * h
                strained.set_cell(rattled.cell @ strain.T, scale_atoms=True)
                energies.append(potential.bind(strained)(strained.positions).energy)
            expected[a, b] = -(energies[0] - energies[1]) / (2 * h)
    virial = potential.evaluate(rattled).virial
    assert_allclose(virial, expected, atol=1e-6 * abs(virial).max())


def test_ase_sees_the_same_energy_forces_and_stress(potential, rattled):
    rattled.calc = potential
    result = potential.bind(rattled)(rattled.positions)
    assert_allclose(rattled.get_potential_energy(), result.energies.sum(), rtol=1e-14)
    assert_allclose(rattled.get_potential_energies(), result.energies, rtol=1e-14)
    assert_allclose(rattled.get_forces(), result.forces, atol=1e-12)
    stress = rattled.get_stress(voigt=False)
    assert_allclose(stress * rattled.get_volume(), -result.virial, rtol=1e-10, atol=1e-10)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_energies_are_invariant_and_forces_turn_with_a_rotation_reflection_translation(case, seed):
    potential, atoms, rng = potential_of(case), cluster_of(case), np.random.default_rng(seed)
    rotation = Rotation.random(rng=rng).as_matrix() * rng.choice([-1.0, 1.0])
    before = potential.evaluate(atoms)
    turned = Atoms(atoms.symbols, positions=atoms.positions @ rotation.T + rng.uniform(-9, 9, 3))
    after = potential.bind(turned)(turned.positions)
    scale = abs(before.forces).max()
    assert_allclose(after.energies, before.energies, atol=1e-11)
    assert_allclose(after.forces, before.forces @ rotation.T, atol=1e-11 * scale)
    assert_allclose(after.virial, rotation @ before.virial @ rotation.T, atol=1e-10 * scale)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1))
def test_energies_follow_a_permutation_of_the_atoms(case, seed):
    potential, atoms = potential_of(case), configurations(case)["vacancy"]
    order = np.random.default_rng(seed).permutation(len(atoms))
    before, after = potential.evaluate(atoms), potential.evaluate(atoms[order])
    assert_allclose(after.energies, before.energies[order], atol=1e-11)
    assert_allclose(after.forces, before.forces[order], atol=1e-11)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), amplitude=st.floats(0.0, 0.2))
def test_forces_add_up_to_zero_and_the_virial_is_symmetric(case, seed, amplitude):
    potential, atoms = potential_of(case), configurations(case)["surface"]
    atoms.positions += amplitude * np.random.default_rng(seed).standard_normal((len(atoms), 3))
    result = potential.evaluate(atoms)
    scale = abs(result.forces).max()
    assert_allclose(result.forces.sum(axis=0), 0.0, atol=1e-12 * scale)
    assert_allclose(result.virial, result.virial.T, atol=1e-11 * scale)


@settings(deadline=None, max_examples=8)
@given(seed=st.integers(0, 2**32 - 1), skin=st.floats(0.0, 1.0))
def test_a_reused_neighbour_list_gives_what_a_fresh_one_gives(case, seed, skin):
    potential, atoms = potential_of(case), configurations(case)["strained"]
    rng, evaluate = np.random.default_rng(seed), SiteEvaluator(potential_of(case), atoms, skin=skin)
    positions = atoms.positions.copy()
    for _ in range(6):
        positions += rng.uniform(-0.1, 0.1, positions.shape)
        moved = Atoms(atoms.symbols, positions=positions, cell=atoms.cell, pbc=atoms.pbc)
        reused, fresh = evaluate(positions), potential.bind(moved)(positions)
        scale = abs(fresh.forces).max()
        assert_allclose(reused.energies, fresh.energies, atol=1e-11 * max(1.0, scale))
        assert_allclose(reused.forces, fresh.forces, atol=1e-11 * scale)


def test_a_list_outlives_motion_within_a_ball_of_the_skin_about_any_vector(case):
    potential, atoms = potential_of(case), configurations(case)["strained"]
    evaluate, rng = SiteEvaluator(potential, atoms, skin=0.5), np.random.default_rng(3)
    built = evaluate.neighbours
    inside = rng.normal(size=(len(atoms), 3))
    inside *= 0.14 / np.linalg.norm(inside, axis=1).max()
    positions = atoms.positions + inside + np.array([0.3, -1.0, 2.0])
    moved = Atoms(atoms.symbols, positions=positions, cell=atoms.cell, pbc=atoms.pbc)
    reused, fresh = evaluate(positions), potential.bind(moved)(positions)
    assert evaluate.neighbours is built
    assert_allclose(reused.forces, fresh.forces, atol=1e-11 * abs(fresh.forces).max())
    positions[0] += [0.6, 0.0, 0.0]
    evaluate(positions)
    assert evaluate.neighbours is not built


def test_the_caller_may_change_positions_in_place(potential, rattled):
    evaluate, positions = potential.bind(rattled), rattled.positions.copy()
    start = evaluate(positions)
    positions[0] += 3.0
    evaluate(positions)
    positions[0] -= 3.0
    assert_allclose(evaluate(positions).energies, start.energies, atol=1e-11)


def test_centres_select_site_energies_and_their_gradient(potential, rattled):
    centres = np.array([5, 1, 2])
    everything = potential.bind(rattled)(rattled.positions)
    some, h = potential.bind(rattled, centres), 1e-5
    result = some(rattled.positions)
    assert_allclose(result.energies, everything.energies[centres], rtol=1e-13)
    step = np.zeros_like(rattled.positions)
    step[4, 1] = h
    difference = (some(rattled.positions + step).energies - some(rattled.positions - step).energies).sum()
    assert_allclose(-difference / (2 * h), result.forces[4, 1], atol=1e-7 * abs(result.forces).max())


def test_forces_of_complementary_centres_add_up(potential, rattled):
    first, second = np.arange(3), np.arange(3, len(rattled))
    parts = [potential.bind(rattled, c)(rattled.positions) for c in (first, second)]
    whole = potential.evaluate(rattled)
    assert_allclose(parts[0].forces + parts[1].forces, whole.forces, atol=1e-12)
    assert_allclose(parts[0].virial + parts[1].virial, whole.virial, atol=1e-11)


def test_an_isolated_atom_and_a_far_pair_feel_no_force(potential):
    for positions in ([[0.0, 0.0, 0.0]], [[0.0, 0.0, 0.0], [0.0, 0.0, 30.0]]):
        atoms = Atoms([potential.symbols[0]] * len(positions), positions=positions)
        result = potential.evaluate(atoms)
        assert_allclose(result.energies, potential.evaluate(atoms[:1]).energies[0])
        assert not result.forces.any()
        assert not result.virial.any()


def test_no_atoms_have_no_energy(potential):
    assert potential.evaluate(Atoms()).energy == 0.0


def test_atoms_at_the_same_place_are_refused(potential):
    atoms = Atoms([potential.symbols[0]] * 3, positions=[[0, 0, 0], [0, 0, 2.5], [0, 0, 2.5]])
    with pytest.raises(InputError, match="atoms 2 and 1 are at the same place"):
        potential.evaluate(atoms)


def test_an_atom_on_the_image_of_another_is_refused(potential):
    atoms = Atoms([potential.symbols[0]] * 2, positions=[[0, 0, 0], [0, 0, 6.0]], cell=[9, 9, 6.0], pbc=True)
    with pytest.raises(InputError, match="at the same place"):
        potential.evaluate(atoms)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_positions_that_are_not_finite_are_refused_at_once_and_later(potential, rattled, value):
    evaluate, positions = potential.bind(rattled), rattled.positions.copy()
    positions[3, 1] = value
    with pytest.raises(InputError, match="NaN or infinity"):
        evaluate(positions)
    rattled.positions = positions
    with pytest.raises(InputError, match="NaN or infinity"):
        potential.bind(rattled)


def test_an_element_that_the_potential_lacks_is_named(potential):
    with pytest.raises(InputError, match=f"no element U .it describes: {', '.join(potential.symbols)}."):
        potential.evaluate(Atoms("U"))


def test_centres_that_are_no_atoms_are_refused(potential, rattled):
    for centres in ([-1], [len(rattled)], [1, 1]):
        with pytest.raises(InputError, match="distinct indices"):
            potential.bind(rattled, np.array(centres))
