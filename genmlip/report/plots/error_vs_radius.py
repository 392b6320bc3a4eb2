"""Error of a fixed potential against the radius of the simulated region (docs/theory.md, G2)."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genmlip._types import Array
from genmlip.report.plots.axes import draw_spread, legend_below, tick_values
from genmlip.report.style import GREY, PAGE_WIDTH, PREDICTED, new_figure, observation_colour, styled, takeaway
from genmlip.report.tables import NothingToDrawError, Spread, drawable, spread
from genmlip.report.words import growth_sentence


@styled
def error_vs_radius(table: pd.DataFrame) -> Figure:
    """Geometry error against R on a logarithmic R axis, one panel per dislocation, with A √log(R / r₀).

    Full curves: both potentials in the reference's predictor, where theory lets the error grow with R; open
    markers: each in its own. The law is fitted (squared error against log R) to each full curve that grows.
    Where the table has several training cells, the smallest is shown. Raises NothingToDrawError where no
    curve has two radii.
    """
    rows = drawable(table, "geometry_error", "radius")
    note = ""
    if "cell" in rows:
        rows = rows.loc[rows["cell"] == rows["cell"].min()]
        note = f", L = {rows['cell'].min():g}"
    if rows["radius"].nunique() < 2:
        raise NothingToDrawError("the table has one radius only; an error against the radius needs two")
    dislocations = sorted(rows["dislocation"].unique())
    figure = new_figure(max(PAGE_WIDTH, 2.3 * len(dislocations)), 3.6)
    axes = figure.subplots(1, len(dislocations), squeeze=False, sharey=True)[0]
    for ax, dislocation in zip(axes, dislocations, strict=True):
        _curves(ax, rows.loc[rows["dislocation"] == dislocation])
        ax.set_title(f"{dislocation}{note}")
        ax.set_xlabel("radius R (Å)")
    axes[0].set_ylabel("geometry error ‖D(w̄ − ū)‖ (Å)")
    axes[0].set_ylim(bottom=0)
    if "geometry_error_own" in rows:
        axes[0].plot([], [], marker="o", mfc="white", color=GREY, linewidth=0.8, label="in its own far field")
    axes[0].plot([], [], label="fitted A √log(R / r₀)", **PREDICTED)
    legend_below(figure, axes[0])
    takeaway(figure, growth_sentence(rows))
    return figure


def _curves(ax: Axes, rows: pd.DataFrame) -> None:
    for observations, own in rows.groupby("observations"):
        curve = spread(own, "radius", "geometry_error")
        draw_spread(ax, curve, observations)
        if "geometry_error_own" in own and own["geometry_error_own"].gt(0).any():
            relaxed = spread(drawable(own, "geometry_error_own"), "radius", "geometry_error_own")
            colour = observation_colour(observations)
            ax.plot(relaxed.x, relaxed.centre, marker="o", mfc="white", color=colour, linewidth=0.8)
        fitted = square_root_log(curve)
        if fitted is not None:
            ax.plot(*fitted, **{**PREDICTED, "color": observation_colour(observations)})
    ax.set_xscale("log")
    tick_values(ax.xaxis, rows["radius"])


def square_root_log(curve: Spread) -> tuple[Array, Array] | None:
    """A √log(R / r₀), the squared error regressed on log R; None where the error does not grow."""
    if len(curve.x) < 3:
        return None
    slope, offset = np.polyfit(np.log(curve.x), curve.centre**2, 1)
    if slope <= 0:
        return None
    x = np.geomspace(curve.x[0], curve.x[-1], 100)
    return x, np.sqrt(np.maximum(slope * np.log(x) + offset, 0.0))
