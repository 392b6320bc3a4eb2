"""The sentences follow the numbers, whichever way these went."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genmlip.report.tables import compare_observations
from genmlip.report.verdict import verdict
from genmlip.report.words import (
    cell_sentence,
    effectivity_sentence,
    factor,
    failure_sentence,
    growth_sentence,
    number,
    slope_sentence,
    unbroken,
    virial_sentence,
)
from genmlip.theory import fit_rate


def two_runs(without, with_virials, cell=2):
    return pd.DataFrame(
        {
            "cell": cell,
            "observations": ["EF", "EFV"],
            "seed": 0,
            "geometry_error": [without, with_virials],
        }
    )


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
def test_the_verdict_names_the_side_that_won_and_by_how_much(without, with_virials):
    sentence = virial_sentence(two_runs(without, with_virials))
    ratio = without / with_virials
    if ratio > 1.1:
        assert sentence.startswith(f"With virials the geometry error is {factor(ratio)} smaller at L = 2")
    elif ratio < 1 / 1.1:
        assert sentence.startswith("Virials did not help")
        assert f"{factor(1 / ratio)} larger at L = 2" in sentence
    else:
        assert sentence.startswith("Virials make no difference")


def test_one_seed_is_said_to_have_no_scatter():
    assert "one seed" in virial_sentence(two_runs(0.2, 0.1))


def test_a_mixed_outcome_names_where_virials_helped_and_where_not():
    table = pd.concat([two_runs(0.7, 0.1, cell=1), two_runs(0.1, 0.2, cell=4)])
    sentence = virial_sentence(table)
    assert "7.0 times smaller at L = 1" in sentence
    assert "2.0 times larger at L = 4" in sentence


def test_ratios_are_those_of_geometric_means_over_the_seeds(make_table):
    table = make_table(cells=(2,), gain=5.0, scatter=0.3)
    logs = np.log(table.set_index(["observations", "seed"])["geometry_error"]).groupby("observations").mean()
    row = compare_observations(table, "geometry_error").iloc[0]
    assert row["ratio"] == pytest.approx(np.exp(logs["EF"] - logs["EFV"]), rel=1e-12)
    assert row["seeds"] == 3


def test_overlapping_seeds_are_called_scatter(make_table):
    table = make_table(cells=(1,), gain=1.5, scatter=1.0)
    table.loc[(table["observations"] == "EF"), "geometry_error"] = [1.0, 2.0, 3.0]
    table.loc[(table["observations"] == "EFV"), "geometry_error"] = [0.5, 1.0, 1.5]
    assert virial_sentence(table).startswith("What virials do to the geometry error is within the scatter")
    apart = make_table(cells=(2,), gain=20.0, scatter=0.05)
    assert "within the scatter of the seeds in 1 of 2" in virial_sentence(pd.concat([table, apart]))


def test_without_a_pair_to_compare_nothing_is_claimed(make_table):
    sentence = virial_sentence(make_table(observations=("EF",)))
    assert sentence.startswith("Nothing shows what virials do")


def test_failed_runs_are_counted_and_explained(table, fail):
    sentence = failure_sentence(fail(table, [0, 1, 4]))
    assert "3 of 24 runs failed (2 with EF and 1 with EFV)" in sentence
    assert "unstable crystal: a phonon of the fit is imaginary" in sentence
    assert failure_sentence(table) == "All 24 runs finished."


def test_failed_rows_do_not_enter_the_errors(table, fail):
    broken = fail(table, [0])
    broken.loc[0, "geometry_error"] = 1e9
    assert "1e" not in virial_sentence(broken)
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


def test_an_estimate_that_fails_to_bound_is_exposed(table):
    assert "bounds the error in every run" in effectivity_sentence(table)
    table.loc[:4, "estimate"] = 0.5 * table.loc[:4, "geometry_error"]
    assert "falls below the error in 5 of 24 runs" in effectivity_sentence(table)


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
