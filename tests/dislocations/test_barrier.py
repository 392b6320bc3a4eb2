from dataclasses import replace

import numpy as np
import pytest
from ase.constraints import FixAtoms
from ase.mep import NEB
from ase.optimize import FIRE
from elastic_media import medium
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import SYSTEMS, Dislocation, Vacancy
from genmlip.dislocations.barrier import BarrierInterrupted, glide_step, peierls_barrier
from genmlip.dislocations.boundaries import Clamped
from genmlip.errors import InputError, NotConvergedError
from genmlip.potentials import load_potential

SMOOTH = "kim:EAM_Dynamo_MarinicaVentelonGilbert_2013EAM4__MO_046576227003_000"


@pytest.fixture(scope="module")
def screw(tungsten):
    return peierls_barrier(
        Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 15.0, Clamped(), n_images=7
    )


@pytest.fixture(scope="module")
def edge(tungsten):
    return peierls_barrier(
        Dislocation(tungsten, "bcc-edge-100"), tungsten.potential, 20.0, Clamped(), n_images=5
    )


@pytest.fixture(scope="module")
def smooth_screw():
    """A tungsten without kinks in its second derivatives, whose screw has a compact, symmetric core."""
    pytest.importorskip("kimpy")
    try:
        potential = load_potential(SMOOTH)
    except InputError as error:
        pytest.skip(f"OpenKIM model is not installed: {error}")
    return Dislocation(Crystal.from_potential(potential), "bcc-screw-111")


def neighbours_of_the_core(barrier, image, shift, radius):
    """Displacements relative to each other of the sites closer than ``radius`` to the core at ``shift``, by
    their position relative to it."""
    cell = barrier.cell
    x = cell.reference - shift
    x[:, 2] -= np.floor(x[:, 2] / cell.line_period + 1e-6) * cell.line_period
    near = np.flatnonzero(np.hypot(x[:, 0], x[:, 1]) < radius)
    near = near[np.lexsort(np.round(x[near], 4).T)]
    u = (cell.predictor + barrier.correctors[image])[near]
    return x[near], u - u.mean(axis=0)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_step_is_a_translation_of_the_crystal_within_the_glide_plane(name):
    dislocation = Dislocation(medium(SYSTEMS[name].structure), name)
    step = glide_step(dislocation)
    n = step @ np.linalg.inv(dislocation.lattice.vectors)
    assert_allclose(n, np.round(n), atol=1e-9)
    assert step[1] == 0.0
    assert 0.0 < step[0] <= np.abs(dislocation.burgers[0]) + dislocation.crystal.a0


@pytest.mark.parametrize(
    ("name", "in_a0"),
    [
        ("bcc-screw-111", np.sqrt(2 / 3)),  # between easy cores
        ("bcc-edge-111", np.sqrt(3) / 6),  # b / 3: columns of a (110) plane along [112]
        ("bcc-edge-100", 1.0),
        ("fcc-edge-110", np.sqrt(2) / 4),  # b / 2
        ("fcc-screw-110", np.sqrt(6) / 4),
    ],
)
def test_steps_are_the_known_distances_of_peierls_valleys(name, in_a0):
    dislocation = Dislocation(medium(SYSTEMS[name].structure), name)
    assert_allclose(glide_step(dislocation)[0], in_a0 * dislocation.crystal.a0, rtol=1e-12)


@pytest.mark.parametrize("which", ["screw", "edge"])
def test_ends_are_the_same_core_one_step_apart(which, request):
    """Same variant, same place relative to the lattice; the boundary differs, which the far atoms feel."""
    barrier = request.getfixturevalue(which)
    x0, u0 = neighbours_of_the_core(barrier, 0, -0.5 * barrier.step, 5.0)
    x1, u1 = neighbours_of_the_core(barrier, -1, 0.5 * barrier.step, 5.0)
    assert_allclose(x1, x0, atol=1e-3)
    assert_allclose(u1, u0, atol=0.07)  # of 1.2 Å
    assert abs(barrier.path.energies[-1]) < 2e-3 * barrier.path.barrier


@pytest.mark.parametrize("which", ["screw", "edge"])
def test_saddle_is_at_rest_and_lower_on_both_sides(which, request):
    """Forces of all atoms of the cell, without the restriction to the centres."""
    barrier = request.getfixturevalue(which)
    assert barrier.converged
    assert barrier.barrier > 0.0
    potential = barrier.dislocation.crystal.potential
    saddle = barrier.path.saddle
    aside = np.zeros_like(barrier.cell.predictor)
    aside[barrier.cell.free] = 0.05 * saddle.mode
    top = int(np.argmax(barrier.path.energies))
    atoms = barrier.cell.atoms.copy()

    def at(displacement):
        atoms.positions = barrier.cell.positions + barrier.correctors[top] + displacement
        return potential.evaluate(atoms)

    assert np.linalg.norm(at(0.0).forces[barrier.cell.free], axis=1).max() <= 1e-5
    assert max(at(aside).energy, at(-aside).energy) < at(0.0).energy
    assert saddle.curvatures[0] < 0.0 < saddle.curvatures[1]


def climbing_image(barrier, n_images, fmax):
    """Energy (eV per line period) of the climbing image of ASE's elastic band between the same ends."""
    potential = barrier.dislocation.crystal.potential
    images = []
    for share in np.linspace(0.0, 1.0, n_images):
        atoms = barrier.cell.atoms.copy()
        corrector = (1.0 - share) * barrier.correctors[0] + share * barrier.correctors[-1]
        atoms.positions = barrier.cell.positions + corrector
        atoms.set_constraint(FixAtoms(mask=~barrier.cell.free))
        atoms.calc = potential
        images.append(atoms)
    band = NEB(images, climb=True, allow_shared_calculator=True, method="improvedtangent")
    assert FIRE(band, logfile=None).run(fmax=fmax, steps=3000)
    energies = [atoms.get_potential_energy() for atoms in images]
    return max(energies) - energies[0]


def test_barrier_is_that_of_a_nudged_elastic_band(tungsten):
    barrier = peierls_barrier(
        Dislocation(tungsten, "bcc-edge-100"), tungsten.potential, 8.0, Clamped(), n_images=5
    )
    assert_allclose(barrier.path.barrier, climbing_image(barrier, 5, 1e-2), atol=1e-4)


def test_valleys_that_the_clamped_boundary_overrides_are_reported_as_not_found(tungsten):
    """The edge's barrier is smaller than the work of the image force over one step."""
    barrier = peierls_barrier(
        Dislocation(tungsten, "bcc-edge-111"), tungsten.potential, 12.0, Clamped(), n_images=3
    )
    assert not barrier.converged
    assert np.isnan(barrier.barrier)
    assert barrier.summary()["barrier"] is None
    with pytest.raises(NotConvergedError, match="larger radius or another boundary"):
        barrier.require_convergence()


def test_path_starts_from_the_valley_wherever_the_predictor_was_centred(tungsten, edge):
    """A centre moved by a step along the glide plane gives the same cell."""
    dislocation = edge.dislocation
    moved = replace(Dislocation(tungsten, dislocation.name), core_offset=(float(edge.step[0]), 0.0))
    again = peierls_barrier(moved, tungsten.potential, 20.0, Clamped(), n_images=5)
    assert_allclose(again.barrier, edge.barrier, atol=1e-6)


def test_interruption_carries_the_path(tungsten):
    def stop(sweep):
        raise KeyboardInterrupt

    with pytest.raises(BarrierInterrupted) as caught:
        peierls_barrier(
            Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 10.0, Clamped(), 5, callback=stop
        )
    assert not caught.value.result.converged
    assert len(caught.value.result.correctors) == 5


def test_only_dislocations_have_a_peierls_barrier(tungsten):
    with pytest.raises(InputError, match="vacancy"):
        peierls_barrier(Vacancy(tungsten), tungsten.potential, 10.0)
    with pytest.raises(InputError, match="periodic"):
        peierls_barrier(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 10.0, "periodic")
    with pytest.raises(InputError, match="at least 3"):
        peierls_barrier(Dislocation(tungsten, "bcc-screw-111"), tungsten.potential, 10.0, n_images=2)


@pytest.mark.slow
def test_the_flexible_boundary_makes_the_barrier_independent_of_the_radius(smooth_screw):
    potential = smooth_screw.crystal.potential
    barriers = [peierls_barrier(smooth_screw, potential, radius, "flexible") for radius in (12.0, 20.0, 30.0)]
    assert all(barrier.converged for barrier in barriers)
    assert np.ptp([barrier.barrier for barrier in barriers]) < 1e-4


@pytest.mark.slow
def test_the_clamped_boundary_misses_the_work_of_the_image_force(smooth_screw):
    """K b² s² / 4π R² per length for a core s from the centre of a cylinder whose surface is held: both ends
    are half a step away and the saddle is not."""
    potential = smooth_screw.crystal.potential
    infinite = peierls_barrier(smooth_screw, potential, 20.0, "flexible").barrier
    s = 0.5 * glide_step(smooth_screw)[0]
    for radius in (20.0, 30.0, 40.0):
        clamped = peierls_barrier(smooth_screw, potential, radius, Clamped()).barrier
        image = smooth_screw.field.energy_prefactor * (s / radius) ** 2 * smooth_screw.b
        assert_allclose(infinite - clamped, image, rtol=0.15)
