import numpy as np
import pytest
from ase.build import bulk
from matscipy.calculators.eam import EAM
from numpy.testing import assert_allclose
from potential_cases import alloy_tables, configurations, one_site, tables_of, tungsten_tables

from genmlip.potentials import load_potential
from genmlip.potentials.base import SiteEvaluator, hessian_by_differences
from genmlip.potentials.eam import EmbeddedAtom, evaluate_table, hermite_coefficients
from genmlip.potentials.setfl import write_setfl


def numpy_energies(potential, atoms):
    """Site energies of a cluster, element by element, from interpolated tables."""
    t, species = potential.tables, potential.species_of(atoms)
    r = atoms.get_all_distances() + 1e9 * np.eye(len(atoms))
    energies = np.empty(len(atoms))
    for i, alpha in enumerate(species):
        density, pair = 0.0, 0.0
        for j, beta in enumerate(species):
            if r[i, j] < t.cutoff:
                at = np.array([r[i, j]])
                density += evaluate_table(hermite_coefficients(t.density[alpha, beta]), t.delta_r, at)[0][0]
                pair += (
                    evaluate_table(hermite_coefficients(t.pair[alpha, beta]), t.delta_r, at)[0][0] / r[i, j]
                )
        at = np.array([density])
        embedding = evaluate_table(hermite_coefficients(t.embedding[alpha]), t.delta_rho, at)[0][0]
        energies[i] = 0.5 * pair + embedding
    return energies


def test_the_interpolation_reproduces_cubic_polynomials_between_inner_knots():
    x = np.arange(12.0)
    coefficients = hermite_coefficients(x**3 - 2.0 * x**2 + x)
    at = np.linspace(2.0, 8.9, 50)
    value, slope, curvature = evaluate_table(coefficients, 1.0, at)
    assert_allclose(value, at**3 - 2.0 * at**2 + at, rtol=1e-13)
    assert_allclose(slope, 3.0 * at**2 - 4.0 * at + 1.0, rtol=1e-12)
    assert_allclose(curvature, 6.0 * at - 4.0, rtol=1e-11)


def test_the_interpolation_is_continuous_with_its_slope_and_linear_beyond_the_end():
    values = np.random.default_rng(0).normal(size=9)
    coefficients, h = hermite_coefficients(values), 1e-9
    knots = 0.3 * np.arange(1, 8)
    below, above = (evaluate_table(coefficients, 0.3, knots + s) for s in (-h, h))
    assert_allclose(below[0], above[0], atol=1e-7)
    assert_allclose(below[1], above[1], atol=1e-6)
    value, slope, curvature = evaluate_table(coefficients, 0.3, np.array([2.4, 3.4, 4.4]))
    assert_allclose(value, values[-1] + slope[0] * np.array([0.0, 1.0, 2.0]))
    assert slope[1] == slope[0]
    assert curvature[1] == 0.0


@pytest.mark.parametrize("finnis_sinclair", [False, True])
@pytest.mark.parametrize("configuration", ["strained", "dense"])
def test_the_kernel_agrees_with_a_plain_sum_over_atoms(finnis_sinclair, configuration):
    potential = EmbeddedAtom(alloy_tables(finnis_sinclair))
    atoms = configurations("eam-fs")[configuration]
    atoms.pbc = False
    assert_allclose(potential.evaluate(atoms).energies, numpy_energies(potential, atoms), atol=1e-11)


@pytest.mark.parametrize("name", ["eam-W", "eam-alloy", "eam-fs"])
@pytest.mark.parametrize(("configuration", "beyond"), [("strained", False), ("dense", True)])
def test_only_the_squeezed_configurations_reach_beyond_the_embedding_table(name, configuration, beyond):
    tables, atoms = tables_of(name), configurations(name)[configuration]
    (alpha, *others), vectors = one_site(EmbeddedAtom(tables), atoms, 0)
    r, grid = np.linalg.norm(vectors, axis=1), tables.delta_r * np.arange(tables.density.shape[2])
    density = sum(np.interp(x, grid, tables.density[alpha, b]) for x, b in zip(r, others, strict=True))
    assert (density > tables.delta_rho * tables.embedding.shape[1]) == beyond


def test_a_fine_table_of_tungsten_is_analytic_tungsten():
    atoms = configurations("fs-W")["strained"]
    tabulated = EmbeddedAtom(tungsten_tables(16000)).evaluate(atoms)
    exact = load_potential("fs:W").evaluate(atoms)
    assert_allclose(tabulated.energies, exact.energies, atol=1e-8)
    assert_allclose(tabulated.forces, exact.forces, atol=1e-8)


def test_forces_converge_with_the_third_power_of_the_spacing_of_smooth_tables():
    atoms = configurations("eam-fs")["strained"]
    forces = {
        n: EmbeddedAtom(alloy_tables(True, knots=n)).evaluate(atoms).forces for n in (201, 401, 801, 12801)
    }
    errors = [np.sqrt(np.mean((forces[n] - forces[12801]) ** 2)) for n in (201, 401, 801)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    assert (orders > 2.7).all(), orders


def test_energy_and_forces_agree_with_matscipy_on_a_fine_table(tmp_path):
    """Both interpolate, by different splines: they agree as far as the tables are fine."""
    write_setfl(tmp_path / "NiAl.eam.alloy", alloy_tables(finnis_sinclair=False, knots=6000))
    potential = load_potential(f"eam:{tmp_path / 'NiAl.eam.alloy'}")
    for configuration in ("rattled", "strained", "vacancy", "surface"):
        atoms = configurations("eam-alloy")[configuration]
        result = potential.evaluate(atoms)
        atoms.calc = EAM(str(tmp_path / "NiAl.eam.alloy"))
        assert_allclose(result.energy, atoms.get_potential_energy(), atol=1e-8)
        assert_allclose(result.forces, atoms.get_forces(), atol=1e-8)


@pytest.mark.parametrize("finnis_sinclair", [False, True])
@pytest.mark.parametrize(("configuration", "atom"), [("rattled", 0), ("strained", 5), ("dense", 2)])
def test_the_closed_form_of_the_site_hessian_agrees_with_differences(finnis_sinclair, configuration, atom):
    potential = EmbeddedAtom(alloy_tables(finnis_sinclair, knots=401))
    species, vectors = one_site(potential, configurations("eam-fs")[configuration], atom)
    knot = np.linalg.norm(vectors, axis=1) / potential.tables.delta_r
    clear = abs(knot - np.round(knot)) > 0.02  # second derivatives jump at the knots
    assert clear.sum() > 0.9 * len(knot)
    vectors, species = vectors[clear], species[np.r_[True, clear]]
    closed_form = potential.site_hessian(species, vectors)
    differences = hessian_by_differences(potential, species, vectors, step=5e-5)
    assert_allclose(closed_form, differences, atol=1e-7 * abs(closed_form).max())


def test_an_element_alone_in_an_alloy_file_can_be_used():
    potential = EmbeddedAtom(alloy_tables(finnis_sinclair=True))
    aluminium = bulk("Al", "fcc", a=3.9)
    assert np.isfinite(potential.evaluate(aluminium).energy)


@pytest.mark.parametrize("finnis_sinclair", [False, True])
def test_half_lists_give_what_full_lists_give_on_some_centres(finnis_sinclair):
    potential = EmbeddedAtom(alloy_tables(finnis_sinclair))
    atoms = configurations("eam-fs")["strained"]
    centres = np.array([3, 0, 1])
    half = potential.bind(atoms, centres)(atoms.positions)
    full = SiteEvaluator(potential, atoms, centres)(atoms.positions)
    assert_allclose(half.energies, full.energies, rtol=1e-13)
    assert_allclose(half.forces, full.forces, atol=1e-12 * abs(full.forces).max())
    assert_allclose(half.virial, full.virial, atol=1e-12 * abs(full.virial).max())
