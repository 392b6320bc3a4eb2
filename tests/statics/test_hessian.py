import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.crystal.pairs import Pairs
from genmlip.dislocations import Dislocation, Vacancy
from genmlip.dislocations.harmonic import (
    full_range,
    harmonic_operator,
    harmonic_preconditioner,
    harmonic_products,
)
from genmlip.dislocations.vacancy import PeriodicTopology
from genmlip.potentials import load_potential
from genmlip.statics.hessian import assemble_hessian, bond_blocks, bond_operator, positive_part


@pytest.fixture(scope="module", params=["fs:W", "sw:Si"])
def crystal(request):
    return Crystal.from_potential(load_potential(request.param))


def perfect_supercell(crystal, repeats):
    """(atoms, sublattice, pairs within the range of the force constants) of a perfect periodic cube."""
    atoms = crystal.unit_cell().repeat(repeats)
    sublattice = np.arange(len(atoms)) % len(crystal.basis)
    pairs = PeriodicTopology(atoms.positions, repeats * crystal.a0).pairs(full_range(crystal))
    return atoms, sublattice, pairs


def test_bond_operator_of_a_supercell_is_the_hessian_of_the_potential(crystal):
    atoms, sublattice, pairs = perfect_supercell(crystal, 2)
    everyone = np.arange(len(atoms))
    blocks = bond_blocks(crystal, pairs, sublattice, np.eye(3))
    operator = bond_operator(blocks, pairs, len(atoms), everyone).toarray()
    # the force constants come from site Hessians, the other side from differences of forces
    reference = force_differences(crystal.potential.bind(atoms), atoms.positions)
    assert_allclose(operator, reference, atol=1e-7 * np.abs(reference).max())


def force_differences(evaluate, positions, step=1e-5):
    columns = []
    for k in range(positions.size):
        d = np.zeros(positions.size)
        d[k] = step
        ahead, behind = (evaluate(positions + s * d.reshape(-1, 3)).forces.ravel() for s in (1, -1))
        columns.append((behind - ahead) / (2 * step))
    return np.array(columns).T


def test_assembled_hessian_is_the_derivative_of_the_forces_on_a_rattled_crystal(crystal):
    atoms = crystal.unit_cell().repeat(2)
    atoms.rattle(0.05, seed=1)
    H = assemble_hessian(crystal.potential, atoms).toarray()
    reference = force_differences(crystal.potential.bind(atoms), atoms.positions)
    assert_allclose(H, reference, atol=1e-5 * np.abs(reference).max())


def test_assembled_hessian_of_some_atoms_is_a_principal_submatrix(crystal):
    atoms = crystal.unit_cell().repeat(2)
    atoms.rattle(0.05, seed=1)
    some = np.array([3, 7, 1])
    rows = (3 * some[:, None] + np.arange(3)).ravel()
    whole = assemble_hessian(crystal.potential, atoms).toarray()
    part = assemble_hessian(crystal.potential, atoms, unknowns=some).toarray()
    assert_allclose(part, whole[np.ix_(rows, rows)], atol=1e-11)


def test_hessian_of_a_potential_without_sites_comes_from_force_differences(crystal):
    class Foreign:  # has bind, is no SitePotential
        bind = crystal.potential.bind

    atoms = crystal.unit_cell()
    atoms.rattle(0.05, seed=1)
    some = np.array([0, 1])
    assert_allclose(
        assemble_hessian(Foreign(), atoms, unknowns=some).toarray(),
        assemble_hessian(crystal.potential, atoms, unknowns=some).toarray(),
        atol=1e-4,
    )


SYSTEMS = [
    ("fs:W", "bcc-screw-111"), ("fs:W", "bcc-edge-111"), ("fs:W", "bcc-mixed-111"),
    ("sw:Si", "diamond-screw"), ("sw:Si", "diamond-60"),
]  # fmt: skip


@pytest.mark.parametrize(("spec", "name"), SYSTEMS)
def test_far_from_the_core_the_true_hessian_tends_to_the_harmonic_operator(spec, name):
    """δ²E(u0) − H = O(|∇u0|) = O(1/r) all around; a bond to a wrong partner would leave O(1) at the cut."""
    dislocation = Dislocation(Crystal.from_potential(load_potential(spec)), name)
    cell = dislocation.cell(26.0)
    free = np.flatnonzero(cell.free)
    harmonic = harmonic_operator(cell, free)
    true = assemble_hessian(dislocation.crystal.potential, cell.atoms, cell.centres, free)
    assert abs(harmonic - harmonic.T).max() < 1e-12
    difference = np.sqrt((abs(true - harmonic).power(2).sum(axis=1)).reshape(-1, 3).sum(axis=1))
    r = cell.r[free]
    inner, outer = (np.max((r * difference)[(r > low) & (r < low + 6.0)]) for low in (8.0, 20.0))
    assert 0.8 * inner < outer < 1.05 * inner


def test_translating_all_atoms_costs_nothing(crystal):
    cell = Vacancy(crystal).cell(1.6 * crystal.a0)
    H = harmonic_operator(cell, np.arange(len(cell)))
    for k in range(3):
        shift = np.zeros((len(cell), 3))
        shift[:, k] = 1.0
        residual = (H @ shift.ravel()).reshape(-1, 3)
        assert_allclose(residual.sum(axis=0), 0.0, atol=1e-10)
        assert shift.ravel() @ H @ shift.ravel() == pytest.approx(0.0, abs=1e-9)


def test_positive_bonds_never_gain_energy():
    rng = np.random.default_rng(0)
    blocks = rng.normal(size=(20, 3, 3))
    stiff = -positive_part(blocks)
    assert np.linalg.eigvalsh(stiff).min() > -1e-12
    already = -np.einsum("pia,pja->pij", blocks, blocks)
    assert_allclose(positive_part(already), already, atol=1e-12)


def test_indefinite_force_constants_fall_back_on_positive_bonds(monkeypatch):
    dislocation = Dislocation(Crystal.from_potential(load_potential("fs:W")), "bcc-screw-111")
    cell = dislocation.cell(12.0)
    free = np.flatnonzero(cell.free)
    assert harmonic_preconditioner(cell, free).form == "force constants"
    soft = dislocation.crystal.force_constants
    second = np.abs(np.linalg.norm(soft.vectors, axis=1) - dislocation.crystal.a0) < 1e-6
    soft.blocks[second] *= -1.0  # second neighbours that push
    fallback = harmonic_preconditioner(cell, free)
    assert fallback.form == "positive bonds"
    g = np.random.default_rng(0).normal(size=(len(free), 3))
    assert np.vdot(g, fallback.solve(g)) > 0.0


def test_operator_couples_only_the_pairs_it_is_given():
    pairs = Pairs(np.array([0, 1]), np.array([1, 0]), np.zeros((2, 3)), np.zeros((2, 3)))
    K = np.diag([1.0, 2.0, 3.0])
    H = bond_operator(np.array([-K, -K]), pairs, 3, np.array([0, 1])).toarray()
    assert_allclose(H, np.block([[K, -K], [-K, K]]))


@pytest.mark.parametrize("name", ["bcc-screw-111", "bcc-edge-111"])
def test_products_of_the_harmonic_operator_are_those_of_its_matrix(tungsten, name):
    cell = Dislocation(tungsten, name).cell(14.0)
    free = np.flatnonzero(cell.free)
    v = np.random.default_rng(0).normal(size=3 * len(free))
    assert_allclose(harmonic_products(cell, free) @ v, harmonic_operator(cell, free) @ v, atol=1e-12)
