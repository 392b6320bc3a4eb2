"""Errors of boundary conditions against the radius, with fitted rates (docs/theory.md, G1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from genmlip.report.plots.axes import label_logs, tick_values
from genmlip.report.plots.rate import draw_rate
from genmlip.report.style import new_figure, styled, takeaway
from genmlip.report.tables import NothingToDrawError, drawable, require
from genmlip.report.words import listed
from genmlip.theory import BoundaryRate, fit_boundary_rates

LABELS = {"geometry_error": "geometry error (Å)", "energy_error": "energy error (eV per period)"}
COLOURS = ("#0072B2", "#E69F00", "#D55E00", "#009E73", "#CC79A7")  # Okabe & Ito
MARKERS = ("o", "s", "^", "D", "v")
ROOM = 0.45  # of the height that the points take is added below them, for the slopes
ROUND_RADII = pd.Series([5.0, 7.0, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0, 160.0, 240.0])
LOGS = {0.0: "", 1.0: " log R", 2.0: " log² R"}


@styled
def boundary_rates(
    table: pd.DataFrame, reference: str | None = None, window: tuple[float, float] | None = None
) -> Figure:
    """Geometry and energy error against R, a panel per dislocation, points per boundary condition.

    Lines: the law that theory predicts with its power fitted, R^s log^q R, or a plain power where it predicts
    none; s with its 95 % interval in each panel.

    reference : chooses one potential of the table, by default the first that has rows
    window : Å, the radii that are fitted
    Raises NothingToDrawError where no run finished, or the table is of another kind.
    """
    require(table, "reference", "reference_radius", "boundary")
    rows = drawable(table, "geometry_error", "energy_error", "radius")
    reference = rows["reference"].iloc[0] if reference is None else reference
    rows = rows.loc[rows["reference"] == reference]
    if rows.empty:
        raise NothingToDrawError(f"no run with {reference} finished")
    rates = [rate for rate in fit_boundary_rates(rows, window) if rate.is_theory]
    dislocations, boundaries = list(rows["dislocation"].unique()), list(rows["boundary"].unique())

    figure = new_figure(max(4.2, 2.5 * len(dislocations)), 5.6)
    axes = figure.subplots(2, len(dislocations), squeeze=False, sharex=True, sharey="row")
    for (quantity, label), line in zip(LABELS.items(), axes, strict=True):
        line[0].set_ylabel(label)
        for ax, dislocation in zip(line, dislocations, strict=True):
            own = rows.loc[rows["dislocation"] == dislocation]
            fits = [r for r in rates if (r.dislocation, r.quantity) == (dislocation, quantity)]
            _panel(ax, own, boundaries, quantity, fits)
        low, high = rows[quantity].min(), rows[quantity].max()
        line[0].set_ylim(low * (low / high) ** ROOM, high * 1.5)
        label_logs(line[0].yaxis)
    for ax, dislocation in zip(axes[0], dislocations, strict=True):
        ax.set_title(dislocation)
    shown = ROUND_RADII[ROUND_RADII.between(rows["radius"].min(), rows["radius"].max())]
    for ax in axes[1]:
        ax.set_xlabel("radius R (Å)")
        tick_values(ax.xaxis, shown)
    keys = [Line2D([], [], **_look(boundaries, name)) for name in boundaries]
    figure.legend(keys, boundaries, loc="outside lower center", ncols=len(boundaries), title=reference)
    takeaway(figure, rates_sentence(rates))
    return figure


def rates_sentence(rates: Sequence[BoundaryRate]) -> str:
    """The range over the dislocations of every boundary condition's power in the geometry error."""
    parts = []
    for name in dict.fromkeys(rate.boundary for rate in rates):
        own = [r for r in rates if (r.boundary, r.quantity) == (name, "geometry_error")]
        if not own:
            continue
        low, high = (f"{end(r.fit.slope for r in own):.2f}" for end in (min, max))
        theory = "" if own[0].predicted is None else f" (theory {own[0].predicted.power:g})"
        parts.append(f"{high if low == high else f'{high} to {low}'} for {name}{theory}")
    if not parts:
        return "Too few radii to tell how the errors fall with the radius."
    return f"Logarithms apart, the geometry error falls like Rˢ, s = {listed(parts)}.".replace("-", "−")


def _panel(
    ax: Axes, rows: pd.DataFrame, boundaries: Sequence[str], quantity: str, rates: Sequence[BoundaryRate]
) -> None:
    """Points and fits; the legend tells the law once where it is the same for all of them."""
    ax.set(xscale="log", yscale="log")
    laws = {_law(rate) for rate in rates}
    for boundary, own in rows.groupby("boundary", sort=False):
        look = _look(boundaries, str(boundary))
        ax.plot(own["radius"], own[quantity], **look)
        for rate in rates:
            if rate.boundary == boundary:
                draw_rate(
                    ax, rate.fit, color=look["color"], name="s =" if len(laws) == 1 else f"{_law(rate)}, s ="
                )
    if not rates:
        return
    title = f"fitted {laws.pop()}" if len(laws) == 1 else None
    ax.legend(
        fontsize=6.5, loc="lower left", borderpad=0.1, labelspacing=0.25, handlelength=1.2, title=title,
        title_fontsize=6.5, alignment="left",
    )  # fmt: skip


def _look(boundaries: Sequence[str], name: str) -> dict[str, Any]:
    k = boundaries.index(name)
    return {
        "color": COLOURS[k % len(COLOURS)], "marker": MARKERS[k % len(MARKERS)], "linestyle": "",
        "markeredgecolor": "white", "markeredgewidth": 0.5, "zorder": 3,
    }  # fmt: skip


def _law(rate: BoundaryRate) -> str:
    return "Rˢ" + LOGS.get(rate.fit.log_power, f" log^{rate.fit.log_power:g} R")
