import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.errors import InputError


def bonds(crystal):
    """r = R + x_κ' − x_κ of every block, (m, nb, nb, 3)."""
    x = crystal.basis
    return crystal.force_constants.vectors[:, None, None] + x[None, None, :] - x[None, :, None]


@pytest.fixture(params=["tungsten", "silicon", "morse", "copper", "hidden_silicon"])
def any_crystal(request):
    return request.getfixturevalue(request.param)


def test_translating_the_crystal_costs_nothing(any_crystal):
    assert_allclose(any_crystal.force_constants.blocks.sum(axis=(0, 2)), 0, atol=1e-13)


def test_rotating_the_crystal_costs_nothing(any_crystal):
    torque = np.einsum("mklab,mklc->kabc", any_crystal.force_constants.blocks, bonds(any_crystal))
    assert_allclose(torque, torque.transpose(0, 1, 3, 2), atol=1e-7)


def test_huangs_conditions_hold_without_stress(any_crystal):
    r = bonds(any_crystal)
    second = np.einsum("mklab,mklc,mkld->abcd", any_crystal.force_constants.blocks, r, r)
    assert_allclose(second, second.transpose(2, 3, 0, 1), atol=1e-6)


def test_the_force_constants_are_symmetric(any_crystal):
    H = any_crystal.force_constants
    opposite = {tuple(np.round(R, 6) + 0.0): block for R, block in zip(H.vectors, H.blocks, strict=True)}
    for R, block in zip(H.vectors, H.blocks, strict=True):
        assert_allclose(block, opposite[tuple(np.round(-R, 6) + 0.0)].transpose(1, 0, 3, 2), atol=0)


def test_they_reach_no_further_than_twice_the_cutoff(any_crystal):
    coupled = abs(any_crystal.force_constants.blocks).max(axis=(3, 4)) > 1e-9
    assert np.linalg.norm(bonds(any_crystal)[coupled], axis=-1).max() < 2 * any_crystal.potential.cutoff


@pytest.mark.parametrize("name", ["tungsten", "silicon", "morse"])
def test_they_predict_the_forces_of_small_displacements_to_second_order(name, request):
    crystal = request.getfixturevalue(name)
    cell = crystal.primitive_cell().repeat(5)
    nb, direction = len(crystal.basis), np.random.default_rng(4).standard_normal((len(cell), 3))
    H = crystal.force_constants
    steps = np.rint(H.vectors @ np.linalg.inv(crystal.primitive_vectors)).astype(int)
    u = direction.reshape(5, 5, 5, nb, 3)
    predicted = -sum(
        np.einsum("klab,xyzlb->xyzka", block, np.roll(u, tuple(-step), axis=(0, 1, 2)))
        for step, block in zip(steps, H.blocks, strict=True)
    ).reshape(-1, 3)
    evaluator, errors = crystal.potential.bind(cell), []
    for size in (2e-5, 1e-5):
        both = [evaluator(cell.positions + sign * size * direction).forces for sign in (1, -1)]
        errors.append(abs((both[0] - both[1]) / (2 * size) - predicted).max())
    assert errors[1] < 2e-4 * abs(predicted).max()


def test_a_potential_without_sites_gets_the_same_force_constants(silicon, hidden_silicon):
    q = np.random.default_rng(0).standard_normal((20, 3))
    assert_allclose(hidden_silicon.force_constants.fourier(q), silicon.force_constants.fourier(q), atol=1e-8)


def test_a_potential_that_reaches_beyond_its_cutoff_is_refused(pair_potential, hide_sites):
    short = hide_sites(pair_potential())
    short.cutoff = 1.3
    with pytest.raises(InputError, match="beyond the cutoff"):
        _ = Crystal(short, "fcc", "Cu", 3.8).force_constants


def test_the_fourier_transform_is_hermitian_and_periodic(any_crystal):
    q = np.random.default_rng(0).standard_normal((10, 3))
    H = any_crystal.force_constants.fourier(q)
    reciprocal = 2 * np.pi * np.linalg.inv(any_crystal.primitive_vectors).T
    assert_allclose(H, H.conj().transpose(0, 2, 1, 4, 3), atol=1e-12)
    assert_allclose(H, any_crystal.force_constants.fourier(q + reciprocal[1]), atol=1e-11)
