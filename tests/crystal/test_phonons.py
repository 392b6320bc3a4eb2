import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.crystal.differences import derivative
from genmlip.crystal.elastic import is_elastically_stable
from genmlip.crystal.phonons import THZ, sample_zone
from genmlip.potentials import load_potential

DIRECTIONS = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 2, 3]]) / np.sqrt([[1], [2], [3], [14]])


def wave_moduli(crystal, direction):
    """ρ c² of the three sound waves, eV/Å³, ascending; the dispersion ~ q² is extrapolated away."""
    density = crystal.mass * len(crystal.basis) / crystal.primitive_cell().get_volume()
    c2 = [(crystal.phonons(q * direction)[:3] * THZ / q) ** 2 for q in (0.02, 0.01)]
    return density * (4 * c2[1] - c2[0]) / 3


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", ["tungsten", "silicon", "morse", "copper", "hidden_silicon"])
def test_long_waves_travel_at_the_speed_of_sound(name, direction, request):
    crystal = request.getfixturevalue(name)
    christoffel = np.einsum("ijkl,j,l->ik", crystal.stiffness, direction, direction)
    assert_allclose(wave_moduli(crystal, direction), np.linalg.eigvalsh(christoffel), rtol=1e-5)


@pytest.mark.parametrize("name", ["silicon", "morse"])
def test_compression_changes_the_speed_of_sound_as_the_third_order_constants_say(name, request):
    """d(ρc²)/dη under hydrostatic strain is n_j n_l (C_ijkl + C_ijklmm + δ_ik C_jlmm)."""
    crystal, n = request.getfixturevalue(name), DIRECTIONS[1]

    def moduli(t):
        return wave_moduli(
            Crystal(crystal.potential, crystal.structure, crystal.symbol, crystal.a0 * (1 + 2 * t) ** 0.5), n
        )

    C = crystal.stiffness
    change = C + np.einsum("ijklmm->ijkl", crystal.third_order)
    change = change + np.einsum("ik,jlmm->ijkl", np.eye(3), C)
    _, polarisations = np.linalg.eigh(np.einsum("ijkl,j,l->ik", C, n, n))
    predicted = np.einsum("ijkl,j,l,ip,kp->p", change, n, n, polarisations, polarisations)
    assert_allclose(derivative(moduli, 2e-3), predicted, rtol=1e-5)


@pytest.mark.parametrize("name", ["tungsten", "silicon", "copper"])
def test_frequencies_are_those_of_a_periodic_supercell(name, request):
    """The modes of a 2 × 2 × 2 supercell are the phonons at the eight wave vectors that fit in."""
    crystal = request.getfixturevalue(name)
    cell = crystal.primitive_cell().repeat(2)
    evaluator = crystal.potential.bind(cell)
    hessian = np.empty((3 * len(cell),) * 2)
    for k in range(3 * len(cell)):
        unit = np.eye(3 * len(cell))[k].reshape(-1, 3)
        # so small a step that the kink in φ″ of fs:W, 4e-5 Å from its nearest neighbours, stays outside
        column = derivative(lambda t, unit=unit: evaluator(cell.positions + t * unit).forces, 1e-5)
        hessian[k] = -column.ravel()
    values = np.linalg.eigvalsh(0.5 * (hessian + hessian.T)) / crystal.mass / THZ**2
    reciprocal = 2 * np.pi * np.linalg.inv(crystal.primitive_vectors).T
    q = np.array(list(np.ndindex(2, 2, 2))) / 2 @ reciprocal
    frequencies = crystal.phonons(q)
    assert_allclose(np.sort((np.sign(frequencies) * frequencies**2).ravel()), values, atol=1e-4)


def test_the_optical_modes_at_gamma_are_shifts_of_the_sublattices(silicon):
    """M ω² = 2 ∂²W/∂ζ∂ζ, threefold by the symmetry of diamond."""
    cell = silicon.homogeneous
    stiffness = cell.hessian(cell.state())[3, 0, 3, 0]
    frequencies = silicon.phonons(np.zeros(3))
    assert_allclose(frequencies[:3], 0, atol=1e-5)
    assert_allclose(frequencies[3:], np.sqrt(2 * stiffness / silicon.mass) / THZ, rtol=1e-12)


def test_modes_are_eigenvectors_of_the_dynamical_matrix(silicon):
    q = np.array([0.3, -0.2, 0.5])
    frequencies, modes = silicon.phonon_modes(q)
    left = np.einsum("klab,lbn->kan", silicon.force_constants.fourier(q), modes)
    assert_allclose(left, silicon.mass * (frequencies * THZ) ** 2 * modes, atol=1e-12)
    assert_allclose(np.einsum("kan,kam->nm", modes.conj(), modes), np.eye(6), atol=1e-13)


def test_the_reference_crystals_are_stable(crystal):
    assert crystal.is_stable is True


@pytest.mark.parametrize(("spec", "structure"), [("fs:W", "diamond"), ("sw:Si", "fcc"), ("sw:Si", "bcc")])
def test_the_wrong_structure_is_unstable(spec, structure):
    assert Crystal.from_potential(load_potential(spec), structure).is_stable is False


def test_a_phonon_alone_makes_a_crystal_unstable():
    """bcc silicon resists every homogeneous strain."""
    crystal = Crystal.from_potential(load_potential("sw:Si"), "bcc")
    assert is_elastically_stable(crystal.stiffness)
    assert crystal.phonons(sample_zone(crystal.primitive_vectors, 8)).min() < -1.0


def test_an_overstretched_crystal_is_unstable(morse):
    stretched = Crystal(morse.potential, "fcc", "Cu", 1.25 * morse.a0)
    assert stretched.is_stable is False
