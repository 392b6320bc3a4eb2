"""The figure of boundary conditions: one potential, all dislocations, what it says and what it refuses."""

import re

import numpy as np
import pandas as pd
import pytest

from genmlip.report import boundary_rates
from genmlip.report.draw import table_figures
from genmlip.report.tables import NothingToDrawError

RADII = np.array([12.0, 16.0, 22.0, 30.0, 42.0, 60.0])
POWERS = {"clamped": -1.0, "sinclair": -1.0, "flexible": -2.0}


@pytest.fixture
def study():
    """The laws of theory, for two potentials and dislocations."""
    rows = []
    for reference in ("fs:W", "kim:OTHER"):
        for size, dislocation in ((1.0, "bcc-screw-111"), (4.0, "bcc-edge-111")):
            for boundary, power in POWERS.items():
                geometry = size * RADII**power * (1.0 if boundary == "sinclair" else np.log(RADII))
                rows.append(
                    pd.DataFrame(
                        {
                            "reference": reference, "dislocation": dislocation, "boundary": boundary,
                            "radius": RADII, "reference_radius": 180.0, "geometry_error": geometry,
                            "energy_error": geometry**2, "status": "ok", "error": None,
                        }
                    )
                )  # fmt: skip
    return pd.concat(rows, ignore_index=True)


def test_a_panel_per_dislocation_and_error_shows_points_and_fitted_slopes(study):
    axes = boundary_rates(study).axes
    assert [ax.get_title(loc="left") for ax in axes[:2]] == ["bcc-screw-111", "bcc-edge-111"]
    assert len(axes) == 4
    for ax in axes[:2]:
        said = [text.get_text() for text in ax.get_legend().get_texts()]
        assert [float(re.search(r"s = (\S+) ", line)[1].replace("−", "-")) for line in said] == list(
            POWERS.values()
        )
        points = [line for line in ax.lines if line.get_linestyle() == "None"]
        assert [len(line.get_xdata()) for line in points] == [len(RADII)] * 3


def test_the_sentence_compares_with_theory(study):
    said = boundary_rates(study).get_suptitle().replace("\n", " ").replace("\u00a0", " ")
    slopes = said.partition("s = ")[2]
    assert slopes == (
        "−1.00 for clamped (theory −1), −1.00 for sinclair (theory −1) and −2.00 for flexible (theory −2)."
    )


def test_other_potentials_of_the_table_are_drawn_on_demand(study):
    study.loc[study["reference"] == "kim:OTHER", "geometry_error"] *= 3
    one, other = (boundary_rates(study, name).axes[0] for name in ("fs:W", "kim:OTHER"))
    np.testing.assert_allclose(other.lines[0].get_ydata(), 3 * one.lines[0].get_ydata())


def test_a_potential_whose_runs_failed_is_left_out(study):
    missing = study["reference"] == "fs:W"
    study.loc[missing, ["geometry_error", "energy_error"]] = np.nan
    study.loc[missing, "status"] = "failed"
    assert boundary_rates(study).legends[0].get_title().get_text() == "kim:OTHER"
    with pytest.raises(NothingToDrawError, match="fs:W"):
        boundary_rates(study, "fs:W")


def test_too_few_radii_are_shown_without_a_rate(study):
    figure = boundary_rates(study[study["radius"] < 40])
    assert figure.get_suptitle().startswith("Too few radii")


def test_it_is_drawn_for_tables_of_boundary_conditions_and_no_others(study, table):
    with pytest.raises(NothingToDrawError, match="reference_radius"):
        boundary_rates(table)
    assert "boundary_rates" not in dict(table_figures(table))
    assert list(dict(table_figures(study))) == ["boundary_rates"]
