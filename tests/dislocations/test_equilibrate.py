import json
from dataclasses import replace

import numpy as np
import pytest
from ase.constraints import FixAtoms
from ase.io import read
from ase.optimize import FIRE
from ase.optimize.precon import PreconLBFGS
from numpy.testing import assert_allclose

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, Equilibrium, Vacancy, equilibrate
from genmlip.dislocations.equilibrium import EquilibriumInterrupted
from genmlip.errors import (
    FileFormatError,
    InputError,
    NotConvergedError,
    UnknownNameError,
    UnstableCrystalError,
)
from genmlip.potentials import load_potential
from genmlip.statics import energy_norm

KEYS = [
    "n_atoms", "n_free", "radius", "boundary", "fmax", "converged", "n_force_calls", "wall_s", "energy",
    "core_position", "b", "line_period", "decay_exponent",
]  # fmt: skip


@pytest.fixture(scope="module")
def screw(tungsten):
    return Dislocation(tungsten, "bcc-screw-111")


@pytest.fixture(scope="module")
def relaxed(screw):
    return equilibrate(screw, screw.crystal.potential, 16.0, "clamped")


def independent_forces(equilibrium, potential):
    """From all atoms of the cell, without the restriction to centres."""
    return potential.evaluate(equilibrium.atoms).forces[equilibrium.cell.free]


SYSTEMS = ["bcc-screw-111", "bcc-edge-111", "bcc-mixed-111", "bcc-edge-100", "diamond-screw", "diamond-60"]


@pytest.mark.parametrize("name", SYSTEMS)
def test_forces_vanish_at_the_equilibrium(name, tungsten, silicon):
    crystal = tungsten if name.startswith("bcc") else silicon
    result = equilibrate(Dislocation(crystal, name), crystal.potential, 20.0, "clamped")
    assert result.converged
    forces = independent_forces(result, crystal.potential)
    assert np.linalg.norm(forces, axis=1).max() <= 1e-6
    assert_allclose(result.fmax, np.linalg.norm(forces, axis=1).max(), atol=1e-10)
    assert result.n_force_calls <= 60
    assert result.energy < 0.0
    assert (result.corrector[~result.cell.free] == 0.0).all()


@pytest.mark.parametrize(
    ("name", "calls"), [("bcc-screw-111", 40), ("bcc-edge-111", 45), ("bcc-mixed-111", 35)]
)
def test_few_force_calls_at_forty_angstrom(name, calls, tungsten):
    result = equilibrate(Dislocation(tungsten, name), tungsten.potential, 40.0, "clamped")
    assert result.converged
    assert result.n_force_calls <= calls
    assert result.decay_exponent > 1.7


def test_energy_is_the_difference_of_the_totals(relaxed, screw):
    """Up to the rounding of the totals, which the sum of site differences avoids."""
    potential = screw.crystal.potential
    totals = [potential.evaluate(atoms).energy for atoms in (relaxed.atoms, relaxed.cell.atoms)]
    assert_allclose(relaxed.energy, totals[0] - totals[1], atol=1e-9)


def test_energy_never_rises_with_the_radius(screw):
    """A larger disc minimises the same energy over more displacements."""
    energies = [
        equilibrate(screw, screw.crystal.potential, radius, "clamped").energy
        for radius in (10.0, 14.0, 20.0, 28.0)
    ]
    assert (np.diff(energies) < 0.0).all()


def test_result_does_not_depend_on_the_start(relaxed, screw):
    noise = 0.05 * np.random.default_rng(0).normal(size=relaxed.corrector.shape)
    again = equilibrate(screw, screw.crystal.potential, 16.0, "clamped", start=relaxed.corrector + noise)
    assert again.converged
    assert_allclose(again.energy, relaxed.energy, atol=1e-9)
    assert energy_norm(again.corrector - relaxed.corrector, relaxed.cell.bonds) < 1e-4


def test_restart_from_the_equilibrium_costs_one_call(relaxed, screw):
    again = equilibrate(screw, screw.crystal.potential, 16.0, "clamped", start=relaxed.corrector)
    assert again.n_force_calls == 1
    assert_allclose(again.energy, relaxed.energy, atol=1e-12)
    assert_allclose(again.corrector, relaxed.corrector, atol=1e-14)


@pytest.mark.parametrize("name", ["bcc-mixed-111", "bcc-edge-100"])
def test_optimisers_of_ase_find_the_same_minimum(name, tungsten):
    ours = equilibrate(Dislocation(tungsten, name), tungsten.potential, 10.0, "clamped", fmax=1e-7)
    for optimiser, options in ((FIRE, {}), (PreconLBFGS, {"precon": None, "use_armijo": True})):
        atoms = ours.cell.atoms.copy()
        atoms.set_constraint(FixAtoms(mask=~ours.cell.free))
        atoms.calc = load_potential("fs:W")
        assert optimiser(atoms, logfile=None, **options).run(fmax=1e-5, steps=2000)
        error = energy_norm(atoms.positions - ours.atoms.positions, ours.cell.bonds)
        assert error < 1e-3
        assert_allclose(
            atoms.get_potential_energy(), tungsten.potential.evaluate(ours.atoms).energy, atol=1e-7
        )


def test_vacancy_relaxes_inwards_and_keeps_its_symmetry(tungsten):
    result = equilibrate(Vacancy(tungsten), tungsten.potential, 8.0)
    assert result.converged
    assert result.boundary.name == "periodic"
    assert_allclose(result.corrector.sum(axis=0), 0.0, atol=1e-10)
    centred = result.cell.reference + result.corrector
    first = result.cell.r < 1.01 * tungsten.nearest_neighbour_distance
    distance = np.linalg.norm(centred[first] - centred[first].mean(axis=0), axis=1)
    assert first.sum() == 8
    assert_allclose(distance, distance[0], atol=1e-5)
    assert distance[0] < tungsten.nearest_neighbour_distance


def test_vacancy_energy_converges_with_the_supercell(tungsten):
    """Elastic images interact like the inverse volume."""
    energies = [
        equilibrate(Vacancy(tungsten), tungsten.potential, radius).energy for radius in (8.0, 16.0, 32.0)
    ]
    steps = np.abs(np.diff(energies))
    assert steps[1] < steps[0] / 4.0


def test_another_potential_relaxes_in_the_predictor_of_the_crystal(screw, relaxed):
    """A stiffer twin with a longer cutoff: its energies scale, its equilibrium does not."""
    from genmlip.potentials.finnis_sinclair import TUNGSTEN, FinnisSinclair

    p = TUNGSTEN
    twin = FinnisSinclair(replace(p, A=2 * p.A, c0=2 * p.c0, c1=2 * p.c1, c2=2 * p.c2, B=2 * p.B))
    twin.cutoff += 1.0
    result = equilibrate(screw, twin, 16.0, "clamped")
    assert len(result.cell) > len(relaxed.cell)
    assert_allclose(result.energy, 2.0 * relaxed.energy, rtol=1e-8)


class TotalOnly:
    """A foreign calculator: the same potential without site energies."""

    site_resolved = False

    def __init__(self, potential):
        self.potential, self.cutoff, self.spec = potential, potential.cutoff, "foreign"

    def bind(self, atoms, centres=None):
        evaluate = self.potential.bind(atoms)

        def total(positions):
            result = evaluate(positions)
            return replace(result, energies=np.array([result.energies.sum()]))

        return total


def test_potential_without_site_energies_finds_the_same_equilibrium(screw, relaxed):
    result = equilibrate(screw, TotalOnly(screw.crystal.potential), 16.0, "clamped")
    assert result.converged
    assert_allclose(result.energy, relaxed.energy, atol=1e-8)
    assert energy_norm(result.corrector - relaxed.corrector, relaxed.cell.bonds) < 1e-4


def test_summary_has_the_keys_of_the_contract_in_order(relaxed, tungsten):
    for result in (relaxed, equilibrate(Vacancy(tungsten), tungsten.potential, 8.0)):
        summary = json.loads(json.dumps(result.summary(), allow_nan=False))
        assert list(summary) == KEYS
    assert relaxed.summary()["b"] == pytest.approx(2.7411, abs=1e-4)
    assert relaxed.summary()["n_atoms"] == len(relaxed.cell)
    assert relaxed.summary()["n_free"] == relaxed.cell.free.sum()


@pytest.mark.parametrize("given_defect", [True, False])
def test_saved_equilibrium_is_read_back_to_the_last_digit(relaxed, screw, tmp_path, given_defect):
    relaxed.save(tmp_path / "screw")
    again = Equilibrium.load(tmp_path / "screw", screw if given_defect else None)
    assert np.array_equal(again.corrector, relaxed.corrector)
    assert again.summary() == relaxed.summary()
    assert again.message == relaxed.message


def test_saved_configuration_is_read_by_ase(relaxed, tmp_path):
    relaxed.save(tmp_path)
    atoms = read(tmp_path / "equilibrium.extxyz")
    assert np.array_equal(atoms.positions, relaxed.atoms.positions)
    assert np.array_equal(atoms.pbc, relaxed.atoms.pbc)
    assert_allclose(
        atoms.arrays["reference"] + atoms.arrays["predictor"] + atoms.arrays["corrector"],
        atoms.positions,
        atol=1e-12,
    )
    assert np.array_equal(atoms.arrays["free"], relaxed.cell.free)


def test_only_whole_files_are_left_behind(relaxed, tmp_path):
    relaxed.save(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["equilibrium.extxyz", "equilibrium.json"]


def test_directory_without_an_equilibrium_is_named(tmp_path):
    with pytest.raises(FileFormatError, match="no readable equilibrium"):
        Equilibrium.load(tmp_path)


def test_files_of_another_cell_are_refused(relaxed, tungsten, tmp_path):
    relaxed.save(tmp_path)
    with pytest.raises(FileFormatError, match="not the cell of bcc-mixed-111"):
        Equilibrium.load(tmp_path, Dislocation(tungsten, "bcc-mixed-111"))


def test_too_few_calls_are_reported_and_raised_on_demand(screw):
    result = equilibrate(screw, screw.crystal.potential, 12.0, max_calls=5)
    assert not result.converged
    assert result.n_force_calls <= 5
    assert result.fmax > 1e-6
    with pytest.raises(
        NotConvergedError, match="bcc-screw-111 at radius 12 Å: stopped after 5 force calls"
    ) as caught:
        result.require_convergence()
    assert caught.value.result is result
    assert caught.value.exit_code == 3


def test_convergence_is_returned_by_require_convergence(relaxed):
    assert relaxed.require_convergence() is relaxed


def test_interruption_hands_over_what_was_reached(screw, tmp_path):
    def impatient(progress):
        if progress.n_calls > 6:
            raise KeyboardInterrupt

    with pytest.raises(EquilibriumInterrupted) as caught:
        equilibrate(screw, screw.crystal.potential, 12.0, callback=impatient)
    reached = caught.value.result
    assert not reached.converged
    assert reached.energy < 0.0
    reached.save(tmp_path)
    finished = equilibrate(
        screw, screw.crystal.potential, 12.0, start=Equilibrium.load(tmp_path, screw).corrector
    )
    assert finished.converged
    assert_allclose(finished.energy, equilibrate(screw, screw.crystal.potential, 12.0).energy, atol=1e-9)


@pytest.mark.parametrize("radius", [2.0, -5.0, 1e9, np.nan, np.inf])
def test_useless_radius_is_named(radius, screw):
    with pytest.raises(InputError, match="radius"):
        equilibrate(screw, screw.crystal.potential, radius)


@pytest.mark.parametrize("fmax", [0.0, -1e-6, np.nan])
def test_useless_force_tolerance_is_named(fmax, screw):
    with pytest.raises(InputError, match="fmax must be a positive number"):
        equilibrate(screw, screw.crystal.potential, 12.0, fmax=fmax)


def test_unknown_boundary_is_named(screw):
    with pytest.raises(UnknownNameError, match="unknown boundary 'flexibel'"):
        equilibrate(screw, screw.crystal.potential, 12.0, boundary="flexibel")


def test_potential_that_lacks_the_element_is_refused(screw):
    with pytest.raises(InputError, match="no element W"):
        equilibrate(screw, load_potential("sw:Si"), 12.0, "clamped")


@pytest.mark.parametrize("start", [np.zeros((3, 3)), np.full((477, 3), np.nan)])
def test_start_of_another_cell_is_refused(start, screw):
    with pytest.raises(InputError, match="start must be 477 finite displacements"):
        equilibrate(screw, screw.crystal.potential, 20.0, "clamped", start=start)


def test_unstable_crystal_is_refused_before_any_work():
    crystal = Crystal.from_potential(load_potential("sw:Si"), structure="bcc")
    with pytest.raises(UnstableCrystalError, match="bcc Si with sw:Si is unstable"):
        equilibrate(Dislocation(crystal, "bcc-screw-111"), crystal.potential, 15.0)


FCC = "kim:EAM_Dynamo_MishinMehlPapaconstantopoulos_2001_Cu__MO_346334655118_005"
CATALOGUE = [
    *[("fs:W", name) for name in SYSTEMS[:4]],
    *[("sw:Si", name) for name in SYSTEMS[4:]],
    *[(FCC, name) for name in ("fcc-screw-110", "fcc-edge-110")],
    *[(spec, "vacancy") for spec in ("fs:W", "sw:Si", FCC)],
]


@pytest.mark.parametrize(("spec", "name"), CATALOGUE)
def test_every_entry_of_the_catalogue_equilibrates_at_forty_angstrom(spec, name):
    if spec.startswith("kim:"):
        pytest.importorskip("kimpy", reason="fcc needs kimpy and the models of OpenKIM")
    try:
        potential = load_potential(spec)
    except InputError as error:
        pytest.skip(str(error))
    crystal = Crystal.from_potential(potential)
    defect = Vacancy(crystal) if name == "vacancy" else Dislocation(crystal, name)
    result = equilibrate(defect, potential, 40.0).require_convergence()
    assert np.linalg.norm(independent_forces(result, potential), axis=1).max() <= 1e-6
    assert result.n_force_calls <= 60


def test_number_of_calls_does_not_grow_with_the_radius(screw):
    calls = [
        equilibrate(screw, screw.crystal.potential, radius, "clamped").n_force_calls
        for radius in (30.0, 60.0, 120.0)
    ]
    assert max(calls) <= 40


@pytest.mark.slow
def test_fcc_with_the_embedded_medium_potential_of_ase():
    potential = load_potential("ase:ase.calculators.emt:EMT")
    crystal = Crystal.from_potential(potential, symbol="Al")
    for name in ("fcc-screw-110", "fcc-edge-110"):
        equilibrate(Dislocation(crystal, name), potential, 20.0).require_convergence()
