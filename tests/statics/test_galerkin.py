"""One growing subspace: it solves what a factorisation solves, and finds the mode that nothing pushes."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import eigh
from scipy.sparse import csc_array, eye_array, kron
from scipy.sparse.linalg import LinearOperator, aslinearoperator

from genmlip.errors import NotConvergedError
from genmlip.statics.galerkin import GalerkinSpace
from genmlip.statics.preconditioner import NotPositiveDefiniteError, SparseFactor


class Crystal:
    """The model problem's Laplacian for three components, softer or stiffer at atoms near the core."""

    def __init__(self, model, change):
        self.gram, self.points = model.laplacian, model.sites[model.free]
        self.core = np.argsort(np.linalg.norm(self.points - np.array(model.core), axis=1), kind="stable")[:6]
        self.mass = csc_array(kron(self.gram, eye_array(3)))
        matrix = self.mass.tolil()
        for k in self.core:
            for a in range(3):
                matrix[3 * k + a, 3 * k + a] += change * (1.0 + 0.1 * a)
        self.matrix = csc_array(matrix)
        self.calls = 0

    def space(self):
        def apply(v):
            self.calls += 1
            return self.matrix @ v

        operator = LinearOperator(self.matrix.shape, matvec=apply, dtype=float)
        return GalerkinSpace(operator, self.gram, SparseFactor(self.mass, self.points))

    @property
    def lowest(self):
        return eigh(
            self.matrix.toarray(), self.mass.toarray(), eigvals_only=True, subset_by_index=(0, 0)
        ).item()


def noise(crystal, seed=0):
    return np.random.default_rng(seed).normal(size=(len(crystal.points), 3))


def test_solution_is_that_of_a_factorisation(model_problem):
    crystal = Crystal(model_problem(8.0), 2.0)
    r = noise(crystal)
    x = crystal.space().solve(r, 1e-12)
    assert_allclose(x, SparseFactor(crystal.matrix, crystal.points).solve(r), atol=1e-10 * np.abs(x).max())


def test_soft_modes_are_paid_for_once(model_problem):
    """P⁻¹H − 1 has rank 18: all solutions lie in the span of its range and of the P⁻¹r."""
    crystal = Crystal(model_problem(8.0), -0.3)
    space = crystal.space()
    for seed in range(5):
        space.solve(noise(crystal, seed), 1e-8)
    assert crystal.calls <= 18 + 5
    assert len(space) == crystal.calls


def test_a_sum_of_solved_systems_takes_no_more_products(model_problem):
    crystal = Crystal(model_problem(8.0), 2.0)
    space, parts = crystal.space(), (noise(crystal), noise(crystal, 1))
    x = sum(space.solve(r, 1e-8) for r in parts)
    before = crystal.calls
    assert_allclose(space.solve(sum(parts), 1e-7), x, atol=1e-7)
    assert crystal.calls == before


@pytest.mark.parametrize("change", [-0.3, -0.8, 2.0])
def test_stability_constant_is_the_lowest_eigenvalue(model_problem, change):
    crystal = Crystal(model_problem(6.0), change)
    c0 = crystal.space().stability_constant(noise(crystal), 1e-8)
    assert_allclose(c0, crystal.lowest, rtol=1e-7)


def test_a_negative_eigenvalue_is_found_and_its_system_refused(model_problem):
    crystal = Crystal(model_problem(6.0), -3.0)
    assert crystal.lowest < 0.0
    space = crystal.space()
    with pytest.raises(NotPositiveDefiniteError):
        space.solve(noise(crystal), 1e-8)
    assert_allclose(space.stability_constant(noise(crystal), 1e-8), crystal.lowest, rtol=1e-7)


def test_the_lowest_mode_is_found_though_the_space_holds_no_part_of_it(model_problem):
    """As a symmetric residual holds nothing of the mode that breaks the symmetry of a saddle."""
    crystal = Crystal(model_problem(6.0), -3.0)
    space = crystal.space()
    flat = np.zeros_like(noise(crystal))
    flat[:, 0] = noise(crystal)[:, 0]  # components do not couple, and the softest is the third
    crystal.matrix = csc_array(crystal.matrix + kron(eye_array(len(flat)), np.diag([30.0, 0.0, 0.0])))
    space.solve(flat, 1e-10)
    assert_allclose(space.stability_constant(noise(crystal), 1e-8), crystal.lowest, rtol=1e-7)


def test_no_force_means_no_product(model_problem):
    crystal = Crystal(model_problem(6.0), 2.0)
    assert not crystal.space().solve(np.zeros((len(crystal.points), 3)), 1e-5).any()
    assert crystal.calls == 0


def test_images_that_are_not_quite_symmetric_still_converge(model_problem):
    """Differences of forces across a kink of the second derivative are not."""
    crystal = Crystal(model_problem(6.0), 2.0)
    r, n = noise(crystal), crystal.matrix.shape[0]
    u, v = np.random.default_rng(5).normal(size=(2, n))
    crystal.matrix = csc_array(crystal.matrix.toarray() + 1e-3 * np.outer(u, v) / n)
    x = crystal.space().solve(r, 1e-6)
    exact = np.linalg.solve(crystal.matrix.toarray(), r.ravel())
    assert_allclose(x.ravel(), exact, atol=1e-4 * np.abs(exact).max())


def test_an_image_that_is_no_number_is_told(model_problem):
    crystal = Crystal(model_problem(6.0), 2.0)
    operator = aslinearoperator(np.nan * crystal.matrix)
    space = GalerkinSpace(operator, crystal.gram, SparseFactor(crystal.mass, crystal.points))
    with pytest.raises(NotConvergedError, match="not finite"):
        space.solve(noise(crystal), 1e-5)
