import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csc_array, csr_array, eye_array, kron
from scipy.sparse.linalg import splu

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation
from genmlip.dislocations.harmonic import DIRECT, harmonic_preconditioner, second_neighbour_distance
from genmlip.potentials import load_potential
from genmlip.statics.hessian import bond_blocks, bond_operator
from genmlip.statics.multigrid import Multigrid, Rows
from genmlip.statics.ordering import nested_dissection, point_graph
from genmlip.statics.preconditioner import NotPositiveDefiniteError, SparseFactor, ZeroMean


def test_dissection_is_a_permutation_of_the_points(model_problem):
    problem = model_problem(15.0)
    points = problem.sites[problem.free].astype(float)
    order = nested_dissection(point_graph(csr_array(problem.laplacian), 1), points)
    assert np.array_equal(np.sort(order), np.arange(len(points)))


def test_factor_solves_with_several_unknowns_per_point(model_problem):
    problem = model_problem(10.0)
    points = problem.sites[problem.free].astype(float)
    A = csc_array(kron(problem.laplacian, np.array([[2.0, 0.3, 0.0], [0.3, 1.0, 0.1], [0.0, 0.1, 3.0]])))
    g = np.random.default_rng(0).normal(size=(len(points), 3))
    x = SparseFactor(A, points).solve(g)
    assert x.shape == g.shape
    assert_allclose((A @ x.ravel()).reshape(g.shape), g, atol=1e-10)


def test_dissection_fills_less_than_the_natural_order(model_problem):
    problem = model_problem(40.0)
    points = problem.sites[problem.free].astype(float)
    options = {"permc_spec": "NATURAL", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
    natural = splu(problem.laplacian, **options)
    dissected = SparseFactor(problem.laplacian, points)
    assert dissected.fill < 0.4 * (natural.L.nnz + natural.U.nnz)


@pytest.mark.parametrize("shift", [-0.5, -4.0, -8.0])
def test_matrix_with_a_negative_eigenvalue_is_refused(model_problem, shift):
    problem = model_problem(10.0)
    points = problem.sites[problem.free].astype(float)
    shifted = csc_array(problem.laplacian + shift * eye_array(len(points)))
    assert np.linalg.eigvalsh(shifted.toarray())[0] < 0.0
    with pytest.raises(NotPositiveDefiniteError):
        SparseFactor(shifted, points)


def test_zero_mean_is_the_pseudo_inverse_of_a_periodic_laplacian():
    n = 7
    circulant = np.roll(np.eye(n), 1, axis=0)
    A = 2.0 * np.eye(n) - circulant - circulant.T
    solver = ZeroMean(SparseFactor(csc_array(A[1:, 1:]), np.arange(1.0, n)[:, None]))
    g = np.random.default_rng(0).normal(size=n)
    assert_allclose(solver.solve(g), np.linalg.pinv(A) @ g, atol=1e-13)


@pytest.fixture(scope="module")
def columns():
    """Operator of a dislocation's free columns in block rows and as a matrix; places; first grid."""

    def build(spec, name, radius):
        crystal = Crystal.from_potential(load_potential(spec))
        dislocation = Dislocation(crystal, name)
        cell = dislocation.cell(radius)
        unknowns = np.flatnonzero(cell.free)
        pairs = cell.pairs(1.01 * second_neighbour_distance(crystal))
        blocks = bond_blocks(crystal, pairs, cell.sublattice, dislocation.frame)
        number = np.full(len(cell), -1)
        number[unknowns] = np.arange(len(unknowns))
        rows = Rows.of_bonds(number[pairs.i], number[pairs.j], np.arange(len(pairs)), blocks, len(unknowns))
        expected = bond_operator(blocks, pairs, len(cell), unknowns)
        edges = dislocation.lattice.vectors[:2, :2] * (2.0 if len(crystal.basis) == 1 else 1.0)
        return rows, expected, cell.reference[unknowns, :2], edges

    return build


def error_after_one_solve(multigrid, matrix, sweeps=12):
    """Spectral radius of 1 − PA by power iteration, in the energy norm, where 1 − PA is symmetric."""
    v = np.random.default_rng(0).normal(size=matrix.shape[0])
    for _ in range(sweeps):
        size = np.sqrt(v @ (matrix @ v))
        v = v / size
        v = v - multigrid.solve((matrix @ v).reshape(-1, 3)).ravel()
    return np.sqrt(v @ (matrix @ v))


CORES = [
    ("fs:W", "bcc-screw-111"),
    ("fs:W", "bcc-edge-111"),
    ("fs:W", "bcc-mixed-111"),
    ("sw:Si", "diamond-screw"),
    ("sw:Si", "diamond-60"),
]


@pytest.mark.parametrize(("spec", "name"), CORES)
def test_block_rows_are_the_operator_of_the_bonds(columns, spec, name):
    rows, expected, _, _ = columns(spec, name, 25.0)
    assert abs(rows.matrix() - expected).max() < 1e-12 * abs(expected).max()


@pytest.mark.parametrize(("spec", "name"), CORES)
def test_multigrid_is_symmetric_and_positive_definite(columns, spec, name):
    rows, _, points, edges = columns(spec, name, 40.0)
    multigrid = Multigrid(rows, points, edges)
    assert len(multigrid.levels) >= 1
    a, b = np.random.default_rng(1).normal(size=(2, len(points), 3))
    size = np.vdot(a, multigrid.solve(a))
    assert size > 0.0
    assert_allclose(np.vdot(a, multigrid.solve(b)), np.vdot(multigrid.solve(a), b), atol=1e-12 * size)


@pytest.mark.parametrize("radius", [30.0, 60.0, 120.0])
def test_error_of_multigrid_does_not_grow_with_the_radius(columns, radius):
    rows, _, points, edges = columns("fs:W", "bcc-screw-111", radius)
    assert error_after_one_solve(Multigrid(rows, points, edges), rows.matrix()) < 0.003


@pytest.mark.parametrize(("spec", "name"), CORES)
def test_multigrid_converges_whatever_the_cut_and_the_basis(columns, spec, name):
    rows, _, points, edges = columns(spec, name, 60.0)
    assert error_after_one_solve(Multigrid(rows, points, edges), rows.matrix()) < 0.3


def test_large_indefinite_operators_fall_back_on_positive_bonds():
    dislocation = Dislocation(Crystal.from_potential(load_potential("fs:W")), "bcc-screw-111")
    cell = dislocation.cell(50.0)
    free = np.flatnonzero(cell.free)
    assert len(free) > DIRECT
    assert harmonic_preconditioner(cell, free).form == "force constants"
    soft = dislocation.crystal.force_constants
    second = np.abs(np.linalg.norm(soft.vectors, axis=1) - dislocation.crystal.a0) < 1e-6
    soft.blocks[second] *= -1.0  # second neighbours that push
    assert harmonic_preconditioner(cell, free).form == "positive bonds"
