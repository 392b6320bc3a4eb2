"""Potentials in .yace files are those of python-ace, whose energies and forces lie beside the files."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from expansion_reference import evaluate
from numpy.testing import assert_allclose

from genmlip.cli.app import run
from genmlip.errors import FileFormatError
from genmlip.potentials import load_potential
from genmlip.potentials.ace import PACEPotential, load_yace
from genmlip.potentials.ace.yace_format import RADIAL_BASES as NAMES
from genmlip.potentials.ace.yace_format import read_yace
from genmlip.potentials.ace.yace_radial import RADIAL_BASES, GaussianCore, smooth_step
from genmlip.potentials.base import hessian_by_differences
from genmlip.potentials.neighbours import Neighbours

DATA = Path(__file__).parents[1] / "data" / "yace"
FILES = sorted(path.stem for path in DATA.glob("*.yace"))
COMPARED = sorted(path.stem for path in DATA.glob("*.json"))
EXPANSIONS = [name for name in FILES if "zbl" not in name]  # that one is more than an expansion


def records(name):
    """Configurations and what python-ace says of them."""
    for record in json.loads((DATA / f"{name}.json").read_text())["records"]:
        geometry = {key: record[key] for key in ("numbers", "positions", "cell", "pbc")}
        yield Atoms(**geometry), np.array(record["energies"]), np.array(record["forces"])


def assert_equals(actual, desired, tolerance):
    """Relative to the largest value, or to one eV or eV/Å where all are smaller."""
    assert_allclose(actual, desired, rtol=0, atol=tolerance * max(1.0, abs(desired).max()))


@pytest.mark.parametrize("name", sorted(set(COMPARED) & set(EXPANSIONS)))
def test_formulas_are_those_of_python_ace(name):
    expansion = load_yace(DATA / f"{name}.yace").expansion
    for atoms, energies, forces in records(name):
        E, F, _ = evaluate(expansion, atoms)
        assert_equals(E, energies, 1e-14)
        assert_equals(F, forces, 2e-10)  # what its splines get wrong in bins of 0.0001 Å


@pytest.mark.parametrize("name", COMPARED)
def test_energies_and_forces_are_those_of_python_ace(name):
    potential = load_yace(DATA / f"{name}.yace")
    for atoms, energies, forces in records(name):
        atoms.calc = potential
        assert_equals(atoms.get_potential_energies(), energies, 1e-10)
        assert_equals(atoms.get_forces(), forces, 1e-9)


@pytest.mark.parametrize("name", EXPANSIONS)
def test_engine_evaluates_the_formulas(name):
    potential = load_yace(DATA / f"{name}.yace")
    atoms = next(records("W_linear"))[0]
    atoms.symbols = np.resize(potential.symbols, len(atoms))
    E, F, virial = evaluate(potential.expansion, atoms)
    result = potential.evaluate(atoms)
    assert_equals(result.energies, E, 1e-10)
    assert_equals(result.forces, F, 1e-9)
    assert_equals(result.virial, virial, 1e-9)


def test_python_ace_agrees_the_better_the_narrower_its_bins(tmp_path):
    pyace = pytest.importorskip("pyace")
    path = DATA / "W_linear.yace"
    atoms = next(records("W_linear"))[0]
    _, F, _ = evaluate(load_yace(path).expansion, atoms)
    errors = []
    for width in ("0.001", "0.0001"):
        file = tmp_path / f"{width}.yace"
        file.write_text(path.read_text().replace("deltaSplineBins: 0.0001", f"deltaSplineBins: {width}"))
        atoms.calc = pyace.PyACECalculator(str(file))
        errors.append(abs(atoms.get_forces() - F).max())
    assert errors[1] < 1e-2 * errors[0] < 1e-8


def test_every_name_of_a_radial_basis_has_its_formula():
    assert set(NAMES) == set(RADIAL_BASES)


@pytest.mark.parametrize("name", FILES)
def test_slopes_are_derivatives_of_radial_functions_and_cores(name):
    expansion = load_yace(DATA / f"{name}.yace").expansion
    step = 1e-3 * np.array([-3, -2, -1, 1, 2, 3])
    weights = np.array([-1, 9, -45, 45, -9, 1]) / 60e-3
    r = np.linspace(0.9, expansion.cutoff - 0.1, 57)
    for functions in [f for row in expansion.radial + expansion.cores for f in row if f is not None]:
        kinks = np.array([*functions.breakpoints, functions.cutoff])
        smooth = r[abs(r[:, None] - kinks).min(axis=1) > 4e-3]
        differences = sum(w * functions(smooth + h)[0] for h, w in zip(step, weights, strict=True))
        assert_equals(functions(smooth)[1], differences, 1e-8)


def test_step_goes_smoothly_from_one_to_zero():
    c, dc = smooth_step(np.array([0.9, 1.0, 1.25, 1.5, 1.6]), 1.0, 1.5)
    assert_allclose(c, [1, 1, 0.5, 0, 0], atol=1e-15)
    assert_allclose(dc, [0, 0, -15 / 4, 0, 0], atol=1e-15)


def test_core_by_distance_ends_at_the_inner_cutoff():
    expansion = load_yace(DATA / "Cu_core_by_distance.yace").expansion
    assert expansion.cores[0][0].cutoff == 1.9
    assert expansion.radial[0][0](np.array([1.4999]))[0] == pytest.approx(0.0)
    assert expansion.cores[0][0](np.array([1.2]))[0] > 1.0


def test_core_by_density_switches_the_expansion_off():
    atoms = Atoms("Cu2", [[0, 0, 0], [0, 0, 0.8]])
    expansion = load_yace(DATA / "Cu_core_by_density.yace").expansion
    core = expansion.cores[0][0](np.array([0.8]))[0][0]
    assert isinstance(expansion.cores[0][0], GaussianCore)
    assert core > expansion.centres[0].core_switch[0]
    assert_allclose(evaluate(expansion, atoms)[0], core - 1.5)


@pytest.mark.parametrize("name", FILES)
def test_a_free_atom_has_the_energy_of_the_file(name):
    potential = load_yace(DATA / f"{name}.yace")
    E0 = read_yace(DATA / f"{name}.yace").E0
    for symbol, energy in zip(potential.symbols, E0, strict=True):
        atoms = Atoms(symbol, calculator=potential)
        assert atoms.get_potential_energy() == pytest.approx(energy, abs=1e-14)


def test_every_pair_has_its_own_cutoff():
    potential = load_yace(DATA / "AlNi.yace")
    reach = {}
    for pair in ("Al2", "AlNi", "Ni2"):
        r = np.arange(3.95, 5.2, 0.1)
        forces = []
        for distance in r:
            atoms = Atoms(pair, [[0, 0, 0], [0, 0, distance]], calculator=potential)
            forces.append(abs(atoms.get_forces()).max())
        reach[pair] = r[np.flatnonzero(forces).max()]
    assert reach == pytest.approx({"Al2": 4.95, "AlNi": 4.55, "Ni2": 4.15})
    assert potential.cutoff == 5.0


def test_order_one_functions_are_one_radial_channel():
    expansion = load_yace(DATA / "W_linear.yace").expansion
    centre = expansion.centres[0]
    single = (centre.monomials >= 0).sum(axis=1) == 1
    assert single.sum() == 1


def test_equal_radial_functions_are_one_channel(tmp_path):
    text = (DATA / "W_linear.yace").read_text()
    coefficients = read_yace(DATA / "W_linear.yace").bonds[0, 0].coefficients
    start = text.index("radcoefficients: ") + len("radcoefficients: ")
    end = text.index(", prehc")
    same = np.repeat(coefficients[:, :1], coefficients.shape[1], axis=1)
    path = tmp_path / "same.yace"
    path.write_text(text[:start] + str(same.tolist()) + text[end:])
    r = np.array([3.0])
    assert len(load_yace(DATA / "W_linear.yace").expansion.radial[0][0](r)[0]) > 4
    assert len(load_yace(path).expansion.radial[0][0](r)[0]) == 4  # n = 1, 2, 3 and the pair term


def test_order_of_functions_and_factors_does_not_matter(tmp_path):
    lines = (DATA / "AlNi.yace").read_text().splitlines()
    first, second = (
        lines.index("  0:", lines.index("functions:")),
        lines.index("  1:", lines.index("functions:")),
    )
    path = tmp_path / "reversed.yace"
    path.write_text(
        "\n".join(
            [*lines[: first + 1], *lines[second - 1 : first : -1], lines[second], *lines[:second:-1]]
        ).partition("functions:")[0]
        + "\n".join(["functions:", "  0:", *lines[second - 1 : first : -1], "  1:", *lines[-1:second:-1]])
    )
    atoms = next(records("AlNi"))[0]
    expected = evaluate(load_yace(DATA / "AlNi.yace").expansion, atoms)[0]
    assert_allclose(evaluate(load_yace(path).expansion, atoms)[0], expected, rtol=1e-13)


def test_registry_reads_the_file_by_suffix_or_content(tmp_path):
    path = DATA / "W_linear.yace"
    potential = load_potential(f"ace:{path}")
    assert isinstance(potential, PACEPotential)
    assert potential.spec == f"ace:{path}"
    (tmp_path / "renamed").write_bytes(path.read_bytes())
    assert isinstance(load_potential(f"ace:{tmp_path / 'renamed'}"), PACEPotential)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("elements: [W]", "elements: [Wo]", "'elements': unknown element 'Wo'"),
        ("elements: [W]", "elements: [W, W]", "'elements': must name every element once"),
        ("elements: [W]", "", "'elements' is missing"),
        ("E0: [-1.5]", "E0: [.nan]", "'E0': holds something that is not a finite number"),
        ("E0: [-1.5]", "E0: [1, 2]", "'E0': 2 numbers where 1 are needed"),
        ("deltaSplineBins: 0.0001", "deltaSplineBins: -1", "'deltaSplineBins': must be a number from"),
        ("npoti: FinnisSinclairShiftedScaled", "npoti: Relu", "'embeddings.0.npoti': must be FinnisSinclair"),
        ("ndensity: 1, FS", "ndensity: 2, FS", "'embeddings.0.FS_parameters': two numbers for each of 2"),
        ("FS_parameters: [1, 1]", "FS_parameters: [1, -1]", "exponents .* must be from 0 to 16"),
        ("[0, 0]: {nrad", "[0, 1]: {nrad", r"'bonds': \[0, 0\] is missing"),
        (
            "radbasename: ChebExpCos",
            "radbasename: Wavelet",
            "'bonds.*radbasename': must be one of ChebExpCos",
        ),
        ("lmax: 2", "lmax: 3", "'bonds.*radcoefficients': 9 lists where nradmax × lmax . 1 = 12"),
        ("nradmax: 3", "nradmax: 1000000000", "'bonds.*radcoefficients': 3 lists where nradmax = 1000000000"),
        ("rcut: 5", "rcut: 5e9", "'bonds.*rcut': must be a number from 0.1 to 50"),
        ("radparameters: [5.25]", "radparameters: [0]", "radial functions that are not finite"),
        ("radparameters: [5.25]", "radparameters: []", "'bonds.*radparameters': is empty"),
        ("dcut: 0.01", "dcut: soft", "'bonds.*dcut': must be a number .* not 'soft'"),
        ("inner_cutoff_type: distance", "inner_cutoff_type: soft", "must be density, distance or zbl"),
        ("inner_cutoff_type: distance", "inner_cutoff_type: zbl", "dcut and dcut_in must be positive where"),
        ("functions:\n  0:", "functions:\n  1:", "'functions': 0 is missing"),
        ("{mu0: 0, rank: 1", "{mu0: 1, rank: 1", r"'functions.0\[0\].mu0': must be 0"),
        ("rank: 1,", "rank: 2,", r"'functions.0\[0\].ls': 1 numbers where 2 are needed"),
        ("ns: [5]", "ns: [6]", r"'functions.0\[4\].ns': must hold integers from 1 to 5"),
        ("ms_combs: [0]", "ms_combs: [1]", r"'functions.0\[0\].ms_combs': .m. exceeds l"),
        ("num_ms_combs: 1", "num_ms_combs: 7", r"'functions.0\[0\].ms_combs': 1 numbers where 7 are needed"),
        ("ndensity: 1, num_ms", "ndensity: 3, num_ms", r"'functions.0\[0\].ndensity': must be 1"),
        ("E0: [-1.5]", "E0: &a [-1.5]\nb: *a", "line 3: aliases are not allowed"),
        ("E0: [-1.5]", "E0: [-1.5", "not YAML, or truncated: .* .line"),
        ("E0: [-1.5]", "E0: [-1.5]\nE0: [1]", "a key occurs twice"),
        ("E0: [-1.5]", "E0: " + "[" * 99 + "]" * 99, "nested too deeply"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, old, new, message):
    text = (DATA / "W_linear.yace").read_text()
    assert old in text
    path = tmp_path / "bad.yace"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(FileFormatError, match=message) as failure:
        load_yace(path)
    assert str(path) in str(failure.value)
    assert "\n" not in str(failure.value)


def dimer(potential, distance):
    return Atoms("Ni2", [[0, 0, 0], [0, 0, distance]], calculator=potential)


def test_close_neighbours_hand_over_to_the_universal_repulsion():
    potential = load_yace(DATA / "AlNi_core_zbl.yace")
    repulsion = potential.handovers[1, 1].repulsion
    E0 = potential.expansion.centres[1].E0
    for distance in (0.5, 1.3999):
        r = np.array([distance])
        atoms = dimer(potential, distance)
        assert atoms.get_potential_energy() == pytest.approx(2 * (E0 + repulsion(r)[0][0]), rel=1e-12)
        assert atoms.get_forces()[0, 2] == pytest.approx(2 * repulsion(r)[1][0], rel=1e-12)
    plain = PACEPotential(potential.expansion)
    for distance in (1.8001, 3.0):
        expected = dimer(plain, distance).get_potential_energy()
        assert dimer(potential, distance).get_potential_energy() == pytest.approx(expected, rel=1e-14)


def test_forces_of_the_handover_are_derivatives_of_the_energy():
    potential, h = load_yace(DATA / "AlNi_core_zbl.yace"), 1e-4
    for distance in (1.45, 1.6, 1.75):
        e = [dimer(potential, distance + k * h).get_potential_energy() for k in (-2, -1, 1, 2)]
        slope = (e[0] - 8 * e[1] + 8 * e[2] - e[3]) / (12 * h)
        assert dimer(potential, distance).get_forces()[0, 2] == pytest.approx(slope, rel=1e-9)


def test_universal_repulsion_ends_with_two_derivatives_at_its_cutoff():
    repulsion = load_yace(DATA / "AlNi_core_zbl.yace").handovers[0, 1].repulsion
    r = repulsion.cutoff - np.array([0.0, 1e-3, 2e-3])
    value, slope = repulsion(r)
    assert value[0] == slope[0] == 0.0
    assert abs(slope[2] / slope[1]) > 3.9  # quadratic at least


@pytest.mark.parametrize("name", ["Cu_core_by_density", "AlNi_core_zbl"])
def test_second_derivatives_are_those_of_the_forces(name):
    potential = load_yace(DATA / f"{name}.yace")
    vectors = np.array([[1.7, 0.2, 0.1], [-0.4, 2.3, 0.6], [-0.3, -1.1, 2.1]])
    species = np.resize(np.arange(len(potential.symbols)), 4)
    hessian = potential.site_hessian(species, vectors)
    assert_equals(hessian, hessian_by_differences(potential, species, vectors, step=2e-3), 1e-6)
    changes = np.random.default_rng(0).normal(size=(3, 3))
    tangents = np.empty((3, 3))
    potential.site_tangents(species, Neighbours.of_one_site(vectors), vectors, changes, tangents)
    assert_equals(tangents, np.tensordot(hessian, changes, axes=2), 1e-6)


def test_a_copy_is_the_same_potential():
    atoms, energies, _ = next(records("AlNi_core_zbl"))
    atoms.calc = load_yace(DATA / "AlNi_core_zbl.yace")
    atoms.get_potential_energy()
    atoms.calc = pickle.loads(pickle.dumps(atoms.calc))
    assert_equals(atoms.get_potential_energies(), energies, 1e-10)


def test_functions_that_jump_at_the_cutoff_are_refused(tmp_path):
    text = (DATA / "W_linear.yace").read_text().replace("ChebExpCos", "ChebLinear")
    path = tmp_path / "jump.yace"
    path.write_text(text)
    with pytest.raises(FileFormatError, match=r"bonds.\[0, 0\]': radial functions do not vanish smoothly"):
        load_yace(path)


def test_radial_bases_of_the_two_programs_cannot_be_mixed(tmp_path):
    text = (DATA / "AlNi.yace").read_text()
    path = tmp_path / "mixed.yace"
    path.write_text(text.replace("radbasename: SBessel", "radbasename: ACE.jl.Basic", 1))
    with pytest.raises(FileFormatError, match="cannot be mixed"):
        load_yace(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "holds no YAML documents"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"just text", "must be a mapping, not 'just text'"),
        (b"a: 1\n---\nb: 2\n", "holds 2 YAML documents"),
        (b"? {a: 1}\n: 2\n", "a key is no name or list"),
    ],
)
def test_files_that_are_no_potential_are_refused(tmp_path, content, message):
    path = tmp_path / "other.yace"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=message):
        load_yace(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileFormatError, match="No such file"):
        load_yace(tmp_path / "none.yace")


def test_command_line_refuses_a_damaged_file_with_one_line(tmp_path, capfd):
    path = tmp_path / "cut.yace"
    path.write_bytes((DATA / "W_linear.yace").read_bytes()[:2990])  # within a function
    assert run(["crystal", f"ace:{path}"]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith(f"genmlip: {path}: ")
    assert len(err.splitlines()) == 1


def test_files_from_before_inner_cutoffs_switch_by_density(tmp_path):
    text = (DATA / "Cu_core_by_density.yace").read_text()
    recent = ", rcut_in: 0, dcut_in: 0, inner_cutoff_type: density"
    assert recent in text
    path = tmp_path / "old.yace"
    path.write_text(text.replace(recent, ""))
    for atoms, energies, _ in records("Cu_core_by_density"):
        assert_equals(load_yace(path).evaluate(atoms).energies, energies, 1e-10)
