import numpy as np
import pytest
from ase import Atoms
from elastic_media import medium
from numpy.testing import assert_allclose

from genmlip.dislocations import SYSTEMS, Dislocation
from genmlip.dislocations.quadrupole import Quadrupole
from genmlip.potentials.neighbours import Neighbours

SPACING = 18.0
SHELL = {
    "bcc": (1.30, 14),
    "fcc": (1.20, 12),
    "diamond": (1.25, 4),
}  # cutoff over nearest-neighbour distance, coordination


@pytest.fixture
def quadrupole(any_dislocation):
    return Quadrupole.of(any_dislocation, SPACING)


def coordination(atoms, cutoff):
    neighbours = Neighbours.of(atoms, cutoff)
    lengths = np.linalg.norm(neighbours.vectors(atoms.positions), axis=1)
    return np.diff(neighbours.first), lengths.min()


def distance_to_cores(quadrupole, x):
    """Å, to the nearest core of any periodic image, in the undeformed crystal."""
    images = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)]) @ quadrupole.cell[:2, :2]
    cores = (quadrupole.cores[:, None] + images).reshape(-1, 2)
    return np.linalg.norm(x[:, None, :2] - cores, axis=2).min(axis=1)


def burgers_content(quadrupole, centre, radius, n=90):
    """−(sum of the jumps of u along a circle): what the smooth part of u gains, with u taken modulo b."""
    angle = 2 * np.pi * (np.arange(n + 1) + 0.123) / n
    u = quadrupole.displacement(centre + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1))
    steps = np.diff(u, axis=0)
    b = quadrupole.dislocation.burgers
    turns = np.round(steps @ b / (b @ b))
    return (steps - turns[:, None] * b).sum(axis=0)


def test_every_core_carries_its_burgers_vector_and_the_cell_none(quadrupole):
    b, radius = quadrupole.dislocation.burgers, 4.0
    plus, minus = quadrupole.cores
    assert_allclose(burgers_content(quadrupole, plus, radius), b, atol=1e-6)
    assert_allclose(burgers_content(quadrupole, minus, radius), -b, atol=1e-6)
    around_both = 0.5 * np.linalg.norm(quadrupole.dipole) + radius
    assert_allclose(burgers_content(quadrupole, quadrupole.cores.mean(axis=0), around_both), 0, atol=1e-6)


def test_the_displacement_fits_the_tilted_periodic_cell(quadrupole):
    x = np.random.default_rng(0).uniform(-0.5, 0.5, (40, 2)) @ quadrupole.cell[:2, :2]
    height = (x[:, 1] - quadrupole.cores[:, 1].min()) % quadrupole.cell[1, 1]
    x = x[
        height > np.ptp(quadrupole.cores[:, 1]) + 0.1
    ]  # between the heights of the cores u is known modulo b only
    for c in quadrupole.cell[:2]:
        jump = quadrupole.displacement(x + c[:2]) - quadrupole.displacement(x)
        expected = np.broadcast_to(quadrupole.plastic_distortion @ c, jump.shape)
        assert_allclose(jump, expected, atol=1e-4)


def test_no_atom_is_lost_and_all_but_the_cores_keep_their_neighbours(quadrupole):
    crystal = quadrupole.dislocation.crystal
    label, x = quadrupole.sites
    sublattice = label[:, 2]
    atoms = quadrupole.atoms()
    per_volume = len(crystal.basis) / abs(np.linalg.det(crystal.primitive_vectors))
    assert len(x) == len(atoms) == round(abs(np.linalg.det(quadrupole.cell)) * per_volume)
    assert np.bincount(sublattice).tolist() == [len(x) // len(crystal.basis)] * len(crystal.basis)
    reach, expected = SHELL[crystal.structure]
    count, shortest = coordination(atoms, reach * crystal.nearest_neighbour_distance)
    assert shortest > 0.75 * crystal.nearest_neighbour_distance
    far = distance_to_cores(quadrupole, x) > 2.0 * quadrupole.dislocation.b
    assert far.sum() > 0.4 * len(far)
    assert (count[far] == expected).all()


def test_opposite_cores_are_images_of_each_other_under_inversion(tungsten):
    """The core of −b is as easy as that of b: the forces on the atoms of both are the same."""
    quadrupole = Quadrupole.of(Dislocation(tungsten, "bcc-screw-111"), SPACING)
    _, x = quadrupole.sites
    forces = np.linalg.norm(tungsten.potential.evaluate(quadrupole.atoms()).forces, axis=1)
    near = [np.linalg.norm(x[:, :2] - core, axis=1) < 3.0 for core in quadrupole.cores]
    assert near[0].sum() == near[1].sum() > 3
    assert_allclose(np.sort(forces[near[0]]), np.sort(forces[near[1]]), rtol=1e-3, atol=1e-4)


def test_the_tilt_of_the_cell_relieves_the_shear_stress(tungsten):
    quadrupole = Quadrupole.of(Dislocation(tungsten, "bcc-screw-111"), SPACING)
    label, x = quadrupole.sites
    sublattice = label[:, 2]
    tilted = quadrupole.atoms()
    upright = Atoms(
        tilted.symbols,
        positions=x + quadrupole.displacement(x, sublattice) - x @ quadrupole.plastic_distortion.T,
        cell=quadrupole.cell,
        pbc=True,
    )
    shear = [abs(tungsten.potential.evaluate(atoms).virial[1, 2]) for atoms in (tilted, upright)]
    assert shear[0] < 0.02 * shear[1]


def test_cores_are_the_spacing_apart_but_for_the_shift_to_a_lattice_place(quadrupole):
    plus, minus = quadrupole.cores
    images = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)]) @ quadrupole.cell[:2, :2]
    slack = 0.5 * quadrupole.dislocation.crystal.a0
    assert np.linalg.norm(minus + images - plus, axis=1).min() > SPACING - slack
    assert np.linalg.norm(images[np.abs(images).max(axis=1) > 0], axis=1).min() >= SPACING


@pytest.mark.parametrize("name", [s.name for s in SYSTEMS.values() if s.character > 1.0])
def test_cores_of_edge_character_resist_gliding_together(name):
    """In the fixed cell the stress on +b has the sign that takes it after −b, when that is moved away."""
    dislocation = Dislocation(medium(SYSTEMS[name].structure), name)
    quadrupole = Quadrupole.of(dislocation, 40.0)
    around = np.array([[0.3, 0.2], [-0.3, -0.2], [0.2, -0.3], [-0.2, 0.3]])  # the core's own stress is odd

    def force(distance):
        moved = Quadrupole(dislocation, quadrupole.cell, quadrupole.opposite + np.array([distance, 0.0]))
        lost = quadrupole.plastic_distortion - moved.plastic_distortion  # becomes elastic
        gradient = moved.distortion(moved.cores[0] + around).mean(axis=0) + lost
        return dislocation.burgers @ np.einsum("ijkl,kl->ij", dislocation.stiffness, gradient)[:, 1]

    assert force(1.0) > 0.0 > force(-1.0)
