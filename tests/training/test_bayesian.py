import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.linalg import null_space
from scipy.stats import multivariate_normal

from genmlip.errors import InputError
from genmlip.training import ARD, BayesianRidge, GCVRidge, ReducedSystem, StreamedQR
from genmlip.training.solvers.evidence import Evidence
from genmlip.training.solvers.solution import ConvergenceWarning

NOISE = {"E": 0.02, "F": 0.1, "V": 0.8}


def linear_problem(seed=0, K=7, sizes=(4, 60, 20), noise=NOISE, lead=0):
    """Rows, labels and noise by kind, and a prior; labels are drawn from the model that is inferred.

    lead : number of columns before the others, without prior, that occur in the energies only
    """
    rng = np.random.default_rng(seed)
    prior = np.linspace(1.0, 4.0, K)
    c = 0.5 * rng.standard_normal(K) / prior
    rows, labels = {}, {}
    for (kind, sigma), n in zip(noise.items(), sizes, strict=True):
        A = rng.standard_normal((n, K)) @ np.diag(np.logspace(0, -1, K))
        ahead = rng.standard_normal((n, lead)) * (kind == "E")
        rows[kind] = np.hstack([ahead, A])
        labels[kind] = rows[kind] @ np.append(np.full(lead, 30.0), c) + sigma * rng.standard_normal(n)
    return rows, labels, prior, c


def reduce(rows, labels, scales=None):
    parts = {}
    for kind, A in rows.items():
        scale = (scales or {}).get(kind, 1.0)
        reduction = StreamedQR(A.shape[1])
        reduction.push(scale * A, scale * labels[kind])
        parts[kind] = reduction.system()
    return ReducedSystem.of_parts(parts)


def density(rows, labels, prior, noise, precision, project=None):
    """ln p(y) with the covariance of the labels written out; of ``project``ᵀ y where it is given."""
    A, y = np.concatenate(list(rows.values())), np.concatenate(list(labels.values()))
    sigma = np.concatenate([np.full(len(labels[kind]), noise[kind]) for kind in rows])
    spread = A / (prior * np.sqrt(precision))
    covariance = np.diag(sigma**2) + spread @ spread.T
    if project is not None:
        covariance, y = project.T @ covariance @ project, project.T @ y
    return multivariate_normal(np.zeros(len(y)), covariance).logpdf(y)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6), sizes=st.tuples(st.integers(1, 5), st.integers(1, 30), st.integers(1, 9)),
    logs=st.lists(st.floats(-2, 1), min_size=3, max_size=3),
)  # fmt: skip
def test_the_evidence_is_the_normal_density_of_the_labels(seed, sizes, logs):
    rows, labels, prior, _ = linear_problem(seed, sizes=sizes)
    noise, precision = 10.0 ** np.array(logs), np.linspace(0.3, 4.0, 7)
    marginal = Evidence.of(reduce(rows, labels), prior, True).at(noise, precision)
    expected = density(rows, labels, prior, dict(zip(rows, noise, strict=True)), precision)
    assert_allclose(marginal.logarithm, expected, rtol=1e-9, atol=1e-8)


def test_eliminated_reference_energies_leave_the_density_of_what_they_cannot_explain():
    """Restricted likelihood: of the labels projected on the complement of the leading columns."""
    rows, labels, prior, _ = linear_problem(lead=2)
    system, _ = reduce(rows, labels).eliminate(2)
    marginal = Evidence.of(system, prior, True).at(np.array(list(NOISE.values())), np.ones(7))
    lead = np.concatenate([A[:, :2] for A in rows.values()])
    rest = {kind: A[:, 2:] for kind, A in rows.items()}
    expected = density(rest, labels, prior, NOISE, np.ones(7), null_space(lead.T))
    assert_allclose(marginal.logarithm, expected, rtol=1e-9)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), logs=st.lists(st.floats(-2, 1), min_size=3, max_size=3))
def test_the_slopes_of_the_evidence_are_its_derivatives(seed, logs):
    rows, labels, prior, _ = linear_problem(seed)
    evidence = Evidence.of(reduce(rows, labels), prior, True)
    noise, precision, step = 10.0 ** np.array(logs), np.linspace(0.3, 4.0, 7), 1e-5
    marginal = evidence.at(noise, precision)

    def slope(k, of_noise):
        moved = []
        for sign in (1, -1):
            shift = np.exp(sign * step * (np.arange(3 if of_noise else 7) == k))
            at = (noise * shift, precision) if of_noise else (noise, precision * shift)
            moved.append(evidence.at(*at).logarithm)
        return (moved[0] - moved[1]) / (2 * step)

    size = 1e-6 * (1.0 + abs(marginal.logarithm) + np.abs(marginal.slope_of_noise).max())
    assert_allclose(marginal.slope_of_noise, [slope(k, True) for k in range(3)], rtol=1e-5, atol=size)
    assert_allclose(marginal.slope_of_precision, [slope(k, False) for k in range(7)], rtol=1e-5, atol=size)


def test_the_search_ends_where_the_evidence_is_largest():
    rows, labels, prior, _ = linear_problem(3)
    system = reduce(rows, labels)
    solution = BayesianRidge(separate_noise=True).solve(system, prior)
    noise = np.array(list(solution.posterior.noise.values()))
    evidence = Evidence.of(system, prior, True)
    precision = 1.0 / np.mean(
        evidence.at(noise, np.full(7, 4.0)).mean ** 2
    )  # near, to begin a fine scan of what the solution does not tell
    scan = [evidence.at(noise, np.full(7, precision * 10.0**t)).logarithm for t in np.linspace(-1, 1, 201)]
    assert_allclose(solution.details["log_evidence"], max(scan), atol=1e-3)
    for kind in range(3):
        for factor in (0.98, 1.02):
            moved = noise * np.where(np.arange(3) == kind, factor, 1.0)
            best = max(
                evidence.at(moved, np.full(7, precision * 10.0**t)).logarithm for t in np.linspace(-1, 1, 201)
            )
            assert best < solution.details["log_evidence"]


def test_the_noise_of_every_kind_is_recovered():
    rows, labels, prior, _ = linear_problem(sizes=(200, 4000, 600))
    solution = BayesianRidge(separate_noise=True).solve(reduce(rows, labels), prior)
    assert solution.details["converged"]
    for (kind, sigma), n in zip(NOISE.items(), (200, 4000, 600), strict=True):
        assert_allclose(solution.posterior.noise[kind], sigma, rtol=4 / np.sqrt(2 * n))


def test_weights_of_whole_kinds_do_not_matter_when_their_noise_is_estimated():
    rows, labels, prior, _ = linear_problem(5)
    scales = {"E": 30.0, "V": 0.01}
    plain, weighted = (
        BayesianRidge(True, tolerance=1e-6).solve(reduce(rows, labels, s), prior) for s in (None, scales)
    )
    assert_allclose(plain.coefficients, weighted.coefficients, rtol=1e-5)
    assert_allclose(weighted.posterior.noise["E"], 30.0 * plain.posterior.noise["E"], rtol=1e-5)


def test_one_noise_for_all_ignores_the_kinds():
    rows, labels, prior, _ = linear_problem(6)
    system = reduce(rows, labels)
    together = BayesianRidge().solve(system, prior)
    without_parts = BayesianRidge(separate_noise=True).solve(
        ReducedSystem(system.triangle, system.n_rows), prior
    )
    assert_allclose(together.coefficients, without_parts.coefficients, rtol=1e-10)
    assert list(together.posterior.noise) == ["all"]


def test_it_is_the_bayesian_ridge_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    rows, labels, prior, _ = linear_problem(7, sizes=(0, 90, 0))
    rows, labels = {"F": rows["F"]}, {"F": labels["F"]}
    theirs = linear_model.BayesianRidge(
        tol=1e-12, alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, fit_intercept=False
    ).fit(rows["F"] / prior, labels["F"])
    ours = BayesianRidge(True, tolerance=1e-6).solve(reduce(rows, labels), prior)
    assert_allclose(ours.coefficients, theirs.coef_ / prior, rtol=1e-5, atol=1e-9)
    assert_allclose(ours.posterior.noise["F"], theirs.alpha_**-0.5, rtol=1e-5)
    assert_allclose(ours.posterior.covariance, theirs.sigma_ / np.outer(prior, prior), rtol=1e-4, atol=1e-12)


@pytest.mark.parametrize("solver", [BayesianRidge(True), ARD(True)])
def test_the_posterior_covariance_is_the_inverse_of_the_hessian(solver):
    rows, labels, prior, _ = linear_problem(8, sizes=(50, 400, 80))
    solution = solver.solve(reduce(rows, labels), prior)
    posterior, kept = solution.posterior, solution.coefficients != 0.0
    noise = posterior.noise
    H = sum(A[:, kept].T @ A[:, kept] / noise[kind] ** 2 for kind, A in rows.items())
    b = sum(A[:, kept].T @ labels[kind] / noise[kind] ** 2 for kind, A in rows.items())
    penalty = b / solution.coefficients[kept] - H @ solution.coefficients[kept] / solution.coefficients[kept]
    expected = np.zeros((7, 7))
    expected[np.ix_(kept, kept)] = np.linalg.inv(H + np.diag(penalty))
    size = np.sqrt(np.diag(expected))
    assert_allclose(posterior.covariance, expected, atol=1e-6 * np.outer(size, size).max())
    assert_allclose(posterior.deviations, size, rtol=1e-6)


def test_the_predicted_variance_of_design_rows_is_that_of_the_covariance():
    rows, labels, prior, _ = linear_problem(9)
    posterior = BayesianRidge().solve(reduce(rows, labels), prior).posterior
    new = np.random.default_rng(0).standard_normal((5, 7))
    expected = np.einsum("mk,kl,ml->m", new, posterior.covariance, new)
    assert_allclose(posterior.variance(new), expected, rtol=1e-10)
    assert_allclose(posterior.variance(new[0]), expected[0], rtol=1e-10)


def test_samples_have_the_covariance_of_the_posterior():
    rows, labels, prior, _ = linear_problem(9)
    posterior = BayesianRidge().solve(reduce(rows, labels), prior).posterior
    samples = posterior.sample(20_000, np.random.default_rng(0))
    size = posterior.deviations
    assert_allclose(np.cov(samples.T), posterior.covariance, atol=0.05 * np.outer(size, size).max())


def test_predictions_err_as_much_as_they_say():
    """Over many problems, errors of the coefficients in units of their deviations have variance one."""
    squares = []
    for seed in range(40):
        rows, labels, prior, c = linear_problem(seed, sizes=(40, 200, 40))
        solution = BayesianRidge(separate_noise=True).solve(reduce(rows, labels), prior)
        new = np.random.default_rng(seed + 1000).standard_normal((5, 7))
        error = new @ (solution.coefficients - c)
        squares.append(np.mean(error**2 / solution.posterior.variance(new)))
    assert 0.75 < np.mean(squares) < 1.3


@pytest.mark.parametrize("solver", [BayesianRidge(), BayesianRidge(True), ARD(), ARD(True)])
def test_labels_without_noise_are_reproduced(solver):
    rows, labels, prior, c = linear_problem(2, noise={"E": 0.0, "F": 0.0, "V": 0.0}, sizes=(20, 60, 20))
    assert_allclose(solver.solve(reduce(rows, labels), prior).coefficients, c, atol=1e-8)


@pytest.mark.parametrize("solver", [BayesianRidge(), BayesianRidge(True), ARD(), ARD(True)])
def test_labels_of_zero_give_coefficients_of_zero(solver):
    rows, labels, prior, _ = linear_problem(2)
    zero = {kind: np.zeros_like(y) for kind, y in labels.items()}
    solution = solver.solve(reduce(rows, zero), prior)
    assert_allclose(solution.coefficients, 0.0, atol=1e-12)
    assert np.isfinite(solution.posterior.factor).all()


@pytest.mark.parametrize("solver", [BayesianRidge(), BayesianRidge(True), ARD(), ARD(True)])
def test_fewer_equations_than_functions_are_enough(solver):
    rows, labels, prior, _ = linear_problem(4, K=30, sizes=(3, 12, 5))
    solution = solver.solve(reduce(rows, labels), prior)
    assert np.isfinite(solution.coefficients).all()
    assert solution.degrees_of_freedom <= 20.0 + 1e-9


@pytest.mark.parametrize(
    "make",
    [lambda: BayesianRidge(tolerance=0.0), lambda: ARD(max_iterations=0), lambda: ARD(tolerance=np.nan)],
)
def test_settings_of_a_search_without_end_are_refused(make):
    with pytest.raises(InputError, match="tolerance > 0 and max_iterations ≥ 1"):
        make()


def few_equations(n, sigma, K=40, seed=0):
    """``n`` labels drawn from a model of K functions with noise ``sigma``."""
    rng = np.random.default_rng(seed)
    prior = np.linspace(1.0, 4.0, K)
    A = rng.standard_normal((n, K)) @ np.diag(np.logspace(0, -1, K))
    y = A @ (rng.standard_normal(K) / prior) + sigma * rng.standard_normal(n)
    return reduce({"F": A}, {"F": y}), prior


@pytest.mark.parametrize(("n", "sigma", "seed"), [(39, 3.0, 0), (30, 3.0, 2), (30, 0.3, 0), (10, 3.0, 4)])
def test_fewer_equations_than_functions_do_not_hide_the_noise_behind_interpolation(n, sigma, seed):
    """With too small a noise the evidence is flat: the search once ended there, at σ = 1e-9, "converged"."""
    system, prior = few_equations(n, sigma, seed=seed)
    solution = BayesianRidge().solve(system, prior)
    evidence, size = Evidence.of(system, prior, False), np.linalg.norm(system.triangle[:, -1]) / np.sqrt(n)
    scan = [
        evidence.at(np.array([size * s]), np.full(40, a)).logarithm
        for s in np.logspace(-9, 1, 21)
        for a in np.logspace(-4, 6, 31)
    ]
    assert solution.details["log_evidence"] > max(scan) - 0.02
    assert solution.posterior.noise["all"] > 0.1 * sigma


@pytest.mark.parametrize("solver", [BayesianRidge(), ARD(), GCVRidge()])
def test_a_fit_that_interpolates_says_so(solver):
    system, prior = few_equations(30, 0.0)
    with pytest.warns(
        ConvergenceWarning, match=r"interpolates: of 30 equations for 40 functions none is left"
    ):
        solver.solve(system, prior)


@pytest.mark.parametrize("solver", [BayesianRidge(max_iterations=1), ARD(max_iterations=1)])
def test_a_search_that_ran_out_of_iterations_says_so(solver):
    rows, labels, prior, _ = linear_problem(3)
    with pytest.warns(
        ConvergenceWarning, match=r"has not found .* in \d+ iterations: .* raise max_iterations"
    ):
        solution = solver.solve(reduce(rows, labels), prior)
    assert solution.details["converged"] is False


def test_a_search_that_got_stuck_is_not_told_to_take_more_iterations():
    rows, labels, prior, _ = linear_problem(3)
    with pytest.warns(ConvergenceWarning, match="it got stuck there: take a larger tolerance"):
        BayesianRidge(tolerance=1e-17).solve(reduce(rows, labels), prior)


@pytest.mark.parametrize("solver", [BayesianRidge(), BayesianRidge(True), ARD(), GCVRidge()])
@pytest.mark.parametrize("noise", [NOISE, dict.fromkeys(NOISE, 0.0)])
def test_searches_that_end_well_are_silent(solver, noise):
    """Also where labels without any noise leave no maximum."""
    rows, labels, prior, _ = linear_problem(3, sizes=(40, 200, 60), noise=noise)
    with warnings.catch_warnings():
        warnings.simplefilter("error", ConvergenceWarning)
        solver.solve(reduce(rows, labels), prior)


def test_what_is_left_to_estimate_the_noise_from_is_recorded():
    rows, labels, prior, _ = linear_problem(3)
    for separate in (False, True):
        solution = BayesianRidge(separate, tolerance=1e-6).solve(reduce(rows, labels), prior)
        assert_allclose(solution.details["left_for_noise"], 84 - solution.degrees_of_freedom, rtol=1e-4)
