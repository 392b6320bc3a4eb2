"""How much virials reduce the error of each defect, the vacancy as control (docs/theory.md, G6)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from genmlip.report.comparison import compare_observations
from genmlip.report.plots.axes import label_logs, legend_below, tick_values
from genmlip.report.style import (
    PAGE_WIDTH,
    PREDICTED,
    dislocation_colour,
    dislocation_marker,
    new_figure,
    styled,
    takeaway,
)
from genmlip.report.tables import NothingToDrawError, at_largest_radius, require, spread
from genmlip.report.virials import gain_sentence

PANELS = {
    "geometry_error": "in the reference's far field",
    "geometry_error_own": "each fit in its own far field",
}


@styled
def virial_gain(table: pd.DataFrame) -> Figure:
    """Geometry error without virials over that with them, against the training cell, one curve per defect.

    Geometric means over the seeds; the largest radius of each defect. Raises NothingToDrawError where no
    setting has both.
    """
    require(table, "cell", "dislocation")
    table = at_largest_radius(table)
    gains = {
        quantity: gain
        for quantity in PANELS
        if quantity in table and not (gain := compare_observations(table, quantity)).empty
    }
    if not gains:
        raise NothingToDrawError("no setting has a geometry error both with and without virials")
    figure = new_figure(PAGE_WIDTH if len(gains) > 1 else 4.9, 3.9)
    axes = figure.subplots(1, len(gains), squeeze=False, sharey=True)[0]
    for ax, (quantity, gain) in zip(axes, gains.items(), strict=True):
        for dislocation, own in gain.groupby("dislocation"):
            curve = spread(own, "cell", "ratio")
            ax.plot(
                curve.x, curve.centre, color=dislocation_colour(dislocation),
                marker=dislocation_marker(dislocation), label=dislocation or "defect",
            )  # fmt: skip
        ax.axhline(1.0, label="no difference", **PREDICTED)
        ax.set(yscale="log", xlabel="training cell L (cubic unit cells)", title=PANELS[quantity])
        tick_values(ax.xaxis, gain["cell"])
    axes[0].set_ylabel("geometry error, EF / EFV")
    label_logs(axes[0].yaxis)
    legend_below(figure, axes[0])
    said = gain_sentence(gains[next(reversed(gains))])
    own = f"{PANELS['geometry_error_own'].capitalize()}: {said[0].lower()}{said[1:]}"
    takeaway(figure, own if len(gains) > 1 else said)
    return figure
