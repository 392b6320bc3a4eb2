"""Studies whose runs fail: what the command line says and how it exits."""

import pytest

from genmlip.cli.app import run
from genmlip.studies import Study, demo, grid, read_table
from genmlip.studies.progress import NoRunFinishedError

STUDY = """
from dataclasses import dataclass
from genmlip.errors import InputError
from genmlip.studies import Study, grid

@dataclass(frozen=True)
class Failing:
    x: int
    fails: int

    def __call__(self, cache):
        if self.x >= self.fails:
            return {{"square": self.x**2}}
        if self.x == 0:
            raise ZeroDivisionError("no inverse of [zero]")
        raise InputError(f"no minimum at {{self.x}}.5 Å")

study = Study(runs=grid(x=range(4), fails={fails}), kind=Failing)
"""


@pytest.fixture
def failing(tmp_path, capfd):
    """Run a study of four runs, so many of which fail: exit code, standard error, table."""

    def failing(fails):
        path, out = tmp_path / f"{tmp_path.name}.py", tmp_path / "out"
        path.write_text(STUDY.format(fails=fails))
        code = run(["study", str(path), "--out", str(out), "--workers", "1"])
        return code, capfd.readouterr().err, read_table(out)

    return failing


def test_a_study_in_which_every_run_failed_has_its_table_and_exits_with_3(failing):
    """It once exited with 0."""
    code, err, table = failing(4)
    assert (code, len(table), set(table["status"])) == (3, 4, {"failed"})
    assert err.splitlines()[-1].startswith("genmlip: none of the 4 runs finished; ")


def test_reasons_are_grouped_whatever_their_numbers_and_counted(failing):
    _, err, _ = failing(4)
    first, second = (line for line in err.splitlines() if " × " in line)
    assert "3 × no minimum at 1.5 Å" in first
    assert "1 × ZeroDivisionError: no inverse of [zero]" in second


def test_a_study_with_some_failures_says_how_many_and_exits_with_0(failing):
    code, err, table = failing(2)
    assert (code, (table["status"] == "ok").sum()) == (0, 2)
    assert "2 of 4 runs failed" in err


def test_a_demo_without_any_finished_run_is_no_bad_input(tmp_path, monkeypatch):
    hopeless = Study(grid(cell=1, observations="F"), radius=12.0, atoms=4, n_strained=0, order=1, degree="4")
    monkeypatch.setattr(demo, "TINY", hopeless)
    with pytest.raises(NoRunFinishedError, match="none of the 1 runs finished"):
        demo.run_demo(tmp_path / "demo", tiny=True)
    assert read_table(tmp_path / "demo")["error"].str.contains("unstable").all()
