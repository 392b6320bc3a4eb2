"""The a-posteriori estimate against the true error (docs/theory.md, G5)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from genmlip.report.plots.axes import label_logs, legend_of_runs, scatter_runs
from genmlip.report.style import PREDICTED, new_figure, styled, takeaway
from genmlip.report.tables import drawable
from genmlip.report.words import effectivity_sentence


@styled
def effectivity(table: pd.DataFrame) -> Figure:
    """Estimate against geometry error for every run; on the diagonal the estimate is exact."""
    rows = drawable(table, "estimate", "geometry_error")
    figure = new_figure(4.6, 4.6)
    ax = figure.subplots()
    scatter_runs(ax, rows, "geometry_error", "estimate")
    both = rows[["estimate", "geometry_error"]]
    low, high = both.min().min() / 1.6, both.max().max() * 1.6
    ax.plot([low, high], [low, high], label="estimate = error", zorder=1, **PREDICTED)
    ax.set(
        xscale="log", yscale="log", xlim=(low, high), ylim=(low, high), aspect="equal",
        xlabel="true geometry error (Å)", ylabel="estimated geometry error (Å)",
    )  # fmt: skip
    for axis in (ax.xaxis, ax.yaxis):
        label_logs(axis)
    legend_of_runs(figure, ax, rows)
    takeaway(figure, effectivity_sentence(table))
    return figure
