"""Error of the dislocation against what the training cells held: bulk, cores, or both."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from genmlip.report.plots.axes import label_logs
from genmlip.report.style import (
    PAGE_WIDTH,
    dislocation_colour,
    dislocation_marker,
    new_figure,
    styled,
    takeaway,
)
from genmlip.report.tables import NothingToDrawError, at_largest_radius, drawable, geometric_mean, require
from genmlip.report.words import change, listed

KINDS = ("bulk", "quadrupole", "bulk+quadrupole")
PANELS = {
    "geometry_error": "geometry error (Å)",
    "energy_error": "energy error (eV per period)",
    "force_rmse_core": "force error at the core (eV/Å)",
    "delta_C_rel": "elastic constants ‖δC‖ / ‖C‖",
}


@styled
def error_by_source(table: pd.DataFrame) -> Figure:
    """Four errors for fits to bulk cells, to quadrupoles of the dislocation, and to both; points are runs.

    Curves join geometric means. Raises NothingToDrawError where all runs have the same source.
    """
    require(table, "source")
    rows = drawable(at_largest_radius(table), "geometry_error")
    rows = rows.assign(kind=rows["source"].str.partition(":")[0])
    kinds = [kind for kind in KINDS if kind in set(rows["kind"])]
    if len(kinds) < 2:
        raise NothingToDrawError("all runs trained on the same kind of cells")
    figure = new_figure(PAGE_WIDTH, 5.2)
    axes = figure.subplots(2, 2, sharex=True).ravel()
    for ax, (quantity, label) in zip(axes, PANELS.items(), strict=True):
        for k, (dislocation, own) in enumerate(drawable(rows, quantity).groupby("dislocation")):
            at = own["kind"].map(kinds.index) + 0.1 * (k - 1)
            colour, marker = dislocation_colour(str(dislocation)), dislocation_marker(str(dislocation))
            ax.scatter(at, own[quantity], s=12, color=colour, alpha=0.4, linewidths=0)
            means = own.groupby("kind")[quantity].agg(geometric_mean).reindex(kinds)
            ax.plot(
                np.arange(len(kinds)) + 0.1 * (k - 1), means, color=colour, marker=marker, label=dislocation
            )
        ax.set(yscale="log", ylabel=label)
        ax.set_xticks(range(len(kinds)), ["both" if "+" in kind else kind for kind in kinds])
        label_logs(ax.yaxis)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    takeaway(figure, _sentence(rows, kinds))
    return figure


def _sentence(rows: pd.DataFrame, kinds: list[str]) -> str:
    """What the core in the training cells did to the geometry error, dislocation by dislocation."""
    parts = []
    for dislocation, own in rows.groupby("dislocation"):
        means = own.groupby("kind")["geometry_error"].agg(geometric_mean)
        if {"bulk", "quadrupole"} <= set(means.index):
            parts.append(f"{change(means['bulk'] / means['quadrupole'])} for {dislocation}")
    if not parts:
        return f"Errors of fits to {listed(kinds)} cells."
    trained = "Trained on quadrupoles of the dislocation instead of bulk cells"
    return f"{trained}, the geometry error is {listed(parts)}."
