import numpy as np
import pytest
from ase.build import bulk
from matscipy.calculators.manybody import Manybody
from matscipy.calculators.manybody.explicit_forms import StillingerWeber as MatscipyStillingerWeber
from numpy.testing import assert_allclose
from potential_cases import configurations, one_site

from genmlip.potentials import load_potential
from genmlip.potentials.base import hessian_by_differences
from genmlip.potentials.stillinger_weber import GERMANIUM, SILICON


@pytest.mark.parametrize(("spec", "a0", "energy"), [("sw:Si", 5.43095, -4.3366), ("sw:Ge", 5.65362, -3.8600)])
def test_the_diamond_crystal_has_the_published_energy_and_no_stress(spec, a0, energy):
    potential = load_potential(spec)
    crystal = bulk(potential.symbols[0], "diamond", a=a0, cubic=True)
    crystal.calc = potential
    assert_allclose(crystal.get_potential_energies(), energy, atol=5e-5)
    assert_allclose(crystal.get_stress(), 0.0, atol=1e-6)


@pytest.mark.parametrize(("spec", "x"), [("sw:Si", SILICON), ("sw:Ge", GERMANIUM)])
@pytest.mark.parametrize("configuration", ["rattled", "strained", "vacancy", "surface"])
def test_energy_and_forces_agree_with_matscipy(spec, x, configuration):
    potential = load_potential(spec)
    atoms = configurations(spec.replace(":", "-"))[configuration]
    peer = {
        "el": potential.symbols[0], "epsilon": x.epsilon, "sigma": x.sigma, "costheta0": -x.cos_theta0,
        "A": x.A, "B": x.B, "p": x.p, "a": x.a, "lambda1": x.lam, "gamma": x.gamma,
    }  # fmt: skip
    result = potential.evaluate(atoms)
    atoms.calc = Manybody(**MatscipyStillingerWeber(peer))
    assert_allclose(result.energy, atoms.get_potential_energy(), atol=1e-8)
    assert_allclose(result.forces, atoms.get_forces(), atol=1e-8)


@pytest.mark.parametrize("spec", ["sw:Si", "sw:Ge"])
@pytest.mark.parametrize("atom", [0, 3, 5])
def test_the_closed_form_of_the_site_hessian_agrees_with_differences(spec, atom):
    potential = load_potential(spec)
    species, vectors = one_site(potential, configurations(spec.replace(":", "-"))["strained"], atom)
    closed_form = potential.site_hessian(species, vectors)
    differences = hessian_by_differences(potential, species, vectors, step=1e-3)
    assert_allclose(closed_form, differences, atol=1e-8 * abs(closed_form).max())
    assert_allclose(closed_form, closed_form.transpose(2, 3, 0, 1), atol=1e-13 * abs(closed_form).max())


def test_a_neighbour_beyond_the_cutoff_has_no_part_in_the_site_hessian():
    potential = load_potential("sw:Si")
    vectors = np.array([[2.3, 0.1, 0.0], [-0.4, 2.2, 0.3], [3.9, 0.2, 0.1]])
    hessian = potential.site_hessian(np.zeros(4, dtype=int), vectors)
    assert not hessian[2].any()
    assert_allclose(hessian[:2, :, :2], potential.site_hessian(np.zeros(3, dtype=int), vectors[:2]))
