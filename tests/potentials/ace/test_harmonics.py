"""Real spherical harmonics against scipy, and the identities that define them."""
# ruff: noqa: E741 - l is the angular momentum

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre, sph_harm_y

from genmlip.potentials.ace.harmonics import real_harmonics

LMAX = 10


@pytest.fixture
def directions():
    rng = np.random.default_rng(1)
    return rng.normal(size=(40, 3)) * rng.uniform(0.3, 5.0, (40, 1))


def test_they_are_the_real_and_imaginary_parts_of_the_standard_ones(directions):
    Y, _ = real_harmonics(directions, LMAX)
    r = np.linalg.norm(directions, axis=1)
    theta, phi = np.arccos(directions[:, 2] / r), np.arctan2(directions[:, 1], directions[:, 0])
    for l in range(LMAX + 1):
        for m in range(-l, l + 1):
            standard = (-1) ** m * sph_harm_y(l, abs(m), theta, phi)
            expected = np.sqrt(2) * (standard.real if m > 0 else standard.imag) if m else standard.real
            assert_allclose(Y[l * l + l + m], expected, atol=2e-14)


def test_addition_theorem(directions):
    Y, _ = real_harmonics(directions, LMAX)
    unit = directions / np.linalg.norm(directions, axis=1)[:, None]
    for l in range(LMAX + 1):
        block = Y[l * l : (l + 1) ** 2]
        expected = (2 * l + 1) / (4 * np.pi) * eval_legendre(l, unit @ unit.T)
        assert_allclose(block.T @ block, expected, atol=1e-13)


def test_gradient_is_the_derivative(directions):
    _, gradient = real_harmonics(directions, LMAX)
    h = 2e-3
    weights = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    for a in range(3):
        step = h * np.linalg.norm(directions, axis=1)[:, None] * np.eye(3)[a]
        difference = sum(
            w
            * (
                real_harmonics(directions + k * step, LMAX)[0]
                - real_harmonics(directions - k * step, LMAX)[0]
            )
            for k, w in weights.items()
        )
        expected = difference / (h * np.linalg.norm(directions, axis=1))
        assert_allclose(gradient[:, a], expected, atol=1e-10)


@pytest.mark.parametrize("pole", [1.0, -1.0])
def test_nothing_happens_at_the_poles(pole):
    turn = Rotation.from_rotvec([0.7, 0.0, 0.0]).as_matrix()
    at_pole = np.array([[0.0, 0.0, pole]])
    _, gradient = real_harmonics(at_pole, LMAX)
    _, turned = real_harmonics(at_pole @ turn.T, LMAX)
    # Σ_m ∇Y ⊗ ∇Y is the same tensor everywhere on the sphere, up to the rotation
    for l in range(LMAX + 1):
        block, other = gradient[l * l : (l + 1) ** 2, :, 0], turned[l * l : (l + 1) ** 2, :, 0]
        assert_allclose(turn @ block.T @ block @ turn.T, other.T @ other, atol=1e-11)
