"""LAMMPS as the independent code: a stored reference everywhere, and LAMMPS itself where it is installed."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.stress import full_3x3_to_voigt_6_stress
from lammps_peer import evaluate, lammps_module, potentials_folder, write_stillinger_weber
from numpy.testing import assert_allclose
from potential_cases import CASES, LOWER_STRAIN, configurations, potential_of, tables_of

from genmlip.potentials import load_potential
from genmlip.potentials.setfl import write_setfl

RECORDS = json.loads((Path(__file__).parent / "data" / "lammps.json").read_text(encoding="utf-8"))["records"]


@cache
def why_no_lammps():
    try:
        lammps_module()
    except ImportError as error:
        return f"LAMMPS cannot be used here: {error}"
    return ""


@pytest.fixture
def lammps():
    if why_no_lammps():
        pytest.skip(why_no_lammps())


def assert_agreement(potential, atoms, reference):
    result = potential.bind(atoms)(atoms.positions)
    assert_allclose(result.energy, reference["energy"], rtol=0, atol=1e-8)
    assert_allclose(result.forces, reference["forces"], rtol=0, atol=1e-8)
    if "stress" in reference:
        stress = full_3x3_to_voigt_6_stress(-result.virial / atoms.get_volume())
        assert_allclose(stress, reference["stress"], rtol=0, atol=1e-8)
    if not potential.spec.startswith("sw"):  # LAMMPS shares the energy of a triple among its atoms
        assert_allclose(result.energies, reference["energies"], rtol=0, atol=1e-8)


@pytest.mark.parametrize("record", RECORDS, ids=lambda r: f"{r['case']}-{r['configuration']}")
def test_energy_forces_and_stress_agree_with_the_stored_reference(record):
    name = record["case"]
    assert_agreement(potential_of(name), configurations(name)[record["configuration"]], record)


def test_the_stored_reference_covers_every_case_and_configuration():
    stored = [(r["case"], r["configuration"]) for r in RECORDS]
    assert stored == [(case, configuration) for case in CASES for configuration in configurations(case)]


@pytest.mark.parametrize("name", CASES)
def test_lammps_still_gives_the_stored_reference(lammps, tmp_path, name):
    file, potential = tmp_path / name, potential_of(name)
    if name.startswith("sw"):
        write_stillinger_weber(file, potential.symbols[0], potential.parameters)
        style = "sw"
    else:
        write_setfl(file, tables_of(name))
        style = "eam/fs" if name == "eam-fs" else "eam/alloy"
    for atoms in configurations(name).values():
        assert_agreement(potential, atoms, evaluate(atoms, style, file, potential.symbols))


@pytest.mark.parametrize(
    ("file", "structure", "solute"),
    [
        ("W_zhou.eam.alloy", ("W", "bcc", 3.165), None),
        ("Cu_mishin1.eam.alloy", ("Cu", "fcc", 3.615), None),
        ("Al_mm.eam.fs", ("Al", "fcc", 4.05), None),
        ("CuNi.eam.alloy", ("Cu", "fcc", 3.6), "Ni"),
        ("AlFe_mm.eam.fs", ("Fe", "bcc", 2.86), "Al"),
        ("NiO.eam.fs", ("Ni", "fcc", 3.52), "O"),
    ],
)
@pytest.mark.parametrize("squeeze", [0.85, 1.0])
def test_published_files_give_the_same_as_in_lammps(lammps, file, structure, solute, squeeze):
    path = potentials_folder() / file
    potential = load_potential(f"eam:{path}")
    symbol, name, a = structure
    atoms = bulk(symbol, name, a=squeeze * a, cubic=True) * (3, 3, 3)
    rng = np.random.default_rng(2)
    atoms.set_cell(atoms.cell @ LOWER_STRAIN, scale_atoms=True)
    atoms.positions += rng.normal(scale=0.08, size=(len(atoms), 3))
    del atoms[[0, 7]]
    if solute:
        atoms.symbols[::5] = solute
    style = "eam/fs" if file.endswith("fs") else "eam/alloy"
    assert_agreement(potential, atoms, evaluate(atoms, style, path, potential.symbols))
