"""``genmlip assess --data``: what is predicted without a reference, keys, notes, exit codes."""

import json

import pytest

from genmlip.cli.app import run
from genmlip.potentials.ace import LinearACE
from genmlip.training import Dataset, bulk_cells, fit, label, strained_cells

KEYS = {
    "predicted_error", "predicted_low", "predicted_high", "relative_error", "corrector_norm",
    "largest_displacement", "core_share", "contraction", "is_minimum", "lattice_mismatch", "n_functions",
    "n_functions_richer", "n_equations", "n_draws", "same_data", "verdict",
}  # fmt: skip
SCREW = ("bcc-screw-111", "--radius", "12")


@pytest.fixture(scope="module")
def folder(tungsten, tmp_path_factory):
    """w.xyz, labelled by fs:W, the fit w.json to it, and others that cannot be used."""
    folder = tmp_path_factory.mktemp("assess")
    cells = bulk_cells(tungsten, 2, 8, 0.1, seed=1) + strained_cells(tungsten, 1, 6, 0.02, seed=2)
    data = label(cells, tungsten.potential)
    data.write(folder / "w.xyz")
    Dataset(data.configurations[:8]).write(folder / "first.xyz")
    Dataset(data.configurations[8:]).write(folder / "second.xyz")
    fitted = fit(LinearACE("W", 4.5, order=2, degree=(14, 6)), data).potential
    fitted.save(folder / "w.json")
    fitted.with_coefficients(-fitted.coefficients).save(folder / "unstable.json")
    LinearACE.from_basis(fitted.basis, fitted.coefficients).save(folder / "bare.json")
    (folder / "molybdenum.xyz").write_text((folder / "w.xyz").read_text().replace("\nW ", "\nMo "))
    (folder / "junk.xyz").write_text("hello\nworld\n")
    return folder


@pytest.fixture
def assess(capfd, monkeypatch, folder):
    """Run the command there: (exit code, standard output, standard error)."""
    monkeypatch.chdir(folder)

    def assess(*arguments, candidate="ace:w.json"):
        code = run(["assess", "--candidate", candidate, *arguments])
        return code, *capfd.readouterr()

    return assess


@pytest.fixture
def refused(assess):
    """Run a command that must be refused with one line; that line."""

    def refused(*arguments, **options):
        code, out, err = assess(*arguments, **options)
        assert (code, out) == (2, ""), err
        assert len(err.splitlines()) == 1, err
        return err

    return refused


@pytest.fixture(scope="module")
def found(folder):
    """What the command prints as JSON."""
    import subprocess
    import sys

    command = ["assess", "--candidate", "ace:w.json", "--data", "w.xyz", *SCREW, "--json"]
    script = f"import sys; from genmlip.cli.app import run; sys.exit(run({command!r}))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    return json.loads(done.stdout)


def test_one_json_object_has_the_keys_of_the_contract(found):
    assert found.keys() == KEYS
    assert 0.0 < found["predicted_low"] < found["predicted_error"] < found["predicted_high"]
    assert found["n_functions_richer"] > 2 * found["n_functions"]
    assert found["same_data"] is True


def test_the_command_prints_what_the_library_computes(found, folder):
    from genmlip import Crystal, Dislocation, equilibrate
    from genmlip.theory import predict_error
    from genmlip.training import PlausibleReferences, fit_richer

    candidate = LinearACE.load(folder / "w.json")
    screw = Dislocation(Crystal.from_potential(candidate), "bcc-screw-111")
    at_rest = equilibrate(screw, candidate, 12.0, "clamped", fmax=1e-5)
    richer = fit_richer(candidate, Dataset.read(folder / "w.xyz"))
    expected = predict_error(at_rest, candidate, PlausibleReferences.of(richer)).value
    assert found["predicted_error"] == pytest.approx(expected, rel=1e-6)


def test_without_json_the_numbers_have_units_and_sentences_follow(assess):
    code, out, err = assess("--data", "w.xyz", *SCREW)
    assert code == 0, err
    assert "predicted_error" in out
    assert "Å" in out
    assert "kink" in out


def test_data_may_come_in_several_files(assess, found):
    code, out, err = assess("--data", "first.xyz", "--data", "second.xyz", *SCREW, "--json")
    assert (code, err) == (0, "")
    assert json.loads(out)["predicted_error"] == pytest.approx(found["predicted_error"], rel=1e-6)


def test_other_data_than_those_of_the_fit_are_noted(assess):
    code, out, err = assess("--data", "first.xyz", *SCREW, "--json")
    assert code == 0
    assert "ace:w.json was fitted to other data" in err
    assert json.loads(out)["same_data"] is False


def test_the_richer_basis_can_be_chosen(assess):
    code, out, _ = assess("--data", "w.xyz", *SCREW, "--json", "--richer", "16,6,4")
    assert code == 0
    assert json.loads(out)["n_functions_richer"] == LinearACE("W", 4.5, 3, (16, 6, 4)).n_coefficients


def test_a_candidate_whose_crystal_is_unstable_is_refused(assess):
    code, out, err = assess("--data", "w.xyz", *SCREW, candidate="ace:unstable.json")
    assert (code, out) == (2, "")
    assert "bcc W with ace:unstable.json is unstable" in err.splitlines()[-1]


def test_a_candidate_whose_dislocation_finds_no_equilibrium_ends_with_3(assess, monkeypatch):
    from genmlip.cli import assess as command

    monkeypatch.setattr(command, "MAX_CALLS", 1)
    code, out, err = assess("--data", "w.xyz", *SCREW)
    assert (code, out) == (3, "")
    assert len(err.splitlines()) == 1


def test_either_a_reference_or_data_is_asked_for(refused):
    for given in ((), ("--data", "w.xyz", "--reference", "fs:W")):
        assert "either --reference POT or --data FILE" in refused(*SCREW, *given)


@pytest.mark.parametrize(
    ("file", "clue"),
    [
        ("missing.xyz", "cannot read missing.xyz"),
        (".", "cannot read ."),
        ("junk.xyz", "junk.xyz, configuration 1"),
        ("molybdenum.xyz", "no element Mo"),
    ],
)
def test_data_that_cannot_be_used_are_refused(refused, file, clue):
    assert clue in refused("--data", file, *SCREW)


@pytest.mark.parametrize(
    ("candidate", "clue"),
    [
        ("fs:W", "only a linear ACE of genmlip"),
        ("ace:bare.json", "does not say how it was fitted"),
        ("ace:missing.json", "missing.json"),
        ("ace:w.xyz", "w.xyz"),
    ],
)
def test_candidates_that_cannot_be_used_are_refused(refused, candidate, clue):
    assert clue in refused("--data", "w.xyz", *SCREW, candidate=candidate)


@pytest.mark.parametrize(
    ("arguments", "clue"),
    [
        (("bcc-screw-111", "--radius", "0"), "radius 0 Å is too small"),
        (("bcc-screw-111", "--radius", "-5"), "radius -5 Å is too small"),
        (("bcc-screw-111", "--radius", "nan"), "finite"),
        (("bcc-screw-112", "--radius", "12"), "did you mean bcc-screw-111?"),
        (("fcc-screw-110", "--radius", "12"), "needs a fcc crystal"),
        (("vacancy", "--radius", "12"), "dislocations only"),
        ((*SCREW, "--richer", "12,6"), "at least 14, 6"),
        ((*SCREW, "--richer", "14,6"), "not richer"),
        ((*SCREW, "--richer", "70,8"), "at most 60"),
        ((*SCREW, "--richer", "many"), "degree is a number"),
        ((*SCREW, "--boundary", "flexible"), "the boundary is clamped"),
        ((*SCREW, "--estimate-only"), "goes with --reference"),
        ((*SCREW, "--draws", "1"), "--draws"),
        ((*SCREW, "--symbol", "Mo"), "Mo"),
    ],
)
def test_settings_that_make_no_sense_are_refused(refused, arguments, clue):
    assert clue in refused("--data", "w.xyz", *arguments)


def test_a_richer_basis_beside_a_reference_is_refused(refused):
    assert "--richer goes with --data" in refused("--reference", "fs:W", *SCREW, "--richer", "20,8")
