"""Mismatches of perfect crystals: nothing against itself, and in a multilattice every bond counts by its
length."""

from dataclasses import replace

import numpy as np
import pytest

from genmlip.crystal import Crystal, ForceConstants
from genmlip.errors import InputError
from genmlip.potentials import load_potential
from genmlip.potentials.stillinger_weber import SILICON, StillingerWeber
from genmlip.theory import dispersion_mismatch, elastic_mismatch


@pytest.fixture(scope="module")
def silicon():
    return Crystal.from_potential(load_potential("sw:Si"))


def test_change_of_units_shows_in_the_units_of_stiffness(silicon):
    stiffer = Crystal.from_potential(StillingerWeber("Si", replace(SILICON, epsilon=1.5 * SILICON.epsilon)))
    assert elastic_mismatch(silicon, stiffer) == pytest.approx(0.5, abs=1e-8)
    assert dispersion_mismatch(silicon, stiffer) == pytest.approx(0.5, abs=1e-8)
    larger = Crystal.from_potential(StillingerWeber("Si", replace(SILICON, sigma=1.1 * SILICON.sigma)))
    assert dispersion_mismatch(silicon, larger) == pytest.approx(1 - 1 / 1.1**2, abs=1e-6)


def test_nearest_bonds_of_diamond_weigh_alike_in_all_four_directions(silicon):
    """One of the four lies within the primitive cell, at the lattice translation zero."""

    def changed(neighbour):
        own = silicon.force_constants
        bonds = own.vectors + silicon.basis[1] - silicon.basis[0]
        near = np.flatnonzero(np.linalg.norm(bonds, axis=1) < 1.01 * silicon.nearest_neighbour_distance)
        assert len(near) == 4
        blocks = own.blocks.copy()
        blocks[near[neighbour], 0, 1] *= 1.01
        other = Crystal(silicon.potential, "diamond", "Si", silicon.a0)
        other.__dict__["force_constants"] = ForceConstants(own.vectors, blocks)
        return dispersion_mismatch(silicon, other)

    assert changed(0) > 0.0
    np.testing.assert_allclose([changed(k) for k in (1, 2, 3)], changed(0), rtol=1e-9)


def test_crystals_of_different_structure_are_not_compared(silicon):
    with pytest.raises(InputError, match="structure"):
        elastic_mismatch(silicon, Crystal.from_potential(load_potential("fs:W")))
