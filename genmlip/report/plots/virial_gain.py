"""How much virials reduce the error of each defect, the vacancy as control (docs/theory.md, G6)."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from genmlip.report.comparison import compare_observations
from genmlip.report.plots.axes import label_logs, tick_values
from genmlip.report.style import (
    PREDICTED,
    dislocation_colour,
    dislocation_marker,
    new_figure,
    styled,
    takeaway,
)
from genmlip.report.tables import NothingToDrawError, at_largest_radius, require, spread
from genmlip.report.virials import gain_sentence


@styled
def virial_gain(table: pd.DataFrame) -> Figure:
    """Geometry error without virials over that with them, against the training cell, one curve per defect.

    Geometric means over the seeds; the largest radius of each defect. Raises NothingToDrawError where no
    setting has both.
    """
    require(table, "cell", "dislocation")
    gain = compare_observations(at_largest_radius(table), "geometry_error")
    if gain.empty:
        raise NothingToDrawError("no setting has a geometry error both with and without virials")
    figure = new_figure(4.9, 3.9)
    ax = figure.subplots()
    for dislocation, own in gain.groupby("dislocation"):
        curve = spread(own, "cell", "ratio")
        ax.plot(
            curve.x, curve.centre, color=dislocation_colour(dislocation),
            marker=dislocation_marker(dislocation), label=dislocation or "defect",
        )  # fmt: skip
    ax.axhline(1.0, label="no difference", **PREDICTED)
    ax.set(yscale="log", xlabel="training cell L (cubic unit cells)", ylabel="geometry error, EF / EFV")
    tick_values(ax.xaxis, gain["cell"])
    label_logs(ax.yaxis)
    ax.legend(loc="best")
    takeaway(figure, gain_sentence(gain))
    return figure
