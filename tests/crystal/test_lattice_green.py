import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal, LatticeGreen, LineForceConstants
from genmlip.dislocations import Dislocation
from genmlip.errors import InputError, UnstableCrystalError

CASES = {
    "bcc-screw-111": "tungsten",
    "bcc-edge-111": "tungsten",
    "fcc-edge-110": "morse",
    "fcc-screw-110": "copper",
    "diamond-screw": "silicon",
}
BRAVAIS = ["bcc-screw-111", "bcc-edge-111", "fcc-edge-110"]


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


def square_lattice(spring=1.0):
    labels = np.array([[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1]])
    return LineForceConstants(np.eye(2), labels, spring * np.array([4.0, -1, -1, -1, -1]).reshape(5, 1, 1))


def residual(green, centre, M):
    """H G − δ for ∣n − centre∣ ≤ M, relative: the force constants times G have the size of 1."""
    n = np.stack(np.meshgrid(*[np.arange(c - M, c + M + 1) for c in centre], indexing="ij"), axis=-1)
    total = sum(
        block @ green(n + label)
        for label, block in zip(green.constants.labels, green.constants.blocks, strict=True)
    )
    total[(n == 0).all(axis=-1)] -= np.eye(total.shape[-1])
    return abs(total).max()


def test_it_is_the_inverse_of_the_force_constants_near_the_source(green):
    assert residual(green, (0, 0), 12) < 1e-11


def test_it_is_so_where_the_far_field_takes_over(green):
    directions = np.array([[1.0, 0.0], [0.3, 1.0], [-1.0, 1.0]])
    for e in directions / np.linalg.norm(directions, axis=1, keepdims=True):
        centre = np.rint(np.linalg.solve(green.constants.plane.T, green.radius * e)).astype(int)
        assert residual(green, centre, 3) < 1e-10


def test_forces_act_on_each_other_as_reactio(green):
    n = np.random.default_rng(0).integers(-90, 90, (200, 2))
    assert_allclose(green(n), green(-n).swapaxes(-1, -2), atol=1e-11)


def test_unit_resistors_on_the_square_lattice():
    """G(0) − G(1, 0) = 1/4, G(0) − G(1, 1) = 1/π; far off −(log r + γ + log √8) / 2π (Spitzer, P15.8)."""
    G = LatticeGreen(square_lattice())
    assert_allclose(G((0, 0)) - G((1, 0)), 1 / 4, atol=1e-13)
    assert_allclose(G((0, 0)) - G((1, 1)), 1 / np.pi, atol=1e-13)
    assert_allclose(G((0, 0)), (np.euler_gamma + 1.5 * np.log(2)) / (2 * np.pi), atol=1e-13)


def test_forces_that_do_not_balance_are_refused(green_of):
    G = green_of("bcc-screw-111")
    with pytest.raises(InputError, match="must balance"):
        G.displacement(
            np.zeros((1, 2), int), np.array([[0, 0], [3, 1]]), np.array([[1.0, 0, 0], [-0.9, 0, 0]])
        )


def test_an_unstable_crystal_is_refused(silicon):
    with pytest.raises(UnstableCrystalError, match="unstable"):
        LatticeGreen(line_constants(Crystal(silicon.potential, "bcc", "Si", 3.2), "bcc-screw-111"))
