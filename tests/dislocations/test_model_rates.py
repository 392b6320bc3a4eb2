"""Rates of the boundary conditions on the anti-plane model problem (theory.md, section 4).

The corrector decays like ∣Dū∣ ~ r⁻² off centre and r⁻⁴ in the centre of a triangle, without logarithms since
the model has no cubic anharmonicity.

Clamped: ū is thrown away beyond R, and e = ū − ū_R obeys ‖De‖ ~ ‖Dū‖_{L²(r>R)}: R⁻¹ and R⁻³; energies err by
its square.

Harmonic exterior with the predictor's own forces: what is neglected beyond R is the stress ψ⁗(0) ∣Du0∣² Dū/2,
so that ‖De‖ ~ ‖∣Du0∣² Dū‖_{L²(r>R)}: R⁻³ and R⁻⁵. The energy errs to first order, by the energy that this
stress stores, ∣Du0∣² ∣Dū∣²: R⁻⁴ and R⁻⁸, less than the square. Here R is where the nonlinear sites end.
"""

import numpy as np
import pytest

from genmlip.dislocations import equilibrate
from genmlip.dislocations.antiplane import AntiPlaneCrystal, AntiPlaneScrew
from genmlip.dislocations.boundaries import Clamped, Flexible, Sinclair
from genmlip.theory.boundary_errors import boundary_error
from genmlip.theory.rates import fit_rate

COLUMNS = AntiPlaneCrystal()
RADII = [6, 8, 10, 13, 16, 20]
CLAMPED_RADII = [10, 13, 16, 20, 25, 32]
"""Å. Off centre a clamped boundary drags the soft core along; this part, R⁻², must have died."""


def relaxed(screw, radius, boundary):
    return equilibrate(screw, COLUMNS.potential, radius, boundary, fmax=1e-12).require_convergence()


class Errors:
    """Against a reference at several radii; ``within``: on the atoms of the smaller cell only."""

    def __init__(self, reference, boundary, radii):
        equilibria = [relaxed(reference.cell.defect, float(radius), boundary) for radius in radii]
        found = [boundary_error(equilibrium, reference) for equilibrium in equilibria]
        self.radii = np.array(radii, dtype=float)
        self.nonlinear = np.array([e.cell.r[e.cell.centres].max() for e in equilibria])
        self.everywhere = np.array([e.geometry for e in found])
        self.within = np.sqrt([e.geometry**2 - e.beyond**2 for e in found])
        self.energy = np.array([e.energy for e in found])


@pytest.fixture(scope="module")
def off_centre():
    """A core without symmetry, in the infinite crystal: errors below 1e-8 Å and 3e-12 eV."""
    return relaxed(AntiPlaneScrew(COLUMNS, core_offset=(0.10, 0.07)), 80.0, Flexible(source_radius=110.0))


@pytest.fixture(scope="module")
def centred():
    return relaxed(AntiPlaneScrew(COLUMNS), 60.0, Flexible(source_radius=90.0))


@pytest.fixture(scope="module")
def clamped_off_centre(off_centre):
    return Errors(off_centre, Clamped(), CLAMPED_RADII)


@pytest.fixture(scope="module")
def clamped_centred(centred):
    return Errors(centred, Clamped(), RADII)


@pytest.fixture(scope="module")
def flexible_off_centre(off_centre):
    return Errors(off_centre, Flexible(source_radius=40.0), RADII)


@pytest.fixture(scope="module")
def flexible_centred(centred):
    return Errors(centred, Flexible(source_radius=40.0), RADII)


@pytest.fixture(scope="module")
def sinclair_off_centre(off_centre):
    return Errors(off_centre, Sinclair(), RADII)


@pytest.fixture(scope="module")
def sinclair_centred(centred):
    return Errors(centred, Sinclair(), RADII)


def test_clamped_geometry_error_decays_like_one_over_radius(clamped_off_centre):
    e = clamped_off_centre
    assert fit_rate(e.radii, e.everywhere).slope == pytest.approx(-1.0, abs=0.1)


def test_clamped_energies_converge_to_that_of_the_infinite_crystal_like_the_square(clamped_off_centre):
    e = clamped_off_centre
    assert fit_rate(e.radii, e.energy).slope == pytest.approx(-2.0, abs=0.1)


def test_clamped_energy_error_is_the_elastic_energy_of_the_geometry_error(clamped_off_centre):
    """½⟨He, e⟩ = ¼‖De‖² far from the core: ψ″(0) = 1 and every bond counts twice in the norm."""
    e, large = clamped_off_centre, CLAMPED_RADII.index(25)
    assert e.energy[large] / e.everywhere[large] ** 2 == pytest.approx(0.25, rel=0.05)


def test_clamped_geometry_error_of_a_symmetric_core_decays_like_the_cube(clamped_centred):
    e = clamped_centred
    assert fit_rate(e.radii, e.everywhere).slope == pytest.approx(-3.0, abs=0.1)


def test_clamped_energy_error_of_a_symmetric_core_decays_like_the_sixth_power(clamped_centred):
    e = clamped_centred
    assert fit_rate(e.radii, e.energy).slope == pytest.approx(-6.0, abs=0.15)


def test_flexible_geometry_error_decays_like_the_cube(flexible_off_centre):
    e = flexible_off_centre
    assert fit_rate(e.nonlinear, e.within).slope == pytest.approx(-3.0, abs=0.2)


def test_flexible_energy_error_decays_like_the_fourth_power(flexible_off_centre):
    e = flexible_off_centre
    assert fit_rate(e.nonlinear, e.energy).slope == pytest.approx(-4.0, abs=0.1)


@pytest.mark.slow
def test_flexible_geometry_error_of_a_symmetric_core_decays_like_the_fifth_power(centred):
    """With f0 kept so far out that dropping it beyond does not show."""
    e = Errors(centred, Flexible(source_radius=90.0), [8, 10, 13, 16, 20])
    assert fit_rate(e.nonlinear, e.within).slope == pytest.approx(-5.0, abs=0.2)


def test_flexible_energy_error_of_a_symmetric_core_decays_like_the_eighth_power(flexible_centred):
    e = flexible_centred
    assert fit_rate(e.nonlinear, e.energy).slope == pytest.approx(-8.0, abs=0.2)


def test_sinclair_is_as_good_as_flexible_where_the_predictor_leaves_no_forces(
    sinclair_off_centre, flexible_off_centre
):
    """∣f0∣ ~ r⁻⁶ here: what Sinclair drops is smaller than what both neglect, and dies faster."""
    sinclair, flexible = sinclair_off_centre, flexible_off_centre
    assert sinclair.energy[-1] == pytest.approx(flexible.energy[-1], rel=0.005)
    assert sinclair.within[-1] == pytest.approx(flexible.within[-1], rel=0.1)


def test_sinclair_loses_one_order_to_flexible_where_symmetry_leaves_nothing_else(sinclair_centred):
    """Dropping f0 ~ r⁻⁶ beyond R alone errs by R⁻⁴ (the outermost part of it beyond the cell's atoms)."""
    e = sinclair_centred
    assert fit_rate(e.radii, e.within).slope == pytest.approx(-4.1, abs=0.2)


def test_harmonic_exteriors_beat_a_clamped_boundary_of_the_same_radius(
    clamped_off_centre, flexible_off_centre, sinclair_off_centre
):
    clamped = clamped_off_centre.energy[CLAMPED_RADII.index(20)]
    for harmonic in (flexible_off_centre, sinclair_off_centre):
        assert harmonic.energy[RADII.index(20)] < 1e-3 * clamped


def test_far_field_does_not_depend_on_where_the_sources_end(off_centre):
    near, far = (relaxed(off_centre.cell.defect, 8.0, Flexible(source_radius=s)) for s in (15.0, 40.0))
    assert near.energy == pytest.approx(far.energy, abs=1e-9)
    error = boundary_error(near, far)
    assert np.sqrt(error.geometry**2 - error.beyond**2) < 1e-6
