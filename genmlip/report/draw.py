"""All figures that a table allows, and those that need several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pandas as pd
from matplotlib.figure import Figure

from genmlip.report.plots.accuracy import error_vs_functions
from genmlip.report.plots.boundary_rates import boundary_rates
from genmlip.report.plots.effectivity import effectivity
from genmlip.report.plots.error_by_source import error_by_source
from genmlip.report.plots.error_vs_cell import error_vs_cell
from genmlip.report.plots.error_vs_fit import error_vs_delta_C, error_vs_force_rmse
from genmlip.report.plots.error_vs_radius import error_vs_radius
from genmlip.report.plots.fields import COLUMNS, core_errors, decay_of_fields
from genmlip.report.plots.selection import selection_gain
from genmlip.report.plots.virial_gain import virial_gain
from genmlip.report.tables import NothingToDrawError

TABLE_FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {
    "error_vs_cell": error_vs_cell,
    "error_vs_radius": error_vs_radius,
    "error_vs_delta_C": error_vs_delta_C,
    "error_vs_force_rmse": error_vs_force_rmse,
    "error_by_source": error_by_source,
    "effectivity": effectivity,
}
BOUNDARY_FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {"boundary_rates": boundary_rates}
SELECTION_FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {"selection_gain": selection_gain}
ACCURACY_FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {"error_vs_functions": error_vs_functions}

FIELD_FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {"decay": decay_of_fields, "cores": core_errors}


def table_figures(table: pd.DataFrame) -> Iterator[tuple[str, Figure | NothingToDrawError]]:
    """(name, figure) for every figure of such tables, or the reason why this one does not allow it.

    A table of boundary conditions is known by its ``reference_radius``, one of fits to data by its
    ``cv_force_mae``, one of chosen cells by its ``target``, one of atoms by its fields; any other is about
    potentials in defects.
    """
    drawings = TABLE_FIGURES
    if "reference_radius" in table:
        drawings = BOUNDARY_FIGURES
    elif "cv_force_mae" in table:
        drawings = ACCURACY_FIGURES
    elif "target" in table:
        drawings = SELECTION_FIGURES
    elif set(COLUMNS) <= set(table):
        drawings = FIELD_FIGURES
    for name, draw in drawings.items():
        try:
            yield name, draw(table)
        except NothingToDrawError as reason:
            yield name, reason


def joint_figures(tables: Mapping[str, pd.DataFrame]) -> Iterator[tuple[str, Figure | NothingToDrawError]]:
    """What compares studies: the gain by virials in dislocations with that in the vacancy."""
    cells = [table for table in tables.values() if "dislocation" in table and "cell" in table]
    control = [table for table in cells if (table["dislocation"] == "vacancy").all()]
    varied = [table for table in cells if table["cell"].nunique() > 1 and table["radius"].nunique() == 1]
    if control:
        references = set(control[0]["reference"])
        same = [table for table in varied if set(table["reference"]) <= references]
        try:
            yield "virial_gain", virial_gain(pd.concat(same))
        except NothingToDrawError as reason:
            yield "virial_gain", reason
