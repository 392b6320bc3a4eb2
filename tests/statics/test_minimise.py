import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.sparse import csc_array

from genmlip.errors import InputError
from genmlip.statics.minimise import MinimiseInterrupted, energy_change, minimise
from genmlip.statics.preconditioner import Identity, SparseFactor


class Counted:
    def __init__(self, function):
        self.function, self.n = function, 0

    def __call__(self, x):
        self.n += 1
        return self.function(x)


def quadratic(A, b):
    return lambda x: (0.5 * x * (A @ x) - b * x, A @ x - b)


def rosenbrock(x):
    """Eight independent two-dimensional valleys."""
    a, b = x[:, 0], x[:, 1]
    energies = 100.0 * (b - a**2) ** 2 + (1.0 - a) ** 2
    gradient = np.stack([-400.0 * a * (b - a**2) - 2.0 * (1.0 - a), 200.0 * (b - a**2)], axis=1)
    return energies, gradient


def solve_model(problem, **options):
    factor = SparseFactor(problem.laplacian, problem.sites[problem.free].astype(float))
    return minimise(problem, np.zeros(len(problem.free)), factor, **options)


def test_exact_hessian_minimises_a_quadratic_in_one_step():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(30, 30))
    A, b = csc_array(root @ root.T + 30.0 * np.eye(30)), rng.normal(size=30)
    result = minimise(quadratic(A, b), np.zeros(30), SparseFactor(A, rng.normal(size=(30, 2))), fmax=1e-12)
    assert result.converged
    assert result.n_calls == 2
    assert_allclose(A @ result.x, b, atol=1e-12)


def test_curved_valley_is_followed_to_its_minimum():
    result = minimise(rosenbrock, np.tile([-1.2, 1.0], (8, 1)), Identity(200.0), fmax=1e-9)
    assert result.converged
    assert_allclose(result.x, 1.0, atol=1e-8)
    assert_allclose(result.energy_difference, -8.0 * 24.2, rtol=1e-12)


@pytest.mark.parametrize("radius", [8.0, 24.0, 72.0])
def test_number_of_calls_does_not_grow_with_the_radius(model_problem, radius):
    result = solve_model(model_problem(radius), fmax=1e-10)
    assert result.converged
    assert result.n_calls <= 20


def test_minimum_of_the_model_problem_does_not_depend_on_the_preconditioner(model_problem):
    problem = model_problem(12.0)
    one = solve_model(problem, fmax=1e-10)
    other = minimise(problem, np.zeros(len(problem.free)), Identity(8.0), fmax=1e-10, max_calls=5000)
    assert other.converged
    assert other.n_calls > 3 * one.n_calls
    assert_allclose(other.x, one.x, atol=1e-8)


def test_large_constant_site_energies_do_not_stall_the_search(model_problem):
    """A total of 10⁷ hides differences below 1e-9; site by site, then by slopes, they are seen."""
    problem = model_problem(20.0)

    def shifted(x):
        energies, gradient = problem(x)
        return energies + 1e4, gradient

    plain, hidden = (
        solve_model(problem, fmax=1e-11),
        minimise(
            shifted,
            np.zeros(len(problem.free)),
            SparseFactor(problem.laplacian, problem.sites[problem.free].astype(float)),
            fmax=1e-11,
        ),
    )
    assert hidden.converged
    assert hidden.n_calls <= plain.n_calls + 3
    assert_allclose(hidden.x, plain.x, atol=1e-9)


def test_only_the_total_energy_is_enough(model_problem):
    problem = model_problem(20.0)

    def total(x):
        energies, gradient = problem(x)
        return np.array([energies.sum() + 1e6]), gradient

    factor = SparseFactor(problem.laplacian, problem.sites[problem.free].astype(float))
    assert minimise(total, np.zeros(len(problem.free)), factor, fmax=1e-9).converged


def test_jump_of_the_second_derivative_is_survived():
    """Stiffness 1 on one side of the minimum and 400 on the other, in coupled coordinates."""
    rng = np.random.default_rng(1)
    M = np.linalg.qr(rng.normal(size=(40, 40)))[0] @ np.diag(np.linspace(1.0, 3.0, 40))
    c = 0.01 * rng.normal(size=40)

    def objective(x):
        y = M @ x - c
        stiffness = np.where(y > 0.0, 400.0, 1.0)
        return 0.5 * stiffness * y**2 + 0.05 * y, M.T @ (stiffness * y + 0.05)

    result = minimise(objective, 0.1 * rng.normal(size=40), Identity(10.0), fmax=1e-9, max_calls=2000)
    assert result.converged


def test_minimum_on_a_kink_is_reported_as_not_converged():
    def objective(x):
        return np.sum(np.abs(x - 0.1234) + 0.5 * x**2, axis=1), np.sign(x - 0.1234) + x

    result = minimise(objective, np.array([[1.0], [-0.7]]), Identity(1.0))
    assert not result.converged
    assert_allclose(result.x, 0.1234, atol=0.02)
    assert "max|f|" in result.message
    assert result.n_calls < 500


def test_budget_of_calls_is_respected():
    objective = Counted(rosenbrock)
    result = minimise(objective, np.tile([-1.2, 1.0], (8, 1)), Identity(200.0), fmax=1e-12, max_calls=9)
    assert not result.converged
    assert result.n_calls == objective.n <= 9
    assert "9 force calls" in result.message


def test_no_row_moves_farther_than_the_longest_step():
    seen = []

    def objective(x):
        seen.append(x.copy())
        return 0.5 * np.sum(x**2, axis=1), x

    minimise(objective, np.full((4, 3), 10.0), Identity(0.1), max_step=0.5, max_calls=20)
    first_step = np.linalg.norm(seen[1] - seen[0], axis=1)
    assert_allclose(first_step, 0.5)


def test_wall_of_infinite_energy_is_stepped_back_from():
    def objective(x):
        with np.errstate(invalid="ignore", divide="ignore"):
            return x - np.log(x), 1.0 - 1.0 / x

    result = minimise(objective, np.full(3, 5.0), Identity(0.01), max_step=100.0, fmax=1e-10)
    assert result.converged
    assert_allclose(result.x, 1.0, atol=1e-9)


def test_start_that_is_not_finite_is_named():
    with pytest.raises(InputError, match="not finite at the start"):
        minimise(lambda x: (x, x), np.full(3, np.nan), Identity())


def test_interruption_carries_what_was_reached(model_problem):
    problem = model_problem(12.0)
    objective = Counted(problem)

    def interrupted(x):
        if objective.n == 4:
            raise KeyboardInterrupt
        return objective(x)

    factor = SparseFactor(problem.laplacian, problem.sites[problem.free].astype(float))
    start = np.zeros(len(problem.free))
    with pytest.raises(MinimiseInterrupted) as caught:
        minimise(interrupted, start, factor)
    reached = caught.value.result
    assert not reached.converged
    assert reached.energy_difference < 0.0
    assert energy_change(problem(reached.x)[0], problem(start)[0]) == reached.energy_difference


def test_callback_sees_energies_that_never_rise(model_problem):
    steps = []
    solve_model(model_problem(12.0), callback=steps.append)
    energies = [step.energy_difference for step in steps]
    assert len(steps) >= 3
    assert (np.diff(energies) <= 1e-14).all()


def test_far_minimum_is_leapt_to_by_the_secant():
    """A preconditioner fifty times too stiff: doubling would take six trials, the secant takes two leaps."""
    result = minimise(
        lambda x: (0.5 * x**2, x), np.linspace(1.0, 2.0, 5), Identity(50.0), fmax=1e-8, max_step=100.0
    )
    assert result.converged
    assert result.n_calls <= 5
