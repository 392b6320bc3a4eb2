import json
from pathlib import Path

import pytest

from genmlip.errors import InputError, UnknownNameError
from genmlip.studies import Study, grid, read_table
from genmlip.studies.workers import LocalProcesses


def test_every_run_is_a_row_with_its_parameters_and_results(dummy, tmp_path):
    table = dummy.study.execute(tmp_path / "out")
    assert list(table["x"]) == list(range(6))
    assert list(table["square"]) == [x**2 for x in range(6)]
    assert (table["status"] == "ok").all()
    assert table["inverse"].isna().sum() == 1  # NaN is stored as null, and comes back as NaN


def test_the_table_in_the_file_is_the_table_of_the_rows(dummy, tmp_path):
    table = dummy.study.execute(tmp_path / "out")
    for name in ("table.csv", "table.parquet"):
        if (tmp_path / "out" / name).exists():
            assert read_table(tmp_path / "out" / name)["square"].tolist() == table["square"].tolist()


def test_worker_processes_give_the_same_table_as_one_process(dummy, tmp_path):
    one = dummy.study.execute(tmp_path / "one")
    two = dummy.study.execute(tmp_path / "two", executor=LocalProcesses(2, Path(dummy.__file__)))
    volatile = ["wall_s"]
    assert one.drop(columns=volatile).equals(two.drop(columns=volatile))


def test_a_failed_run_is_a_row_with_its_reason_and_traceback_and_the_rest_goes_on(dummy, tmp_path):
    runs = [{"x": 1}, {"x": 2, "behaviour": "raises"}, {"x": 3}]
    table = Study(runs, kind=dummy.Square).execute(tmp_path / "out")
    assert list(table["status"]) == ["ok", "failed", "ok"]
    failed = table.iloc[1]
    assert failed["error"] == "ZeroDivisionError: no inverse of zero"
    assert "dummy_study.py" in (tmp_path / "out" / failed["traceback"]).read_text()


def test_a_run_that_stops_half_way_keeps_what_it_found(dummy, tmp_path):
    table = Study([{"x": 3, "behaviour": "stops"}], kind=dummy.Square).execute(tmp_path / "out")
    assert table.loc[0, ["status", "square", "error"]].tolist() == ["failed", 9, "only the square"]


def test_a_killed_worker_costs_its_own_run_only(dummy, tmp_path):
    runs = [
        {"x": 1},
        {"x": 2, "behaviour": "dies"},
        {"x": 3},
        {"x": 4},
        {"x": 5, "behaviour": "dies"},
        {"x": 6},
    ]
    workers = LocalProcesses(2, Path(dummy.__file__))
    table = Study(runs, kind=dummy.Square).execute(tmp_path / "out", executor=workers)
    assert list(table["status"]) == ["ok", "failed", "ok", "ok", "failed", "ok"]
    assert table["error_type"].dropna().tolist() == ["ProcessDied"] * 2
    assert "killed (signal 9)" in table["error"][1]


def test_resuming_does_finished_runs_no_second_time_and_failed_ones_on_request(dummy, tmp_path):
    marks = tmp_path / "marks"
    runs = [{"x": 1}, {"x": 0, "behaviour": "raises"}]
    study = Study(runs, kind=dummy.Square, marks=str(marks))
    for options in ({}, {"resume": True}, {"resume": True, "retry": True}):
        study.execute(tmp_path / "out", **options)
    assert [line.split()[0] for line in marks.read_text().splitlines()] == ["1", "0", "0"]


def test_a_folder_that_is_not_empty_is_refused_and_left_as_it_was(dummy, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    for options in ({}, {"resume": True}):
        with pytest.raises(InputError, match="is not empty"):
            dummy.study.execute(tmp_path, **options)
    assert {path.name for path in tmp_path.iterdir()} <= {"thesis.tex", ".lock"}


def test_force_starts_over_and_touches_only_what_a_study_wrote(dummy, tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    dummy.study.execute(tmp_path, force=True)
    Study(grid(x=[7]), kind=dummy.Square).execute(tmp_path, force=True)
    assert read_table(tmp_path)["x"].tolist() == [7]
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_other_parameters_in_the_same_folder_are_refused_by_name(dummy, tmp_path):
    dummy.study.execute(tmp_path / "out", preset="quick")
    with pytest.raises(InputError, match=r"other parameters \(x: 1 2, now 0 1 2 3 4 5\)"):
        dummy.study.execute(tmp_path / "out", resume=True)


def test_resuming_by_force_keeps_the_rows_that_fit(dummy, tmp_path):
    marks = tmp_path / "marks"
    for xs in ([1, 2], [2, 3]):
        table = Study(grid(x=xs), kind=dummy.Square, marks=str(marks)).execute(
            tmp_path / "out", resume=True, force=True
        )
    assert table["x"].tolist() == [2, 3]
    assert [line.split()[0] for line in marks.read_text().splitlines()] == ["1", "2", "3"]


def test_bad_parameters_are_refused_before_anything_runs(dummy):
    with pytest.raises(InputError, match="must not be negative"):
        Study(grid(x=[1, -1]), kind=dummy.Square)
    with pytest.raises(UnknownNameError, match="unknown parameter of Square 'slep'; did you mean sleep"):
        Study(grid(x=[1], slep=[2]), kind=dummy.Square)


def test_identical_parameter_sets_are_one_run(dummy):
    assert len(Study([{"x": 1}, {"x": 1.0}], kind=dummy.Square).runs()) == 1


def test_the_provenance_names_versions_and_parameters(dummy, tmp_path):
    dummy.study.execute(tmp_path / "out", name="squares")
    record = json.loads((tmp_path / "out" / "study.json").read_text())
    assert record["name"] == "squares"
    assert record["runs"][3]["parameters"]["x"] == 3
    assert {"genmlip", "numpy", "numba"} <= set(record["history"][0]["versions"])


def test_a_changed_study_has_the_parameter_in_all_runs_and_each_run_once(dummy):
    changed = dummy.study.changed(x=3)
    assert [run.x for run in changed.runs("quick")] == [3]
    assert [run.x for run in dummy.study.runs("quick")] == [1, 2]


def test_values_of_one_parameter_are_alternatives_and_parameters_are_met_together(dummy):
    study = Study(grid(x=[1, 2, 3], sleep=[0.0, 0.5]), kind=dummy.Square)
    chosen = study.only({"x": ["1", "3"], "sleep": ["0.5"]}).runs()
    assert [(run.x, run.sleep) for run in chosen] == [(1, 0.5), (3, 0.5)]


def test_whole_numbers_are_asked_for_without_a_point(dummy):
    assert len(Study(grid(x=[1, 2], sleep=[1.0]), kind=dummy.Square).only({"sleep": ["1"]}).runs()) == 2


def test_asking_for_runs_that_there_are_not_is_refused(dummy):
    with pytest.raises(InputError, match="no parameter y"):
        dummy.study.only({"y": ["1"]})
    with pytest.raises(InputError, match="no run of the preset quick"):
        dummy.study.only({"x": ["5"]}).runs("quick")


def test_a_value_that_no_run_has_is_refused_beside_one_that_some_have(dummy):
    with pytest.raises(UnknownNameError, match=r"value of x '77'.*0, 1, 2, 3, 4, 5"):
        dummy.study.only({"x": ["1", "77"]})


def test_a_study_is_not_changed_in_what_its_runs_do_not_have(dummy):
    with pytest.raises(InputError, match="no parameter y"):
        dummy.study.changed(y=1)
