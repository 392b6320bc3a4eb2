"""What an infinite crystal knows of its dislocation, and a finite cell only if its boundary is right.

No number here comes from the code that is tested: cores in equivalent places, a predictor out of place, an
energy that is stationary, Sinclair's own alternation.
"""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal.pairs import Pairs
from genmlip.dislocations import Dislocation, equilibrate
from genmlip.dislocations.boundaries import Flexible, Sinclair
from genmlip.dislocations.boundaries.coupling import far_cell
from genmlip.dislocations.equilibrate import core_disturbance
from genmlip.dislocations.exterior import HarmonicCrystal, SlippedGreen
from genmlip.dislocations.harmonic import harmonic_operator
from genmlip.statics.minimise import minimise
from genmlip.statics.norms import energy_norm
from genmlip.statics.preconditioner import SparseFactor
from genmlip.theory.sites import same_sites

RADIUS = 14.0
FLEXIBLE = Flexible(100.0)


def relaxed(defect, radius, boundary, start=None, fmax=1e-7):
    return equilibrate(defect, defect.crystal.potential, radius, boundary, fmax, start).require_convergence()


def in_the_lattice(cell):
    """(n, 2) Å, independent of where the predictor is centred."""
    return cell.reference[:, :2] + cell.defect.centre


def corrector_on(cell, other, corrector, shift=(0.0, 0.0)):
    """A state of the cell ``other``, moved by a lattice vector, as a corrector on ``cell``, (n, 3) Å."""
    here, there = same_sites(in_the_lattice(cell), in_the_lattice(other) + shift)
    u = np.zeros((len(cell), 3))
    u[here] = (other.predictor + corrector)[there] - cell.predictor[here]
    return u


def norm_within(cell, u, radius):
    """‖Du‖ on the bonds within ``radius`` (Å) of the line, Å."""
    bonds, inside = cell.bonds, cell.r < radius
    kept = inside[bonds.i] & inside[bonds.j]
    return energy_norm(u, Pairs(bonds.i[kept], bonds.j[kept], bonds.vector[kept], bonds.shift[kept]))


def distance(one, other, radius=8.0):
    """‖D(u − u′)‖ of the total displacements around the core, Å."""
    return norm_within(one.cell, one.corrector - corrector_on(one.cell, other.cell, other.corrector), radius)


@pytest.fixture(scope="module", params=["bcc-screw-111", "bcc-mixed-111"])
def line(request, tungsten):
    return Dislocation(tungsten, request.param)


@pytest.fixture(scope="module")
def at_rest(line):
    return relaxed(line, RADIUS, FLEXIBLE)


@pytest.fixture(scope="module")
def clamped(line):
    return relaxed(line, RADIUS, "clamped", fmax=1e-6)


def test_core_costs_the_same_one_period_farther_on(line, at_rest):
    """Moved by a lattice vector, away from the predictor's centre, which an infinite crystal does not mind.

    A clamped cell of this radius lifts the screw by 45 meV and pulls the mixed dislocation all the way back.
    """
    t1, t2 = line.lattice.vectors[:2, :2]
    in_the_plane = [v for v in (t1, t2, t1 + t2, t1 - t2) if abs(v[1]) < 1e-6]
    step = min(in_the_plane, key=np.linalg.norm)
    start = corrector_on(at_rest.cell, at_rest.cell, at_rest.corrector, step)
    moved = relaxed(line, RADIUS, FLEXIBLE, start)
    assert_allclose(moved.core_position[0] - at_rest.core_position[0], step[0], atol=0.5)
    assert_allclose(moved.energy, at_rest.energy, atol=5e-4)


def test_misplaced_predictor_is_repaired(line, at_rest):
    """By a tenth of b: the core stays where it was, a hundred times closer than in a clamped cell."""
    off = Dislocation(line.crystal, line.name, core_offset=(0.0, 0.1 * line.b))
    repaired = distance(at_rest, relaxed(off, RADIUS, FLEXIBLE))
    assert repaired < distance(at_rest, relaxed(off, RADIUS, "clamped", fmax=1e-6)) / 100


def test_search_from_a_clamped_cell_ends_in_the_same_equilibrium(line, at_rest, clamped):
    start = corrector_on(at_rest.cell, clamped.cell, clamped.corrector)
    found = relaxed(line, RADIUS, FLEXIBLE, start)
    assert_allclose(found.energy, at_rest.energy, atol=1e-9)
    assert_allclose(found.corrector, at_rest.corrector, atol=1e-6)


def test_rigidly_translated_equilibrium_is_an_equilibrium(line, at_rest):
    start = at_rest.corrector + np.array([5.0, -3.0, 1.0])
    again = relaxed(line, RADIUS, FLEXIBLE, start, fmax=2e-7)
    assert again.n_force_calls == 1
    assert_allclose(again.corrector, at_rest.corrector, atol=1e-8)


def test_energy_error_is_half_the_square_of_the_geometry_error(tungsten):
    """In the norm of the crystal's Hessian, with no term of first order: the energy told is stationary."""
    screw = Dislocation(tungsten, "bcc-screw-111")
    truth, found = (relaxed(screw, radius, Flexible(100.0)) for radius in (24.0, 10.0))
    cell = found.cell
    error = found.corrector - corrector_on(cell, truth.cell, truth.corrector)
    inside = np.flatnonzero(cell.r < 70.0)
    square = error[inside].ravel() @ (harmonic_operator(cell, inside) @ error[inside].ravel())
    assert_allclose(found.energy - truth.energy, 0.5 * square, rtol=0.15)


def test_sinclairs_state_is_that_of_his_alternation(tungsten):
    """His regions 1 and 2 together are the free atoms here; how the interface ends makes the difference."""
    screw = Dislocation(tungsten, "bcc-screw-111")
    found, truth = relaxed(screw, 21.0, Sinclair()), relaxed(screw, 25.0, FLEXIBLE)
    cell, u = alternation(screw, 12.0, 21.0)
    difference = norm_within(found.cell, found.corrector - corrector_on(found.cell, cell, u), 10.0)
    assert difference < 0.15 * distance(found, truth, 10.0)


def alternation(defect, inner, outer):
    """Relax region 1 (r < inner), displace all atoms by G times the forces in region 2, and so on.

    Sinclair, Gehlen, Hoagland & Hirth, J. Appl. Phys. 49, 3890 (1978).
    """
    potential, reach = defect.crystal.potential, outer + 30.0
    cell = far_cell(defect, inner, potential.cutoff, reach)
    harmonic = HarmonicCrystal(cell, reach)
    green = SlippedGreen(harmonic, np.arange(len(cell)))
    one, two = np.flatnonzero(cell.r < inner), (cell.r >= inner) & (cell.r < outer)
    evaluate = potential.bind(cell.atoms, np.flatnonzero(cell.r < outer + potential.cutoff + 0.5))
    own = (3 * one[:, None] + np.arange(3)).ravel()
    inverse = SparseFactor(harmonic.operator(one)[own][:, own], cell.reference[one, :2])
    u = core_disturbance(cell)

    def energy(x):
        u[one] = x
        at = evaluate(cell.positions + u)
        return at.energies, -at.forces[one]

    for _ in range(20):
        u[one] = minimise(energy, u[one], inverse, 1e-6).x
        forces = np.where(two[:, None], evaluate(cell.positions + u).forces, 0.0)
        forces[two] -= forces[two].mean(axis=0)
        if np.linalg.norm(forces, axis=1).max() < 1e-5:
            return cell, u
        u += green.solve(forces)
    raise AssertionError("the alternation did not end")


@pytest.mark.parametrize("name", ["bcc-screw-111", "bcc-edge-100"])
def test_free_atoms_of_a_sinclair_cell_are_at_rest(tungsten, name):
    found = relaxed(Dislocation(tungsten, name), 12.0, Sinclair())
    forces = tungsten.potential.bind(found.cell.atoms)(found.atoms.positions).forces
    assert np.linalg.norm(forces[found.cell.free], axis=1).max() < 1.1e-7


def test_energy_of_a_multilattice_does_not_depend_on_the_source_radius(silicon):
    line = Dislocation(silicon, "diamond-60")
    near, far = (relaxed(line, 12.0, Flexible(s), fmax=1e-5).energy for s in (85.0, 130.0))
    assert_allclose(near, far, atol=1e-5)
