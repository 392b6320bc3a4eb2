import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose

from genmlip.report.plots.selection import gain_sentence, selection_gain
from genmlip.report.selection import CHOSEN, selection_gains
from genmlip.report.tables import NothingToDrawError

SCREW, EDGE = "bcc-screw-111", "bcc-edge-111"


@pytest.fixture
def table():
    """Chosen cells are four times better in the target and twice in the other; seeds scatter in pairs."""
    rng, rows = np.random.default_rng(1), []
    for seed in range(4):
        usual = 0.02 * np.exp(rng.standard_normal())
        for dislocation, gain in ((SCREW, 4.0), (EDGE, 2.0)):
            for cells, error in (("bulk", usual), ("plausible", usual / gain), ("posterior", 3 * usual)):
                rows.append(
                    {
                        "reference": "fs:W", "power": 1, "target": SCREW, "dislocation": dislocation,
                        "seed": seed, "cells": cells, "bulk_size": 2, "weights": "fixed",
                        "geometry_error": error, "status": "ok",
                    }
                )  # fmt: skip
    return pd.DataFrame(rows)


def test_gains_are_ratios_of_pairs(table):
    gains = selection_gains(table).set_index(["way", "dislocation"])
    assert_allclose(gains.loc[(CHOSEN, SCREW), ["ratio", "low", "high"]].to_list(), 4.0)
    assert_allclose(gains.loc[(CHOSEN, EDGE), "ratio"], 2.0)
    assert_allclose(gains.loc[("A-optimal", EDGE), "ratio"], 1 / 3)
    assert gains.loc[(CHOSEN, EDGE), "held_out"]
    assert not gains.loc[(CHOSEN, SCREW), "held_out"]


def test_the_figure_says_what_was_found_there_and_elsewhere(table):
    sentence = gain_sentence(selection_gains(table))
    assert "4 times smaller in the dislocation they are for" in sentence
    assert "2 times smaller in others" in sentence
    assert selection_gain(table).axes


def test_a_loss_is_called_one(table):
    worse = table.assign(geometry_error=1.0 / table["geometry_error"])
    assert "4 times larger" in gain_sentence(selection_gains(worse))


def test_without_the_usual_cells_there_is_nothing_to_draw(table):
    with pytest.raises(NothingToDrawError, match="usual"):
        selection_gain(table.loc[table["cells"] != "bulk"])
