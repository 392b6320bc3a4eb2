"""Error of the dislocation against two measures of the fit's accuracy (docs/theory.md, G4)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from genmlip.report.plots.axes import label_logs, legend_of_runs, scatter_runs
from genmlip.report.plots.rate import draw_rate
from genmlip.report.style import new_figure, styled, takeaway
from genmlip.report.tables import drawable
from genmlip.report.words import proportional_sentence, rate_or_none, ruled_by
from genmlip.theory.attribution import CORE_RADIUS

LABELS = {
    "geometry_error": "geometry error ‖D(w̄ − ū)‖ (Å)",
    "geometry_error_far": f"geometry error beyond {CORE_RADIUS:g} Å (Å)",
}


@styled
def error_vs_delta_C(table: pd.DataFrame) -> Figure:
    """The far-field part of the geometry error against the error of the elastic constants, with the slope.

    The whole geometry error where a table has no such part.
    """
    return _against(table, "delta_C_rel", "relative error of the elastic constants ‖δC‖ / ‖C‖")


@styled
def error_vs_force_rmse(table: pd.DataFrame) -> Figure:
    """Geometry error against the force error at the core, with the fitted slope."""
    return _against(table, "force_rmse_core", "force error at the core, RMS (eV/Å)")


def _against(table: pd.DataFrame, x: str, label: str) -> Figure:
    """All runs of the table, colour by observations, marker by dislocation; theory predicts slope one."""
    y = ruled_by(table, x)
    rows = drawable(table, x, y)
    figure = new_figure(4.9, 3.9)
    ax = figure.subplots()
    scatter_runs(ax, rows, x, y)
    ax.set(xscale="log", yscale="log", xlabel=label, ylabel=LABELS[y])
    rate = rate_or_none(rows[x], rows[y])
    if rate is not None:
        draw_rate(ax, rate)
    for axis in (ax.xaxis, ax.yaxis):
        label_logs(axis)
    legend_of_runs(figure, ax, rows)
    takeaway(figure, proportional_sentence(table, x) or "Too few runs to tell how the error follows the fit.")
    return figure
