"""Maps of the dislocation core, looking along the line: differential displacements and the error per atom."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from scipy.spatial import cKDTree

from genmlip._types import Array
from genmlip.dislocations.core import ColumnDifferences, column_differences
from genmlip.dislocations.dislocation import Dislocation
from genmlip.report.plots.axes import label_logs
from genmlip.report.style import new_figure, styled, takeaway
from genmlip.report.tables import NothingToDrawError

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium

HALF_WIDTH = 5.0  # nearest-neighbour distances shown to each side of the core
SHORTEST_ARROW = 0.1  # of the bond; smaller ones are left out
HALF_SLIPPED = 0.25  # of b; the disregistry is between 1/4 and 3/4 there, which is called the core's width
CORE_COLOUR = "#D55E00"
MAP_POINTS = 275.0  # width of the map on the page, in points


@styled
def differential_displacement(equilibrium: Equilibrium) -> Figure:
    """Vitek's map: arrows between neighbouring columns, as long as their relative displacement along b.

    An arrow that joins two columns means b/3 for the screw of bcc, else b/2; b itself counts as zero.
    Columns stand where they are at equilibrium, shaded by their height along the line in the perfect crystal.
    Vitek, Perrin & Bowen, Phil. Mag. 21, 1049 (1970). Raises NothingToDrawError for a point defect.
    """
    cell, defect = equilibrium.cell, equilibrium.cell.defect
    if not isinstance(defect, Dislocation):
        raise NothingToDrawError(f"differential displacements belong to dislocations, not to a {defect.name}")
    positions = cell.reference + cell.predictor + equilibrium.corrector
    pairs = column_differences(cell, cell.predictor + equilibrium.corrector)
    centre = np.round(equilibrium.core_position, 2) + 0.0  # no −0.00
    half = min(HALF_WIDTH * defect.crystal.nearest_neighbour_distance, cell.radius)
    full = 3 if defect.name == "bcc-screw-111" else 2

    figure = new_figure(5.0, 5.2)
    ax = figure.subplots()
    _arrows(ax, positions, pairs, full / defect.b, centre, half)
    height = np.round(cell.reference[:, 2] % defect.line_period, 3)
    height[height > defect.line_period - 5e-3] = 0.0
    _columns(ax, positions, height, centre, half)
    ax.plot(*centre, marker="+", color=CORE_COLOUR, markersize=13, markeredgewidth=2.0, zorder=5)
    _frame(ax, centre, half)
    ax.set_title(f"an arrow that joins two columns: relative displacement b/{full}")
    handles, labels = ax.get_legend_handles_labels()
    handles.append(
        Line2D([], [], marker="+", color=CORE_COLOUR, markersize=9, markeredgewidth=2.0, linestyle="")
    )
    figure.legend(handles, [*labels, "core"], loc="outside lower center", ncols=4)
    reach = _reach(positions, pairs, HALF_SLIPPED * defect.b, centre)
    takeaway(
        figure,
        f"The core of {defect.name} is at ({_signed(centre[0])}, {_signed(centre[1])}) Å; "
        f"slips of more than b/4 between columns reach {reach:.1f} Å from it.",
    )
    return figure


@styled
def core_error(
    equilibrium: Equilibrium, error: Array, label: str = "error per atom ∣D(w̄ − ū)∣ (Å)"
) -> Figure:
    """The core with every column coloured by ``error`` (n,), the larger the darker, on a logarithmic scale.

    error : for instance :func:`genmlip.statics.norms.local_strain` of the difference of two correctors
    Raises NothingToDrawError where no error is positive.
    """
    cell = equilibrium.cell
    positions = cell.reference + cell.predictor + equilibrium.corrector
    inside = cell.free & (error > 0)
    if not inside.any():
        raise NothingToDrawError("the error vanishes on all free atoms")
    centre = np.asarray(equilibrium.core_position, dtype=float)
    half = min(2 * HALF_WIDTH * cell.defect.crystal.nearest_neighbour_distance, cell.radius)
    shown = inside & (np.abs(positions[:, :2] - centre).max(axis=1) < half)
    low, high = np.quantile(error[shown], 0.02), error[shown].max()

    figure = new_figure(5.2, 4.6)
    ax = figure.subplots()
    norm = LogNorm(min(low, 0.5 * high), high)
    order = np.argsort(error[shown])
    points = positions[shown, :2][order]
    ax.scatter(
        points[:, 0],
        points[:, 1],
        c=error[shown][order],
        cmap="cividis_r",
        norm=norm,
        s=26,
        edgecolor="#555555",
        linewidth=0.3,
    )
    bar = figure.colorbar(ScalarMappable(norm, "cividis_r"), ax=ax, label=label, shrink=0.85)
    label_logs(bar.ax.yaxis)
    _frame(ax, centre, half)
    worst = np.linalg.norm(positions[inside, :2][np.argmax(error[inside])] - centre)
    within = (error[inside] ** 2)[np.linalg.norm(positions[inside, :2] - centre, axis=1) < half / 2].sum()
    share = 100 * within / (error[inside] ** 2).sum()
    takeaway(
        figure,
        f"The error is largest {worst:.1f} Å from the core; "
        f"{share:.0f} % of its square lies within {half / 2:.0f} Å.",
    )
    return figure


def _arrows(
    ax: Axes, positions: Array, pairs: ColumnDifferences, scale: float, centre: Array, half: float
) -> None:
    """An arrow on every pair of columns near the core, ``scale`` times its slip (Å) as long as the bond."""
    middle = positions[pairs.start, :2] + 0.5 * pairs.bond
    share = scale * pairs.slip
    shown = (np.abs(middle - centre).max(axis=1) < half) & (np.abs(share) > SHORTEST_ARROW)
    arrow = share[shown, None] * pairs.bond[shown]
    ax.quiver(
        *(middle[shown] - 0.5 * arrow).T, *arrow.T, angles="xy", scale_units="xy", scale=1.0, width=0.0042,
        headwidth=3.6, headlength=4.2, headaxislength=3.8, color="#222222", zorder=3,
    )  # fmt: skip


def _reach(positions: Array, pairs: ColumnDifferences, slip: float, centre: Array) -> float:
    """How far (Å) from the core a column slipped past a neighbour by more than ``slip`` (Å)."""
    slipped = np.abs(pairs.slip) > slip
    ends = positions[np.concatenate([pairs.start[slipped], pairs.end[slipped]]), :2]
    return float(np.linalg.norm(ends - centre, axis=1).max(initial=0.0))


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")


def _columns(ax: Axes, positions: Array, height: Array, centre: Array, half: float) -> None:
    """Columns as circles that leave room for the arrows, one shade per height in the perfect crystal."""
    near = np.abs(positions[:, :2] - centre).max(axis=1) < half
    levels = np.unique(height[near])
    size = _marker_area(positions[near, :2], half)
    for k, level in enumerate(levels):
        shade = 1.0 - 0.75 * k / max(len(levels) - 1, 1)
        here = near & (height == level)
        told = len(levels) <= 3 or k in (0, len(levels) - 1)
        ax.scatter(
            positions[here, 0], positions[here, 1], s=size, color=str(shade), edgecolor="black",
            linewidth=0.7, zorder=4, label=f"height {level:.2f} Å" if told else None,
        )  # fmt: skip


def _marker_area(points: Array, half: float) -> float:
    """Points² of a circle a third as wide as the typical gap between neighbouring columns; for this page."""
    distance = cKDTree(points).query(points, k=2)[0][:, 1]
    return float(np.clip((0.36 * np.median(distance) * MAP_POINTS / (2 * half)) ** 2, 9.0, 52.0))


def _frame(ax: Axes, centre: Array, half: float) -> None:
    ax.set(
        aspect="equal", xlabel="x₁, glide direction (Å)", ylabel="x₂, glide-plane normal (Å)",
        xlim=(centre[0] - half, centre[0] + half), ylim=(centre[1] - half, centre[1] + half),
    )  # fmt: skip
    ax.grid(False)
