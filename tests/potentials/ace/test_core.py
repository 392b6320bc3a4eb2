"""The switch, the frozen radial functions, the ZBL core, and the potential that has them."""

import math

import lammps_peer
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.testing import assert_allclose, assert_array_equal

from genmlip.errors import InputError
from genmlip.potentials.ace import LinearACE
from genmlip.potentials.ace.core import FrozenRadial, ShortRange, ZBLCore, zbl
from genmlip.potentials.ace.radial import RadialBasis
from genmlip.potentials.base import hessian_by_differences

CUTOFF = 4.5
INNER, WIDTH = 2.4, 0.5
PAIR = ShortRange((74, 73), INNER, WIDTH)
STENCIL = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
VOIGT = [0, 1, 2, 1, 0, 0], [0, 1, 2, 2, 2, 1]


def derivative(f, x, h):
    return sum(w * (f(x + k * h) - f(x - k * h)) for k, w in STENCIL.items()) / h


@pytest.fixture(scope="module")
def plain():
    """An alloy without cores."""
    ace = LinearACE(("W", "Ta"), CUTOFF, order=3, degree=(8, 6, 6))
    c = np.random.default_rng(3).normal(size=ace.n_coefficients) / ace.smoothness
    return ace.with_coefficients(c, E0={"W": -8.9, "Ta": -7.9})


@pytest.fixture(scope="module")
def alloy(plain):
    """The same with a different core for each pair."""
    return plain.with_short_range(
        {
            ("W", "Ta"): PAIR,
            ("W", "W"): ShortRange((74, 74), 2.6, 0.2),
            ("Ta", "Ta"): ShortRange((73, 73), 2.0, 2.0),
        }
    )


def crowded(seed=0, amplitude=0.35):
    """Atoms of which some are closer than any core begins."""
    rng = np.random.default_rng(seed)
    atoms = bulk("W", cubic=True, a=3.1652) * (2, 2, 2)
    atoms.symbols = rng.choice(["W", "Ta"], len(atoms))
    atoms.positions += rng.normal(0.0, amplitude, (len(atoms), 3))
    assert atoms.get_all_distances(mic=True)[np.triu_indices(len(atoms), 1)].min() < 2.0
    return atoms


def test_a_neighbour_is_seen_where_it_is_or_at_the_middle_of_the_switch():
    far, near = np.array([INNER, 3.0, 4.4]), np.array([0.1, 1.0, INNER - WIDTH])
    assert_array_equal(PAIR.seen(far)[0], far)
    assert_array_equal(PAIR.seen(far)[1], 1.0)
    assert_allclose(PAIR.seen(near)[0], INNER - WIDTH / 2, rtol=1e-15)
    assert_array_equal(PAIR.seen(near)[1], 0.0)


def test_the_switch_is_the_slope_of_the_distance_seen():
    r = np.linspace(1.8, 2.5, 71)
    assert_allclose(PAIR.seen(r)[1], derivative(lambda x: PAIR.seen(x)[0], r, 2e-3), atol=1e-9)


def test_the_core_comes_in_with_four_derivatives():
    gaps = np.array([0.04, 0.02, 0.01]) * WIDTH
    phi, slope = PAIR.core(INNER - gaps)
    assert_allclose(np.log2(phi[:-1] / phi[1:]), 5.0, atol=0.2)
    assert_allclose(np.log2(slope[:-1] / slope[1:]), 4.0, atol=0.2)
    assert_array_equal(PAIR.core(np.array([INNER, 3.0])), 0.0)


def test_slopes_of_core_and_frozen_functions_are_derivatives():
    r = np.linspace(1.2, 2.6, 57)
    radial = FrozenRadial(RadialBasis(CUTOFF, 2.9, 8), PAIR)
    for functions in (ZBLCore(PAIR), radial):
        values, slopes = functions(r)
        expected = derivative(lambda x: functions(x)[0], r, 2e-3)  # noqa: B023
        assert_allclose(slopes, expected, atol=1e-8 * abs(values).max())


def test_zbl_is_the_universal_potential():
    terms = [(0.18175, 3.19980), (0.50986, 0.94229), (0.28022, 0.40290), (0.02817, 0.20162)]
    length = 0.46850 / (14**0.23 + 74**0.23)
    for r in (0.01, 0.3, 2.0):
        screening = sum(a * math.exp(-b * r / length) for a, b in terms)
        assert_allclose(zbl(14, 74, np.array([r]))[0], 14.3996454 * 14 * 74 / r * screening, rtol=1e-7)


def test_zbl_has_the_forces_of_lammps():
    try:
        lammps_peer.lammps_module()
    except ImportError as error:
        pytest.skip(f"no LAMMPS: {error}")
    for r in (0.4, 1.0, 2.2):
        atoms = Atoms("W2", positions=[[5, 5, 5], [5, 5, 5 + r]], cell=[30, 30, 30], pbc=True)
        peer = lammps_peer.evaluate(atoms, "zbl 9.0 9.5", "74 74 #", ("W",))
        assert_allclose(zbl(74, 74, np.array([r]))[1], -np.array(peer["forces"])[1, 2], rtol=1e-6)


def test_at_kiloelectronvolts_the_dimer_is_that_of_zbl(alloy):
    dimer = Atoms("WTa", positions=[[0, 0, 0], [0.25, 0, 0]])
    binding = alloy.evaluate(dimer).energy - sum(alloy.E0.values())
    assert_allclose(binding, zbl(74, 73, np.array([0.25]))[0][0], rtol=2e-3)


def test_nothing_changes_where_no_atoms_are_close(plain, alloy):
    atoms = bulk("W", cubic=True, a=3.1652) * (2, 2, 2)
    atoms.symbols = np.random.default_rng(1).choice(["W", "Ta"], len(atoms))
    atoms.positions += np.random.default_rng(2).uniform(-0.02, 0.02, (len(atoms), 3))
    before, after = plain.evaluate(atoms), alloy.evaluate(atoms)
    assert_array_equal(plain.design(atoms).forces, alloy.design(atoms).forces)
    assert_allclose(after.energies, before.energies, rtol=1e-12)  # their tables have other bins
    assert_allclose(after.forces, before.forces, atol=1e-11 * abs(before.forces).max())


def test_forces_are_derivatives_where_atoms_are_close(alloy):
    atoms = crowded()
    evaluate, result = alloy.bind(atoms), alloy.evaluate(atoms)
    rng = np.random.default_rng(5)
    for _ in range(3):
        direction = rng.normal(size=(len(atoms), 3))
        direction /= np.linalg.norm(direction)
        slope = derivative(lambda t: evaluate(atoms.positions + t * direction).energy, 0.0, 1e-3)  # noqa: B023
        assert_allclose(-slope, (result.forces * direction).sum(), atol=1e-8 * abs(result.forces).max())


def test_design_and_baseline_make_the_evaluation_where_atoms_are_close(alloy):
    atoms = crowded(seed=1)
    design, baseline, result = alloy.design(atoms), alloy.baseline(atoms), alloy.evaluate(atoms)
    c = alloy.coefficients
    scale = abs(result.forces).max()
    assert abs(baseline.forces).max() > 1.0
    assert_allclose(design.energy @ c + alloy.baseline(atoms).energy, result.energy, rtol=1e-11)
    forces = (design.forces @ c).reshape(-1, 3) + baseline.forces
    assert_allclose(forces, result.forces, atol=1e-11 * scale)
    assert_allclose(design.virial @ c + baseline.virial[VOIGT], result.virial[VOIGT], atol=1e-10 * scale)


def test_cores_survive_new_coefficients_and_files(alloy, tmp_path):
    assert alloy.with_coefficients(alloy.coefficients * 2).short_range == alloy.short_range
    alloy.save(tmp_path / "alloy.json")
    again = LinearACE.load(tmp_path / "alloy.json")
    assert again.short_range == alloy.short_range
    assert_array_equal(again.evaluate(crowded()).forces, alloy.evaluate(crowded()).forces)


@pytest.mark.parametrize(
    ("cores", "message"),
    [
        ({("W", "Mo"): PAIR}, "W-Mo given|Mo-W given"),
        ({("W", "W"): PAIR}, "charges"),
        ({("W", "Ta"): ShortRange((74, 73), 5.0, 1.0)}, "beyond the cutoff"),
    ],
)
def test_cores_that_do_not_fit_the_basis_are_refused(plain, cores, message):
    with pytest.raises(InputError, match=message):
        plain.with_short_range(cores)


@pytest.mark.parametrize(("inner", "width"), [(2.0, 0.0), (2.0, 2.1), (np.nan, 0.1), (2.0, np.nan)])
def test_a_switch_must_have_a_width_and_end_before_the_nucleus(inner, width):
    with pytest.raises(InputError, match="width"):
        ShortRange((74, 74), inner, width)


def test_the_hessian_is_the_derivative_of_the_gradient_where_atoms_are_close(alloy):
    vectors = np.array([[2.2, 0.1, 0.2], [-1.3, 1.9, 0.3], [0.2, -1.1, 1.2], [0.3, -2.0, -1.9]])
    species = np.array([0, 1, 0, 1, 0])
    closed = alloy.site_hessian(species, vectors)
    differences = hessian_by_differences(alloy, species, vectors, step=2e-3)
    assert_allclose(closed, differences, atol=1e-7 * abs(closed).max())


def test_tangents_are_products_of_the_hessian_where_atoms_are_close(alloy):
    evaluator = alloy.bind(crowded(seed=4))
    positions = crowded(seed=4).positions
    direction = np.random.default_rng(1).normal(size=positions.shape)
    tangent = derivative(lambda t: evaluator(positions + t * direction).forces, 0.0, 5e-4)
    assert_allclose(evaluator.hessian_vector(positions, direction), -tangent, atol=1e-6 * abs(tangent).max())
