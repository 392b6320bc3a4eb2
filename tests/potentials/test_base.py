"""Second derivatives of site potentials along a direction."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.testing import assert_allclose
from potential_cases import configurations, potential_of

from genmlip.errors import InputError
from genmlip.potentials.base import SiteEvaluator, SitePotential
from genmlip.statics.hessian import assemble_hessian


@pytest.fixture
def atoms(case):
    return configurations(case)["strained"]


def direction_for(atoms, seed=0):
    return np.random.default_rng(seed).normal(size=atoms.positions.shape)


def test_hessian_vectors_are_products_with_the_assembled_hessian(potential, atoms):
    d = direction_for(atoms)
    product = SiteEvaluator(potential, atoms).hessian_vector(atoms.positions, d)
    expected = assemble_hessian(potential, atoms) @ d.ravel()
    assert_allclose(product.ravel(), expected, atol=1e-12 * abs(expected).max())


def test_hessian_vectors_of_some_sites_are_those_of_their_energies(potential, atoms):
    d, centres = direction_for(atoms), np.array([1, 4])
    product = SiteEvaluator(potential, atoms, centres).hessian_vector(atoms.positions, d)
    expected = assemble_hessian(potential, atoms, centres) @ d.ravel()
    assert_allclose(product.ravel(), expected, atol=1e-12 * abs(expected).max())


@pytest.mark.parametrize("case", ["sw-Si", "sw-Ge"])
def test_differences_give_the_same_for_potentials_without_a_closed_form(case):
    class WithoutClosedForm(type(potential_of(case))):
        site_hessian = SitePotential.site_hessian

    potential, atoms = potential_of(case), configurations(case)["strained"]
    d = direction_for(atoms)
    closed = SiteEvaluator(potential, atoms).hessian_vector(atoms.positions, d)
    potential.__class__ = WithoutClosedForm
    differences = SiteEvaluator(potential, atoms).hessian_vector(atoms.positions, d)
    assert_allclose(differences, closed, atol=1e-8 * abs(closed).max())


def test_a_translation_changes_no_gradient(potential, atoms):
    d = np.ones_like(atoms.positions)
    assert_allclose(SiteEvaluator(potential, atoms).hessian_vector(atoms.positions, d), 0.0, atol=1e-12)


def test_hessian_vectors_are_linear_in_the_direction(potential, atoms):
    evaluate, d = SiteEvaluator(potential, atoms), direction_for(atoms)
    once = evaluate.hessian_vector(atoms.positions, d)
    assert_allclose(evaluate.hessian_vector(atoms.positions, -1e-3 * d), -1e-3 * once, rtol=1e-12, atol=0)
    assert_allclose(evaluate.hessian_vector(atoms.positions, 0.0 * d), 0.0, atol=0)


def test_they_do_not_disturb_the_forces(potential, atoms):
    evaluate = SiteEvaluator(potential, atoms)
    before = evaluate(atoms.positions).forces
    evaluate.hessian_vector(atoms.positions, direction_for(atoms))
    assert_allclose(evaluate(atoms.positions).forces, before, atol=0)


def test_a_direction_of_another_shape_is_refused(potential, atoms):
    with pytest.raises(InputError, match=r"direction has shape \(3,\)"):
        SiteEvaluator(potential, atoms).hessian_vector(atoms.positions, np.zeros(3))


def test_threads_that_share_a_potential_do_not_share_the_arrays_of_its_evaluator(potential, atoms):
    """They did: forces of one thread were gathered from the gradients of another."""
    potential.evaluate(atoms)
    kept = potential._bound
    with ThreadPoolExecutor(1) as other:
        other.submit(potential.evaluate, atoms).result()
        assert potential._bound[-1] is not kept[-1]


def test_forces_are_right_whichever_threads_ask_for_them_at_once():
    case = "sw-Si"
    potential, atoms = potential_of(case), configurations(case)["strained"] * (4, 4, 4)
    expected = potential.evaluate(atoms).forces
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: potential.evaluate(atoms), range(64)):
            assert_allclose(found.forces, expected, atol=1e-12)
