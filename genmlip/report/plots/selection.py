"""What choosing training cells and weights gains over usual ones, in the target and in other dislocations."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from genmlip.report.plots.axes import label_logs
from genmlip.report.selection import CHOSEN, selection_gains
from genmlip.report.style import (
    PAGE_WIDTH,
    PREDICTED,
    character,
    dislocation_colour,
    dislocation_marker,
    new_figure,
    styled,
    takeaway,
)
from genmlip.report.tables import NothingToDrawError


@styled
def selection_gain(table: pd.DataFrame, reference: str | None = None, power: int = 1) -> Figure:
    """How many times smaller the geometry error is than with usual training, one panel per target.

    Filled: the dislocation that cells were chosen for. Bars: 95 % intervals of the mean over the seeds.
    Raises NothingToDrawError where no way to train has the usual one beside it.
    """
    gains = selection_gains(table)
    gains = gains.loc[(gains["reference"] == (reference or gains["reference"].iloc[-1]))]
    gains = gains.loc[gains["power"] == power]
    if gains.empty:
        raise NothingToDrawError(f"no finished runs with {reference} and power {power}")
    ways = sorted(gains["way"].unique(), key=lambda way: (CHOSEN not in way, way), reverse=True)
    targets = list(gains["target"].unique())
    figure = new_figure(PAGE_WIDTH, 1.3 + 0.36 * len(ways))
    panels = figure.subplots(1, len(targets), sharey=True, sharex=True, squeeze=False)[0]
    for ax, target in zip(panels, targets, strict=True):
        _panel(ax, gains.loc[gains["target"] == target], ways)
        ax.set_title("for " + ", ".join(character(name) for name in target.split("+")))
    panels[0].set_yticks(range(len(ways)), ways)
    panels[len(panels) // 2].set_xlabel("error with usual cells / error")
    marks = [
        Line2D([], [], ls="", marker=dislocation_marker(name), color=dislocation_colour(name), label=name)
        for name in gains["dislocation"].unique()
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks))
    takeaway(figure, gain_sentence(gains))
    return figure


def gain_sentence(gains: pd.DataFrame) -> str:
    """What the chosen cells do, in the target and held out."""
    chosen = gains.loc[gains["way"] == CHOSEN]
    if chosen.empty:
        return "No cells were chosen by plausible references."
    parts = []
    for held_out, where in ((False, "in the dislocation they are for"), (True, "in others")):
        own = chosen.loc[chosen["held_out"] == held_out, "ratio"]
        if len(own):
            ratio = float(np.exp(np.log(own).mean()))
            parts.append(f"{max(ratio, 1 / ratio):.2g} times {'smaller' if ratio > 1 else 'larger'} {where}")
    return f"With chosen cells the error is {', '.join(parts)} than with usual ones."


def _panel(ax: Axes, gains: pd.DataFrame, ways: list[str]) -> None:
    """One target: a row per way, the dislocations slightly apart."""
    names = list(gains["dislocation"].unique())
    for k, (name, own) in enumerate(gains.groupby("dislocation")):
        y = [ways.index(way) + 0.2 * (k - 0.5 * (len(names) - 1)) for way in own["way"]]
        bars = np.array([own["ratio"] - own["low"], own["high"] - own["ratio"]])
        colour = dislocation_colour(str(name))
        ax.errorbar(
            own["ratio"], y, xerr=np.nan_to_num(bars), ls="", marker=dislocation_marker(str(name)),
            color=colour, mfc="white" if own["held_out"].all() else colour, elinewidth=0.8, capsize=0.0,
        )  # fmt: skip
    ax.axvline(1.0, **PREDICTED)
    ax.set_xscale("log")
    label_logs(ax.xaxis)
