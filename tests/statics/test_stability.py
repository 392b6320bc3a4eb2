import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csc_array, diags_array, kron

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, equilibrate
from genmlip.dislocations.harmonic import harmonic_operator
from genmlip.potentials import load_potential
from genmlip.potentials.ace import LinearACE
from genmlip.statics.hessian import assemble_hessian
from genmlip.statics.norms import energy_norm, gradient_gram
from genmlip.statics.stability import (
    crystal_stability,
    force_difference_hessian,
    hessian_products,
    stability_constant,
)


@pytest.fixture(scope="module")
def screw(tungsten):
    return Dislocation(tungsten, "bcc-screw-111")


def on_free_atoms(cell):
    free = np.flatnonzero(cell.free)
    return free, gradient_gram(cell.bonds, len(cell), free), cell.reference[free, :2]


def test_constant_of_scaled_components_is_the_smallest_scale(screw):
    _, gram, points = on_free_atoms(screw.cell(12.0))
    H = csc_array(kron(gram, diags_array([3.0, 0.7, 2.0])))
    assert_allclose(stability_constant(H, gram, points), 0.7, rtol=1e-6)


def test_negative_direction_is_found(screw):
    """All but one displacement pattern are stable."""
    free, gram, points = on_free_atoms(screw.cell(12.0))
    v = np.random.default_rng(0).normal(size=(len(free), 3))
    w = (gram @ v).ravel()
    dense = np.kron(gram.toarray(), np.eye(3)) - 4.0 * np.outer(w, w) / (v.ravel() @ w)
    assert_allclose(stability_constant(csc_array(dense), gram, points), -3.0, rtol=1e-5)


def test_discs_of_perfect_crystal_approach_the_constant_of_the_crystal_from_above(tungsten, screw):
    """The slipped lattice of a screw is locally the perfect one: its discs see a part of all waves."""
    infinite = crystal_stability(tungsten, screw.frame[2])
    values = []
    for radius in (8.0, 16.0, 32.0):
        cell = screw.cell(radius)
        free, gram, points = on_free_atoms(cell)
        values.append(stability_constant(harmonic_operator(cell, free), gram, points))
    assert (np.diff(values) < 0.0).all()
    assert infinite < values[-1] < 1.1 * infinite


def test_constant_of_the_crystal_lies_below_the_long_wave_limit(tungsten):
    """For bcc D̂(k) → 2 a² k² and Ĥ(k) → (a³/2) C(k, k): c0 ≤ (a/4) min(C44, (C11 − C12)/2)."""
    C = tungsten.stiffness
    shear = min(C[1, 2, 1, 2], 0.5 * (C[0, 0, 0, 0] - C[0, 0, 1, 1]))
    value = crystal_stability(tungsten)
    assert 0.0 < value <= 0.25 * tungsten.a0 * shear * (1 + 1e-3)
    assert crystal_stability(tungsten, np.array([1, 1, 1])) >= value * (1 - 1e-6)


@pytest.mark.parametrize("spec", ["fs:W", "sw:Si"])
def test_no_wave_of_a_supercell_is_softer_than_the_constant(spec):
    """All waves that fit into a cube, as a dense eigenvalue problem of its own."""
    from scipy.linalg import eigh, null_space

    from genmlip.dislocations.vacancy import PeriodicTopology

    crystal = Crystal.from_potential(load_potential(spec))
    repeats = 4 if spec == "fs:W" else 2
    atoms = crystal.unit_cell().repeat(repeats)
    H = assemble_hessian(crystal.potential, atoms).toarray()
    bonds = PeriodicTopology(atoms.positions, repeats * crystal.a0).pairs(
        1.01 * crystal.nearest_neighbour_distance
    )
    D = np.kron(gradient_gram(bonds, len(atoms)).toarray(), np.eye(3))
    Q = null_space(np.kron(np.ones((1, len(atoms))), np.eye(3)))
    lowest = eigh(Q.T @ H @ Q, Q.T @ D @ Q, eigvals_only=True)[0]
    constant = crystal_stability(crystal)
    assert constant <= lowest * (1 + 1e-6)
    assert lowest < 1.6 * constant


@pytest.mark.parametrize("line", [(1, 1, 1), (1, 1, -2), (0, 1, 0)])
def test_constant_along_a_line_holds_for_every_wave_across_it(tungsten, line):
    """The zone of the columns along ⟨112⟩ is twice as long as the crystal's own, and the softest wave sits in
    that part of it."""
    c0 = crystal_stability(tungsten, np.array(line))
    k = np.random.default_rng(0).uniform(-1, 1, size=(20_000, 3)) * 4 * np.pi / tungsten.a0
    e = np.array(line) / np.linalg.norm(line)
    k -= np.outer(k @ e, e)
    rho = tungsten.a0 / 2 * np.array(np.meshgrid(*[(-1, 1)] * 3)).reshape(3, -1).T
    D = (2 - 2 * np.cos(k @ rho.T)).sum(axis=1)
    quotients = np.linalg.eigvalsh(tungsten.force_constants.fourier(k)[:, 0, 0])[:, 0] / D
    assert (quotients >= c0 * (1 - 1e-6)).all()
    assert quotients.min() < 1.003 * c0


def test_unstable_crystal_has_a_negative_constant():
    crystal = Crystal.from_potential(load_potential("sw:Si"), structure="fcc")
    assert not crystal.is_stable
    assert crystal_stability(crystal) < 0.0


def test_relaxed_screw_is_a_strict_minimum(screw):
    potential = screw.crystal.potential
    equilibrium = equilibrate(screw, potential, 14.0, "clamped")
    cell = equilibrium.cell
    free, gram, points = on_free_atoms(cell)
    H = assemble_hessian(potential, equilibrium.atoms, cell.centres, free)
    c0 = stability_constant(H, gram, points)
    assert 0.0 < c0 < stability_constant(harmonic_operator(cell, free), gram, points)

    operator = force_difference_hessian(
        potential.bind(equilibrium.atoms, cell.centres), equilibrium.atoms.positions, free
    )
    assert_allclose(stability_constant(operator, gram, points), c0, rtol=1e-3)

    v = np.zeros((len(cell), 3))
    v[free] = np.random.default_rng(0).normal(size=(len(free), 3))
    assert v[free].ravel() @ (H @ v[free].ravel()) >= c0 * energy_norm(v, cell.bonds) ** 2


def test_symmetric_state_of_the_degenerate_screw_core_is_a_saddle_that_equilibrate_leaves(screw):
    potential = screw.crystal.potential
    minimum = equilibrate(screw, potential, 12.0, "clamped")
    symmetric = equilibrate(screw, potential, 12.0, "clamped", start=np.zeros_like(minimum.corrector))
    assert symmetric.converged
    assert symmetric.energy > minimum.energy + 0.1
    free, gram, points = on_free_atoms(symmetric.cell)
    H = assemble_hessian(potential, symmetric.atoms, symmetric.cell.centres, free)
    assert stability_constant(H, gram, points) < 0.0


def test_products_in_closed_form_are_those_of_differences(tungsten):
    """An ACE potential has closed forms, an embedded pair functional in its half list has not."""
    model = LinearACE("W", cutoff=4.4, order=2, degree=(6, 5))
    rng = np.random.default_rng(1)
    ace = model.with_coefficients(rng.normal(size=model.n_coefficients))
    atoms = tungsten.primitive_cell() * (3, 3, 3)
    atoms.positions += 0.05 * rng.normal(size=atoms.positions.shape)
    unknowns = np.arange(3, 9)
    for potential, closed in ((ace, True), (tungsten.potential, False)):
        evaluate = potential.bind(atoms)
        assert getattr(evaluate, "is_curvature_closed", False) is closed
        products = hessian_products(evaluate, atoms.positions, unknowns)
        differences = force_difference_hessian(evaluate, atoms.positions, unknowns)
        v = rng.normal(size=3 * len(unknowns))
        assert_allclose(products @ v, differences @ v, atol=1e-5 * abs(differences @ v).max())
