"""Dislocations in periodic cells: neighbours across the cut, equal cores, and the energy of one of them."""

import json

import numpy as np
import pytest
from elastic_media import medium
from numpy.testing import assert_allclose

from genmlip.cli.app import run
from genmlip.dislocations import SYSTEMS, Dislocation, Equilibrium, column_differences, equilibrate
from genmlip.dislocations.boundaries import Periodic
from genmlip.dislocations.harmonic import full_range, harmonic_operator
from genmlip.dislocations.quadrupole import Quadrupole
from genmlip.dislocations.quadrupole_cell import quadrupole_cell
from genmlip.errors import InputError
from genmlip.potentials.neighbours import Neighbours
from genmlip.theory.rates import fit_rate

CUTOFF, RADIUS = 4.4, 16.0


@pytest.fixture(scope="module", params=SYSTEMS)
def cell(request):
    crystal = medium(SYSTEMS[request.param].structure)
    return quadrupole_cell(Dislocation(crystal, request.param), RADIUS, CUTOFF)


@pytest.fixture(scope="module", params=["bcc-screw-111", "bcc-edge-100"])
def tungsten_cell(request, tungsten):
    return quadrupole_cell(Dislocation(tungsten, request.param), RADIUS, tungsten.potential.cutoff)


@pytest.fixture(scope="module")
def relaxed(tungsten):
    """The degenerate core of this potential has less symmetry than the predictor."""
    screw = Dislocation(tungsten, "bcc-screw-111")
    return equilibrate(screw, tungsten.potential, RADIUS, boundary="periodic")


def distance(cell, cores):
    """Å, (n,), to the nearest of the cores or their periodic images."""
    c = cell.topology.quadrupole.cell[:2, :2]
    images = np.array([[i, j] for i in (-2, -1, 0, 1, 2) for j in (-1, 0, 1)]) @ c
    places = (np.atleast_2d(cores)[:, None] + images).reshape(-1, 2)
    return np.linalg.norm(cell.reference[:, None, :2] - places, axis=2).min(axis=1)


def distance_to_cores(cell):
    return distance(cell, np.vstack([np.zeros(2), cell.inverted_cores]))


def inverted(cell):
    """For every atom the one that the inversion between the cores takes it to; (n,)."""
    c = np.linalg.inv(cell.topology.quadrupole.cell)
    images = np.r_[cell.inverted_cores[0], 0.0] - cell.reference
    images[:, 2] += cell.reference[cell.sublattice == cell.sublattice[0]][0, 2]
    images[:, 2] += cell.reference[cell.sublattice == cell.sublattice[-1]][0, 2]
    partner = np.empty(len(cell), dtype=int)
    for k, image in enumerate(images):
        offset = (cell.reference - image)[:, :2] @ c[:2, :2]
        partner[k] = np.abs(offset - np.rint(offset)).max(axis=1).argmin()
    return partner


def test_every_pair_has_its_reverse(cell):
    pairs = cell.pairs(CUTOFF)
    key = np.round(np.c_[pairs.i, pairs.j, pairs.vector, pairs.shift], 5) + 0.0
    reverse = np.round(np.c_[pairs.j, pairs.i, -pairs.vector, -pairs.shift], 5) + 0.0
    assert_allclose(np.unique(key, axis=0), np.unique(reverse, axis=0), atol=2e-5)
    assert len(np.unique(key, axis=0)) == len(pairs)


def test_only_ends_of_half_planes_lose_neighbours(cell):
    lattice = cell.defect.lattice
    count = np.bincount(cell.pairs(CUTOFF).i, minlength=len(cell))
    whole = np.array([len(lattice.bonds(kappa, CUTOFF)[1]) for kappa in range(len(lattice.basis))])
    lost = whole[cell.sublattice] - count
    assert (lost >= 0).all()
    b1 = abs(cell.defect.burgers[0])
    assert (lost[distance_to_cores(cell) > CUTOFF + 1.5 * b1] == 0).all()
    assert lost.any() == (b1 > 0)


def test_neighbours_across_the_cut_are_those_of_the_deformed_crystal(cell):
    """Away from the cores the pairs are those that a search among the atoms finds."""
    reach = 1.25 * cell.defect.crystal.nearest_neighbour_distance
    if cell.defect.crystal.structure == "bcc":
        reach = 1.3 * cell.defect.crystal.nearest_neighbour_distance  # between second and third neighbours
    found, pairs = Neighbours.of(cell.atoms, reach), cell.pairs(reach)
    centre = np.repeat(found.centre, np.diff(found.first))
    far = distance_to_cores(cell) > 3.0 * cell.defect.b
    assert far.sum() > 0.2 * len(cell)
    bonds = found.vectors(cell.positions)

    def listed(i, j, vectors):
        chosen = far[i]
        return np.unique(np.round(np.c_[i, j, vectors][chosen], 4) + 0.0, axis=0)

    ours = listed(pairs.i, pairs.j, pairs.deformed(cell.positions))
    assert_allclose(ours, listed(centre, found.index, bonds), atol=2e-4)


def test_harmonic_operator_is_the_crystals_away_from_the_cores(tungsten_cell):
    cell = tungsten_cell
    H = harmonic_operator(cell, np.arange(len(cell)))
    assert_allclose((H - H.T).data, 0.0, atol=1e-12)
    assert_allclose(H @ np.tile(np.eye(3), (len(cell), 1)), 0.0, atol=1e-10)
    blocks = H.toarray().reshape(len(cell), 3, len(cell), 3)
    on_site = np.array([blocks[k, :, k] for k in range(len(cell))])
    reach = full_range(cell.defect.crystal)
    far = distance_to_cores(cell) > reach + 1.5 * abs(cell.defect.burgers[0])
    constants = cell.defect.crystal.force_constants
    own = constants.blocks[np.linalg.norm(constants.vectors, axis=1).argmin(), 0, 0]
    images = reach > cell.line_period  # images of an atom along its own column fold into its block
    same = constants.vectors @ cell.defect.frame.T
    column = np.linalg.norm(same[:, :2], axis=1) < 1e-6
    folded = constants.blocks[column, 0, 0].sum(axis=0) if images else own
    expected = cell.defect.frame @ folded @ cell.defect.frame.T
    assert far.sum() > 10
    assert_allclose(on_site[far], np.broadcast_to(expected, on_site[far].shape), atol=1e-8)


def test_forces_of_the_predictor_sum_to_zero_and_fade_from_the_cores(tungsten_cell):
    cell = tungsten_cell
    forces = cell.defect.crystal.potential.evaluate(cell.atoms).forces
    assert_allclose(forces.sum(axis=0), 0.0, atol=1e-10)
    size, far = np.linalg.norm(forces, axis=1), distance_to_cores(cell) > 0.6 * RADIUS
    assert size[far].max() < 0.03 * size.max()


def test_predictor_near_a_core_is_that_of_one_dislocation_as_the_cell_grows(any_dislocation):
    """But for a translation; what is left is the strain of the images, ~ r / L² or less."""

    b = any_dislocation.burgers

    def difference(radius):
        quadrupole = Quadrupole.of(any_dislocation, 2 * radius)
        label, x = quadrupole.sites
        near = np.linalg.norm(x[:, :2] - quadrupole.cores[0], axis=1) < 8.0
        label, x = label[near], x[near]
        ours = x + quadrupole.displacement(x, label[:, 2])
        x[x[:, 1] > 0] -= b  # the cut of one dislocation is on the other side
        gap = ours - x - any_dislocation.predictor(x, label[:, 2])
        return np.linalg.norm(gap - gap.mean(axis=0), axis=1).max()

    assert difference(40.0) < 0.45 * difference(16.0)
    assert difference(40.0) < 0.03 * any_dislocation.b


def test_an_inversion_takes_one_core_to_the_other(relaxed):
    """The energy of every site equals that of its image, in the core that broke the symmetry too."""
    energies = relaxed.cell.defect.crystal.potential.evaluate(relaxed.atoms).energies
    assert np.ptp(energies) > 0.1
    assert_allclose(energies[inverted(relaxed.cell)], energies, atol=1e-6)


def test_energy_is_that_of_one_dislocation_in_the_infinite_crystal(silicon):
    screw = Dislocation(silicon, "diamond-screw")
    one = equilibrate(screw, silicon.potential, 25.0, boundary="flexible").energy
    assert_allclose(equilibrate(screw, silicon.potential, 18.8, boundary="periodic").energy, one, atol=2e-3)


@pytest.mark.slow
def test_energy_error_falls_like_the_inverse_square_of_the_radius(silicon):
    """Cells of one shape; the reference is the harmonic infinite exterior."""
    screw = Dislocation(silicon, "diamond-screw")
    exact = equilibrate(screw, silicon.potential, 40.0, boundary="flexible").energy
    radii = 9.4 * np.arange(1, 6)
    energies = [equilibrate(screw, silicon.potential, r, boundary="periodic").energy for r in radii]
    fit = fit_rate(radii, np.array(energies) - exact)
    assert -2.5 < fit.slope < -1.8
    assert fit.standard_error < 0.2


def test_energy_hardly_depends_on_where_the_predictor_has_its_centre(tungsten):
    offset = Dislocation(tungsten, "bcc-screw-111", core_offset=(0.2, 0.1))
    periodic = equilibrate(offset, tungsten.potential, 20.0, boundary="periodic")
    flexible = equilibrate(offset, tungsten.potential, 20.0, boundary="flexible")
    assert_allclose(periodic.energy, flexible.energy, atol=5e-3)
    assert_allclose(periodic.core_position, flexible.core_position, atol=0.1)


def test_cores_that_have_met_are_no_equilibrium_of_a_dislocation(tungsten):
    edge = Dislocation(tungsten, "bcc-edge-111")  # glides at a few MPa
    lost = equilibrate(edge, tungsten.potential, 10.0, boundary="periodic")
    assert not lost.converged
    assert "have met" in lost.message
    screw = Dislocation(tungsten, "bcc-screw-111")
    assert equilibrate(screw, tungsten.potential, 10.0, boundary="periodic").converged


def test_core_is_found_and_drawn_in_a_periodic_cell(relaxed):
    assert np.abs(relaxed.core_position).max() < 0.2
    assert relaxed.decay_exponent > 1.5
    u = relaxed.cell.predictor + relaxed.corrector
    slips = column_differences(relaxed.cell, u)
    far = distance_to_cores(relaxed.cell) > 0.5 * RADIUS
    assert np.abs(slips.slip[far[slips.start]]).max() < 0.1 * relaxed.cell.defect.b


def test_a_periodic_equilibrium_is_read_back(relaxed, tmp_path):
    relaxed.save(tmp_path)
    again = Equilibrium.load(tmp_path)
    assert_allclose(again.corrector, relaxed.corrector, atol=0)
    assert_allclose(again.atoms.cell, relaxed.atoms.cell)
    assert again.boundary == Periodic()
    assert again.energy == relaxed.energy


def test_bonds_longer_than_the_cell_are_refused(cell):
    with pytest.raises(InputError, match="do not fit"):
        cell.pairs(3 * RADIUS)


def test_command_line_relaxes_a_periodic_dislocation(capfd):
    command = "equilibrate fs:W bcc-screw-111 --radius 15 --boundary periodic --json"
    assert run(command.split()) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["converged"]
    assert told["boundary"] == "periodic"
    assert -0.32 < told["energy"] < -0.28
