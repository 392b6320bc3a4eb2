"""All figures that a table allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
from matplotlib.figure import Figure

from genmlip.report.plots.boundary_rates import boundary_rates
from genmlip.report.plots.effectivity import effectivity
from genmlip.report.plots.error_vs_cell import error_vs_cell
from genmlip.report.plots.error_vs_fit import error_vs_delta_C, error_vs_force_rmse
from genmlip.report.plots.error_vs_radius import error_vs_radius
from genmlip.report.tables import NothingToDrawError

TABLE_FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {
    "error_vs_cell": error_vs_cell,
    "error_vs_radius": error_vs_radius,
    "error_vs_delta_C": error_vs_delta_C,
    "error_vs_force_rmse": error_vs_force_rmse,
    "effectivity": effectivity,
}
BOUNDARY_FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {"boundary_rates": boundary_rates}


def table_figures(table: pd.DataFrame) -> Iterator[tuple[str, Figure | NothingToDrawError]]:
    """(name, figure) for every figure of such tables, or the reason why this one does not allow it.

    A table of boundary conditions is known by its ``reference_radius``; any other is about fitted potentials.
    """
    for name, draw in (BOUNDARY_FIGURES if "reference_radius" in table else TABLE_FIGURES).items():
        try:
            yield name, draw(table)
        except NothingToDrawError as reason:
            yield name, reason
