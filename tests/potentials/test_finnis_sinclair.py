import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.testing import assert_allclose
from potential_cases import configurations, one_site

from genmlip.potentials import load_potential
from genmlip.potentials.base import hessian_by_differences
from genmlip.potentials.finnis_sinclair import TUNGSTEN


def numpy_energies(atoms, x=TUNGSTEN):
    """Site energies of a cluster, straight from the published formula."""
    r = atoms.get_all_distances() + 1e9 * np.eye(len(atoms))
    pair = np.where(r < x.c, (r - x.c) ** 2 * (x.c0 + x.c1 * r + x.c2 * r**2), 0.0)
    pair += np.where(r < x.b0, x.B * (x.b0 - r).clip(0.0) ** 3 * np.exp(-x.alpha * r), 0.0)
    density = np.where(r < x.d, (r - x.d) ** 2, 0.0).sum(axis=1)
    return 0.5 * pair.sum(axis=1) - x.A * np.sqrt(density)


def test_the_bcc_crystal_has_the_published_energy_and_no_stress():
    crystal = bulk("W", "bcc", a=3.16520, cubic=True)
    crystal.calc = load_potential("fs:W")
    assert_allclose(crystal.get_potential_energies(), -8.9000, atol=5e-5)
    assert_allclose(crystal.get_stress(), 0.0, atol=2e-6)


@pytest.mark.parametrize("scale", [0.75, 0.9, 1.0, 1.2])
def test_the_kernel_agrees_with_the_published_formula(scale):
    atoms = configurations("fs-W")["strained"]
    cluster = Atoms("W16", positions=scale * atoms.positions)
    assert_allclose(load_potential("fs:W").evaluate(cluster).energies, numpy_energies(cluster), atol=1e-11)


@pytest.mark.parametrize(("configuration", "atom"), [("rattled", 0), ("strained", 7), ("dense", 3)])
def test_the_closed_form_of_the_site_hessian_agrees_with_differences(configuration, atom):
    potential = load_potential("fs:W")
    species, vectors = one_site(potential, configurations("fs-W")[configuration], atom)
    distance = np.linalg.norm(vectors, axis=1)
    for kink in (TUNGSTEN.c, TUNGSTEN.d):  # the second derivatives jump here
        vectors = vectors[abs(np.linalg.norm(vectors, axis=1) - kink) > 0.01]
    assert len(vectors) > 0.8 * len(distance)
    species = species[: len(vectors) + 1]
    closed_form = potential.site_hessian(species, vectors)
    differences = hessian_by_differences(potential, species, vectors, step=1e-3)
    assert_allclose(closed_form, differences, atol=1e-8 * abs(closed_form).max())


def test_the_site_hessian_of_an_atom_without_neighbours_vanishes():
    hessian = load_potential("fs:W").site_hessian(np.zeros(2, dtype=int), np.array([[0.0, 4.5, 0.0]]))
    assert not hessian.any()
