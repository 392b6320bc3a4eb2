"""Fits that let the crystal of their data collapse say so, others do not."""

import warnings

import numpy as np
import pytest
from ase.build import bulk
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.potentials.ace import LinearACE
from genmlip.training import Dataset, bulk_cells, fit, label, training_cells
from genmlip.training.collapse import STRETCHES, CollapseWarning, best_bound, deepest, energies_under_dilation


@pytest.mark.filterwarnings("ignore::genmlip.potentials.closest.ExtrapolationWarning")
def test_a_fit_that_collapses_on_compression_says_so(tungsten):
    model = LinearACE("W", cutoff=5.0, order=3, degree=(60, 12, 8))
    data = label(bulk_cells(tungsten, 1, 20, 0.08), tungsten.potential)  # not strained
    with pytest.warns(
        CollapseWarning, match=r"crystal of W gains .* shrinks to 0\.\d+ .* collapses; add"
    ) as said:
        potential = fit(model, data, "EF").potential
    assert "\n" not in str(said[0].message)
    compressed = tungsten.unit_cell()
    compressed.set_cell(0.85 * compressed.cell, scale_atoms=True)
    gain = potential.evaluate(tungsten.unit_cell()).energy - potential.evaluate(compressed).energy
    assert gain > 1.0  # eV: it is true


def test_a_fit_to_strained_cells_with_virials_is_not_said_to_collapse(tungsten):
    data = label(training_cells(tungsten, 2, n_atoms=600), tungsten.potential)
    with warnings.catch_warnings():
        warnings.simplefilter("error", CollapseWarning)
        fit(LinearACE("W", cutoff=4.5, order=2, degree=(40, 8)), data)


def test_the_crystal_is_perfect_and_has_the_volume_of_the_data(tungsten, tungsten_data, known_ace):
    (name, atoms), *others = best_bound(known_ace, tungsten_data)
    best = min(tungsten_data, key=lambda c: c.energy / len(c))
    assert (name, len(atoms), others) == ("W", 1, [])
    assert_allclose(atoms.get_volume(), best.atoms.get_volume() / len(best), rtol=1e-12)


def test_energies_under_dilation_are_those_of_the_potential(known_ace, tungsten):
    energies = energies_under_dilation(known_ace, tungsten.primitive_cell())
    cell = tungsten.primitive_cell()
    cell.set_cell(STRETCHES[3] * cell.cell, scale_atoms=True)
    assert_allclose(energies[3], known_ace.evaluate(cell).energy, rtol=1e-12)


def test_a_minimum_as_far_away_as_the_data_is_no_collapse():
    assert deepest((STRETCHES - 1.0) ** 2) == (1.0, 0.0)
    stretch, gain = deepest(-np.where(STRETCHES < 0.9, 2.0, 1.0))
    assert stretch < 0.9
    assert gain == 1.0


def test_mixtures_are_judged_by_the_cell_that_is_bound_best(tungsten):
    """Neither the free atom nor the surface with its vacuum is a crystal; the mixture is taken as it is."""
    from ase.calculators.emt import EMT

    copper, alloy = bulk("Cu", cubic=True), bulk("Cu", cubic=True)
    alloy.symbols[0] = "Al"
    free = bulk("Al")
    free.pbc = False
    data = label([copper, alloy, free], EMT())
    found = dict(best_bound(LinearACE(("Al", "Cu"), 5.0, order=1, degree=4), data))
    assert {name: len(atoms) for name, atoms in found.items()} == {"Cu": 1, "AlCu3": 4}


def test_data_without_energies_are_not_judged(known_ace, tungsten_data):
    from dataclasses import replace

    silent = Dataset(tuple(replace(c, energy=None) for c in tungsten_data))
    assert list(best_bound(known_ace, silent)) == []


def test_cells_that_are_no_crystal_are_dilated_as_they_are(tungsten, known_ace):
    slab = Crystal.unit_cell(tungsten).repeat((1, 1, 3))
    slab.cell[2] += [0.0, 0.0, 15.0]
    ((_, atoms),) = best_bound(known_ace, label([slab], tungsten.potential))
    assert atoms == slab
