"""What is said about virials follows pairs of fits to the same cells, whichever way these went."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy import stats

from genmlip.report.comparison import compare_observations, overall_gain
from genmlip.report.virials import core_sentence, headline, panel_words, virial_sentence
from genmlip.report.words import factor


def pairs(without, with_virials, cell=2, quantity="geometry_error"):
    """A table with one pair per seed."""
    without, with_virials = np.atleast_1d(without), np.atleast_1d(with_virials)
    tables = [
        pd.DataFrame({"cell": cell, "observations": name, "seed": np.arange(len(values)), quantity: values})
        for name, values in (("EF", without), ("EFV", with_virials))
    ]
    return pd.concat(tables, ignore_index=True)


@given(st.floats(1e-6, 1e3), st.floats(1e-6, 1e3))
def test_the_sentence_names_the_side_that_won_and_by_how_much(without, with_virials):
    sentence = virial_sentence(pairs(without, with_virials))
    ratio = np.exp(np.log(without) - np.log(with_virials))  # to the last bit, for ties of rounding
    if ratio > 1.1:
        assert sentence.startswith(f"With virials the geometry error is {factor(ratio)} smaller at L = 2")
    elif ratio < 1 / 1.1:
        assert sentence.startswith("Virials did not help")
        assert f"{factor(1 / ratio)} larger at L = 2" in sentence
    else:
        assert sentence.startswith("Virials make no difference")


def test_one_seed_is_said_to_have_no_scatter():
    assert "one seed" in virial_sentence(pairs(0.2, 0.1))


def test_a_mixed_outcome_names_where_virials_helped_and_where_not():
    sentence = virial_sentence(pd.concat([pairs(0.7, 0.1, cell=1), pairs(0.1, 0.2, cell=4)]))
    assert "7.0 times smaller at L = 1" in sentence
    assert "2.0 times larger at L = 4" in sentence


@given(st.lists(st.tuples(st.floats(0.01, 100), st.floats(0.01, 100)), min_size=2, max_size=6))
def test_the_gain_is_the_students_t_interval_of_the_logarithm_over_pairs(values):
    without, with_virials = np.array(values).T
    logs = np.log(without) - np.log(with_virials)  # to the last bit, for pairs that tie
    row = compare_observations(pairs(without, with_virials), "geometry_error").iloc[0]
    assert_allclose(row["ratio"], stats.gmean(without / with_virials), rtol=1e-9)
    assert row["won"] == (logs > 0).sum()
    assert row["pairs"] == len(logs)
    spread = logs.std(ddof=1)
    if spread > 1e-6:
        interval = stats.t.interval(0.95, len(logs) - 1, logs.mean(), spread / np.sqrt(len(logs)))
        assert_allclose([row["low"], row["high"]], np.exp(interval), rtol=1e-6)


def test_a_gain_within_every_pair_is_seen_though_the_seeds_scatter_more():
    scattered = np.array([0.1, 0.4, 1.5])
    sentence = virial_sentence(pairs(scattered, scattered / np.array([2.0, 2.1, 1.9])))
    assert sentence.startswith("With virials the geometry error is 2.0 times smaller (mean 2.0 [")
    assert sentence.endswith("in 3 of 3 pairs).")


def test_seeds_that_disagree_are_called_scatter():
    scattered = pairs([1.0, 2.0, 3.0], [2.0, 0.5, 3.1], cell=1)
    assert virial_sentence(scattered).startswith(
        "What virials do to the geometry error is within the scatter"
    )
    clear = pairs([20.0, 21.0, 22.0], [1.0, 1.01, 1.02], cell=2)
    sentence = virial_sentence(pd.concat([clear, pairs([1.0, 2.0, 3.0], [2.0, 4.5, 0.5], cell=3)]))
    assert sentence.startswith(
        "With virials the geometry error is 21 times smaller at L = 2; it is within the"
    )
    assert sentence.endswith("at L = 3.")


def test_a_fit_whose_partner_failed_is_not_compared(fail, make_table):
    table = make_table(cells=(2,), scatter=0.0)
    broken = fail(table, table.index[(table["observations"] == "EF") & (table["seed"] == 1)])
    assert overall_gain(broken, "geometry_error").pairs == 2


def test_without_a_pair_to_compare_nothing_is_claimed(make_table):
    only = make_table(observations=("EF",))
    assert virial_sentence(only).startswith("Nothing shows what virials do")
    assert headline(only) == ""
    assert panel_words(only, "geometry_error") == ""


def test_failed_rows_do_not_enter_the_comparison(table, fail):
    broken = fail(table, [0])
    broken.loc[0, "geometry_error"] = 1e9
    assert overall_gain(broken, "geometry_error").ratio < 10


def test_the_headline_tells_the_far_field_from_the_geometry_as_a_whole(make_table):
    table = make_table(gain=1.0)
    with_virials = table["observations"] == "EFV"
    table["delta_C_rel"] = np.where(with_virials, 0.01, 0.08)
    table["geometry_error_far"] = np.where(with_virials, 0.1, 0.3)
    disturbed = np.where(table["seed"] == 1, 3.0, 1.0) * np.where(table["cell"] == 2, 0.2, 1.0)
    table["geometry_error"] = np.where(with_virials, disturbed, 1.0)
    table["energy_error"] = np.where(with_virials, 4.0, 1.0)
    assert headline(table) == (
        "With virials the elastic constants are 8.0 times and the far field 3.0 times more accurate; "
        "the energy is 4.0 times less accurate; no clear gain for the geometry as a whole."
    )


@pytest.mark.parametrize(
    ("far", "words"), [(0.2, "the core rules it"), (0.9, "the far field rules it"), (np.sqrt(0.5), "")]
)
def test_the_error_is_said_to_be_where_it_is(table, far, words):
    table["geometry_error_far"] = far * table["geometry_error"]
    sentence = core_sentence(table)
    assert f"{100 * (1 - far**2):.0f} % with EF" in sentence
    assert words in sentence
