import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.crystal.lattice_parameter import minimise_over_lattice_parameter
from genmlip.crystal.structures import LatticeParameterWarning
from genmlip.errors import UnstableCrystalError
from genmlip.potentials import load_potential


def lennard_jones_slope(a):
    return -12 * a**-13 + 12 * a**-7


@given(st.floats(0.75, 1.5))
def test_every_guess_in_the_basin_leads_to_the_same_minimum(guess):
    assert_allclose(minimise_over_lattice_parameter(lennard_jones_slope, guess, "LJ"), 1.0, rtol=1e-13)


@given(st.floats(2.0, 4.5))
def test_a_kinked_minimum_is_found(guess):
    assert_allclose(minimise_over_lattice_parameter(lambda a: np.sign(a - 3.0), guess, "V"), 3.0, rtol=1e-13)


def test_atoms_out_of_reach_of_each_other_are_brought_together():
    def slope(a):
        return lennard_jones_slope(a) if a < 1.2 else 0.0

    assert_allclose(minimise_over_lattice_parameter(slope, 1.6, "LJ"), 1.0, rtol=1e-13)


def test_a_guess_that_is_exactly_the_minimum_is_accepted():
    assert_allclose(minimise_over_lattice_parameter(lambda a: a - 3.0, 3.0, "parabola"), 3.0, rtol=1e-14)


def test_the_end_of_a_purely_repulsive_interaction_is_no_minimum():
    with pytest.raises(UnstableCrystalError):
        minimise_over_lattice_parameter(lambda a: min(a - 3.5, 0.0), 3.0, "repulsion")


@pytest.mark.parametrize("slope", [-1.0, 1.0, 0.0, np.nan])
def test_an_energy_without_minimum_is_refused(slope):
    with pytest.raises(UnstableCrystalError, match=r"fcc X .* no minimum between 1\.80 and 5\.10 Å"):
        minimise_over_lattice_parameter(lambda a: slope, 3.0, "fcc X")


def test_a_repulsive_potential_has_no_crystal(pair_potential):
    potential = pair_potential()
    potential.epsilon = -0.5
    with pytest.raises(UnstableCrystalError, match="fcc Cu with morse:Cu"):
        Crystal.from_potential(potential)


def test_the_pressure_vanishes(crystal):
    stress = -crystal.potential.evaluate(crystal.unit_cell()).virial / crystal.a0**3
    assert abs(stress).max() < 1e-12 * abs(crystal.stiffness).max()


def test_a0_and_energy_are_the_published_ones(tungsten, silicon):
    assert_allclose([tungsten.a0, tungsten.energy_per_atom], [3.16520, -8.9000], atol=6e-6)
    assert_allclose([silicon.a0, silicon.energy_per_atom], [5.43095, -4.3366], atol=6e-6)


def test_hidden_sites_do_not_change_the_lattice_parameter(silicon, hide_sites):
    hidden = Crystal.from_potential(hide_sites(silicon.potential))
    assert_allclose(hidden.a0, silicon.a0, rtol=1e-12)
    assert_allclose(hidden.energy_per_atom, silicon.energy_per_atom, rtol=1e-13)


@pytest.fixture
def small_crystal(pair_potential):
    """A potential of copper whose atoms sit at 0.77 of the distance in copper."""
    potential = pair_potential()
    potential.s, potential.alpha = 2.0, 3.0
    return potential


@pytest.mark.filterwarnings("ignore::genmlip.errors.GenmlipWarning")
def test_a_crystal_far_smaller_than_expected_has_all_of_its_neighbours(small_crystal):
    crystal = Crystal.from_potential(small_crystal)
    assert crystal.a0 < 3.61 / 1.25  # beyond what the bonds of the expected crystal reach
    stress = small_crystal.evaluate(crystal.unit_cell()).virial / crystal.a0**3
    assert abs(stress).max() < 1e-12 * abs(crystal.stiffness).max()


def test_a_crystal_far_smaller_than_the_element_is_said_to_collapse(small_crystal):
    with pytest.warns(
        LatticeParameterWarning, match=r"fcc Cu with morse:Cu is 2\.\d+ Å.* 3\.610 Å.*collapses"
    ):
        Crystal.from_potential(small_crystal)


@pytest.mark.parametrize(("spec", "structure"), [("fs:W", "bcc"), ("fs:W", "fcc"), ("sw:Si", "diamond")])
def test_the_crystals_of_good_potentials_are_as_large_as_expected(spec, structure):
    with warnings.catch_warnings():
        warnings.simplefilter("error", LatticeParameterWarning)
        Crystal.from_potential(load_potential(spec), structure)
