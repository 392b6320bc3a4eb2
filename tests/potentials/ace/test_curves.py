"""Tables of radial functions and of dimers."""

import warnings

import numpy as np
import pandas as pd
import pytest
from ase import Atoms
from numpy.testing import assert_allclose

from genmlip.errors import InputError
from genmlip.potentials.ace import LinearACE
from genmlip.potentials.ace.curves import pair_curve, radial_curves, save_curves
from genmlip.potentials.closest import ExtrapolationWarning

STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}


@pytest.fixture(scope="module")
def alloy():
    ace = LinearACE(("W", "Mo"), 4.5, order=3, degree=(8, 6, 5))
    c = np.random.default_rng(0).normal(size=ace.n_coefficients) / ace.smoothness
    return ace.with_coefficients(c, E0={"W": -3.0, "Mo": -2.0})


def energy_of_two(potential, symbols, r):
    return potential.evaluate(Atoms(symbols, positions=[[0, 0, 0], [0, 0, r]])).energy


def test_radial_curves_are_the_radial_functions_of_every_ordered_pair(alloy):
    r = np.linspace(1.0, 4.4, 7)
    table = radial_curves(alloy, r)
    assert list(table.columns[:3]) == ["centre", "neighbour", "r"]
    pairs = table.groupby(["centre", "neighbour"])
    assert set(pairs.groups) == {("W", "W"), ("W", "Mo"), ("Mo", "W"), ("Mo", "Mo")}
    for _, pair in pairs:
        assert_allclose(pair.r, r)
        assert_allclose(pair.filter(regex="^R").to_numpy().T, alloy.basis.radial(r)[0], atol=1e-14)


@pytest.mark.parametrize("symbols", [("W", "W"), ("W", "Mo"), ("Mo", "W")])
def test_energy_of_a_dimer_counts_from_two_atoms_far_apart(alloy, symbols):
    r = np.array([1.5, 2.4, 3.9, 4.6])
    expected = [energy_of_two(alloy, symbols, x) - sum(alloy.E0[s] for s in symbols) for x in r]
    assert_allclose(pair_curve(alloy, symbols, r).energy, expected, atol=1e-12)
    assert expected[-1] == pytest.approx(0.0, abs=1e-12)  # beyond the cutoff


def test_force_of_a_dimer_is_minus_the_slope_of_its_energy(alloy):
    r, h = np.linspace(1.2, 4.3, 30), 1e-2
    slope = sum(
        weight * sign / h * pair_curve(alloy, ("W", "Mo"), r + sign * k * h).energy
        for k, weight in STENCIL.items()
        for sign in (1, -1)
    )
    assert_allclose(pair_curve(alloy, ("W", "Mo"), r).force, -slope, atol=1e-8)


def test_curves_ask_for_distances_without_data_and_do_not_warn(alloy):
    wary = alloy.with_training_range({("Mo", "W"): 2.3})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pair_curve(wary, ("W", "Mo"), np.array([1.0]))
    with pytest.warns(ExtrapolationWarning):
        energy_of_two(wary, ("W", "Mo"), 1.0)


def test_files_hold_the_curves_from_close_by_to_the_cutoff(alloy, tmp_path):
    radial, dimer = (pd.read_csv(path) for path in save_curves(alloy, tmp_path / "curves"))
    assert len(radial) == 4 * len(radial.r.unique())
    assert set(zip(dimer["first"], dimer["second"], strict=True)) == {("W", "W"), ("W", "Mo"), ("Mo", "Mo")}
    for table in (radial, dimer):
        assert table.notna().all(axis=None)
        assert_allclose([table.r.min(), table.r.max()], [0.2, 4.5])
    mixed = dimer[(dimer["first"] == "W") & (dimer["second"] == "Mo")]
    assert_allclose(mixed.energy, pair_curve(alloy, ("W", "Mo"), mixed.r.to_numpy()).energy, rtol=1e-14)


@pytest.mark.parametrize("r", [[0.0, 1.0], [-1.0], [np.nan], [np.inf], [[1.0, 2.0]]])
def test_distances_must_be_positive_numbers(alloy, r):
    with pytest.raises(InputError, match="distances must be positive numbers"):
        pair_curve(alloy, ("W", "W"), r)


def test_elements_must_be_two_that_the_potential_describes(alloy):
    with pytest.raises(InputError, match="'Ta'"):
        pair_curve(alloy, ("W", "Ta"), [2.0])
    with pytest.raises(InputError, match="two elements, not 3"):
        pair_curve(alloy, ("W", "W", "Mo"), [2.0])
