"""Error of the dislocation against the size of the training cells (docs/theory.md, G3)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genmlip.report.plots.axes import draw_spread, label_logs, legend_below, tick_values
from genmlip.report.style import (
    GREY,
    PAGE_WIDTH,
    new_figure,
    observation_colour,
    observation_label,
    styled,
    takeaway,
)
from genmlip.report.tables import (
    at_largest_radius,
    drawable,
    failed,
    spread,
    unstable,
    varying_settings,
    with_groups,
)
from genmlip.report.virials import AS_USED, headline, panel_words
from genmlip.report.words import cell_sentence
from genmlip.theory.attribution import CORE_RADIUS

LINE_STYLES = ("-", "--", ":", "-.")
BESIDE = 0.12  # of a unit cell, by which curves stand side by side
PANELS = {
    "geometry_error": "geometry error (Å)",
    "geometry_error_far": f"its part beyond {CORE_RADIUS:g} Å (Å)",
    "energy_error": "energy error (eV per line period)",
    "delta_C_rel": "elastic constants ‖δC‖ / ‖C‖",
}
PANELS_OF_SEVERAL = {
    "geometry_error": "geometry error (Å)",
    "geometry_error_own": "in its own far field (Å)",
    "energy_error_own": "energy, own far field (eV)",
    "delta_C_rel": PANELS["delta_C_rel"],
}
"""Of several dislocations: in the reference's far field, and each fit in its own, as it is used."""

SAME_AXIS = ("geometry_error", "geometry_error_far")  # the part is to be seen beside the whole


@styled
def error_vs_cell(table: pd.DataFrame) -> Figure:
    """Errors of geometry, far field, energy and elastic constants against L, a curve per set of observations.

    Points are the runs, the curve their geometric mean, bars the range over the seeds. Cells from which no
    fit has a stable crystal are marked. Where the table has several radii the largest of each dislocation is
    shown; several dislocations are columns. Raises NothingToDrawError where no run finished.
    """
    table = with_groups(at_largest_radius(table))
    rows = drawable(table, "geometry_error", "cell")
    dislocations = sorted(rows["dislocation"].unique())
    panels_known = PANELS if len(dislocations) == 1 else PANELS_OF_SEVERAL
    shown = [name for name in panels_known if name in rows and pd.to_numeric(rows[name]).abs().gt(0).any()]
    if len(dislocations) == 1:
        figure, panels = _one_dislocation(table, shown)
    else:
        figure, panels = _several(table, shown, dislocations)
    for (dislocation, quantity), ax in panels.items():
        own = rows.loc[rows["dislocation"] == dislocation]
        _curves(ax, own, quantity, varying_settings(rows))
        _mark_lost(ax, table.loc[table["dislocation"] == dislocation])
        tick_values(ax.xaxis, table["cell"])
        ax.set_xlim(table["cell"].min() - 0.4, table["cell"].max() + 0.4)
        label_logs(ax.yaxis)
    common = _setting(dislocations[0], rows) if len(dislocations) == 1 else ""
    legend_below(figure, next(iter(panels.values())), common)
    takeaway(
        figure,
        _headline(table, dislocations)
        or cell_sentence(table)
        or "Errors against the size of the training cells.",
    )
    return figure


def _headline(table: pd.DataFrame, dislocations: list[str]) -> str:
    """In the reference's far field; of several dislocations also for each fit in its own."""
    common = headline(table)
    used = headline(table, AS_USED) if len(dislocations) > 1 else ""
    return (
        f"Each fit in its own far field: {used} In the reference's: {common}" if used and common else common
    )


def _one_dislocation(table: pd.DataFrame, shown: list[str]) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """Two panels in a row, each titled with what virials do to it."""
    dislocation = next(iter(drawable(table, "geometry_error")["dislocation"]))
    depth = -(-len(shown) // 2)
    figure = new_figure(PAGE_WIDTH, 2.35 * depth + 0.9)
    grid = figure.subplots(depth, 2, squeeze=False).ravel()
    for ax in grid[len(shown) :]:
        ax.remove()
    panels = {(dislocation, quantity): ax for quantity, ax in zip(shown, grid, strict=False)}
    for (_, quantity), ax in panels.items():
        ax.set(ylabel=PANELS[quantity], xlabel="training cell L (cubic unit cells)")
        ax.set_title(panel_words(table, quantity))
    _share(panels, dislocation)
    return figure, panels


def _several(
    table: pd.DataFrame, shown: list[str], dislocations: list[str]
) -> tuple[Figure, dict[tuple[str, str], Axes]]:
    """A column per dislocation, a row per quantity."""
    depth, width = len(shown), len(dislocations)
    figure = new_figure(max(PAGE_WIDTH, 2.5 * width), 2.3 * depth + 0.6)
    grid = figure.subplots(depth, width, squeeze=False, sharex=True, sharey="row")
    panels = {}
    for row, quantity in enumerate(shown):
        for column, dislocation in enumerate(dislocations):
            panels[dislocation, quantity] = grid[row, column]
        grid[row, 0].set_ylabel(PANELS_OF_SEVERAL[quantity])
    for column, dislocation in enumerate(dislocations):
        grid[0, column].set_title(_setting(dislocation, table))
        grid[-1, column].set_xlabel("training cell L (cubic unit cells)")
    return figure, panels


def _share(panels: dict[tuple[str, str], Axes], dislocation: str) -> None:
    both = [panels[dislocation, name] for name in SAME_AXIS if (dislocation, name) in panels]
    if len(both) == 2:
        both[1].sharey(both[0])


def _setting(dislocation: str, rows: pd.DataFrame) -> str:
    own = rows.loc[rows["dislocation"] == dislocation]
    return f"{dislocation}, R = {own['radius'].max():g} Å" if "radius" in own else dislocation


def _curves(ax: Axes, rows: pd.DataFrame, quantity: str, varying: list[str]) -> None:
    """One curve per set of observations and, in another line style, per value of the settings that vary."""
    if not pd.to_numeric(rows[quantity]).abs().gt(0).any():
        return
    rows = drawable(rows, quantity)
    styles: dict[tuple[object, ...], str] = {}
    groups = list(rows.groupby(["observations", *varying], dropna=False))
    beside = BESIDE * (np.arange(len(groups)) - 0.5 * (len(groups) - 1)) * min(1.0, 4 / len(groups))
    for ((observations, *setting), own), offset in zip(groups, beside, strict=True):
        style = styles.setdefault(tuple(setting), LINE_STYLES[len(styles) % len(LINE_STYLES)])
        said = [f"{name} {value}" for name, value in zip(varying, setting, strict=True)]
        label = ", ".join([observations, *said]) if said else observation_label(observations)
        colour = observation_colour(observations)
        ax.scatter(own["cell"] + offset, own[quantity], s=11, color=colour, alpha=0.4, linewidths=0, zorder=2)
        curve = spread(own, "cell", quantity)
        draw_spread(
            ax, replace(curve, x=curve.x + offset), observations, label, linestyle=style,
            elinewidth=0.8, capsize=0.0,
        )  # fmt: skip
    ax.set_yscale("log")


def _mark_lost(ax: Axes, table: pd.DataFrame) -> None:
    """Cells from which every fit of some observations has an unstable crystal, or failed otherwise."""
    groups = [table["cell"], table["observations"]]
    lost = failed(table).groupby(groups).all().unstack(fill_value=False)
    no_crystal = unstable(table).groupby(groups).all().unstack(fill_value=False)
    for cell, by_observations in lost.iterrows():
        names = list(by_observations.index[by_observations])
        if not names:
            continue
        parts = []
        for reason, stable in (("no stable crystal", False), ("no equilibrium", True)):
            own = [name for name in names if bool(no_crystal.loc[cell, name]) != stable]
            if own:
                parts.append(reason if len(own) == len(by_observations) else f"{', '.join(own)}: {reason}")
        ax.text(
            cell, 0.5, "\n".join(parts), transform=ax.get_xaxis_transform(), rotation=90, ha="center",
            va="center", fontsize=7.5, color=GREY if len(names) > 1 else observation_colour(names[0]),
        )  # fmt: skip
