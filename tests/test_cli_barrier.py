"""``genmlip barrier``: keys, files and exit codes."""

import json
from importlib import import_module

import pytest
from ase.io import read

from genmlip.cli.app import run

KEYS = {
    "barrier", "n_images", "radius", "boundary", "converged", "n_force_calls", "wall_s", "saddle_fmax",
    "energies", "core_positions", "b", "line_period",
}  # fmt: skip
QUICK = ("fs:W", "bcc-edge-100", "--radius", 12, "--boundary", "clamped", "--images", 3)


@pytest.fixture
def barrier(capfd, monkeypatch, tmp_path):
    """Run the command in an empty folder: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def barrier(*arguments):
        code = run(["barrier", *(str(argument) for argument in arguments)])
        return code, *capfd.readouterr()

    return barrier


def test_one_json_object_has_the_keys_of_the_contract(barrier):
    code, out, _ = barrier(*QUICK, "--json")
    found = json.loads(out)
    assert code == 0
    assert found.keys() >= KEYS
    assert found["converged"] is True
    assert found["n_images"] == len(found["energies"]) == len(found["core_positions"])
    assert found["barrier"] == pytest.approx(max(found["energies"]) * found["b"] / found["line_period"])
    assert found["saddle_fmax"] <= 1e-5


def test_path_and_figure_are_written_and_not_overwritten_unasked(barrier, tmp_path):
    assert barrier(*QUICK, "--out", "path")[0] == 0
    names = {path.name for path in (tmp_path / "path").iterdir()}
    assert names == {"barrier.json", "path.extxyz", "barrier.png", "barrier.pdf"}
    images = read(tmp_path / "path" / "path.extxyz", ":")
    told = json.loads((tmp_path / "path" / "barrier.json").read_text())
    assert [atoms.info["relative_energy"] for atoms in images] == told["energies"]
    code, out, err = barrier(*QUICK, "--out", "path")
    assert (code, out) == (2, "")
    assert "--force" in err
    assert barrier(*QUICK, "--out", "path", "--force")[0] == 0


def test_what_was_reached_is_written_where_there_are_no_valleys(barrier, tmp_path):
    code, out, err = barrier(
        "fs:W", "bcc-edge-111", "--radius", 10, "--boundary", "clamped", "--images", 3, "--json", "--out", "p"
    )
    assert code == 3
    assert json.loads(out)["barrier"] is None
    assert json.loads((tmp_path / "p" / "barrier.json").read_text())["converged"] is False
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("fs:W", "vacancy", "--radius", 10), "vacancy"),
        (("fs:W", "bcc-screw-112", "--radius", 10), "bcc-screw-111"),
        (("fs:W", "fcc-screw-110", "--radius", 10), "bcc"),
        (("fs:W", "bcc-screw-111", "--radius", 1), "radius"),
        (("fs:W", "bcc-screw-111", "--radius", "nan"), "radius"),
        (("fs:W", "bcc-screw-111", "--radius", 10, "--images", 2), "images"),
        (("fs:W", "bcc-screw-111", "--radius", 10, "--images", "many"), "--images"),
        (("fs:W", "bcc-screw-111", "--radius", 10, "--fmax", 0), "fmax"),
        (("fs:W", "bcc-screw-111", "--radius", 10, "--boundary", "clmped"), "clamped"),
        (("fs:W", "bcc-screw-111", "--radius", 10, "--boundary", "periodic"), "periodic"),
        (("fs:W", "bcc-screw-111"), "radius"),
    ],
)
def test_bad_input_is_one_line_that_names_it(barrier, arguments, named):
    code, out, err = barrier(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("genmlip: ")
    assert len(err.splitlines()) == 1
    assert named in err


def test_ctrl_c_writes_what_was_reached(barrier, monkeypatch, tmp_path):
    from genmlip.statics import path

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(path._String, "climb", interrupted)
    code, out, err = barrier(*QUICK, "--out", "p")
    assert (code, out, err.strip()) == (130, "", "genmlip: interrupted")
    assert json.loads((tmp_path / "p" / "barrier.json").read_text())["converged"] is False


def test_ctrl_c_while_the_valley_relaxes_leaves_the_equilibrium_reached(barrier, monkeypatch, tmp_path):
    minimise = import_module("genmlip.statics.minimise")  # the package has a function of that name

    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(minimise._Run, "descend", interrupted)
    code, out, err = barrier(*QUICK, "--out", "p")
    assert (code, out, err.strip()) == (130, "", "genmlip: interrupted")
    assert (tmp_path / "p" / "equilibrium.json").exists()
