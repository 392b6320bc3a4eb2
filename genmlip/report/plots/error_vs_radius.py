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
from genmlip.report.tables import NothingToDrawError, drawable, spread
from genmlip.report.words import growth_sentence, short_name


@styled
def error_vs_radius(table: pd.DataFrame) -> Figure:
    """Geometry error against R on a logarithmic R axis, with the growth that the elastic constants predict.

    One column of panels per dislocation, one row per reference.

    Full curves: both potentials in the reference's predictor, where theory lets the error grow with R; open
    markers: each in its own. Dashed: ``predicted_curve``. Where the table has several training cells, the
    smallest is shown. Raises NothingToDrawError where no curve has two radii.
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
    if "far_field_error" in rows:
        first.plot([], [], label="growth predicted from C̃ and C", **PREDICTED)
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
        if "far_field_error" in own and own["far_field_error"].gt(0).any():
            ax.plot(*predicted_curve(own), **{**PREDICTED, "color": observation_colour(observations)})
    ax.set_xscale("log")
    tick_values(ax.xaxis, rows["radius"])


def predicted_curve(rows: pd.DataFrame) -> tuple[Array, Array]:
    """The error at the largest radius less what the far field adds from each radius to there, in squares.

    Medians over the seeds of ``far_field_error`` (docs/theory.md, section 12); NaN where more would have to
    be taken off than there is.
    """
    known = drawable(rows, "geometry_error", "far_field_error", "radius")
    squares = known[["geometry_error", "far_field_error"]] ** 2
    squares = squares.groupby(known["radius"]).median()
    error, far = squares["geometry_error"], squares["far_field_error"]
    left = error.iloc[-1] - far.iloc[-1] + far
    return squares.index.to_numpy(float), np.sqrt(left.where(left >= 0.0).to_numpy(float))
