"""The command line is a contract: flags, JSON keys, exit codes, one clear line for every bad input."""

import ctypes
import json
import subprocess
import sys

import numpy as np
import pytest
from ase.build import bulk

from genmlip.cli.app import run
from genmlip.potentials import load_potential

CRYSTAL = {"a0", "energy_per_atom", "C11", "C12", "C44", "stable"}
EQUILIBRATE = {
    "n_atoms", "n_free", "radius", "boundary", "fmax", "converged", "n_force_calls", "wall_s", "energy",
    "core_position", "b", "line_period", "decay_exponent",
}  # fmt: skip
ASSESS = {
    "geometry_error",
    "energy_error",
    "delta_C_rel",
    "force_rmse_core",
    "estimate",
    "effectivity",
    "a0_error_rel",
}
COMMANDS = [
    "demo", "potentials", "crystal", "equilibrate", "barrier", "train", "assess", "export", "study",
    "figures",
]  # fmt: skip


@pytest.fixture
def genmlip(capfd, monkeypatch, tmp_path):
    """Run a command in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def genmlip(*arguments):
        code = run([str(argument) for argument in arguments])
        return code, *capfd.readouterr()

    return genmlip


@pytest.fixture
def refused(genmlip):
    """Run a command that must be refused with one line on standard error and nothing else; that line."""

    def refused(*arguments):
        code, out, err = genmlip(*arguments)
        assert code == 2, err
        assert out == ""
        assert err.startswith("genmlip: ")
        assert len(err.splitlines()) == 1, err
        return err

    return refused


# What comes out


def test_help_names_every_command(genmlip):
    code, out, _ = genmlip("--help")
    assert code == 0
    for command in COMMANDS:
        assert command in out


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(genmlip, command):
    code, out, _ = genmlip(command, "--help")
    assert code == 0
    assert "Usage: genmlip" in out


def test_help_imports_neither_numba_nor_pandas():
    script = (
        "import sys; from genmlip.cli.app import run; run(['--help']);"
        "print([name for name in ('numba', 'pandas', 'scipy', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_an_unknown_reference_of_a_study_is_refused_before_any_run(refused, tmp_path):
    study = ("study", "training_source", "--preset", "quick", "--out", "out")
    assert "unknown potential 'fs:V'" in refused(*study, "--reference", "fs:V")
    assert not (tmp_path / "out").exists()


def test_any_order_has_degrees_by_default(genmlip):
    train = ("train", "--reference", "fs:W", "--cells", "strained:1", "--observations", "EV", "--json")
    functions = []
    for order in (1, 2):
        code, out, err = genmlip(*train, "--order", order, "--out", f"{order}.json")
        assert code == 0, err
        functions.append(json.loads(out)["n_functions"])
    assert 0 < functions[0] < functions[1]


def test_the_order_is_that_of_the_degrees_and_angles_can_count_for_less(genmlip):
    train = ("train", "--reference", "fs:W", "--cells", "strained:1", "--observations", "EV", "--json")
    functions = {}
    for weight in (1, 0.5):
        file = f"{weight}.json"
        code, out, err = genmlip(*train, "--degree", "8,6", "--angular-weight", weight, "--out", file)
        assert code == 0, err
        functions[weight] = json.loads(out)["n_functions"]
        assert load_potential(f"ace:{file}").basis.order == 2
    assert functions[0.5] > functions[1]


def test_settings_of_radial_functions_are_read_and_refused_by_name(refused):
    from genmlip.studies.specifications import parse_radial

    assert parse_radial("r0=4.2, core=4") == {"r0": 4.2, "core": 4}
    train = ("train", "--reference", "fs:W", "--cells", "bulk:1", "--out", "w.json", "--radial")
    assert "unknown setting of radial functions 'r1'" in refused(*train, "r1=3")
    assert "core must be a whole number" in refused(*train, "core=4.5")
    assert "r0 = -1.0" in refused(*train, "r0=-1")


def test_crystal_prints_one_json_object_with_the_published_constants(genmlip):
    code, out, _ = genmlip("crystal", "fs:W", "--json")
    found = json.loads(out)
    assert code == 0
    assert found.keys() >= CRYSTAL
    assert found["a0"] == pytest.approx(3.16520, abs=2e-5)
    assert [found[c] for c in ("C11", "C12", "C44")] == pytest.approx([522.4, 204.4, 160.6], abs=0.06)
    assert found["stable"] is True


def test_equilibrate_prints_the_keys_of_the_contract_and_saves(genmlip, tmp_path):
    code, out, _ = genmlip(
        "equilibrate",
        "fs:W",
        "bcc-screw-111",
        "--radius",
        12,
        "--boundary",
        "clamped",
        "--json",
        "--out",
        "eq",
    )
    found = json.loads(out)
    assert code == 0
    assert found.keys() >= EQUILIBRATE
    assert found["converged"] is True
    assert found["energy"] < 0
    assert {path.suffix for path in (tmp_path / "eq").iterdir()} >= {".json", ".extxyz"}


def test_equilibrate_that_does_not_converge_ends_with_3_and_says_what_was_reached(genmlip, tmp_path):
    """No potential reaches forces of 1e-30 eV/Å in double precision."""
    code, out, err = genmlip(
        "equilibrate", "fs:W", "bcc-screw-111", "--radius", 9, "--fmax", "1e-30", "--json", "--out", "eq"
    )
    assert code == 3
    assert json.loads(out)["converged"] is False
    assert len(err.splitlines()) == 1
    assert any((tmp_path / "eq").iterdir())


def test_ctrl_c_saves_what_was_reached_and_ends_with_130(genmlip, monkeypatch, tmp_path):
    from genmlip import dislocations
    from genmlip.dislocations.equilibrium import EquilibriumInterrupted

    def interrupted(*arguments, **options):
        reached = relax(*arguments, max_calls=3)
        raise EquilibriumInterrupted(reached)

    relax = dislocations.equilibrate
    monkeypatch.setattr(dislocations, "equilibrate", interrupted)
    code, out, err = genmlip("equilibrate", "fs:W", "bcc-screw-111", "--radius", 9, "--out", "eq", "--json")
    assert (code, out, err.strip()) == (130, "", "genmlip: interrupted")
    assert any((tmp_path / "eq").iterdir())


def test_what_libraries_print_does_not_end_up_in_the_json(genmlip, monkeypatch):
    from genmlip import potentials

    def noisy(spec):
        print("noise from Python")
        ctypes.CDLL(None).puts(b"noise from C")
        return load(spec)

    load = potentials.load_potential
    monkeypatch.setattr(potentials, "load_potential", noisy)
    code, out, err = genmlip("crystal", "fs:W", "--json")
    assert code == 0
    assert json.loads(out)["structure"] == "bcc"
    assert {"noise from Python", "noise from C"} <= set(err.splitlines())


def test_a_potential_trained_on_the_command_line_can_be_assessed_there(genmlip, tmp_path):
    code, out, _ = genmlip(
        "train", "--reference", "fs:W", "--cells", "bulk:2,n=6,displacement=0.1", "--cells", "strained:1,n=4",
        "--observations", "EFV", "--order", 2, "--degree", "14,8", "--out", "w.json", "--json",
    )  # fmt: skip
    assert code == 0
    assert {(row["observation"], row["group"]) for row in json.loads(out)["errors"]} >= {
        ("F", "all"),
        ("V", "bulk"),
    }

    code, out, _ = genmlip(
        "assess",
        "--reference",
        "fs:W",
        "--candidate",
        "ace:w.json",
        "bcc-screw-111",
        "--radius",
        10,
        "--json",
    )
    assert code == 0
    assert json.loads(out).keys() >= ASSESS


def test_a_potential_assessed_against_itself_has_no_error(genmlip):
    code, out, _ = genmlip(
        "assess", "--reference", "fs:W", "--candidate", "fs:W", "bcc-screw-111", "--radius", 10, "--json"
    )
    found = json.loads(out)  # NaN would not be JSON: the effectivity, 0 / 0, must be null
    assert code == 0
    assert found["geometry_error"] < 1e-6
    assert found["delta_C_rel"] < 1e-9


def test_a_users_own_data_need_no_reference(genmlip):
    dft = labelled("own.xyz", forces=True)
    code, out, _ = genmlip(
        "train", "--cells", dft, "--observations", "EF", "--order", 1, "--degree", 4, "--out", "own.json"
    )
    assert code == 0
    assert "n_functions" in out


def test_a_calculator_without_energies_per_atom_is_told_to_lose_digits(genmlip, tmp_path):
    (tmp_path / "totals_only.py").write_text(
        "from ase.calculators.emt import EMT\n\n\n"
        "class Totals(EMT):\n    implemented_properties = ['energy', 'free_energy', 'forces', 'stress']\n"
    )
    spec = "ase:totals_only:Totals?cutoff=6.0&symbols=Cu"
    code, out, err = genmlip("equilibrate", spec, "vacancy", "--radius", 6, "--fmax", 1e-2, "--json")
    assert code == 0, err
    assert "no energies per atom" in err
    assert json.loads(out)["energy"] < 0


# What is refused


def test_an_unknown_potential_is_refused_with_the_nearest_name(refused):
    assert "did you mean fs:W?" in refused("crystal", "fs:w")


def test_an_unknown_dislocation_is_refused_with_the_nearest_name(refused):
    assert "did you mean bcc-screw-111?" in refused("equilibrate", "fs:W", "bcc-screw-112", "--radius", 40)


def test_a_dislocation_of_another_structure_is_refused(refused):
    assert "needs a fcc crystal" in refused("equilibrate", "fs:W", "fcc-screw-110", "--radius", 40)


@pytest.mark.parametrize("radius", [-10, 0, 3, "nan"])
def test_a_radius_that_makes_no_sense_is_refused(refused, radius):
    assert "radius" in refused("equilibrate", "fs:W", "bcc-screw-111", "--radius", radius)


def test_an_unknown_boundary_is_refused_with_the_known_ones(refused):
    message = refused("equilibrate", "fs:W", "bcc-screw-111", "--radius", 12, "--boundary", "clampd")
    assert "did you mean clamped?" in message


def test_a_truncated_eam_file_is_refused(refused, tmp_path):
    header = "a\nb\nc\n1 W\n1000 0.01 1000 0.005 5.0\n74 183.84 3.1652 bcc\n"
    (tmp_path / "W.eam.alloy").write_text(header + "0.0 0.1 0.2\n")
    assert "W.eam.alloy" in refused("crystal", "eam:W.eam.alloy")


def test_a_file_of_the_wrong_kind_is_refused(refused, tmp_path):
    (tmp_path / "W.eam.alloy").write_text("<html>\n<body>404 not found</body>\n</html>\n")
    assert "W.eam.alloy" in refused("crystal", "eam:W.eam.alloy")


def test_an_element_that_the_potential_lacks_is_refused(refused):
    assert "Mo" in refused("crystal", "fs:W", "--symbol", "Mo")


def test_an_unstable_crystal_is_refused(refused):
    """Stillinger–Weber silicon in bcc is no minimum of the energy."""
    assert "unstable" in refused(
        "equilibrate", "sw:Si", "bcc-screw-111", "--structure", "bcc", "--radius", 15
    )


def test_data_without_forces_are_refused_when_forces_are_asked_for(refused):
    dft = labelled("energies.xyz", forces=False)
    message = refused("train", "--cells", dft, "--observations", "EF", "--out", "own.json")
    assert "energies.xyz" in message
    assert "no forces" in message


def test_nan_in_the_labels_is_refused(refused):
    dft = labelled("broken.xyz", forces=True, nan=True)
    message = refused("train", "--cells", dft, "--observations", "EF", "--out", "own.json")
    assert "NaN" in message


@pytest.mark.parametrize(
    ("cells", "clue"),
    [
        ("bulc:3", "did you mean bulk?"),
        ("bulk", "lack a size"),
        ("bulk:3,strian=0.1", "did you mean strain?"),
        ("bulk:3,n=many", "whole number"),
        ("bulk:big", "whole number of unit cells"),
    ],
)
def test_training_cells_that_cannot_be_understood_are_refused(refused, cells, clue):
    assert clue in refused("train", "--reference", "fs:W", "--cells", cells, "--out", "w.json")


@pytest.mark.parametrize(
    ("flags", "clue"),
    [
        (["--observations", "EFX"], "observation"),
        (["--solver", "rigde"], "did you mean ridge?"),
        (["--solver", "ridge:x"], "number"),
        (["--degree", "16;12"], "16,12,10"),
        (["--weights", "Q=3"], "unknown weight"),
        (["--order", "0"], "order"),
    ],
)
def test_settings_of_a_fit_that_make_no_sense_are_refused(refused, flags, clue):
    assert clue in refused("train", "--reference", "fs:W", "--cells", "bulk:1,n=2", "--out", "w.json", *flags)


def test_cells_to_be_labelled_need_a_reference(refused):
    assert "--reference" in refused("train", "--cells", "bulk:2", "--out", "w.json")


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (["crystl", "fs:W"], "Did you mean 'crystal'?"),
        (["crystal"], "POT"),
        (["crystal", "fs:W", "--jsn"], "--jsn"),
        (["equilibrate", "fs:W", "bcc-screw-111", "--radius", "wide"], "--radius"),
    ],
)
def test_misspelt_commands_and_flags_are_one_line_too(refused, arguments, clue):
    assert clue in refused(*arguments)


def test_nothing_is_overwritten_without_force(refused, genmlip, tmp_path):
    (tmp_path / "eq").mkdir()
    (tmp_path / "eq" / "thesis.tex").write_text("years of work")
    (tmp_path / "w.json").write_text("{}")
    equilibrate = ["equilibrate", "fs:W", "bcc-screw-111", "--radius", 9, "--out", "eq"]
    assert "--force" in refused(*equilibrate)
    assert "--force" in refused("train", "--reference", "fs:W", "--cells", "bulk:1", "--out", "w.json")
    assert "--force" in refused("demo", "--out", "eq")
    assert genmlip(*equilibrate, "--force")[0] == 0


def test_an_unknown_study_is_refused_with_the_nearest_name(refused):
    assert "did you mean training_cell_size?" in refused("study", "training_cellsize")


def test_a_file_that_declares_no_study_is_refused(refused, tmp_path):
    (tmp_path / "empty_study.py").write_text("x = 1\n")
    assert "declares no study" in refused("study", "empty_study.py")


def test_figures_of_a_folder_without_a_table_are_refused(refused, tmp_path):
    assert "table" in refused("figures", tmp_path)


def test_a_bug_keeps_its_traceback(monkeypatch):
    def broken():
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("genmlip.potentials.available_potentials", broken)
    with pytest.raises(ZeroDivisionError):
        run(["potentials"])


def labelled(path, forces, nan=False):
    """Write a small extended-XYZ set in the current folder, as a DFT code would; its name."""
    rng = np.random.default_rng(0)
    lines = []
    for k in range(4):
        atoms = bulk("W", cubic=True)
        atoms.rattle(0.1, seed=k)
        energy = "nan" if nan and k == 2 else f"{-17.8 + 0.01 * k}"
        columns = "species:S:1:pos:R:3" + (":forces:R:3" if forces else "")
        cell = " ".join(map(str, atoms.cell.array.ravel()))
        lines += [str(len(atoms)), f'Lattice="{cell}" Properties={columns} energy={energy} pbc="T T T"']
        for symbol, position in zip(atoms.get_chemical_symbols(), atoms.positions, strict=True):
            values = [*position, *(rng.normal(size=3) if forces else [])]
            lines.append(" ".join([symbol, *map(str, values)]))
    with open(path, "w") as file:
        file.write("\n".join(lines) + "\n")
    return path
