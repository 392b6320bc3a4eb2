"""The anti-plane model problem is what it claims to be: the scalar model, embedded exactly."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.spatial import cKDTree

from genmlip.dislocations import SYSTEMS, Equilibrium, equilibrate
from genmlip.dislocations.antiplane import AntiPlaneCrystal, AntiPlaneScrew
from genmlip.potentials.base import hessian_by_differences
from genmlip.statics import assemble_hessian
from genmlip.statics.hessian import bond_blocks, bond_operator
from genmlip.theory.rates import fit_rate

OFFSET = (0.10, 0.07)  # Å: a core off the middle of its triangle, without any symmetry
SMALL, LARGE = 15.0, 40.0


@pytest.fixture(scope="module")
def columns():
    return AntiPlaneCrystal()


@pytest.fixture(scope="module", params=[(0.0, 0.0), OFFSET], ids=["centred", "off-centre"])
def screw(request, columns):
    return AntiPlaneScrew(columns, core_offset=request.param)


@pytest.fixture(scope="module")
def at_rest(screw):
    return relaxed(screw, LARGE)


def relaxed(screw, radius):
    equilibrium = equilibrate(screw, screw.crystal.potential, radius, "clamped", fmax=1e-11)
    return equilibrium.require_convergence()


def forces_and_energies(cell, positions):
    at = cell.defect.crystal.potential.bind(cell.atoms, cell.centres)(positions)
    return at.forces, at.energies


def scalar_energy_and_forces(cell, u):
    """Σ_bonds ψ(D u) and −∂/∂u of it, written down from the definition: bonds by distance, no topology."""
    bonds = cKDTree(cell.reference[:, :2]).query_pairs(1.01, output_type="ndarray")
    s = u[bonds[:, 1]] - u[bonds[:, 0]]
    slope = np.sin(2 * np.pi * s) / (2 * np.pi)
    forces = np.zeros(len(cell))
    np.add.at(forces, bonds[:, 0], slope)
    np.add.at(forces, bonds[:, 1], -slope)
    return np.sum(np.sin(np.pi * s) ** 2) / (2 * np.pi**2), forces


def test_far_field_is_the_angle(screw):
    cell = screw.cell(SMALL)
    angle = np.arctan2(cell.reference[:, 1], cell.reference[:, 0]) / (2 * np.pi)
    assert_allclose(cell.predictor, np.c_[0 * angle, 0 * angle, angle], atol=1e-15)


def test_core_is_at_the_middle_of_a_triangle_and_moves_with_the_offset(columns):
    columns_near = AntiPlaneScrew(columns).cell(5.0).reference[:, :2]
    nearest = np.sort(np.linalg.norm(columns_near, axis=1))
    assert_allclose(nearest[:4], [1 / np.sqrt(3)] * 3 + [2 / np.sqrt(3)])
    moved = AntiPlaneScrew(columns, core_offset=OFFSET).cell(5.0).reference[:, :2]
    assert cKDTree(columns_near - OFFSET).query(moved[np.hypot(*moved.T) < 4.0])[0].max() < 1e-12


def test_forces_are_those_of_the_scalar_model(screw):
    cell = screw.cell(SMALL)
    u = cell.predictor[:, 2] + np.random.default_rng(0).normal(scale=0.2, size=len(cell))
    positions = cell.reference + u[:, None] * [0.0, 0.0, 1.0]
    forces, _ = forces_and_energies(cell, positions)
    _, expected = scalar_energy_and_forces(cell, u)
    assert_allclose(forces[cell.free, 2], expected[cell.free], atol=1e-14)
    assert_allclose(forces[cell.free, :2], 0.0, atol=1e-13)


def test_energy_differences_are_those_of_the_scalar_model(screw):
    """Every bond once: half of it belongs to each end."""
    cell = screw.cell(SMALL)
    u0 = cell.predictor[:, 2]
    v = np.where(cell.free, np.random.default_rng(1).normal(scale=0.1, size=len(cell)), 0.0)
    energies = [forces_and_energies(cell, cell.reference + u[:, None] * [0, 0, 1])[1] for u in (u0, u0 + v)]
    expected = scalar_energy_and_forces(cell, u0 + v)[0] - scalar_energy_and_forces(cell, u0)[0]
    assert_allclose(np.sum(energies[1] - energies[0]), expected, rtol=1e-12)


def test_nothing_changes_when_columns_slip_by_lattice_vectors(screw):
    cell = screw.cell(SMALL)
    slip = np.random.default_rng(2).integers(-3, 4, size=len(cell))
    before = forces_and_energies(cell, cell.positions)
    after = forces_and_energies(cell, cell.positions + slip[:, None] * screw.burgers)
    for a, b in zip(before, after, strict=True):
        assert_allclose(a, b, atol=1e-14)


def test_circuit_around_the_core_closes_on_the_burgers_vector(screw):
    """Through the bonds of the slipped crystal, whose deformed vectors do not jump at the cut."""
    cell = screw.cell(SMALL)
    bonds = cell.bonds
    strain = bonds.deformed(cell.positions) - bonds.vector
    step = {(i, j): s for i, j, s in zip(bonds.i, bonds.j, strain, strict=True)}
    start = int(np.argmin(np.linalg.norm(cell.reference[:, :2] - [8.0, 0.0], axis=1)))
    a, h = np.array([1.0, 0.0]), np.array([0.5, np.sqrt(3) / 2])
    tree, here, total = cKDTree(cell.reference[:, :2]), start, np.zeros(3)
    for direction in (h - a, -a, -h, a - h, a, h):  # a hexagon of edge 8 around the core, counter-clockwise
        for _ in range(8):
            distance, there = tree.query(cell.reference[here, :2] + direction)
            assert distance < 1e-9
            total += step[here, there]
            here = there
    assert here == start
    assert_allclose(total, screw.burgers, atol=1e-12)


def test_residual_of_the_predictor_decays_like_the_sixth_power(screw):
    """Hexagonal symmetry makes all fourth-order tensors isotropic, and the angle solves every isotropic
    equation of the orders below; a general crystal leaves r⁻³."""
    cell = screw.cell(60.0)
    size = np.abs(forces_and_energies(cell, cell.positions)[0][:, 2])
    edges = np.geomspace(5.0, 50.0, 9)
    ring = np.digitize(cell.r, edges)
    largest = [size[ring == k].max() for k in range(1, len(edges))]
    fit = fit_rate(np.sqrt(edges[1:] * edges[:-1]), largest)
    assert fit.slope == pytest.approx(-6.0, abs=0.15)


def test_perfect_lattice_is_a_stable_equilibrium(columns):
    state = columns.homogeneous.state()
    assert columns.energy_per_atom == pytest.approx(0.0, abs=1e-15)
    assert_allclose(columns.homogeneous.gradient(state), 0.0, atol=1e-15)
    assert columns.is_stable


def test_site_hessian_is_the_derivative_of_the_gradient(columns):
    rng = np.random.default_rng(3)
    angle = np.pi / 3 * np.arange(6)
    vectors = np.c_[np.cos(angle), np.sin(angle), rng.uniform(-0.5, 0.5, 6)]
    vectors[:, :2] += rng.normal(scale=0.02, size=(6, 2))
    vectors = np.vstack([vectors, [0.0, 0.0, 1.0], [1.5, 0.0, 0.3]])  # its own image, one beyond the cutoff
    species = np.zeros(len(vectors) + 1, dtype=np.int64)
    closed = columns.potential.site_hessian(species, vectors)
    assert_allclose(closed, hessian_by_differences(columns.potential, species, vectors), atol=1e-8)


def test_force_constants_are_those_of_springs_between_neighbours(columns):
    """Σ_bonds ½ |D u3|², so that H_33 is −1 for each of six neighbours and 6 at home."""
    constants = columns.force_constants
    length = np.linalg.norm(constants.vectors, axis=1)
    assert_allclose(np.sort(constants.blocks[:, 0, 0, 2, 2]), [-1.0] * 6 + [6.0], atol=1e-14)
    assert_allclose(np.sort(length), [0.0] + [1.0] * 6, atol=1e-14)
    assert_allclose(constants.blocks[:, 0, 0, 2, :2], 0.0, atol=1e-14)


def test_bonds_of_the_slipped_crystal_carry_the_hessian_of_the_unslipped_lattice(screw):
    """b has no component in the plane: the harmonic operator does not see where the cut lies."""
    cell, crystal = screw.cell(SMALL), screw.crystal
    unknowns, pairs = np.flatnonzero(cell.free), cell.pairs(1.01)
    blocks = bond_blocks(crystal, pairs, cell.sublattice, screw.frame)
    atoms = cell.atoms.copy()
    atoms.positions[:] = cell.reference
    expected = assemble_hessian(crystal.potential, atoms, unknowns=unknowns)
    scalar = bond_operator(blocks, pairs, len(cell), unknowns)[2::3][:, 2::3]
    assert abs(scalar - expected[2::3][:, 2::3]).max() < 1e-12


def test_stiffness_is_that_of_long_waves_in_the_plane(columns):
    """Ĥ_ik(q) → V C_ijkl q_j q_l (Born & Huang, §27)."""
    q = 1e-3 * np.array([np.cos(0.4), np.sin(0.4), 0.0])
    expected = columns.homogeneous.volume * np.einsum("ijkl,j,l->ik", columns.stiffness, q, q)
    assert_allclose(columns.force_constants.matrix(q), expected, atol=1e-6 * expected.max())


def test_columns_are_no_structure_that_a_user_can_choose(columns):
    from genmlip.crystal import STRUCTURES

    assert columns.structure not in STRUCTURES
    assert AntiPlaneScrew(columns).name not in SYSTEMS


def test_columns_move_along_the_line_only(at_rest):
    assert_allclose(at_rest.corrector[:, :2], 0.0, atol=1e-10)
    assert np.abs(at_rest.corrector[:, 2]).max() > 1e-3


def test_centred_core_keeps_its_threefold_symmetry(columns):
    equilibrium = relaxed(AntiPlaneScrew(columns), SMALL)
    cell, u = equilibrium.cell, equilibrium.corrector[:, 2]
    c, s = np.cos(2 * np.pi / 3), np.sin(2 * np.pi / 3)
    distance, turned = cKDTree(cell.reference[:, :2]).query(cell.reference[:, :2] @ [[c, s], [-s, c]])
    assert distance[cell.free].max() < 1e-9
    assert_allclose(u[turned[cell.free]], u[cell.free], atol=1e-10)


def test_core_off_the_middle_relaxes_back_to_it(columns):
    """Up to the pull of the clamped boundary, which falls like R⁻²."""
    core = relaxed(AntiPlaneScrew(columns, core_offset=OFFSET), LARGE).core_position
    assert_allclose(core, -np.array(OFFSET), atol=2e-4)


def test_equilibrium_can_be_saved_and_read(at_rest, tmp_path):
    at_rest.save(tmp_path)
    again = Equilibrium.load(tmp_path, at_rest.cell.defect)
    assert_allclose(again.corrector, at_rest.corrector, atol=1e-8)


def test_corrector_decays_with_the_power_that_symmetry_leaves(at_rest):
    """Off centre ū ~ δ · ∇u0, ∣Dū∣ ~ r⁻²; in the centre the first term that is allowed is r⁻³ sin 3θ."""
    centred = at_rest.cell.defect.core_offset == (0.0, 0.0)
    assert at_rest.decay_exponent == pytest.approx(4.0 if centred else 2.0, abs=0.2)
