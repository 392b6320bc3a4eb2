"""What several figures do to their axes: readable logarithmic ticks, a curve with its spread, legends."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from genmlip.report.style import (
    GREY,
    dislocation_marker,
    observation_colour,
    observation_label,
)
from genmlip.report.tables import Spread

NARROW = 2.6  # decades; a narrower axis is labelled at 1, 2 and 5
NARROWEST = 0.5  # decades; a narrower axis is labelled like a linear one


def label_logs(axis: Axis) -> None:
    """Ticks of a logarithmic axis at powers of ten; the fewer decades it spans, the more between them."""
    low, high = axis.get_view_interval()
    decades = np.log10(high / low)
    subs = (1.0, 2.0, 5.0) if decades < NARROW else (1.0,)
    axis.set_major_locator(
        MaxNLocator(6, steps=[1, 2, 5, 10]) if decades < NARROWEST else LogLocator(subs=subs, numticks=20)
    )
    axis.set_minor_locator(LogLocator(subs=tuple(range(2, 10)), numticks=20))
    axis.set_major_formatter(FuncFormatter(plain))
    axis.set_minor_formatter(NullFormatter())


def plain(value: float, _: Any = None) -> str:
    """0.02, 5, 10⁻⁵: decimals where they are short."""
    if 1e-3 <= value < 1e4:
        return f"{value:g}"
    exponent = int(np.floor(np.log10(value) + 1e-9))
    mantissa = round(value / 10**exponent)
    return f"$10^{{{exponent}}}$" if mantissa == 1 else f"${mantissa}\\times10^{{{exponent}}}$"


def tick_values(axis: Axis, values: pd.Series) -> None:
    """One labelled tick per value that occurs."""
    axis.set_major_locator(FixedLocator(sorted(values.unique())))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(plain))


def draw_spread(ax: Axes, curve: Spread, observations: str, label: str = "", **line: Any) -> None:
    """The geometric means as a curve, and the range over the seeds as bars where there are several."""
    ax.errorbar(
        curve.x, curve.centre, yerr=curve.bars if curve.count.max() > 1 else None, marker="o",
        color=observation_colour(observations), label=label or observation_label(observations), **line,
    )  # fmt: skip


def scatter_runs(ax: Axes, rows: pd.DataFrame, x: str, y: str) -> None:
    """One point per run: colour by observations, marker by dislocation."""
    for (observations, dislocation), own in rows.groupby(["observations", "dislocation"]):
        ax.scatter(
            own[x], own[y], s=28, color=observation_colour(observations),
            marker=dislocation_marker(dislocation), edgecolor="white", linewidth=0.5, zorder=3,
        )  # fmt: skip


def legend_of_runs(figure: Figure, ax: Axes, rows: pd.DataFrame) -> None:
    """Below the axes, where it hides no point: what colours and markers mean, then the labelled lines."""
    handles, labels = ax.get_legend_handles_labels()
    keys = [(name, "o", observation_colour(name)) for name in sorted(rows["observations"].unique())]
    if rows["dislocation"].nunique() > 1:
        keys += [(name, dislocation_marker(name), GREY) for name in sorted(rows["dislocation"].unique())]
    points = [
        Line2D([], [], linestyle="", marker=marker, color=colour, markeredgecolor="white", markersize=6)
        for _, marker, colour in keys
    ]
    figure.legend(
        [*points, *handles],
        [name for name, _, _ in keys] + labels,
        loc="outside lower center",
        ncols=3 if len(keys) > 3 else 4,
        columnspacing=1.2,
    )


def legend_below(figure: Figure, ax: Axes, title: str = "") -> None:
    """One legend for all panels, below them; ``title`` says what they have in common."""
    handles, labels = ax.get_legend_handles_labels()
    columns = max(1, int(figure.get_figwidth() * 12.5 / (max(map(len, labels)) + 7)))
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)), title=title)
