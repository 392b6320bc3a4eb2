"""Growth of the error with the radius, from the elastic constants of the two crystals."""

from dataclasses import dataclass

import numpy as np
import pytest

from genmlip import Crystal, Dislocation, load_potential
from genmlip.crystal.tensors import rotate
from genmlip.dislocations.stroh import StrohField
from genmlip.theory.growth import far_field_growth


@dataclass(frozen=True)
class Other:
    """The same crystal with other elastic constants."""

    crystal: Crystal
    stiffness: np.ndarray

    def __getattr__(self, name):
        return getattr(self.crystal, name)


@pytest.fixture(scope="module")
def edge():
    return Dislocation(Crystal.from_potential(load_potential("fs:W")), "bcc-edge-111")


def softer(crystal, shear):
    """C44 times ``shear``."""
    C = crystal.stiffness.copy()
    for i, j in ((0, 1), (0, 2), (1, 2)):
        for index in ((i, j, i, j), (i, j, j, i), (j, i, i, j), (j, i, j, i)):
            C[index] *= shear
    return C


def test_a_multiple_of_the_stiffness_has_the_same_far_field(edge):
    assert far_field_growth(edge, Other(edge.crystal, 1.3 * edge.crystal.stiffness)) < 1e-20


def test_growth_is_the_circular_integral_of_the_difference_of_the_fields(edge):
    """Per unit of log R: atoms per area times ∮ Σ_ρ ∣(∇ũ − ∇u) ρ∣² dθ at r = 1."""
    stiffness = softer(edge.crystal, 1.1)
    theta = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    at = np.stack([np.cos(theta), np.sin(theta)], axis=1)
    other = StrohField(rotate(stiffness, edge.frame), edge.burgers)
    strain = other.distortion(at) - edge.field.distortion(at)
    bonds = edge.crystal.a0 / 2 * np.array(np.meshgrid(*3 * [[-1, 1]])).reshape(3, -1).T @ edge.frame.T
    around = np.sum(np.einsum("nij,bj->nbi", strain, bonds) ** 2, axis=(1, 2)).mean() * 2 * np.pi
    density = 2 / edge.crystal.a0**3 * edge.line_period
    assert far_field_growth(edge, Other(edge.crystal, stiffness)) == pytest.approx(density * around, rel=0.03)


def test_growth_is_quadratic_in_the_mismatch(edge):
    one, two = (
        far_field_growth(edge, Other(edge.crystal, softer(edge.crystal, 1 + e))) for e in (0.01, 0.02)
    )
    assert two / one == pytest.approx(4.0, rel=0.05)
