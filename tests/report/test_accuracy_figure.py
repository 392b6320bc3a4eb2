"""The figure of errors against the number of functions shows the table and says what it finds."""

import pandas as pd
import pytest
from numpy.testing import assert_allclose

from genmlip.report import error_vs_functions
from genmlip.report.draw import table_figures
from genmlip.report.style import png
from genmlip.report.tables import NothingToDrawError


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "data": ["mlearn_Ge", "mlearn_Ge", "W_dft"],
            "n_functions": [400, 100, 100],
            "test_energy_mae": [1.5e-3, 4e-3, 3e-3],
            "test_force_mae": [0.048, 0.1, 0.12],
            "cv_energy_mae": [1.6e-3, 4.2e-3, 3.3e-3],
            "cv_force_mae": [0.05, 0.11, 0.13],
            "status": "ok",
        }
    )


def test_curves_are_the_points_of_the_table_in_order_of_size(table):
    energies, forces = error_vs_functions(table).axes
    curves = [line for line in energies.lines if len(line.get_xdata()) == 2 and line.get_marker() == "o"]
    assert_allclose(curves[0].get_xdata(), [100, 400])
    assert_allclose(curves[0].get_ydata(), [4.0, 1.5])  # meV/atom
    assert_allclose(curves[1].get_ydata(), [4.2, 1.6])
    assert forces.get_ylabel().endswith("(eV/Å)")
    assert png(forces.figure, dpi=40).startswith(b"\x89PNG")


def test_the_sentence_names_the_errors_of_the_largest_bases_and_what_they_undercut(table):
    said = " ".join(error_vs_functions(table).get_suptitle().split())
    assert "Ge 1.5 and 0.048; W 3.0 and 0.12." in said
    assert "best of GAP and MTP: energies of Ge and forces of Ge." in said


def test_no_claim_is_made_where_published_errors_are_smaller(table):
    table.loc[0, ["test_energy_mae", "test_force_mae"]] = 1.8e-3, 0.05
    assert "best of GAP and MTP: forces of Ge." in " ".join(error_vs_functions(table).get_suptitle().split())
    assert "GAP" not in error_vs_functions(table.loc[2:]).get_suptitle()


def test_a_table_without_finished_runs_is_refused(table):
    with pytest.raises(NothingToDrawError):
        error_vs_functions(table.assign(status="failed"))


def test_a_table_of_fits_to_data_is_drawn_as_one(table):
    ((name, figure),) = table_figures(table)
    assert name == "error_vs_functions"
    assert len(figure.axes) == 2
