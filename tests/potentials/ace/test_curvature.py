"""Second derivatives of expansions: against differences of gradients, and the laws of invariance."""

import numpy as np
import pytest
from ase.build import bulk
from expansion_cases import GaussianCore, cluster, embedded_alloy, linear_tungsten, site_densities
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.errors import InputError
from genmlip.potentials.ace.condensed import condensed
from genmlip.potentials.ace.curvature import hessian_vectors, site_hessian
from genmlip.potentials.ace.curvature_kernels import core_switch, embedding_function
from genmlip.potentials.ace.engine import KINDS, Engine
from genmlip.potentials.ace.linear import LinearACE
from genmlip.potentials.base import EIGHTH_ORDER, SiteEvaluator, SitePotential, hessian_by_differences
from genmlip.potentials.neighbours import Neighbours
from genmlip.statics.hessian import assemble_hessian

CASES = {
    "linear": linear_tungsten(),
    "shifted-scaled": embedded_alloy(),
    "finnis-sinclair": embedded_alloy(3, "FinnisSinclair"),
    "condensed": condensed(embedded_alloy()),
}


class Expanded(SitePotential):
    """An expansion as a potential, with its closed second derivatives."""

    def __init__(self, expansion):
        super().__init__()
        self.expansion, self.engine = expansion, Engine.of(expansion)
        self.symbols, self.cutoff = expansion.symbols, expansion.cutoff

    def site_terms(self, species, neighbours, vectors, energies, gradients):
        self.engine.site_terms(species, neighbours, vectors, energies, gradients)

    def site_hessian(self, species, vectors):
        return site_hessian(self.expansion, species, vectors)

    def site_tangents(self, species, neighbours, vectors, changes, tangents):
        hessian_vectors(self.expansion, species, neighbours, vectors, changes, tangents)


@pytest.fixture(scope="module", params=CASES)
def potential(request):
    return Expanded(CASES[request.param])


def atoms_for(potential):
    atoms = bulk("W", cubic=True, a=3.1) * (2, 2, 2)
    rng = np.random.default_rng(1)
    atoms.positions += rng.normal(scale=0.1, size=(len(atoms), 3))
    if len(potential.symbols) > 1:
        atoms.symbols[rng.random(len(atoms)) < 0.4] = "Ta"
    return atoms[:-1]  # sites do not fill the lanes


def gradient(potential, species, vectors):
    g = np.empty_like(vectors)
    potential.site_terms(species, Neighbours.of_one_site(vectors), vectors, np.empty(1), g)
    return g


def tangent(potential, species, vectors, changes):
    t = np.empty_like(vectors)
    potential.site_tangents(species, Neighbours.of_one_site(vectors), vectors, changes, t)
    return t


@pytest.mark.parametrize("seed", range(3))
def test_site_hessians_agree_with_differences_of_the_gradient(potential, seed):
    species, vectors = cluster(9, len(potential.symbols), seed)
    expected = hessian_by_differences(potential, species, vectors, step=2e-3)
    found = potential.site_hessian(species, vectors)
    assert_allclose(found, expected, atol=1e-9 * abs(expected).max())


@pytest.mark.parametrize("seed", range(3))
def test_the_second_derivatives_commute(potential, seed):
    species, vectors = cluster(14, len(potential.symbols), seed)
    a, b = np.random.default_rng(seed).normal(size=(2, *vectors.shape))
    ab = np.sum(a * tangent(potential, species, vectors, b))
    scale = np.linalg.norm(a) * np.linalg.norm(tangent(potential, species, vectors, b))
    assert_allclose(np.sum(b * tangent(potential, species, vectors, a)), ab, atol=1e-13 * scale)


@pytest.mark.parametrize("seed", range(3))
def test_gradients_turn_with_the_neighbours(potential, seed):
    species, vectors = cluster(14, len(potential.symbols), seed)
    omega = np.random.default_rng(seed).normal(size=3)
    expected = np.cross(omega, gradient(potential, species, vectors))
    found = tangent(potential, species, vectors, np.cross(omega, vectors))
    assert_allclose(found, expected, atol=1e-12 * abs(potential.site_hessian(species, vectors)).max() * 10)


def test_tangents_of_many_sites_are_those_of_their_hessians(potential):
    atoms = atoms_for(potential)
    species = potential.species_of(atoms)
    nb = Neighbours.of(atoms, potential.cutoff + 0.4)
    vectors = nb.vectors(atoms.positions)
    changes = np.random.default_rng(0).normal(size=vectors.shape)
    tangents = np.full_like(vectors, np.nan)
    potential.site_tangents(species, nb, vectors, changes, tangents)
    for m in range(len(atoms)):
        mine = slice(nb.first[m], nb.first[m + 1])
        hessian = potential.site_hessian(species[np.r_[m, nb.index[mine]]], vectors[mine])
        expected = np.tensordot(hessian, changes[mine], axes=2)
        assert_allclose(tangents[mine], expected, atol=1e-12 * abs(hessian).max() * len(expected))


def test_pairs_beyond_the_cutoff_have_no_part(potential):
    species, vectors = cluster(6, len(potential.symbols))
    vectors[2] *= (potential.cutoff + 0.1) / np.linalg.norm(vectors[2])
    hessian = potential.site_hessian(species, vectors)
    assert_array_equal(hessian[2], 0.0)
    kept = [0, 1, 3, 4, 5]
    without = potential.site_hessian(np.delete(species, 3), vectors[kept])
    assert_allclose(hessian[np.ix_(kept, range(3), kept, range(3))], without, atol=1e-13 * abs(without).max())


def test_hessian_vectors_are_products_with_the_assembled_hessian(potential):
    atoms = atoms_for(potential)
    d = np.random.default_rng(2).normal(size=atoms.positions.shape)
    expected = assemble_hessian(potential, atoms) @ d.ravel()
    product = SiteEvaluator(potential, atoms).hessian_vector(atoms.positions, d)
    assert_allclose(product.ravel(), expected, atol=1e-12 * abs(expected).max())


def test_curvatures_of_the_tables_are_those_of_the_formulas():
    ace = LinearACE("W", 5.0, order=3, size=60)
    ace = ace.with_coefficients(np.random.default_rng(0).normal(size=ace.n_coefficients) / ace.smoothness)
    atoms = bulk("W", cubic=True, a=3.16) * (2, 2, 2)
    atoms.positions += np.random.default_rng(1).normal(scale=0.05, size=atoms.positions.shape)
    d = np.random.default_rng(2).normal(size=atoms.positions.shape)

    def forces(step):  # by the formulas, which the fit goes by
        moved = atoms.copy()
        moved.positions += step * d
        return (ace.design(moved).forces @ ace.coefficients).reshape(-1, 3)

    h = 2e-3
    expected = sum(w / h * (forces(-k * h) - forces(k * h)) for k, w in EIGHTH_ORDER.items())
    product = SiteEvaluator(Expanded(ace.expansion), atoms).hessian_vector(atoms.positions, d)
    assert_allclose(product, expected, atol=1e-9 * abs(expected).max())


def test_atoms_at_the_same_place_are_refused(potential):
    with pytest.raises(InputError, match=r"atom 0 .* zero"):
        potential.site_hessian(np.zeros(3, dtype=np.int64), np.array([[2.7, 0, 0], [0, 0, 0]]))


def test_a_site_without_neighbours_has_an_empty_hessian(potential):
    assert potential.site_hessian(np.zeros(1, dtype=np.int64), np.empty((0, 3))).shape == (0, 3, 0, 3)


def test_the_cases_reach_the_switch_and_both_signs_of_the_densities():
    # what the tests above are worth
    phi, rho = [], []
    for seed in range(3):
        species, vectors = cluster(9, 2, seed)
        densities, core = site_densities(CASES["shifted-scaled"], species, vectors)
        rho.extend(densities)
        phi.extend([core] if species[0] == 0 else [])
    assert min(rho) < 0 < max(rho)
    assert any(0.5 < x < 4.5 for x in phi)
    r = np.array([2.0])
    core = GaussianCore()
    assert_allclose((core(r + 1e-5)[0] - core(r - 1e-5)[0]) / 2e-5, core(r)[1], rtol=1e-8)


def ratio_of_errors(function, x, order):
    """Largest difference of the derivative of order 1 or 2 from a central difference, relative."""
    h = 1e-3 * x
    f = lambda x: function(x)[order - 1]  # noqa: E731
    difference = sum(w * (f(x + k * h) - f(x - k * h)) for k, w in EIGHTH_ORDER.items())
    return abs(difference / h - function(x)[order]) / abs(function(x)[order - 1] / x)


@pytest.mark.parametrize("m", [0.3, 0.5, 1.7, 2.0])
@pytest.mark.parametrize(
    ("kind", "rho"),
    [(kind, rho) for kind in KINDS for rho in (1e-3, 0.2, 3.0, 40.0)]
    + [("FinnisSinclair", rho) for rho in (2e-7, 9e-7, 1.4e-6)],  # across its change of form
)
def test_embedding_functions_are_derivatives_of_each_other(kind, m, rho):
    f = lambda x: embedding_function(x, m, KINDS[kind])  # noqa: E731
    for order in (1, 2):
        assert ratio_of_errors(f, rho, order) < 1e-8


@pytest.mark.parametrize("kind", KINDS)
def test_embedding_functions_are_odd(kind):
    for m in (0.5, 1.0, 1.7):
        here, there = embedding_function(0.4, m, KINDS[kind]), embedding_function(-0.4, m, KINDS[kind])
        assert_allclose(there, np.array([-1, 1, -1]) * here, rtol=1e-14)


def test_the_core_switch_has_two_continuous_derivatives():
    high, width = 5.0, 2.0
    assert core_switch(3.0, high, width) == (1.0, 0.0, 0.0)
    assert core_switch(5.0, high, width) == (0.0, 0.0, 0.0)
    assert_allclose(core_switch(3.0 + 1e-9, high, width), (1.0, 0.0, 0.0), atol=1e-7)
    assert_allclose(core_switch(5.0 - 1e-9, high, width), (0.0, 0.0, 0.0), atol=1e-7)
    assert_allclose(core_switch(4.0, high, width), (0.5, -15 / 16, 0.0), atol=1e-15)
    f = lambda x: core_switch(x, high, width)  # noqa: E731
    for phi in (3.3, 4.1, 4.6):
        assert max(ratio_of_errors(f, phi, order) for order in (1, 2)) < 1e-9
