"""Error of the dislocation against the size of the training cells (docs/theory.md, G3)."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genmlip.report.plots.axes import draw_spread, label_logs, legend_below, tick_values
from genmlip.report.style import (
    PAGE_WIDTH,
    new_figure,
    observation_colour,
    observation_label,
    styled,
    takeaway,
)
from genmlip.report.tables import at_largest_radius, drawable, spread, varying_settings
from genmlip.report.words import virial_sentence

LINE_STYLES = ("-", "--", ":", "-.")
PANELS = {
    "geometry_error": "geometry error ‖D(w̄ − ū)‖ (Å)",
    "energy_error": "energy error (eV per line period)",
    "delta_C_rel": "elastic constants ‖δC‖ / ‖C‖",
}


@styled
def error_vs_cell(table: pd.DataFrame) -> Figure:
    """Errors of geometry, energy and elastic constants against L, one curve per set of observations.

    Points are the runs, the curve their geometric mean, bars the range over the seeds. Where the table has
    several radii the largest of each dislocation is shown. Raises NothingToDrawError where no run finished.
    """
    table = at_largest_radius(table)
    rows = drawable(table, "geometry_error", "cell")
    shown = [name for name in PANELS if name in rows and rows[name].notna().any()]
    dislocations = sorted(rows["dislocation"].unique())
    varying = varying_settings(rows)
    single = len(dislocations) == 1
    shape = (1, len(shown)) if single else (len(shown), len(dislocations))
    figure = new_figure(max(PAGE_WIDTH, 2.5 * shape[1]), 3.5 if single else 2.6 * shape[0] + 0.5)
    axes = figure.subplots(*shape, squeeze=False, sharex=True, sharey=False if single else "row")
    for row, quantity in enumerate(shown):
        for column, dislocation in enumerate(dislocations):
            ax = axes[0, row] if single else axes[row, column]
            _curves(ax, rows.loc[rows["dislocation"] == dislocation], quantity, varying)
            if single or column == 0:
                ax.set_ylabel(PANELS[quantity])
            if row == 0:
                ax.set_title(_setting(dislocation, rows))
            if single or row == len(shown) - 1:
                ax.set_xlabel("training cell L (cubic unit cells)")
    for ax in axes[:, 0] if not single else axes[0]:
        label_logs(ax.yaxis)
    legend_below(figure, axes[0, 0])
    takeaway(figure, virial_sentence(table, "geometry_error"))
    return figure


def _setting(dislocation: str, rows: pd.DataFrame) -> str:
    own = rows.loc[rows["dislocation"] == dislocation]
    return f"{dislocation}, R = {own['radius'].max():g} Å" if "radius" in own else dislocation


def _curves(ax: Axes, rows: pd.DataFrame, quantity: str, varying: list[str]) -> None:
    """One curve per set of observations and, in another line style, per value of the settings that vary."""
    rows = drawable(rows, quantity)
    styles: dict[tuple[object, ...], str] = {}
    for (observations, *setting), own in rows.groupby(["observations", *varying], dropna=False):
        style = styles.setdefault(tuple(setting), LINE_STYLES[len(styles) % len(LINE_STYLES)])
        said = [f"{name} {value}" for name, value in zip(varying, setting, strict=True)]
        label = ", ".join([observations, *said]) if said else observation_label(observations)
        colour = observation_colour(observations)
        ax.scatter(own["cell"], own[quantity], s=11, color=colour, alpha=0.4, linewidths=0, zorder=2)
        draw_spread(ax, spread(own, "cell", quantity), observations, label, linestyle=style)
    ax.set_yscale("log")
    tick_values(ax.xaxis, rows["cell"])
