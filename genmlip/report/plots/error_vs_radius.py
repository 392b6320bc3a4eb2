"""Error of a fixed potential against the radius of the simulated region (docs/theory.md, G2)."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genmlip._types import Array
from genmlip.report.plots.axes import draw_spread, legend_below, tick_values
from genmlip.report.style import GREY, PAGE_WIDTH, PREDICTED, new_figure, observation_colour, styled, takeaway
from genmlip.report.tables import NothingToDrawError, Spread, drawable, spread
from genmlip.report.words import growth_sentence, short_name


@styled
def error_vs_radius(table: pd.DataFrame) -> Figure:
    """Geometry error against R on a logarithmic R axis, with A √log(R / r₀).

    One column of panels per dislocation, one row per reference.

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
    references = list(rows["reference"].unique()) if "reference" in rows else [""]
    dislocations = sorted(rows["dislocation"].unique())
    figure = new_figure(max(PAGE_WIDTH, 2.3 * len(dislocations)), 2.4 * len(references) + 1.2)
    axes = figure.subplots(len(references), len(dislocations), squeeze=False, sharex=True, sharey="row")
    for line, reference in zip(axes, references, strict=True):
        for ax, dislocation in zip(line, dislocations, strict=True):
            own = rows.loc[rows["dislocation"] == dislocation]
            _curves(ax, own.loc[own["reference"] == reference] if reference else own)
            ax.set_title(f"{dislocation}{note}" if ax in axes[0] else "")
        name = textwrap.fill(short_name(reference).replace("_", " "), 24)
        line[0].set_ylabel(f"{name}\n‖D(w̄ − ū)‖ (Å)".strip())
        line[0].set_ylim(bottom=0)
    for ax in axes[-1]:
        ax.set_xlabel("radius R (Å)")
    first = axes[0, 0]
    if "geometry_error_own" in rows:
        first.plot([], [], marker="o", mfc="white", color=GREY, linewidth=0.8, label="in its own far field")
    first.plot([], [], label="fitted A √log(R / r₀)", **PREDICTED)
    legend_below(figure, first)
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
