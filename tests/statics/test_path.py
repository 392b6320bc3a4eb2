import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.linalg import eigh
from scipy.optimize import root
from scipy.sparse import csc_array, diags_array

from genmlip.errors import InputError
from genmlip.statics.minimise import minimise
from genmlip.statics.path import PathInterrupted, minimum_energy_path
from genmlip.statics.preconditioner import Identity, SparseFactor
from genmlip.statics.saddle import find_saddle

# Müller & Brown, Theor. Chim. Acta 53:75 (1979): coefficients, minima and the saddles between them
DEPTH = np.array([-200.0, -100.0, -170.0, 15.0])
XX, XY, YY = np.array([-1, -1, -6.5, 0.7]), np.array([0, 0, 11, 0.6]), np.array([-10, -10, -6.5, 0.7])
X, Y = np.array([1, 0, -0.5, -1]), np.array([0, 0.5, 1.5, 1])
LEFT, MIDDLE, RIGHT = np.array([[-0.558224, 1.441726], [-0.050011, 0.466694], [0.623499, 0.028038]])
HIGHER, LOWER = np.array([[-0.822002, 0.624313], [0.212487, 0.292988]])


def mueller_brown(x):
    """The four terms as site energies, x (1, 2)."""
    dx, dy = x[0, 0] - X, x[0, 1] - Y
    terms = DEPTH * np.exp(XX * dx**2 + XY * dx * dy + YY * dy**2)
    return terms, np.array([[terms @ (2 * XX * dx + XY * dy), terms @ (XY * dx + 2 * YY * dy)]])


def double_well(stiffness, bend):
    """(1 − x₀²)², and springs that hold the other unknowns on a winding curve: barrier 1, saddle at 0."""

    def objective(x):
        k = np.arange(1, len(x))
        off = x[1:] - bend * np.sin(np.pi * k * x[0]) / k
        pull = -stiffness * off * bend * np.pi * np.cos(np.pi * k * x[0])
        energies = np.concatenate([[(1 - x[0] ** 2) ** 2], 0.5 * stiffness * off**2])
        return energies, np.concatenate([[pull.sum() - 4 * x[0] * (1 - x[0] ** 2)], stiffness * off])

    return objective


def kink(n, depth):
    """Displacements u (n,) of a chain of unit springs in a cosine potential (Frenkel & Kontorova), 0 at one
    end and 1 at the other; as site energies of the atoms with the springs to their left."""

    def objective(u):
        stretch = np.diff(np.concatenate([[0.0], u, [1.0]]))
        energies = 0.5 * stretch**2
        energies[:-1] += depth * (1 - np.cos(2 * np.pi * u)) / (2 * np.pi) ** 2
        return energies, depth * np.sin(2 * np.pi * u) / (2 * np.pi) + stretch[:-1] - stretch[1:]

    return objective


def chain_operator(n, depth):
    """Springs and wells, all at their harmonic stiffness."""
    ones = np.ones(n - 1)
    return csc_array(diags_array([-ones, np.full(n, 2.0 + depth), -ones], offsets=[-1, 0, 1]))


def kink_path(n, depth, **options):
    """From the bond left of the middle atom to that on its right."""
    objective, atom = kink(n, depth), np.arange(n)
    preconditioner = SparseFactor(chain_operator(n, depth), atom[:, None].astype(float))
    ends = [
        minimise(objective, (atom > bond).astype(float), preconditioner, fmax=1e-11).x
        for bond in (n // 2 - 0.5, n // 2 - 1.5)
    ]
    return minimum_energy_path(objective, *ends, preconditioner, **options)


@pytest.fixture(scope="module")
def reaction():
    ends = [minimise(mueller_brown, x[None], Identity(2e3), fmax=1e-9).x for x in (LEFT, RIGHT)]
    return minimum_energy_path(
        mueller_brown, *ends, Identity(2e3), n_images=15, fmax=1e-8, tolerance=1e-4, max_calls=50000
    )


def test_highest_saddle_of_the_mueller_brown_surface_is_the_published_one(reaction):
    assert reaction.converged
    assert_allclose(reaction.barrier, 146.69952 - 40.66484, atol=1e-4)
    assert_allclose(reaction.saddle.x[0], HIGHER, atol=1e-5)


def test_path_passes_the_minimum_and_the_saddle_that_lie_off_the_straight_line(reaction):
    gap = np.linalg.norm(np.diff(reaction.images[:, 0], axis=0), axis=1).max()
    for place in (MIDDLE, LOWER):
        assert np.linalg.norm(reaction.images[:, 0] - place, axis=1).min() < 0.6 * gap


def test_images_lie_on_the_curve_of_steepest_descent(reaction):
    """Away from the saddle, where the tangent is best known, gradients point along the path."""
    path = reaction.images[:, 0]
    for k in (2, 11, 12):
        tangent = path[k + 1] - path[k - 1]
        gradient = mueller_brown(reaction.images[k])[1][0]
        along = abs(gradient @ tangent) / np.linalg.norm(tangent) / np.linalg.norm(gradient)
        assert along > 0.9


def test_profile_has_the_energies_of_states_between_the_images():
    """A straight path, whose energy is known everywhere."""
    objective = double_well(5.0, bend=0.0)
    end = np.zeros(20)
    end[0] = 1.0
    path = minimum_energy_path(objective, -end, end, Identity(5.0), n_images=9)
    s = np.linspace(0, 1, 41)
    assert_allclose(path.profile(s), (1 - (2 * s - 1) ** 2) ** 2, atol=2e-3)


@pytest.mark.parametrize("n_images", [5, 9])
def test_barrier_is_exact_whatever_the_number_of_images_and_the_bend_of_the_path(n_images):
    objective = double_well(5.0, bend=0.15)
    start, end = np.zeros(20), np.zeros(20)
    start[0], end[0] = -1.0, 1.0
    path = minimum_energy_path(objective, start, end, Identity(8.0), n_images=n_images, fmax=1e-8)
    assert path.converged
    assert_allclose(path.barrier, 1.0, atol=1e-10)
    assert_allclose(path.saddle.x, 0.0, atol=1e-6)


def test_the_higher_of_two_humps_rules_though_few_images_take_the_other_for_it():
    """Cubic between its images, the flat hump seems the higher one."""

    def objective(x):
        along, across = x[0, 0], x[0, 1]
        flat, round_ = (along - 0.28) / 0.12, (along - 0.77) / 0.08
        hills = np.array([0.95 * np.exp(-(flat**4) - 0.2 * flat**2), np.exp(-(round_**2))])
        slope = hills @ [-(4 * flat**3 + 0.4 * flat) / 0.12, -2 * round_ / 0.08]
        return np.append(hills, 50.0 * across**2), np.array([[slope, 100.0 * across]])

    ends = np.array([[0.0, 0.0]]), np.array([[1.0, 0.0]])
    path = minimum_energy_path(objective, *ends, Identity(100.0), n_images=6, fmax=1e-9)
    assert_allclose(path.saddle.x, [[0.77, 0.0]], atol=1e-4)
    assert_allclose(path.barrier, 1.0, atol=1e-4)


def test_barrier_of_a_kink_is_the_energy_of_the_symmetric_state():
    """Newton's method from a symmetric guess finds the saddle without any path."""
    n, depth = 31, 1.5
    path = kink_path(n, depth, fmax=1e-10)
    guess = (np.arange(n) > n // 2).astype(float)
    guess[n // 2] = 0.5
    energies = kink(n, depth)
    top = root(lambda u: energies(u)[1], guess, tol=1e-13).x
    assert path.converged
    assert_allclose(path.energies[-1], 0.0, atol=1e-8)
    assert_allclose(path.barrier, energies(top)[0].sum() - energies(path.images[0])[0].sum(), atol=1e-12)


def test_barrier_of_a_wide_kink_is_resolved_though_it_is_tiny():
    """The barrier of a kink falls exponentially with its width."""
    tight, wide = (kink_path(61, depth, fmax=1e-11).barrier for depth in (1.0, 0.25))
    assert 0.0 < wide < 1e-3 * tight


def test_chain_without_wells_is_translated_at_no_cost():
    n = 12
    laplacian = chain_operator(n, 0.0)

    def ring(x):
        stretch = np.roll(x, -1) - x
        return 0.5 * stretch**2, np.roll(stretch, 1) - stretch

    preconditioner = SparseFactor(laplacian, np.arange(n, dtype=float)[:, None])
    path = minimum_energy_path(ring, np.zeros(n), np.ones(n), preconditioner, n_images=5)
    assert path.converged
    assert path.saddle is None
    assert_allclose(path.barrier, 0.0, atol=1e-14)


def test_curvatures_are_the_lowest_eigenvalues_of_the_preconditioned_hessian():
    n, depth = 31, 1.5
    path = kink_path(n, depth, fmax=1e-9)
    P = chain_operator(n, depth).toarray()
    H = chain_operator(n, 0.0).toarray() + np.diag(depth * np.cos(2 * np.pi * path.saddle.x))
    assert_allclose(path.saddle.curvatures, eigh(H, P, eigvals_only=True)[:2], rtol=0.02)
    assert path.saddle.curvatures[0] < 0.0 < path.saddle.curvatures[1]


def test_a_maximum_is_left_for_a_saddle():
    """x² + y² at its top: gradients vanish there, but two directions lead down."""

    def egg_box(x):
        return np.cos(x).sum(axis=1), -np.sin(x)

    saddle = find_saddle(egg_box, np.array([[1e-9, 0.0]]), np.array([[1.0, 0.1]]), Identity(1.0), fmax=1e-8)
    assert saddle.converged
    assert_allclose(np.sort(np.abs(saddle.x[0])), [0.0, np.pi], atol=1e-6)


def test_a_minimum_is_left_for_a_saddle():
    def egg_box(x):
        return -np.cos(x).sum(axis=1), np.sin(x)

    saddle = find_saddle(egg_box, np.array([[0.2, 0.0]]), np.array([[1.0, 0.0]]), Identity(1.0), fmax=1e-8)
    assert saddle.converged
    assert_allclose(np.abs(saddle.x[0]), [np.pi, 0.0], atol=1e-6)


def test_search_that_is_cut_short_says_so():
    path = kink_path(31, 1.5, max_calls=30)
    assert not path.converged
    assert "30" in path.message or "force calls" in path.message


def test_interruption_carries_what_was_reached():
    def stop(sweep):
        raise KeyboardInterrupt

    with pytest.raises(PathInterrupted) as caught:
        kink_path(31, 1.5, n_images=5, callback=stop)
    assert caught.value.result.images.shape == (5, 31)
    assert not caught.value.result.converged


def test_a_path_needs_an_image_between_two_different_ends():
    objective, one = kink(5, 1.0), np.zeros(5)
    with pytest.raises(InputError, match="at least 3 images"):
        minimum_energy_path(objective, one, one + 1, Identity(), n_images=2)
    with pytest.raises(InputError, match="the same"):
        minimum_energy_path(objective, one, one, Identity())
