"""Rates of the boundary conditions on the anti-plane model problem (docs/theory.md, section 9).

The corrector decays like ∣Dū∣ ~ r⁻² off centre and r⁻⁴ in the centre of a triangle, without logarithms since
the model has no cubic anharmonicity.

Clamped: ū is thrown away beyond R, and e = ū − ū_R obeys ‖De‖ ~ ‖Dū‖_{L²(r>R)}: R⁻¹ and R⁻³; energies err by
its square.

Harmonic exterior with the predictor's own forces: what is neglected beyond R is the stress ψ⁗(0) ∣Du0∣² Dū/2,
so that ‖De‖ ~ ‖∣Du0∣² Dū‖_{L²(r>R)}: R⁻³ and R⁻⁵. The energy that this stress stores, ∣Du0∣² ∣Dū∣², is of
first order, R⁻⁴: Sinclair's energies lack it. Flexible ones do out to the source radius S, beyond which it
adds up to S⁻⁴; at equal S they err by the square of the geometry, R⁻⁶ and R⁻¹⁰. Here R is where the nonlinear
sites end.
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
SOURCES = [22.0, 24.0, 27.0, 30.0, 34.0, 40.0]
SINCLAIR_RADII = [10, 13, 16, 20, 25]
CLAMPED_RADII = [10, 13, 16, 20, 25, 32]
"""Å. Off centre a clamped boundary drags the soft core along; this part, R⁻², must have died."""

RESOLVED = slice(5)
"""The first radii of the centred core: there energies err by more than 4e-16 eV, ten times their rounding."""


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
    """A core without symmetry, in the infinite crystal: errors below 1e-8 Å and 1e-12 eV."""
    return relaxed(AntiPlaneScrew(COLUMNS, core_offset=(0.10, 0.07)), 80.0, Flexible(source_radius=110.0))


@pytest.fixture(scope="module")
def centred():
    return relaxed(AntiPlaneScrew(COLUMNS), 50.0, Flexible(source_radius=70.0))


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
def sinclair_off_centre(off_centre):
    return Errors(off_centre, Sinclair(), SINCLAIR_RADII)


@pytest.fixture(scope="module")
def sinclair_centred(centred):
    return Errors(centred, Sinclair(), RADII)


def equal_sources(core_offset, source_radius, radii):
    """Flexible boundaries that differ in where the nonlinear sites end only, the last one as reference.

    Half the source radius lies outside all interfaces, so that all do the same about what lies beyond.
    """
    boundary = Flexible(source_radius)
    reference = relaxed(AntiPlaneScrew(COLUMNS, core_offset=core_offset), radii[-1], boundary)
    return Errors(reference, boundary, radii[:-1])


@pytest.fixture(scope="module")
def energies_off_centre():
    return equal_sources((0.10, 0.07), 60.0, [5, 6, 7, 8, 9, 10, 25])


@pytest.fixture(scope="module")
def flexible_centred():
    return equal_sources((0.0, 0.0), 90.0, [5, 6, 7, 8, 9, 11, 13, 16, 25])


@pytest.fixture(scope="module")
def source_ends(off_centre):
    """One radius, several source radii: where the complete sites end, and errors against a large one.

    Half of each source radius lies in the interface, so that nothing is extrapolated to infinity.
    """
    defect = off_centre.cell.defect
    *cells, reference = (relaxed(defect, 16.0, Flexible(s)) for s in [*SOURCES, 110.0])
    ends = [equilibrium.cell.r.max() - COLUMNS.potential.cutoff for equilibrium in cells]
    return ends, [boundary_error(equilibrium, reference) for equilibrium in cells]


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


def test_flexible_energy_error_decays_like_the_square(energies_off_centre):
    e = energies_off_centre
    assert fit_rate(e.nonlinear, e.energy).slope == pytest.approx(-6.0, abs=0.2)


def test_flexible_geometry_error_of_a_symmetric_core_decays_like_the_fifth_power(flexible_centred):
    e = flexible_centred
    assert fit_rate(e.nonlinear, e.everywhere).slope == pytest.approx(-5.0, abs=0.1)


def test_flexible_energy_error_of_a_symmetric_core_decays_like_the_tenth_power(flexible_centred):
    e = flexible_centred
    assert fit_rate(e.nonlinear[RESOLVED], e.energy[RESOLVED]).slope == pytest.approx(-10.0, abs=0.5)


def test_flexible_energy_error_is_the_elastic_energy_of_the_geometry_error(flexible_centred):
    """As in a clamped cell, although what is neglected is of first order in the energy."""
    e = flexible_centred
    digits = slice(4)  # as many energies are known to three digits
    assert e.energy[digits] / e.everywhere[digits] ** 2 == pytest.approx(0.25, rel=0.02)


def test_flexible_energies_lack_the_fourth_power_of_the_source_radius(source_ends):
    """The energy ∣Du0∣² ∣Dū∣² of all sites beyond, ∣Dū∣ ~ r⁻²."""
    ends, errors = source_ends
    assert fit_rate(ends, [error.energy for error in errors]).slope == pytest.approx(-4.0, abs=0.1)


def test_dropping_the_sources_far_out_strains_the_core_by_their_fourth_power(source_ends):
    """∣f0∣ ~ r⁻⁶ beyond S strains the atoms within by S⁻⁴ in the energy norm."""
    _, errors = source_ends
    within = [np.sqrt(error.geometry**2 - error.beyond**2) for error in errors]
    assert fit_rate(SOURCES, within).slope == pytest.approx(-4.2, abs=0.1)


def test_sinclair_is_as_good_as_flexible_where_the_predictor_leaves_no_forces(
    sinclair_off_centre, flexible_off_centre
):
    """∣f0∣ ~ r⁻⁶ here: what Sinclair drops is smaller than what both neglect, and dies faster."""
    sinclair, flexible = sinclair_off_centre, flexible_off_centre
    same = SINCLAIR_RADII.index(RADII[-1])
    assert sinclair.within[same] == pytest.approx(flexible.within[-1], rel=0.1)


def test_sinclair_energies_lack_the_fourth_power_of_the_radius(sinclair_off_centre):
    """∣Du0∣² ∣Dū∣² beyond R, which flexible boundaries add at the equilibrium."""
    e = sinclair_off_centre
    assert fit_rate(e.nonlinear, e.energy).slope == pytest.approx(-4.0, abs=0.1)


def test_sinclair_loses_one_order_to_flexible_where_symmetry_leaves_nothing_else(sinclair_centred):
    """Dropping f0 ~ r⁻⁶ beyond R alone errs by R⁻⁴ (the outermost part of it beyond the cell's atoms)."""
    e = sinclair_centred
    assert fit_rate(e.radii, e.within).slope == pytest.approx(-4.1, abs=0.2)


def test_harmonic_exteriors_beat_a_clamped_boundary_of_the_same_radius(
    clamped_off_centre, flexible_off_centre, sinclair_off_centre
):
    clamped = clamped_off_centre.energy[CLAMPED_RADII.index(20)]
    assert flexible_off_centre.energy[RADII.index(20)] < 1e-3 * clamped
    assert sinclair_off_centre.energy[SINCLAIR_RADII.index(20)] < 1e-3 * clamped
