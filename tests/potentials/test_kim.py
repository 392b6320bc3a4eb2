"""Against models of Debian's openkim-models; skipped where kimpy or the models are not installed."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.testing import assert_allclose
from potential_cases import LOWER_STRAIN

from genmlip.errors import InputError
from genmlip.potentials import kim, load_potential
from genmlip.potentials.stillinger_weber import SILICON as SILICON_PARAMETERS
from genmlip.potentials.stillinger_weber import StillingerWeber

TUNGSTEN = "EAM_Dynamo_Ackland_2003_W__MO_141627196590_005"
SMOOTH_TUNGSTEN = "EAM_Dynamo_MarinicaVentelonGilbert_2013EAM2_W__MO_204305659515_000"
SILICON = "SW_StillingerWeber_1985_Si__MO_405512056662_005"
ALLOY = "EAM_Dynamo_BonnyBakaevTerentyev_2017_WRe__MO_234187151804_000"


def load(model):
    if why := kim.why_unavailable():
        pytest.skip(why)
    if model not in kim.installed_models():
        pytest.skip(f"the KIM model {model} is not installed here")
    return load_potential(f"kim:{model}")


def crystal(model):
    """A strained, rattled crystal with a vacancy; a unit cell smaller than the cutoff."""
    if model == SILICON:
        atoms = bulk("Si", "diamond", a=5.43, cubic=True)
    else:
        atoms = bulk("W", "bcc", a=3.16, cubic=True) * (2, 2, 1)
        atoms.symbols[::3] = "Re" if model == ALLOY else "W"
    atoms.set_cell(atoms.cell @ LOWER_STRAIN, scale_atoms=True)
    atoms.positions += np.random.default_rng(1).normal(scale=0.08, size=(len(atoms), 3))
    del atoms[2]
    return atoms


@pytest.fixture(params=[TUNGSTEN, SMOOTH_TUNGSTEN, SILICON, ALLOY])
def model(request):
    return request.param


@pytest.fixture
def potential(model):
    return load(model)


def test_a_model_knows_its_elements_and_gives_site_energies(potential, model):
    assert potential.symbols == {SILICON: ("Si",), ALLOY: ("W", "Re")}.get(model, ("W",))
    assert potential.site_resolved
    result = potential.evaluate(crystal(model))
    assert len(result.energies) == len(crystal(model))
    assert_allclose(result.energies.sum(), result.energy)


def test_energy_forces_and_stress_agree_with_ase(potential, model):
    from ase.calculators.kim import KIM

    atoms = crystal(model)
    for _ in range(2):  # inside a periodic crystal, then as a slab
        result, peer = potential.evaluate(atoms), atoms.copy()
        peer.calc = KIM(model)
        assert_allclose(result.energy, peer.get_potential_energy(), atol=1e-10)
        assert_allclose(result.forces, peer.get_forces(), atol=1e-10)
        if atoms.pbc.all():
            assert_allclose(-result.virial / atoms.get_volume(), peer.get_stress(voigt=False), atol=1e-11)
        atoms.pbc = (True, True, False)


def test_silicon_is_the_built_in_stillinger_weber_potential():
    potential, atoms = load(SILICON), crystal(SILICON)
    parameters = replace(SILICON_PARAMETERS, epsilon=2.1682)  # eV, OpenKIM's conversion of 50 kcal/mol
    ours, theirs = StillingerWeber("Si", parameters).evaluate(atoms), potential.evaluate(atoms)
    assert_allclose(theirs.energies, ours.energies, rtol=1e-7)
    assert_allclose(theirs.forces, ours.forces, atol=1e-6)


def test_moving_atoms_reuses_the_lists_and_gives_what_fresh_ones_give(potential, model):
    atoms = crystal(model)
    evaluate, rng, positions = potential.bind(atoms), np.random.default_rng(3), atoms.positions.copy()
    for _ in range(6):
        positions += rng.uniform(-0.12, 0.12, positions.shape)
        fresh = potential.bind(Atoms(atoms.symbols, positions=positions, cell=atoms.cell, pbc=atoms.pbc))
        assert_allclose(evaluate(positions).energies, fresh(positions).energies, atol=1e-11)
        assert_allclose(evaluate(positions).forces, fresh(positions).forces, atol=1e-10)


def test_centres_select_site_energies_and_their_gradient(potential, model):
    atoms, centres, h = crystal(model), np.array([4, 1]), 1e-5
    some = potential.bind(atoms, centres)
    result = some(atoms.positions)
    assert_allclose(result.energies, potential.evaluate(atoms).energies[centres], atol=1e-12)
    step = np.zeros_like(atoms.positions)
    step[3, 0] = h
    difference = (some(atoms.positions + step).energies - some(atoms.positions - step).energies).sum()
    assert_allclose(-difference / (2 * h), result.forces[3, 0], atol=1e-6 * abs(result.forces).max())
    rest = potential.bind(atoms, np.setdiff1d(np.arange(len(atoms)), centres))(atoms.positions)
    whole = potential.evaluate(atoms)
    assert_allclose(result.forces + rest.forces, whole.forces, atol=1e-12)
    assert_allclose(result.virial + rest.virial, whole.virial, atol=1e-11)


def test_forces_are_exact_in_a_cell_cut_out_two_cutoffs_beyond_the_free_atoms(potential, model):
    atoms = crystal(model)
    many = atoms * tuple(int(n) for n in np.ceil(2 * (2 * potential.cutoff + 2.0) / atoms.cell.lengths()) + 1)
    many.positions += np.random.default_rng(0).normal(scale=0.03, size=(len(many), 3))
    distance = np.linalg.norm(many.positions - many.positions.mean(axis=0), axis=1)
    inside = distance < 2 * potential.cutoff + 2.0
    cut_out = many[inside]
    cut_out.pbc = False
    sites = np.flatnonzero(distance[inside] < potential.cutoff + 2.0)
    free = np.flatnonzero(distance[inside] < 2.0)
    assert len(free)
    whole = potential.bind(many)(many.positions)
    part = potential.bind(cut_out, sites)(cut_out.positions)
    assert_allclose(part.forces[free], whole.forces[inside][free], atol=1e-11)
    assert_allclose(part.energies, whole.energies[inside][sites], atol=1e-11)


def test_no_log_file_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    load(TUNGSTEN)
    with pytest.raises(InputError):
        load_potential("kim:nothing")
    assert not list(tmp_path.iterdir())


def test_an_unknown_model_gets_the_nearest_installed_one():
    load(TUNGSTEN)
    with pytest.raises(InputError, match=f"unknown portable model .*did you mean {TUNGSTEN}?"):
        load_potential(f"kim:{TUNGSTEN[:-2]}")


def test_bad_configurations_are_refused(potential, model):
    atoms = crystal(model)
    with pytest.raises(InputError, match="no element U"):
        potential.evaluate(Atoms("U"))
    atoms.positions[0, 0] = np.nan
    with pytest.raises(InputError, match="NaN"):
        potential.evaluate(atoms)
    with pytest.raises(InputError, match="at the same place"):
        potential.evaluate(Atoms([potential.symbols[0]] * 2, positions=np.zeros((2, 3))))


def test_an_isolated_atom_feels_no_force(potential):
    result = potential.evaluate(Atoms(potential.symbols[0]))
    assert np.isfinite(result.energy)
    assert not result.forces.any()


def test_without_kimpy_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "kimpy", None)
    kim._kimpy.cache_clear()
    try:
        with pytest.raises(
            InputError, match=r"kimpy: install .*libkim-api-dev and openkim-models.*genmlip\[kim\]"
        ):
            load_potential(f"kim:{TUNGSTEN}")
    finally:
        kim._kimpy.cache_clear()
