from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.dislocations import Dislocation, Vacancy
from genmlip.errors import InputError
from genmlip.statics.norms import (
    DualNorm,
    energy_norm,
    gradient_gram,
    hessian_norm,
    inverse_hessian_norm,
    local_strain,
)
from genmlip.statics.preconditioner import SparseFactor

seeds = partial(given, seed=st.integers(0, 2**32 - 1))


@pytest.fixture(scope="module")
def screw(tungsten):
    return Dislocation(tungsten, "bcc-screw-111").cell(12.0)


@pytest.fixture(scope="module")
def supercell(tungsten):
    return Vacancy(tungsten).cell(8.0)


def random_field(cell, seed):
    return np.random.default_rng(seed).normal(size=(len(cell), 3)) * cell.free[:, None]


def test_energy_norm_sums_over_sites_and_their_neighbours(supercell):
    """By its definition, one site and one neighbour after the other, found by ASE."""
    from ase.neighborlist import neighbor_list

    u = random_field(supercell, 0)
    nearest = 1.01 * supercell.defect.crystal.nearest_neighbour_distance
    i, j = neighbor_list("ij", supercell.atoms, nearest)
    slow = sum(np.sum((u[b] - u[a]) ** 2) for a, b in zip(i, j, strict=True))
    assert_allclose(energy_norm(u, supercell.bonds) ** 2, slow)


def test_translation_has_no_energy_norm(supercell):
    assert energy_norm(np.ones((len(supercell), 3)), supercell.bonds) == 0.0


def test_homogeneous_strain_has_the_same_local_strain_everywhere(screw):
    F = np.random.default_rng(0).normal(size=(2, 3))
    u = screw.reference[:, :2] @ F
    inner = screw.r < 8.0
    # bonds across the cut join sites whose reference positions differ by more than the bond
    away = inner & (np.abs(screw.reference[:, 1]) > 3.0)
    strain = local_strain(u, screw.bonds)[away]
    assert_allclose(strain, strain[0])


@seeds()
@settings(max_examples=20, deadline=None)
def test_local_strain_has_the_energy_norm_as_its_norm(screw, seed):
    u = random_field(screw, seed)
    assert_allclose(np.linalg.norm(local_strain(u, screw.bonds)), energy_norm(u, screw.bonds))


@seeds()
@settings(max_examples=20, deadline=None)
def test_gram_operator_squares_to_the_energy_norm(screw, seed):
    u = random_field(screw, seed)
    free = np.flatnonzero(screw.free)
    gram = gradient_gram(screw.bonds, len(screw), free)
    assert_allclose(np.vdot(u[free], gram @ u[free]), energy_norm(u, screw.bonds) ** 2)


@seeds()
@settings(max_examples=20, deadline=None)
def test_dual_norm_bounds_the_work_of_every_displacement(screw, seed):
    free = np.flatnonzero(screw.free)
    norm = DualNorm(screw.bonds, screw.reference, free)
    r = random_field(screw, seed)[free]
    v = random_field(screw, seed + 1)
    assert np.vdot(r, v[free]) <= norm(r) * energy_norm(v, screw.bonds) * (1 + 1e-12)


@pytest.mark.parametrize("which", ["screw", "supercell"])
def test_dual_norm_is_attained_at_its_representer(which, request):
    cell = request.getfixturevalue(which)
    free = np.flatnonzero(cell.free)
    r = random_field(cell, 3)[free]
    r -= r.mean(axis=0)
    norm = DualNorm(cell.bonds, cell.reference, free)
    v = np.zeros((len(cell), 3))
    v[free] = norm.representer(r)
    assert_allclose(np.vdot(r, v[free]), norm(r) * energy_norm(v, cell.bonds))


def test_dual_norm_of_a_periodic_cell_refuses_a_net_force(supercell):
    with pytest.raises(InputError, match="sum to"):
        DualNorm(supercell.bonds, supercell.reference)(np.ones((len(supercell), 3)))


@seeds()
@settings(max_examples=10, deadline=None)
def test_hessian_norms_are_dual_to_each_other(screw, seed):
    from genmlip.dislocations.harmonic import harmonic_operator

    free = np.flatnonzero(screw.free)
    H = harmonic_operator(screw, free)
    inverse = SparseFactor(H, screw.reference[free, :2])
    u = random_field(screw, seed)[free]
    force = (H @ u.ravel()).reshape(-1, 3)
    assert_allclose(inverse_hessian_norm(force, inverse), hessian_norm(u, H))
