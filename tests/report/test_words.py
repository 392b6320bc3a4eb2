"""The sentences follow the numbers, whichever way these went."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genmlip.report.verdict import verdict
from genmlip.report.words import (
    cell_sentence,
    effectivity_sentence,
    failure_sentence,
    growth_sentence,
    number,
    slope_sentence,
    unbroken,
)
from genmlip.theory import fit_rate


def test_failed_runs_are_counted_and_explained(table, fail):
    sentence = failure_sentence(fail(table, [0, 1, 4]))
    assert "3 of 24 runs failed (2 with EF and 1 with EFV)" in sentence
    assert "unstable crystal: a phonon of the fit is imaginary" in sentence
    assert failure_sentence(table) == "All 24 runs finished."


def test_cells_without_a_stable_crystal_are_named(table, fail):
    lost = fail(table, table.index[table["cell"] == 1], "unstable at a0 = 3.1 Å").assign(
        candidate_stable=True
    )
    lost.loc[table["cell"] == 1, "candidate_stable"] = False
    assert failure_sentence(lost).endswith("At L = 1 no fit has a stable crystal.")
    lost = fail(lost, [9], "unstable at a0 = 3.2 Å")
    lost.loc[9, "candidate_stable"] = False
    assert "at L = 1 no fit has a stable crystal; the crystal is unstable in 1 of 6 at L = 2" in (
        failure_sentence(lost).lower().replace("l =", "L =")
    )


def test_failed_rows_do_not_enter_the_errors(table, fail):
    broken = fail(table, [0])
    broken.loc[0, "geometry_error"] = 1e9
    assert "000" not in cell_sentence(broken)


def test_a_study_in_which_everything_failed_claims_nothing(table, fail):
    sentences = verdict(fail(table, table.index), None)
    assert sentences[0].startswith("Nothing can be said about errors. 24 of 24 runs failed")
    assert not any("smaller" in sentence for sentence in sentences)


def test_an_unconverged_reference_is_the_first_thing_said(table, screw):
    unfinished = SimpleNamespace(**(vars(screw) | {"converged": False, "fmax": 3e-3}))
    assert verdict(table, unfinished)[0].startswith("Beware: the reference did not converge")
    assert "3.0e-03" in verdict(table, unfinished)[0]
    assert not verdict(table, screw)[0].startswith("Beware")


def test_runs_that_lost_the_dislocation_are_counted(table, screw):
    assert not any("Burgers vector" in sentence for sentence in verdict(table, screw))
    table.loc[3, "geometry_error"] = 1.01 * screw.cell.defect.b
    assert any("In 1 of 24 runs that finished" in sentence for sentence in verdict(table, screw))


def test_growth_is_the_ratio_of_the_largest_to_the_smallest_radius(make_table):
    table = make_table(cells=(1,), seeds=(0,), radii=(10.0, 40.0), scatter=0.0)
    assert growth_sentence(table) == (
        "From R = 10 to 40 Å the geometry error is multiplied by 1.7 with EF and 1.0 with EFV."
    )


@pytest.mark.parametrize(
    ("true_slope", "words"),
    [(1.0, "as predicted"), (1.6, "more steeply"), (0.5, "less steeply"), (0.0, "does not follow x")],
)
def test_a_fitted_slope_is_held_against_the_prediction(true_slope, words):
    x = np.geomspace(1e-3, 1e-1, 9)
    noise = np.exp(0.01 * np.cos(5 * np.arange(9)))
    assert words in slope_sentence("The error", "x", fit_rate(x, x**true_slope * noise), predicted=1.0)


def test_an_estimate_whose_bound_fails_is_exposed(table):
    assert "is 1.4 times the true error" in effectivity_sentence(table)
    assert "its bound holds in 24 of 24 runs" in effectivity_sentence(table)
    table.loc[:4, "estimate_bound"] = 0.5 * table.loc[:4, "geometry_error"]
    assert "its bound holds in 19 of 24 runs" in effectivity_sentence(table)
    assert "bound" not in effectivity_sentence(table.drop(columns="estimate_bound"))


@given(st.floats(1e-12, 1e12))
def test_numbers_are_written_to_two_digits(value):
    assert float(number(value)) == pytest.approx(value, rel=0.051)


def test_numbers_read_as_a_person_writes_them():
    assert [number(v) for v in (7.31, 0.0123, 120.4, 0.0, float("nan"))] == ["7.3", "0.012", "120", "0", "–"]


def test_lines_do_not_end_between_a_number_and_its_unit():
    sentence = unbroken("At L = 2 it is 7.3 times smaller (0.5 Å, 10 %), slope 1.0 [−0.9, 1.1].")
    assert sentence.split(" ") == [
        "At", "L\xa0=\xa02", "it", "is", "7.3\xa0times", "smaller", "(0.5\xa0Å,", "10\xa0%),", "slope",
        "1.0", "[−0.9,\xa01.1].",
    ]  # fmt: skip
