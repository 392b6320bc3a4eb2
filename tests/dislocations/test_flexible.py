"""The nonlinear core in an infinite harmonic crystal: one energy, its gradient, its equilibrium."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, Equilibrium, Vacancy, equilibrate
from genmlip.dislocations.boundaries import Flexible, Sinclair, default_boundary
from genmlip.dislocations.harmonic import harmonic_operator
from genmlip.errors import FileFormatError, InputError
from genmlip.potentials import load_potential
from genmlip.potentials.foreign import ForeignPotential
from genmlip.theory.sites import same_sites

BOUNDARIES = [Flexible(60.0), Sinclair()]


@pytest.fixture(scope="module")
def silicon_crystal():
    return Crystal.from_potential(load_potential("sw:Si"))


@pytest.fixture(scope="module", params=["bcc-screw-111", "bcc-edge-111", "diamond-60"])
def defect(request, tungsten, silicon_crystal):
    return Dislocation(silicon_crystal if request.param.startswith("diamond") else tungsten, request.param)


@pytest.fixture(scope="module", params=BOUNDARIES, ids=lambda boundary: boundary.name)
def domain(request, defect):
    return request.param.domain(defect, 12.0, defect.crystal.potential)


def displacement(domain, seed, size=1.0):
    """A random one near the core, with what the infinite crystal makes of it."""
    cell = domain.cell
    u = np.random.default_rng(seed).normal(size=(len(cell), 3)) * np.exp(-((cell.r / 8.0) ** 2))[:, None]
    return domain.restrict(size * u)


def change(domain, seed):
    """The difference of two such displacements: one that sources in the interface make."""
    return displacement(domain, seed) - displacement(domain, seed + 100)


def test_decaying_displacement_is_its_own_restriction(domain):
    u = displacement(domain, 0)
    again = domain.restrict(domain.completed(u).displacement)
    assert_allclose(again - again[0], u - u[0], atol=1e-8)


def test_residual_is_the_derivative_of_the_energy(domain):
    """Along a random direction, by central differences; sites and exterior together."""
    cell = domain.cell
    evaluate = cell.defect.crystal.potential.bind(cell.atoms, cell.centres)
    u, v = displacement(domain, 1, 0.02), change(domain, 2)
    h = 1e-5  # V″ of fs:W has jumps

    def energy(t):
        at = evaluate(cell.positions + domain.extend(u + t * v))
        return at.energies, domain.exterior_energies(u + t * v)

    slope = sum((a - b).sum() for a, b in zip(energy(h), energy(-h), strict=True)) / (2 * h)
    gradient = domain.residual(u, evaluate(cell.positions + domain.extend(u)).forces)
    assert_allclose(np.vdot(gradient, v), slope, rtol=1e-5)


def test_far_away_the_crystal_is_in_harmonic_equilibrium_under_the_predictors_forces(defect):
    """H ū = f0, by the bonds of the cell itself."""
    found = equilibrate(defect, defect.crystal.potential, 10.0, Flexible(160.0), fmax=1e-8)
    cell = found.cell
    outside = (cell.r > 33.0) & (cell.r < 39.0)  # neither the interface nor the rings that stand in
    near = np.flatnonzero(cell.r < 60.0)
    operator = harmonic_operator(cell, near)
    applied = (operator @ found.corrector[near].ravel()).reshape(-1, 3)
    f0 = defect.crystal.potential.bind(cell.atoms, near)(cell.positions).forces[near]
    assert_allclose(applied[outside[near]], f0[outside[near]], atol=2e-8)


def test_equilibrium_has_no_forces_on_free_atoms(defect):
    found = equilibrate(defect, defect.crystal.potential, 12.0, Flexible(60.0)).require_convergence()
    forces = defect.crystal.potential.bind(found.cell.atoms)(found.atoms.positions).forces
    assert np.linalg.norm(forces[found.cell.free], axis=1).max() < 1.1e-6


def test_equilibrium_does_not_depend_on_the_start(tungsten):
    screw = Dislocation(tungsten, "bcc-screw-111")
    one = equilibrate(screw, tungsten.potential, 12.0, Flexible(60.0), fmax=1e-8)
    rng = np.random.default_rng(0)
    start = one.corrector + rng.normal(size=one.corrector.shape, scale=0.02)
    other = equilibrate(screw, tungsten.potential, 12.0, Flexible(60.0), fmax=1e-8, start=start)
    assert_allclose(other.energy, one.energy, atol=1e-9)
    difference = other.corrector - one.corrector
    assert_allclose(difference - difference[0], 0.0, atol=1e-6)


def test_energy_is_that_of_sources_out_to_infinity(tungsten):
    """Cut off at 60 Å they lack 0.9 meV; extrapolated, the energy depends on the source radius no more."""
    screw = Dislocation(tungsten, "bcc-screw-111")
    near, far = (
        equilibrate(screw, tungsten.potential, 12.0, Flexible(s), fmax=1e-7).energy for s in (80, 200)
    )
    assert_allclose(near, far, atol=3e-5)


def test_energy_is_that_of_the_atoms(tungsten):
    """Sites of the whole cell at the equilibrium, and the work of f0 on what lies beyond it."""
    screw, potential = Dislocation(tungsten, "bcc-screw-111"), tungsten.potential
    found = equilibrate(screw, potential, 12.0, Flexible(150.0), fmax=1e-7)
    cell = found.cell
    sites = np.flatnonzero(cell.r < 150.0)
    evaluate = potential.bind(cell.atoms, sites)
    difference = evaluate(found.atoms.positions).energies - evaluate(cell.positions).energies
    assert_allclose(difference.sum(), found.energy, atol=4e-4)


def test_flexible_knows_at_twelve_what_clamped_learns_at_sixty(tungsten):
    screw, potential = Dislocation(tungsten, "bcc-screw-111"), tungsten.potential
    truth = equilibrate(screw, potential, 40.0, Flexible(160.0)).energy
    flexible = abs(equilibrate(screw, potential, 12.0, Flexible(160.0)).energy - truth)
    clamped = abs(equilibrate(screw, potential, 60.0, "clamped").energy - truth)
    assert flexible < clamped < 2e-3


def test_equilibrium_of_a_flexible_cell_is_read_back(tmp_path, tungsten):
    found = equilibrate(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 12.0, Flexible(50.0))
    found.save(tmp_path)
    again = Equilibrium.load(tmp_path)
    assert again.boundary == Flexible(50.0)
    assert_allclose(again.corrector, found.corrector, atol=1e-15)


def test_lines_are_flexible_by_default_where_the_potential_knows_its_sites(tungsten):
    from ase.calculators.emt import EMT

    screw = Dislocation(tungsten, "bcc-screw-111")
    assert default_boundary(screw, tungsten.potential) == Flexible()
    assert default_boundary(screw, ForeignPotential(EMT(), cutoff=6.0)).name == "clamped"
    assert default_boundary(screw, load_potential("fs:W")).name == "clamped"  # not that of the crystal
    assert default_boundary(Vacancy(tungsten), tungsten.potential).name == "periodic"


@pytest.mark.parametrize("boundary", ["flexible", "sinclair"])
def test_vacancy_is_refused(tungsten, boundary):
    with pytest.raises(InputError, match="needs a straight dislocation"):
        equilibrate(Vacancy(tungsten), tungsten.potential, 8.0, boundary)


def test_source_radius_inside_the_interface_is_refused(tungsten):
    with pytest.raises(InputError, match="source radius 25 Å is too small"):
        equilibrate(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 20.0, Flexible(25.0))


@pytest.mark.parametrize("radius", [0.0, -3.0, float("nan"), float("inf"), 1e5, "80", True])
def test_senseless_source_radius_is_refused(radius):
    with pytest.raises(InputError, match="source radius must be a positive number up to 2000 Å"):
        Flexible(radius)


def test_another_potential_than_the_crystals_is_refused(tungsten):
    with pytest.raises(InputError, match="that of the potential itself"):
        equilibrate(Dislocation(tungsten, "bcc-screw-111"), load_potential("fs:W"), 12.0, "flexible")


def test_potential_that_hides_its_sites_is_refused():
    from ase.calculators.emt import EMT

    crystal = Crystal.from_potential(ForeignPotential(EMT(), cutoff=6.0, spec="ase:emt"), "fcc", "Cu")
    with pytest.raises(InputError, match="needs forces of single sites, which ase:emt does not tell"):
        equilibrate(Dislocation(crystal, "fcc-screw-110"), crystal.potential, 12.0, "flexible")


def test_core_feels_sources_out_to_infinity(tungsten):
    """Ended at 90 Å they would leave a strain on it, 3e-3 Å in the energy norm; the outer rings stand in."""
    screw = Dislocation(tungsten, "bcc-screw-111")
    near, far = (equilibrate(screw, tungsten.potential, 14.0, Flexible(s), fmax=1e-8) for s in (90.0, 180.0))
    ours, theirs = same_sites(near.cell.reference, far.cell.reference)
    difference = np.zeros_like(near.corrector)
    difference[ours] = near.corrector[ours] - far.corrector[theirs]
    bonds = near.cell.bonds
    inside = (near.cell.r[bonds.i] < 20.0) & (near.cell.r[bonds.j] < 20.0)
    strain = difference[bonds.j[inside]] - difference[bonds.i[inside]]
    assert np.linalg.norm(strain) < 1e-4


def test_core_outside_the_free_region_is_objected_to(tungsten):
    """There the crystal is harmonic, which a core is not."""
    edge = Dislocation(tungsten, "bcc-edge-111")
    domain = Flexible(60.0).domain(edge, 9.0, tungsten.potential)
    away = np.array([12.0, 0.0, 0.0])
    moved = edge.predictor(domain.cell.reference - away) - domain.cell.predictor
    assert "the core reaches beyond radius 9 Å" in domain.completed(domain.restrict(moved)).objection
    assert domain.completed(domain.restrict(0.0 * moved)).objection == ""


def test_unreadable_boundary_of_a_saved_equilibrium_is_named(tmp_path, tungsten):
    found = equilibrate(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 12.0, Sinclair())
    found.save(tmp_path)
    summary = tmp_path / "equilibrium.json"
    summary.write_text(summary.read_text().replace('"source_radius": null', '"nonsense": 1'))
    with pytest.raises(FileFormatError, match="no readable boundary condition"):
        Equilibrium.load(tmp_path)
