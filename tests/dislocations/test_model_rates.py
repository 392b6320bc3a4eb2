"""Rates of the boundary conditions on the anti-plane model problem (theory.md, section 4).

A clamped boundary throws away the corrector beyond the radius R: off centre ∣Dū∣ ~ r⁻², which leaves
‖D(ū − ū_R)‖ ~ R⁻¹ without logarithms since the model has no cubic anharmonicity; in the centre of a triangle
∣Dū∣ ~ r⁻⁴ leaves R⁻³. Energies err by the square.
"""

import numpy as np
import pytest

from genmlip.dislocations import equilibrate
from genmlip.dislocations.antiplane import AntiPlaneCrystal, AntiPlaneScrew
from genmlip.theory.boundary_errors import boundary_error
from genmlip.theory.rates import fit_rate

COLUMNS = AntiPlaneCrystal()
CENTRED = AntiPlaneScrew(COLUMNS)
OFF_CENTRE = AntiPlaneScrew(COLUMNS, core_offset=(0.10, 0.07))
RADII = {CENTRED.core_offset: [8, 10, 13, 16, 20, 26], OFF_CENTRE.core_offset: [13, 16, 20, 26, 32, 40]}
"""Å. Off centre the boundary also drags the core along, whose contribution R⁻² is soft and must have died."""


def relaxed(screw, radius, boundary):
    return equilibrate(screw, COLUMNS.potential, radius, boundary, fmax=1e-11).require_convergence()


def errors(screw, boundary, reference):
    """Radii, geometry errors and energy errors."""
    radii = RADII[screw.core_offset]
    equilibria = [relaxed(screw, float(radius), boundary) for radius in radii]
    found = [boundary_error(equilibrium, reference) for equilibrium in equilibria]
    return radii, np.array([e.geometry for e in found]), np.array([e.energy for e in found])


@pytest.fixture(scope="module")
def clamped_centred():
    return errors(CENTRED, "clamped", relaxed(CENTRED, 80.0, "clamped"))


@pytest.fixture(scope="module")
def clamped_off_centre():
    return errors(OFF_CENTRE, "clamped", relaxed(OFF_CENTRE, 130.0, "clamped"))


def test_clamped_geometry_error_off_centre_decays_like_one_over_radius(clamped_off_centre):
    radii, geometry, _ = clamped_off_centre
    assert fit_rate(radii, geometry).slope == pytest.approx(-1.0, abs=0.1)


def test_clamped_energy_error_off_centre_decays_like_its_square(clamped_off_centre):
    radii, _, energy = clamped_off_centre
    assert fit_rate(radii, energy).slope == pytest.approx(-2.0, abs=0.1)


def test_clamped_geometry_error_of_a_symmetric_core_decays_like_the_cube(clamped_centred):
    radii, geometry, _ = clamped_centred
    assert fit_rate(radii, geometry).slope == pytest.approx(-3.0, abs=0.1)


def test_clamped_energy_error_of_a_symmetric_core_decays_like_the_sixth_power(clamped_centred):
    radii, _, energy = clamped_centred
    assert fit_rate(radii, energy).slope == pytest.approx(-6.0, abs=0.15)


def test_energy_error_is_the_elastic_energy_of_the_geometry_error(clamped_off_centre):
    """½⟨He, e⟩ = ¼‖De‖² far from the core: ψ″(0) = 1 and every bond counts twice in the norm."""
    _, geometry, energy = clamped_off_centre
    assert energy[-1] / geometry[-1] ** 2 == pytest.approx(0.25, rel=0.03)
