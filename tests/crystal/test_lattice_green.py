import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal, LatticeGreen, LineForceConstants, rotate
from genmlip.crystal.differences import derivative
from genmlip.dislocations import Dislocation
from genmlip.errors import InputError, UnstableCrystalError
from genmlip.theory.rates import fit_rate

CASES = {
    "bcc-screw-111": "tungsten",
    "bcc-edge-111": "tungsten",
    "fcc-edge-110": "morse",
    "fcc-screw-110": "morse",
    "diamond-60": "silicon",
}


def line_constants(crystal, name):
    dislocation = Dislocation(crystal, name)
    return LineForceConstants.of(crystal.force_constants, dislocation.frame, dislocation.lattice.vectors)


@pytest.fixture(scope="module")
def green_of(request):
    """The Green's function of a dislocation's line, made once."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = LatticeGreen(line_constants(request.getfixturevalue(CASES[name]), name))
        return made[name]

    return of


@pytest.fixture(params=CASES)
def green(request, green_of):
    return green_of(request.param)


def square(spring=1.0, diagonal=0.0):
    """Atoms that move along the line only, tied to their neighbours by springs."""
    labels = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [1, 1], [-1, -1], [1, -1], [-1, 1]])
    stiffness = np.repeat([4 * (spring + diagonal), -spring, -diagonal], [1, 4, 4])
    return LineForceConstants(np.eye(2), labels, stiffness.reshape(-1, 1, 1))


def honeycomb():
    """Two sublattices; springs of unit stiffness between the neighbours, which are of different ones."""
    labels = np.array([[0, 0], [-1, 0], [0, -1], [1, 0], [0, 1]])
    blocks = np.zeros((5, 2, 2))
    blocks[0] = [[3, -1], [-1, 3]]
    blocks[1:3, 0, 1] = blocks[3:, 1, 0] = -1
    return LineForceConstants(np.array([[1.5, 0.75**0.5], [1.5, -(0.75**0.5)]]), labels, blocks)


def patch(centre, M):
    """Labels with ∣n − centre∣ ≤ M in both directions."""
    return np.stack(np.meshgrid(*[np.arange(c - M, c + M + 1) for c in centre], indexing="ij"), axis=-1)


def applied(constants, field, n):
    """Σ_n' H_{n'−n} u(n') at the labels n, for fields n → (..., m, columns)."""
    pairs = zip(constants.labels, constants.blocks, strict=True)
    return sum(block @ field(n + label) for label, block in pairs)


def residual(green, n):
    """Largest element of H G − δ at the labels n; without dimension."""
    total = applied(green.constants, green, n)
    total[(n == 0).all(axis=-1)] -= np.eye(total.shape[-1])
    return abs(total).max()


def differences_on_torus(constants, N, n):
    """G(0) − G(n) on a torus of N × N cells, where a uniform force balances the one at the origin."""
    theta = 2 * np.pi * np.arange(N) / N
    phases = np.stack(np.meshgrid(theta, theta, indexing="ij"), axis=-1).reshape(-1, 2)[1:]
    inverse = np.linalg.inv(constants.fourier(phases))
    return np.einsum("qn,qij->nij", 1 - np.exp(1j * phases @ n.T), inverse).real / N**2


def test_it_is_the_inverse_of_the_force_constants_near_the_source(green):
    assert residual(green, patch((0, 0), 12)) < 1e-12


def test_it_is_so_where_the_far_field_takes_over(green):
    for angle in np.linspace(0, np.pi, 7):
        x = green.radius * np.array([np.cos(angle), np.sin(angle)])
        assert (
            residual(green, patch(np.rint(x @ np.linalg.inv(green.constants.plane)).astype(int), 3)) < 1e-11
        )


def test_it_is_so_at_any_distance(green):
    assert residual(green, patch((200, -123), 2)) < 1e-12
    assert residual(green, patch((-4000, 7000), 2)) < 1e-12


def test_near_and_far_field_meet(green):
    assert green.mismatch < 1e-12 * abs(green((0, 0)) - green((1, 0))).max()


def test_displacement_and_force_change_places(green):
    n = np.random.default_rng(0).integers(-90, 90, (200, 2))
    assert_allclose(green(n), green(-n).swapaxes(-1, -2), atol=1e-12)


@pytest.mark.parametrize("name", ["bcc-edge-111", "diamond-60"])
def test_differences_are_those_of_an_ever_larger_torus(name, green_of):
    """On a torus of N² cells they are off by c₂ N⁻² + c₄ N⁻⁴ + …"""
    green, n = green_of(name), np.array([[1, 0], [0, 1], [2, -1], [-3, 2], [1, 4]])
    small, middle, large = (differences_on_torus(green.constants, N, n) for N in (48, 96, 192))
    first, second = (4 * middle - small) / 3, (4 * large - middle) / 3
    expected = (16 * second - first) / 15
    assert_allclose(green((0, 0)) - green(n), expected, atol=1e-7 * abs(expected).max())


def test_resistors_on_the_square_lattice():
    """1/4 between neighbours (each of 1 Ω gives ½ Ω), 1/π across the diagonal, and far away
    (log r + γ + log √8) / 2π (Spitzer, Principles of Random Walk, § 15)."""
    G = LatticeGreen(square())
    assert_allclose(G((0, 0)) - G((1, 0)), 1 / 4, atol=1e-13)
    assert_allclose(G((0, 0)) - G((1, 1)), 1 / np.pi, atol=1e-13)
    assert_allclose(G((0, 0)), (np.euler_gamma + 1.5 * np.log(2)) / (2 * np.pi), atol=1e-13)


def test_resistors_on_the_honeycomb():
    """Three bonds per two sites: the resistance between neighbours is ⅔ Ω (Foster's theorem)."""
    G = LatticeGreen(honeycomb())((0, 0))
    assert_allclose(G[0, 0] + G[1, 1] - G[0, 1] - G[1, 0], 2 / 3, atol=1e-13)


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("bcc-screw-111", -2),
        ("bcc-edge-111", -2),
        ("fcc-edge-110", -2),
        ("fcc-screw-110", -2),
        ("diamond-60", -1),
    ],
)
def test_it_approaches_the_elastic_greens_function(name, rate, green_of):
    """With no constant between them; labels say nothing about where in its cell a sublattice lies, which
    costs multilattices one order."""
    green = green_of(name)
    n = np.array([2, 1]) * np.array([16, 24, 32, 48, 64, 96, 128])[:, None]
    x, m = n @ green.constants.plane, green.constants.blocks.shape[1]
    difference = green(n) - np.tile(green.elastic(x), (m // 3, m // 3))
    fit = fit_rate(np.linalg.norm(x, axis=1), abs(difference).max(axis=(1, 2)))
    assert_allclose(fit.slope, rate, atol=0.02)


@pytest.mark.parametrize(("centre", "inside"), [((0.0, 0.0), 1), ((7.0, 2.0), 0)])
@pytest.mark.parametrize("name", CASES)
def test_its_elastic_stress_carries_the_force(name, centre, inside, green_of, request):
    """∮ C ∇G · n ds = −1 / line period around the source and zero elsewhere, with relaxed ions."""
    green, dislocation = green_of(name), Dislocation(request.getfixturevalue(CASES[name]), name)
    angle = 2 * np.pi * np.arange(256) / 256
    normal = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    x = np.array(centre) + 3.0 * normal
    gradient = [derivative(lambda t, e=e: green.elastic(x + t * e), 0.05) for e in np.eye(2)]
    C = rotate(dislocation.crystal.stiffness, dislocation.frame)[:, :2, :, :2]
    flux = np.einsum("ijkl,lakm,aj->im", C, np.array(gradient), normal) * 3.0 * 2 * np.pi / len(angle)
    assert_allclose(flux, -inside * np.eye(3) / dislocation.line_period, atol=1e-6 / dislocation.line_period)


@pytest.mark.parametrize("name", ["bcc-edge-111", "diamond-60"])
@pytest.mark.parametrize("n_targets", [30, 3])
def test_balanced_forces_are_those_of_the_displacements_they_cause(name, n_targets, green_of):
    green = green_of(name)
    random = np.random.default_rng(1)
    sources = patch((30, -20), 4).reshape(-1, 2)
    f = random.standard_normal((len(sources), green.constants.blocks.shape[1]))
    f -= (f @ green.translations).mean(axis=0) @ green.translations.T
    where = random.permutation(len(sources))[:n_targets]

    def field(n):
        flat = green.displacement(n.reshape(-1, 2), sources, f)
        return flat.reshape(*n.shape[:-1], -1)[..., None]

    assert_allclose(applied(green.constants, field, sources[where])[..., 0], f[where], atol=1e-11)


def test_displacements_do_not_depend_on_how_many_are_asked_for(green_of):
    green, sources = green_of("bcc-screw-111"), np.array([[0, 0], [5, 2], [-3, 40]])
    f = np.array([[1.0, -2.0, 0.5], [-0.5, 1.0, 0.0], [-0.5, 1.0, -0.5]])
    n = patch((3, 3), 30).reshape(-1, 2)
    one_by_one = np.concatenate([green.displacement(n[i : i + 1], sources, f) for i in range(0, len(n), 97)])
    assert_allclose(green.displacement(n, sources, f)[::97], one_by_one, atol=1e-13)


def test_a_table_holds_the_values_of_the_call(green):
    table = green.table((3, 70))
    n = np.stack(np.meshgrid(np.arange(-3, 4), np.arange(-70, 71), indexing="ij"), axis=-1)
    assert_allclose(table, green(n), atol=1e-12)


def test_forces_that_do_not_balance_are_refused(green_of):
    sources, f = np.array([[0, 0], [3, 1]]), np.array([[1.0, 0, 0], [-0.9, 0, 0]])
    with pytest.raises(InputError, match=r"must balance: their sum is 1\.0"):
        green_of("bcc-screw-111").displacement(np.zeros((1, 2), int), sources, f)


def test_forces_may_balance_between_the_sublattices_of_one_column(green_of):
    green, f = green_of("diamond-60"), np.array([[1.0, 2, 3, -1, -2, -3]])
    u = green.displacement(np.array([[1, 2]]), np.zeros((1, 2), int), f)
    assert_allclose(u[0], green((1, 2)) @ f[0], atol=1e-13)


def test_an_unstable_crystal_is_refused_with_the_wave_that_does_it(silicon):
    with pytest.raises(UnstableCrystalError, match=r"k = \(.*\) Å⁻¹"):
        LatticeGreen(line_constants(Crystal(silicon.potential, "bcc", "Si", 3.2), "bcc-screw-111"))


@pytest.mark.parametrize("diagonal", [-0.499995, -0.51])
def test_a_lattice_at_the_limit_of_stability_is_refused(diagonal):
    """Its elastic stiffness is 1 + 2 · diagonal."""
    with pytest.raises(UnstableCrystalError, match=r"instability|unstable"):
        LatticeGreen(square(diagonal=diagonal))


def test_a_soft_lattice_is_not():
    green = LatticeGreen(square(diagonal=-0.49))
    assert residual(green, patch((0, 0), 20)) < 1e-11


def test_a_lattice_tied_to_its_place_is_refused():
    pinned = square()
    pinned.blocks[0] += 0.1
    with pytest.raises(InputError, match="translation must cost nothing"):
        LatticeGreen(pinned)
