import numpy as np
import pytest
from ase import units
from ase.neighborlist import neighbor_list
from matscipy.elasticity import fit_elastic_constants
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation

from genmlip.crystal import Crystal, rotate
from genmlip.crystal.differences import derivative
from genmlip.crystal.elastic import (
    is_elastically_stable,
    relax_shifts,
    relaxed_stress,
    secant_stiffness,
    strained_stiffness,
)
from genmlip.crystal.homogeneous import HomogeneousCrystal
from genmlip.crystal.tensors import to_voigt
from genmlip.potentials import load_potential

SITE_CRYSTALS = ["tungsten", "silicon", "morse"]


def random_strain(seed):
    strain = np.random.default_rng(seed).standard_normal((3, 3))
    return (strain + strain.T) / np.linalg.norm(strain + strain.T)


def relaxed_energy(crystal, strain):
    """W̄(η) per undeformed volume."""
    values, vectors = np.linalg.eigh(np.eye(3) + 2 * strain)
    cell = crystal.homogeneous
    y = relax_shifts(cell, cell.state((vectors * np.sqrt(values)) @ vectors.T))
    return cell.energy(y) / cell.volume


def pair_moduli(crystal, order):
    """Born's moduli of a pair potential in a Bravais lattice, Σ r ⊗ … ⊗ r (r⁻¹ d/dr)^order φ / 2V0."""
    D = neighbor_list("D", crystal.primitive_cell(), crystal.potential.cutoff - 1e-3)
    r = np.linalg.norm(D, axis=1)
    _, f1, f2, f3 = crystal.potential.derivatives(r, 3)
    weight = {2: (f2 - f1 / r) / r**2, 3: (f3 - 3 * f2 / r + 3 * f1 / r**2) / r**3}[order]
    subscripts = "abcdef"[: 2 * order]
    operands = ",".join(f"p{s}" for s in subscripts)
    moduli = np.einsum(f"p,{operands}->{subscripts}", weight, *[D] * (2 * order), optimize=True)
    return moduli / (2 * crystal.primitive_cell().get_volume())


@pytest.mark.parametrize(
    ("spec", "published"),
    [
        ("fs:W", {"C11": 522.4, "C12": 204.4, "C44": 160.6}),
        ("sw:Si", {"C11": 151.4, "C12": 76.4, "C44": 56.45}),
    ],
)
def test_the_elastic_constants_are_the_published_ones(spec, published):
    found = Crystal.from_potential(load_potential(spec)).elastic_constants
    assert_allclose(list(found.values()), list(published.values()), atol=0.05)


def test_clamped_ions_are_twice_as_stiff_in_silicon(silicon):
    assert_allclose(silicon.clamped_stiffness[1, 2, 1, 2] / units.GPa, 109.8, atol=0.05)
    assert_allclose(silicon.clamped_stiffness[0, 0], silicon.stiffness[0, 0], atol=1e-13)


def test_a_bravais_lattice_has_no_internal_displacement(tungsten):
    assert_allclose(tungsten.clamped_stiffness, tungsten.stiffness, atol=1e-13)
    assert_allclose(tungsten.internal_displacement, 0, atol=0)


def test_second_order_moduli_are_borns_sums_for_a_pair_potential(morse):
    assert_allclose(morse.stiffness, pair_moduli(morse, 2), atol=1e-10)


def test_third_order_moduli_are_borns_sums_for_a_pair_potential(morse):
    assert_allclose(morse.third_order, pair_moduli(morse, 3), atol=1e-8)


def test_tensors_are_invariant_under_the_cubic_group(crystal):
    for Q in Rotation.create_group("O").as_matrix():
        assert_allclose(rotate(crystal.stiffness, Q), crystal.stiffness, atol=1e-12)


@pytest.mark.parametrize("pair", [(1, 1), (2, 2), (0, 1), (0, 2)])
def test_the_third_order_tensor_is_the_slope_of_the_stiffness_in_every_direction(silicon, pair):
    """Also in those directions from which its constants were not taken."""
    strain = np.zeros((3, 3))
    strain[pair] += 0.5
    strain[pair[::-1]] += 0.5
    slope = derivative(lambda t: strained_stiffness(silicon.homogeneous, t * strain), 2e-3)
    assert_allclose(slope, np.einsum("ijklmn,mn->ijkl", silicon.third_order, strain), atol=1e-8)


@pytest.mark.parametrize("name", ["silicon", "morse"])
def test_the_relaxed_energy_along_a_random_strain_is_the_taylor_series(name, request):
    """Energies alone know nothing of stresses, Hessians and the response of the basis."""
    crystal, strain = request.getfixturevalue(name), random_strain(2)
    t = 0.02 * np.cos(np.pi * (np.arange(21) + 0.5) / 21)
    energies = np.array([relaxed_energy(crystal, s * strain) for s in t])
    series = np.polynomial.Chebyshev.fit(t, energies, 10).convert(kind=np.polynomial.Polynomial).coef
    second = np.einsum("ijkl,ij,kl", crystal.stiffness, strain, strain)
    third = np.einsum("ijklmn,ij,kl,mn", crystal.third_order, *[strain] * 3)
    assert_allclose(series[1], 0, atol=1e-9)
    assert_allclose(2 * series[2], second, rtol=1e-7)
    assert_allclose(6 * series[3], third, rtol=1e-5)


def test_third_order_moduli_at_a_kink_are_the_mean_of_both_sides(tungsten):
    """The core repulsion B (b0 − r)³ e^(−αr) of fs:W sets in at b0, 4e-5 Å inside the nearest neighbours."""
    core = tungsten.potential.parameters
    jump = 8 * (1 / 27) * core.b0**3 * 6 * core.B * np.exp(-core.alpha * core.b0) / tungsten.a0**3
    eye, slopes = np.diag([1.0, 0, 0]), []
    for side in (1, -1):
        t = side * np.linspace(1e-3, 2e-2, 20)
        C11 = [strained_stiffness(tungsten.homogeneous, s * eye)[0, 0, 0, 0] for s in t]
        slopes.append(np.polynomial.Polynomial.fit(t, C11, 6).deriv()(0.0))
    assert_allclose(slopes[0] - slopes[1], jump, rtol=1e-2)
    assert_allclose(tungsten.third_order_constants["C111"], np.mean(slopes), rtol=1e-3)


def test_strained_silicon_is_in_equilibrium_to_first_order_after_the_internal_displacement(silicon):
    strain, cell = random_strain(1), silicon.homogeneous
    forces = []
    for size in (1e-3, 5e-4):
        y = cell.state(np.eye(3) + size * strain)
        y[3:] = size * np.einsum("kaij,ij->ka", silicon.internal_displacement, strain)
        forces.append(abs(cell.gradient(y)[3:]).max())
    assert np.log2(forces[0] / forces[1]) == pytest.approx(2.0, abs=0.01)


def test_the_internal_displacement_of_diamond_has_one_constant(silicon):
    """Γ_κijk = ± γ |ε_ijk| (Kleinman's parameter is 4γ/a0·2), and its mean over the basis is zero."""
    expected = np.zeros((3, 3, 3))
    for i, j, k in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        expected[i, j, k] = expected[i, k, j] = silicon.internal_displacement[0, 0, 1, 2]
    assert_allclose(silicon.internal_displacement, [expected, -expected], atol=1e-13)


@pytest.mark.parametrize("name", SITE_CRYSTALS)
def test_derivatives_of_the_homogeneous_crystal_agree_with_differences_of_stress_and_forces(
    name, request, hide_sites
):
    """At a strained and shifted state, where nothing vanishes by symmetry."""
    crystal = request.getfixturevalue(name)
    cell = crystal.homogeneous
    y = cell.state(np.eye(3) + 0.01 * np.random.default_rng(0).standard_normal((3, 3)))
    y[4:] = 0.05 * np.random.default_rng(1).standard_normal((cell.n_basis - 1, 3))
    hidden = HomogeneousCrystal.of(hide_sites(crystal.potential), cell.cell)
    hidden.step = 1e-4  # stays clear of the kinks of fs:W
    assert_allclose(cell.energy(y), hidden.energy(y), rtol=1e-13)
    assert_allclose(cell.gradient(y), hidden.gradient(y), atol=1e-11)
    assert_allclose(cell.hessian(y), hidden.hessian(y), atol=1e-7)


def test_a_potential_without_sites_gets_the_same_tensors(silicon, hidden_silicon):
    assert_allclose(hidden_silicon.stiffness, silicon.stiffness, atol=1e-9)
    assert_allclose(hidden_silicon.clamped_stiffness, silicon.clamped_stiffness, atol=1e-9)
    assert_allclose(hidden_silicon.internal_displacement, silicon.internal_displacement, atol=1e-9)
    assert_allclose(hidden_silicon.third_order, silicon.third_order, atol=1e-5)


@pytest.mark.parametrize("name", ["tungsten", "silicon", "copper"])
def test_the_stiffness_agrees_with_matscipys_fit(name, request):
    from ase.optimize import BFGS

    crystal = request.getfixturevalue(name)
    cell = crystal.unit_cell()
    cell.calc = getattr(crystal.potential, "calculator", crystal.potential)

    def optimizer(atoms, **kwargs):
        return BFGS(atoms, **kwargs)

    fitted, _ = fit_elastic_constants(
        cell,
        symmetry="triclinic",
        N_steps=5,
        delta=5e-6,
        optimizer=optimizer,
        fmax=1e-10,
        verbose=False,
        graphics=False,
    )
    assert_allclose(to_voigt(crystal.stiffness), fitted, atol=1e-4)


def test_borns_criteria_name_each_instability():
    def stiffness(C11, C12, C44):
        C = np.zeros((3, 3, 3, 3))
        for i in range(3):
            for j in range(3):
                C[i, i, j, j] += C12
                C[i, j, i, j] += C44
                C[i, j, j, i] += C44
            C[i, i, i, i] += C11 - C12 - 2 * C44
        return C

    assert is_elastically_stable(stiffness(5, 2, 1.5))
    assert not is_elastically_stable(stiffness(2, 2.5, 1.5))  # C11 < C12
    assert not is_elastically_stable(stiffness(5, -3, 1.5))  # C11 + 2 C12 < 0
    assert not is_elastically_stable(stiffness(5, 2, -0.1))
    assert not is_elastically_stable(stiffness(2, 2, 1.5))  # marginal


@pytest.mark.parametrize("name", SITE_CRYSTALS)
def test_the_stress_is_the_slope_of_the_relaxed_energy(name, request):
    crystal = request.getfixturevalue(name)
    direction, at = random_strain(1), 0.02 * random_strain(0)
    slope = derivative(lambda t: relaxed_energy(crystal, at + t * direction), 1e-3)
    assert np.vdot(relaxed_stress(crystal.homogeneous, at), direction) == pytest.approx(slope, abs=1e-8)


@pytest.mark.parametrize("name", ["silicon", "morse"])  # the third derivative of fs:W jumps at rest
def test_secants_tend_to_the_stiffness_quadratically(name, request):
    crystal = request.getfixturevalue(name)
    errors = [
        np.linalg.norm(secant_stiffness(crystal.homogeneous, amplitude) - crystal.stiffness)
        for amplitude in (1e-3, 2e-3)
    ]
    assert errors[0] < 1e-4 * np.linalg.norm(crystal.stiffness)
    assert errors[1] / errors[0] == pytest.approx(4.0, rel=0.02)
