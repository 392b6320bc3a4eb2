"""The whole path of ``genmlip demo`` with tiny settings: study, table, figures, report."""

import json

import pytest

from genmlip.cli.app import run
from genmlip.studies import read_table


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """The folder that ``genmlip demo`` filled."""
    out = tmp_path_factory.mktemp("demo") / "out"
    assert run(["demo", "--tiny", "--out", str(out), "--workers", "2"]) == 0
    return out


def test_every_run_relaxes_the_dislocation_and_has_an_error(demo):
    table = read_table(demo)
    assert len(table) == 4
    assert (table["status"] == "ok").all(), table["error"].tolist()
    assert (table["geometry_error"] > 0).all()
    assert (table["effectivity"] > 0).all()


def test_what_runs_share_is_computed_once(demo):
    kinds = [path.name.split("-")[0] for path in (demo / "cache").iterdir() if path.suffix != ".lock"]
    assert sorted(kinds) == [
        "cells",
        "cells",
        "equilibrium",
        "potential",
        "potential",
        "potential",
        "potential",
    ]


def test_figures_and_a_self_contained_report_are_written(demo):
    figures = {path.name for path in (demo / "figures").iterdir()}
    assert {"error_vs_cell.pdf", "decay.pdf", "differential_displacement.png"} <= figures
    page = (demo / "report.html").read_text()
    assert "<html" in page
    assert "data:image/png;base64," in page
    assert 'src="http' not in page


def test_a_finished_demo_resumes_without_doing_anything_again(demo, capfd):
    before = {path: path.stat().st_mtime_ns for path in (demo / "rows").iterdir()}
    assert run(["demo", "--tiny", "--out", str(demo), "--resume"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (demo / "rows").iterdir()} == before
    assert "4 of 4 runs are there already" in capfd.readouterr().err


def test_figures_can_be_drawn_again_from_the_folder(demo, capfd):
    assert run(["figures", str(demo)]) == 2
    assert run(["figures", str(demo), "--force"]) == 0
    assert "error_vs_cell.pdf" in capfd.readouterr().out


def test_the_record_says_what_was_asked_for(demo):
    record = json.loads((demo / "study.json").read_text())
    assert record["kind"] == "genmlip.studies.generalisation:Generalisation"
    assert {run["parameters"]["observations"] for run in record["runs"]} == {"EF", "EFV"}
