"""Elastic energy of the array against its integral, core energies of cylinders against periodic cells."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.special import erfc

from genmlip.dislocations import Dislocation, Vacancy, equilibrate
from genmlip.dislocations.elastic_energy import array_energy, core_energy, predictor_core_energy
from genmlip.dislocations.quadrupole import Quadrupole
from genmlip.errors import InputError

TINY = 1e-2  # Å


def energy_density(quadrupole, y):
    gradient = quadrupole.distortion(y)
    return 0.5 * np.einsum("nij,ijkl,nkl->n", gradient, quadrupole.dislocation.stiffness, gradient)


def integrated_energy(quadrupole, core_radius, n=56, rings=40, angles=24):
    """∫ ½ σ:ε over the cell: by the periodic trapezoidal rule away from the cores, in polar coordinates near
    them down to a tiny radius, and logarithmically from there to ``core_radius``."""
    end = 0.48 * np.linalg.norm(quadrupole.dipole)

    def window(r):
        return 0.5 * erfc((r - 0.55 * end) / (0.12 * end))

    c = quadrupole.cell[:2, :2]
    t = np.stack(np.meshgrid(np.arange(n) / n, np.arange(n) / n), axis=-1).reshape(-1, 2) - 0.497
    y = t @ c + quadrupole.cores.mean(axis=0)
    images = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)]) @ c
    near = sum(window(np.linalg.norm(y - core - m, axis=1)) for core in quadrupole.cores for m in images)
    outer = near < 1 - 1e-10
    total = np.sum(energy_density(quadrupole, y[outer]) * (1 - near[outer])) * quadrupole.area / n**2
    angle = 2 * np.pi * np.arange(angles) / angles
    node, weight = np.polynomial.legendre.leggauss(rings)
    log_r = np.log(TINY) + np.log(end / TINY) * 0.5 * (1 + node)
    ring = np.exp(log_r)[:, None, None] * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    for core in quadrupole.cores:
        mean = energy_density(quadrupole, core + ring.reshape(-1, 2)).reshape(rings, angles).mean(axis=1)
        per_log = 2 * np.pi * np.exp(2 * log_r) * mean * window(np.exp(log_r))
        total += 0.5 * np.log(end / TINY) * weight @ per_log
        total -= quadrupole.dislocation.field.energy_prefactor * np.log(core_radius / TINY)
    return total


def test_array_energy_is_the_integral_of_its_density(any_dislocation):
    quadrupole = Quadrupole.of(any_dislocation, 30.0)
    core_radius = any_dislocation.b
    assert_allclose(
        array_energy(quadrupole, core_radius), integrated_energy(quadrupole, core_radius), rtol=2e-5
    )


def test_array_energy_grows_with_two_logarithms(silicon):
    """Cells of one shape, twice as large: each of the two cores gains A log 2."""
    screw = Dislocation(silicon, "diamond-screw")
    small, large = (Quadrupole.of(screw, 18.8 * k) for k in (1, 2))
    assert_allclose(large.cell[:2], 2 * small.cell[:2])
    gain = array_energy(large, 3.0) - array_energy(small, 3.0)
    assert_allclose(gain, 2 * screw.field.energy_prefactor * np.log(2), rtol=1e-6)


def test_core_energy_of_the_predictor_does_not_depend_on_how_far_it_is_summed(silicon):
    sixty = Dislocation(silicon, "diamond-60")
    near, far = (predictor_core_energy(sixty, 3.0, R) for R in (60.0, 120.0))
    assert_allclose(near, far, atol=1e-4)


def test_core_energy_is_the_same_in_a_periodic_cell_and_in_a_cylinder(silicon):
    """eV/Å; the cylinder is closed by the infinite harmonic crystal."""
    screw = Dislocation(silicon, "diamond-screw")
    cylinder = equilibrate(screw, silicon.potential, 20.0, boundary="flexible")
    cell = equilibrate(screw, silicon.potential, 18.8, boundary="periodic")
    assert_allclose(core_energy(cell, screw.b), core_energy(cylinder, screw.b), atol=5e-4)


def test_core_radius_enters_by_the_logarithm_alone(tungsten):
    edge = Dislocation(tungsten, "bcc-edge-100")
    cell = equilibrate(edge, tungsten.potential, 15.0, boundary="periodic")
    cylinder = equilibrate(edge, tungsten.potential, 15.0, boundary="clamped")
    for equilibrium in (cell, cylinder):
        change = core_energy(equilibrium, 2 * edge.b) - core_energy(equilibrium, edge.b)
        assert_allclose(change, edge.field.energy_prefactor * np.log(2), rtol=1e-9)


def test_a_vacancy_has_no_core_energy(tungsten):
    vacancy = equilibrate(Vacancy(tungsten), tungsten.potential, 6.0)
    with pytest.raises(InputError, match="no core energy"):
        core_energy(vacancy, 3.0)


def test_elasticity_of_another_crystal_is_refused(tungsten):
    screw = Dislocation(tungsten, "bcc-screw-111")
    foreign = replace(screw, medium=tungsten)
    equilibrium = equilibrate(foreign, tungsten.potential, 10.0)
    with pytest.raises(InputError, match="from one potential"):
        core_energy(equilibrium, 3.0)
