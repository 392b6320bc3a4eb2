"""Growth of the error with the radius, from the elastic constants of the two crystals."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from genmlip import Crystal, Dislocation, load_potential
from genmlip.errors import InputError
from genmlip.statics.norms import local_strain
from genmlip.theory.growth import far_field_error, far_field_growth


@dataclass(frozen=True)
class Other:
    """The same crystal with other elastic constants, alike at all strains."""

    crystal: Crystal
    stiffness: np.ndarray

    def __getattr__(self, name):
        return getattr(self.crystal, name)


@pytest.fixture(scope="module")
def edge():
    return Dislocation(Crystal.from_potential(load_potential("fs:W")), "bcc-edge-111")


@pytest.fixture(scope="module")
def silicon():
    return Crystal.from_potential(load_potential("sw:Si"))


@pytest.fixture(scope="module")
def germanium():
    return Crystal.from_potential(load_potential("sw:Ge"))


def softer(crystal, shear):
    """C44 times ``shear``."""
    C = crystal.stiffness.copy()
    for i, j in ((0, 1), (0, 2), (1, 2)):
        for index in ((i, j, i, j), (i, j, j, i), (j, i, i, j), (j, i, j, i)):
            C[index] *= shear
    return C


def summed_over_atoms(reference, candidate, ring=(30.0, 60.0)):
    """The squared strain of the difference of the two predictors on a ring, over log of their ratio."""
    scale = candidate.a0 / reference.crystal.a0
    own = replace(reference, crystal=candidate, medium=None)
    cell = reference.cell(ring[1])
    difference = own.predictor(scale * cell.reference, cell.sublattice) / scale - cell.predictor
    inside = (cell.r >= ring[0]) & (cell.r < ring[1])
    return (local_strain(difference, cell.bonds)[inside] ** 2).sum() / np.log(ring[1] / ring[0])


def test_a_multiple_of_the_stiffness_has_the_same_far_field(edge):
    assert far_field_growth(edge, Other(edge.crystal, 1.3 * edge.crystal.stiffness)) < 1e-20


def test_growth_is_what_the_bonds_of_the_atoms_add_up_to(edge):
    candidate = Other(edge.crystal, softer(edge.crystal, 1.1))
    assert far_field_growth(edge, candidate) == pytest.approx(summed_over_atoms(edge, candidate), rel=0.02)


@pytest.mark.parametrize("name", ["diamond-screw", "diamond-60"])
def test_growth_counts_the_shifts_between_sublattices(silicon, germanium, name):
    dislocation = Dislocation(silicon, name)
    assert far_field_growth(dislocation, germanium) == pytest.approx(
        summed_over_atoms(dislocation, germanium), rel=0.02
    )


def test_growth_is_quadratic_in_the_mismatch(edge):
    one, two = (
        far_field_growth(edge, Other(edge.crystal, softer(edge.crystal, 1 + e))) for e in (0.01, 0.02)
    )
    assert two / one == pytest.approx(4.0, rel=0.05)


def test_far_out_the_secant_constants_are_those_at_rest(silicon, germanium):
    dislocation = Dislocation(silicon, "diamond-60")
    at_rest = far_field_growth(dislocation, germanium)
    assert far_field_growth(dislocation, germanium, 1e4) == pytest.approx(at_rest, rel=1e-5)
    assert far_field_growth(dislocation, germanium, 30.0) != pytest.approx(at_rest, rel=1e-5)


def test_squares_of_the_far_field_error_add_up_over_rings(silicon, germanium):
    dislocation = Dislocation(silicon, "diamond-60")
    inner, outer, whole = (
        far_field_error(dislocation, germanium, *radii) for radii in ((10, 30), (30, 90), (10, 90))
    )
    assert inner**2 + outer**2 == pytest.approx(whole**2, rel=1e-3)
    assert outer**2 / np.log(3) == pytest.approx(far_field_growth(dislocation, germanium), rel=0.05)


def test_a_cell_that_is_all_core_has_no_far_field(edge):
    assert far_field_error(edge, edge.crystal, 10.0, 8.0) == 0.0


@pytest.mark.parametrize("radii", [(-1.0, 10.0), (0.0, 10.0), (10.0, float("nan"))])
def test_radii_that_are_not_positive_are_refused(edge, radii):
    with pytest.raises(InputError, match="positive"):
        far_field_error(edge, edge.crystal, *radii)


@pytest.mark.parametrize("radius", [0.0, -5.0, float("nan")])
def test_growth_at_a_radius_that_is_not_positive_is_refused(edge, radius):
    with pytest.raises(InputError, match="positive"):
        far_field_growth(edge, edge.crystal, radius)
