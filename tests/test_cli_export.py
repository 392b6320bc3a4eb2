"""``genmlip export``: files, what is printed, exit codes."""

import json

import numpy as np
import pytest

from genmlip.cli.app import run
from genmlip.potentials.ace import LinearACE


@pytest.fixture
def export(capfd, monkeypatch, tmp_path):
    """Run the command in a folder with w.json: (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)
    ace = LinearACE("W", 4.5, order=2, degree=(8, 6))
    ace.with_coefficients(np.random.default_rng(0).normal(size=ace.n_coefficients)).save("w.json")

    def export(*arguments):
        code = run(["export", *arguments])
        return code, *capfd.readouterr()

    return export


@pytest.fixture
def refused(export):
    """Run a command that must be refused with one line; that line."""

    def refused(*arguments):
        code, out, err = export(*arguments)
        assert (code, out) == (2, "")
        assert len(err.splitlines()) == 1
        return err

    return refused


def test_yace_is_written_and_the_lines_for_lammps_are_printed(export, tmp_path):
    code, out, _ = export("ace:w.json", "--out", "w.yace")
    assert code == 0
    assert out.endswith("pair_style pace recursive\npair_coeff * * w.yace W\n")
    assert "radial_error" in out
    assert (tmp_path / "w.yace").read_text().startswith("# W: atomic cluster expansion")


def test_one_json_object_tells_the_accuracy(export):
    code, out, _ = export("ace:w.json", "--out", "w.yace", "--json")
    found = json.loads(out)
    assert code == 0
    assert found["out"] == "w.yace"
    assert 0 < found["radial_error"] < 1e-11


def test_a_larger_tolerance_takes_fewer_polynomials(export):
    found = [
        json.loads(export("ace:w.json", "--out", "w.yace", "--tolerance", tolerance, "--json", "--force")[1])
        for tolerance in ("1e-4", "1e-8")
    ]
    assert found[0]["n_polynomials"] < found[1]["n_polynomials"]
    assert found[0]["radial_error"] > found[1]["radial_error"]


@pytest.mark.parametrize("tolerance", ["0", "-1", "nan", "1"])
def test_a_tolerance_must_make_sense(refused, tolerance):
    assert "tolerance" in refused("ace:w.json", "--out", "w.yace", "--tolerance", tolerance)


def test_json_is_the_same_potential_again(export, tmp_path):
    assert export("ace:w.json", "--out", "copy.json")[0] == 0
    assert (tmp_path / "copy.json").read_bytes() == (tmp_path / "w.json").read_bytes()


def test_a_folder_gets_tables(export, tmp_path):
    code, out, _ = export("ace:w.json", "--out", "tables")
    assert code == 0
    assert {path.name for path in (tmp_path / "tables").iterdir()} == {"radial.csv", "dimer.csv"}
    assert "dimer.csv" in out


@pytest.mark.parametrize("out", ["w.yace", "copy.json", "tables"])
def test_nothing_is_overwritten_unasked(export, refused, tmp_path, out):
    assert export("ace:w.json", "--out", out)[0] == 0
    assert "--force" in refused("ace:w.json", "--out", out)
    assert export("ace:w.json", "--out", out, "--force")[0] == 0


def test_other_suffixes_are_refused_with_those_that_are_known(refused):
    line = refused("ace:w.json", "--out", "w.eam")
    assert ".eam" in line
    assert all(known in line for known in (".yace", ".json", "folder"))


def test_other_potentials_are_refused(refused, tmp_path):
    assert "fs:W is no atomic cluster expansion" in refused("fs:W", "--out", "w.yace")
    assert not (tmp_path / "w.yace").exists()


def test_a_missing_file_is_named(refused):
    assert "missing.json" in refused("ace:missing.json", "--out", "w.yace")


@pytest.mark.parametrize("out", ["copy.yace", "copy.json"])
def test_a_yace_file_is_not_converted(export, refused, out):
    assert export("ace:w.json", "--out", "w.yace")[0] == 0
    assert "a .yace file already" in refused("ace:w.yace", "--out", out)


def test_a_yace_file_has_tables_like_any_other(export):
    assert export("ace:w.json", "--out", "w.yace")[0] == 0
    assert export("ace:w.yace", "--out", "tables")[0] == 0
