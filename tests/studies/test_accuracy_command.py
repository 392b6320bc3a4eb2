"""``genmlip study NAME --data DIR``: where the runs find their data sets."""

import os

import pytest

from genmlip.cli.app import run
from genmlip.studies import read_table
from genmlip.training import bulk_cells, label

DECLARATION = """
from genmlip.studies import Accuracy, Study

study = Study([{"data": "Toy"}], kind=Accuracy, cutoff=4.0, r0=3.0, order=1, degree="5", block=1)
"""


@pytest.fixture
def study(tungsten, tmp_path, monkeypatch, capfd):
    """Run a study of data in the folder ``sets`` while GENMLIP_DATA names another: (exit code, stderr)."""
    (tmp_path / "sets").mkdir()
    data = label(bulk_cells(tungsten, 1, 16, 0.1, 0.02), tungsten.potential)
    data.write(tmp_path / "sets" / "Toy.xyz.gz")
    (tmp_path / "toy.py").write_text(DECLARATION)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GENMLIP_DATA", "elsewhere")

    def study(*arguments):
        code = run(["study", "toy.py", "--out", "out", "--workers", "1", *arguments])
        return code, capfd.readouterr().err

    return study


def test_data_of_a_study_are_read_from_the_folder_that_is_given(study):
    code, err = study("--data", "sets")
    assert code == 0, err
    assert list(read_table("out")["status"]) == ["ok"]
    assert os.environ["GENMLIP_DATA"] == "elsewhere"


def test_a_folder_of_data_that_is_not_there_is_refused_before_any_run(study, tmp_path):
    code, err = study("--data", "stes")
    assert code == 2
    assert err == "genmlip: --data stes: there is no such folder\n"
    assert not (tmp_path / "out").exists()


def test_workers_of_a_scheduler_have_data_of_their_own(tmp_path, capfd):
    assert run(["study", "dft_accuracy", "--data", str(tmp_path), "--scheduler", "tcp://nowhere:1"]) == 2
    assert "set GENMLIP_DATA where the workers start" in capfd.readouterr().err
