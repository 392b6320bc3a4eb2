"""The elastic field: identities, closed forms in the isotropic limit, published energy factors."""

import numpy as np
import pytest
from ase import units
from elastic_media import cubic_stiffness
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from genmlip.crystal import rotate
from genmlip.dislocations import SYSTEMS, StrohField
from genmlip.errors import InputError

MU, NU = 1.3, 0.29
ABOVE = np.array([0.0, 1e-13])


def isotropic(mu=MU, nu=NU):
    lame, d = 2 * mu * nu / (1 - 2 * nu), np.eye(3)
    return lame * np.einsum("ij,kl->ijkl", d, d) + mu * (
        np.einsum("ik,jl->ijkl", d, d) + np.einsum("il,jk->ijkl", d, d)
    )


def triclinic(seed=0):
    """A positive definite stiffness without any symmetry."""
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(6, 6))
    voigt = root @ root.T + 2 * np.eye(6)
    index = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])
    return voigt[index[:, :, None, None], index[None, None]]


FIELDS = {
    "isotropic": StrohField(isotropic(), np.array([0.7, 0.0, 1.1])),
    "triclinic": StrohField(triclinic(), np.array([0.9, -0.4, 1.3])),
    "cubic edge": StrohField(
        rotate(cubic_stiffness(169, 122, 75.4), SYSTEMS["fcc-edge-110"].frame), np.array([2.5, 0.0, 0.0])
    ),
    "very anisotropic": StrohField(
        rotate(cubic_stiffness(110, 100, 90), SYSTEMS["bcc-mixed-111"].frame), np.array([2.4, 0.0, 0.8])
    ),
}


@pytest.fixture(params=FIELDS)
def any_field(request):
    return FIELDS[request.param]


def points(n=40, seed=1):
    rng = np.random.default_rng(seed)
    angle, r = rng.uniform(-3.1, 3.1, n), rng.uniform(0.5, 20.0, n)
    return np.stack([r * np.cos(angle), r * np.sin(angle)], axis=1)


def derivative(function, x, step=2e-3):
    """∂f/∂x_j by eighth-order differences, the new index last."""
    stencil = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
    columns = []
    for j in range(2):
        e = step * np.eye(2)[j]
        columns.append(
            sum(w * (function(x + k * e) - function(x - k * e)) for k, w in stencil.items()) / step
        )
    return np.stack(columns, axis=-1)


def test_burgers_circuit_closes_on_the_burgers_vector(any_field):
    theta = (np.arange(4096) + 0.5) / 4096 * 2 * np.pi - np.pi
    for radius in (0.3, 7.0):
        x = radius * np.stack([np.cos(theta), np.sin(theta)], axis=1)
        tangent = np.stack([-np.sin(theta), np.cos(theta), 0 * theta], axis=1)
        circuit = np.einsum("nij,nj->i", any_field.distortion(x), tangent) * radius * 2 * np.pi / 4096
        assert_allclose(circuit, any_field.burgers, atol=1e-12)


def test_displacement_jumps_by_the_burgers_vector_across_the_cut_and_nowhere_else(any_field):
    x = np.array([[-3.0, 0.0], [2.0, 0.0]])
    above, below = (any_field.displacement(x + sign * ABOVE) for sign in (1, -1))
    assert_allclose(above - below, [any_field.burgers, [0, 0, 0]], atol=1e-12)


def test_the_field_continues_across_the_cut_on_the_next_sheet(any_field):
    u = any_field.displacement_on_sheet(np.array([2.0, 2.0]), np.array([0.7, 0.7 + 2 * np.pi]))
    assert_allclose(u[1] - u[0], any_field.burgers, atol=1e-12)


def test_traction_is_continuous_across_the_cut(any_field):
    x = np.array([[-3.0, 0.0]])
    above, below = (any_field.stress(x + sign * ABOVE)[0, :, 1] for sign in (1, -1))
    assert_allclose(above, below, atol=1e-11)


def test_distortion_is_the_derivative_of_the_displacement(any_field):
    x = points()
    gradient = any_field.distortion(x)
    assert_allclose(gradient[..., :2], derivative(any_field.displacement, x), rtol=1e-9, atol=1e-9)
    assert not gradient[..., 2].any()


def test_the_second_gradient_is_the_derivative_of_the_distortion_and_balances(any_field):
    x = points()
    curvature = any_field.second_gradient(x)
    scale = np.abs(curvature).max(axis=(1, 2, 3))
    difference = curvature[..., :2] - derivative(any_field.distortion, x)
    assert (np.abs(difference).max(axis=(1, 2, 3)) / scale).max() < 1e-8
    assert_allclose(curvature, np.swapaxes(curvature, -1, -2), atol=1e-13 * scale.max())
    force = np.einsum("ijkl,nklj->ni", any_field.stiffness, curvature)
    assert (np.abs(force).max(axis=1) / scale).max() < 1e-12 * np.abs(any_field.stiffness).max()


def test_the_field_is_in_equilibrium(any_field):
    x = points()
    divergence = np.einsum("nijj->ni", derivative(any_field.stress, x)[:, :, :2, :])
    scale = np.abs(any_field.stress(x)).max(axis=(1, 2)) / np.linalg.norm(x, axis=1)
    assert (np.abs(divergence).max(axis=1) / scale).max() < 1e-8


def test_stress_is_the_curl_of_the_stress_function(any_field):
    """φ_θ = (N₁ᵀL − N₃S) b / 2π, r φ_r = L b / 2π (Ting, ch. 7), from other blocks than ∇u."""
    S, _, L = any_field.barnett_lothe
    x, b = points(), any_field.burgers
    r, theta = np.hypot(*x.T), np.arctan2(x[:, 1], x[:, 0])
    N1, _, N3 = any_field.fundamental_blocks(theta)
    around = (np.swapaxes(N1, 1, 2) @ L - N3 @ S) @ b / (2 * np.pi)
    e_r, e_theta = np.stack([np.cos(theta), np.sin(theta)], 1), np.stack([-np.sin(theta), np.cos(theta)], 1)
    gradient = (
        np.multiply.outer(L @ b / (2 * np.pi), e_r).transpose(1, 0, 2) + around[:, :, None] * e_theta[:, None]
    ) / r[:, None, None]
    stress = any_field.stress(x)
    scale = np.abs(stress).max()
    assert_allclose(stress[:, :, 0], -gradient[:, :, 1], atol=1e-13 * scale)
    assert_allclose(stress[:, :, 1], gradient[:, :, 0], atol=1e-13 * scale)


def test_barnett_lothe_tensors_satisfy_their_identities(any_field):
    S, H, L = any_field.barnett_lothe
    assert_allclose(H @ L - S @ S, np.eye(3), atol=1e-12)
    assert_allclose(L @ S + (L @ S).T, 0.0, atol=1e-12 * np.abs(L).max())
    assert_allclose(S @ H + (S @ H).T, 0.0, atol=1e-12 * np.abs(H).max())
    assert np.linalg.eigvalsh(L).min() > 0


@pytest.mark.parametrize("name", [name for name in FIELDS if name != "isotropic"])
def test_barnett_lothe_tensors_agree_with_the_sextic_eigenproblem(name):
    """Independent route: eigenvectors of the fundamental matrix; they span unless it is degenerate."""
    N1, N2, N3 = FIELDS[name].fundamental_blocks(np.array(0.0))
    p, v = np.linalg.eig(np.block([[N1, N2], [N3, N1.T]]))
    v = v[:, p.imag > 0]
    A, B = v[:3], v[3:]
    scale = np.sqrt(2 * np.einsum("ia,ia->a", A, B))
    A, B = A / scale, B / scale
    S, H, L = FIELDS[name].barnett_lothe
    assert_allclose((1j * (2 * A @ B.T - np.eye(3))).real, S, atol=1e-10)
    assert_allclose((2j * A @ A.T).real, H, atol=1e-10 * np.abs(H).max())
    assert_allclose((-2j * B @ B.T).real, L, atol=1e-10 * np.abs(L).max())


def test_isotropic_screw_is_the_arctangent():
    field = StrohField(isotropic(), np.array([0.0, 0.0, 2.0]))
    x = points()
    assert_allclose(field.displacement(x)[:, 2], 2.0 * np.arctan2(x[:, 1], x[:, 0]) / (2 * np.pi), atol=1e-14)
    assert_allclose(field.displacement(x)[:, :2], 0.0, atol=1e-14)
    assert field.energy_factor == pytest.approx(MU, rel=1e-13)


def test_isotropic_edge_is_that_of_hirth_and_lothe():
    """Theory of Dislocations, 2nd ed., eqs. 3-45 and 3-46; ours differs by a translation, the gauge."""
    b = 1.7
    field = StrohField(isotropic(), np.array([b, 0.0, 0.0]))
    x = points()
    x1, x2, r2 = x[:, 0], x[:, 1], (x**2).sum(axis=1)
    u1 = b / (2 * np.pi) * (np.arctan2(x2, x1) + x1 * x2 / (2 * (1 - NU) * r2))
    u2 = (
        -b
        / (2 * np.pi)
        * ((1 - 2 * NU) / (4 * (1 - NU)) * np.log(r2) + (x1**2 - x2**2) / (4 * (1 - NU) * r2))
    )
    difference = field.displacement(x) - np.stack([u1, u2, 0 * u1], axis=1)
    assert_allclose(difference, np.broadcast_to(difference[0], difference.shape), atol=1e-13)
    assert field.energy_factor == pytest.approx(MU / (1 - NU), rel=1e-13)


def test_the_field_is_continuous_in_the_stiffness_at_the_isotropic_limit():
    C = isotropic()
    x = points()
    exact = StrohField(C, np.array([1.0, 0.0, 1.0])).displacement(x)
    for epsilon in (1e-4, 1e-8, 1e-12):
        nearby = StrohField(C + epsilon * triclinic(), np.array([1.0, 0.0, 1.0])).displacement(x)
        assert np.abs(nearby - exact).max() < 100 * epsilon + 1e-14


@settings(max_examples=20, deadline=None)
@given(st.floats(-3.0, 3.0), st.integers(0, 10**6))
def test_rotating_medium_and_burgers_vector_about_the_line_rotates_the_field(angle, seed):
    """Up to the branch cut and the gauge, which do not turn along: compare the distortions."""
    C, b = triclinic(seed), np.random.default_rng(seed).normal(size=3)
    Q = Rotation.from_rotvec([0, 0, angle]).as_matrix()
    x = points(10)
    turned = StrohField(rotate(C, Q), Q @ b).distortion(x @ Q[:2, :2].T)
    original = StrohField(C, b).distortion(x)
    assert_allclose(turned, Q @ original @ Q.T, atol=1e-11 * np.abs(original).max())


@pytest.mark.parametrize(
    ("constants", "a0", "factor", "prefactor"),
    [((247.86, 147.83, 124.84), 3.52, 123.869189, 0.381152), ((169, 122, 75.4), 3.6, 74.096487, 0.238480)],
    ids=["Ni", "Cu"],
)
def test_energy_factors_of_fcc_edges_are_the_published_ones(constants, a0, factor, prefactor):
    system = SYSTEMS["fcc-edge-110"]
    field = StrohField(rotate(cubic_stiffness(*constants), system.frame), a0 * system.burgers)
    assert field.energy_factor / units.GPa == pytest.approx(factor, abs=5e-7)
    assert field.energy_prefactor == pytest.approx(prefactor, abs=5e-7)


def test_the_energy_prefactor_is_the_work_done_on_the_cut(any_field):
    """dE/d log R = ½ R t·b on the cut (Hirth & Lothe, sec. 13-4)."""
    R = 5.0
    traction = any_field.stress(np.array([[-R, 0.0]]))[0, :, 1]
    assert 0.5 * R * abs(traction @ any_field.burgers) == pytest.approx(any_field.energy_prefactor, rel=1e-12)


@pytest.mark.parametrize(
    ("stiffness", "burgers", "message"),
    [
        (-isotropic(), [1, 0, 0], "not positive definite"),
        (isotropic(nu=0.5 - 1e-15)[:2], [1, 0, 0], "shape"),
        (isotropic(), [0, 0, 0], "not all zero"),
        (isotropic(), [np.nan, 0, 0], "Burgers vector"),
        (np.nan * isotropic(), [1, 0, 0], "finite"),
    ],
)
def test_impossible_media_and_burgers_vectors_are_refused(stiffness, burgers, message):
    with pytest.raises(InputError, match=message):
        StrohField(stiffness, np.array(burgers))
