"""The committed tables: what this code computes, and enough for all figures."""

from pathlib import Path

import pytest

from genmlip.report.tables import failed
from genmlip.studies import Cache, read_table
from genmlip.studies.declaration import find_declaration, load_declaration
from genmlip.studies.figures import draw_all, write_answers
from genmlip.studies.runs import run_id

TABLES = Path(__file__).resolve().parents[2] / "paper_figures" / "tables"
PAPER = TABLES / "paper"


def studies(folder):
    return sorted(path.stem for path in folder.glob("*.csv") if path.stem not in ("atoms", "answers"))


STUDIES = studies(TABLES)
REPRODUCED = (
    "geometry_error",
    "geometry_error_own",
    "delta_C_rel",
    "force_rmse_core",
    "estimate",
    "force_rmse",
)


def test_a_row_of_the_study_is_computed_again_to_its_digits(tmp_path):
    table = read_table(TABLES / "training_cell_size.csv")
    study = load_declaration(find_declaration("training_cell_size")).study
    runs = {run_id(run): run for run in study.runs("quick")}
    chosen = table.query(
        "cell == 3 and observations == 'EFV' and dislocation == 'bcc-screw-111' and seed == 0"
    )
    row = chosen.iloc[0]
    again = runs[row["run"]](Cache(tmp_path))
    assert {name: again[name] for name in REPRODUCED} == pytest.approx(
        {name: row[name] for name in REPRODUCED}, rel=2e-3
    )


@pytest.mark.parametrize("name", STUDIES)
def test_a_table_holds_every_run_of_its_quick_preset_and_nothing_else(name):
    study = load_declaration(find_declaration(name)).study
    assert {run_id(run) for run in study.runs("quick")} == set(read_table(TABLES / f"{name}.csv")["run"])


@pytest.mark.parametrize("name", studies(PAPER))
def test_a_table_of_a_paper_preset_holds_runs_of_it_and_no_run_twice(name):
    study = load_declaration(find_declaration(name)).study
    rows = read_table(PAPER / f"{name}.csv")["run"]
    assert rows.is_unique
    assert set(rows) <= {run_id(run) for run in study.runs("paper")}


@pytest.mark.parametrize("path", sorted(TABLES.rglob("*.csv")), ids=lambda path: path.stem)
def test_runs_that_failed_say_why(path):
    table = read_table(path)
    assert "status" not in table or table.loc[failed(table), "error"].notna().all()


@pytest.mark.parametrize("folder", [TABLES, PAPER], ids=["quick", "paper"])
def test_the_answers_are_those_of_the_tables(folder, tmp_path):
    write_answers({name: read_table(folder / f"{name}.csv") for name in studies(folder)}, tmp_path)
    for name in ("answers.csv", "answers.md"):
        assert (tmp_path / name).read_text() == (folder / name).read_text()


@pytest.mark.slow
def test_one_command_draws_all_figures_from_the_tables(tmp_path):
    for path in TABLES.glob("*.csv"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    written = {path.name for path in draw_all(tmp_path)}
    assert {f"{name}.{kind}" for name in FIGURES for kind in ("pdf", "png")} | {"answers.md"} <= written


FIGURES = (
    "atoms_decay",
    "atoms_cores",
    "boundary_conditions_boundary_rates",
    "training_cell_size_error_vs_cell",
    "training_cell_size_effectivity",
    "domain_radius_error_vs_radius",
    "fit_accuracy_error_vs_delta_C",
    "fit_accuracy_error_vs_force_rmse",
    "training_source_error_by_source",
    "second_material_error_vs_cell",
    "all_virial_gain",
)
