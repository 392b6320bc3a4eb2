"""The Peierls barrier: energy along the path of a dislocation to the next valley, and the way of its core."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genmlip.report.style import (
    GREY,
    PAGE_WIDTH,
    PREDICTED,
    dislocation_colour,
    new_figure,
    styled,
    takeaway,
)

if TYPE_CHECKING:
    from genmlip.dislocations.barrier import PeierlsBarrier

SADDLE_COLOUR = "#D55E00"


@styled
def barrier_profile(barrier: PeierlsBarrier) -> Figure:
    """Energy per b of line against the position along the path; beside it, where the core is in each image.

    The curve is cubic between the images and has their energies and slopes. The second panel is left out
    where the cell is too small to place the core.
    """
    placed = bool(np.isfinite(barrier.core_positions).all())
    figure = new_figure(PAGE_WIDTH if placed else 4.9, 3.5)
    profile, *track = figure.subplots(1, 1 + placed, squeeze=False, width_ratios=[3, 2] if placed else None)[
        0
    ]
    _profile(profile, barrier)
    for ax in track:
        _track(ax, barrier)
    entries = [ax.get_legend_handles_labels() for ax in (profile, *track)]
    handles, labels = ([*chain.from_iterable(part)] for part in zip(*entries, strict=True))
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    takeaway(figure, _sentence(barrier))
    return figure


def _sentence(barrier: PeierlsBarrier) -> str:
    name, setting = barrier.dislocation.name, f"{barrier.boundary.name}, R = {barrier.cell.radius:g} Å"
    if not barrier.valleys:
        return f"No two valleys of {name}, {barrier.step[0]:.2f} Å apart, were found ({setting})."
    climbs = f"{1e3 * barrier.barrier:.3g} meV per b of line between valleys {barrier.step[0]:.2f} Å apart"
    unsure = "" if barrier.converged else "; not converged"
    return f"The {name} climbs {climbs} ({setting}{unsure})."


def _profile(ax: Axes, barrier: PeierlsBarrier) -> None:
    path, scale = barrier.path, 1e3 * barrier.dislocation.b / barrier.dislocation.line_period
    colour = dislocation_colour(barrier.dislocation.name)
    fine = np.linspace(0.0, 1.0, 401)
    ax.axhline(0.0, **{**PREDICTED, "color": GREY})
    ax.plot(fine, scale * path.profile(fine), color=colour, linewidth=1.3)
    ax.plot(path.s, scale * path.energies, color=colour, marker="o", linestyle="", label="image")
    top = _saddle(barrier)
    if top is not None:
        ax.plot(
            path.s[top], scale * path.energies[top], color=SADDLE_COLOUR, marker="D", markersize=7,
            linestyle="", label="saddle",
        )  # fmt: skip
    ax.set(xlabel="length along the path, as a share of the whole", ylabel="energy (meV per b)")


def _track(ax: Axes, barrier: PeierlsBarrier) -> None:
    colour = dislocation_colour(barrier.dislocation.name)
    x = barrier.core_positions
    half = 0.5 * barrier.step[0]
    ax.plot(
        [-half, half], [0.0, 0.0], marker="+", color=GREY, markersize=11, linestyle="", zorder=1,
        label="one step apart, midway at 0",
    )  # fmt: skip
    ax.plot(*x.T, color=colour, marker="o", linewidth=0.8)
    top = _saddle(barrier)
    if top is not None:
        ax.plot(*x[top], color=SADDLE_COLOUR, marker="D", markersize=7)
    low, high = min(x[:, 1].min(), 0.0), max(x[:, 1].max(), 0.0)
    middle, reach = 0.5 * (low + high), max(1.2 * half, 0.6 * (high - low))
    ax.set(
        aspect="equal", xlabel="x₁ of the core, from midway (Å)", ylabel="x₂ (Å)",
        xlim=(-1.35 * half, 1.35 * half), ylim=(middle - reach, middle + reach),
        title="way of the core",
    )  # fmt: skip


def _saddle(barrier: PeierlsBarrier) -> int | None:
    """Which image is the saddle."""
    saddle = barrier.path.saddle
    return int(np.argmax(barrier.path.energies)) if saddle is not None and saddle.converged else None
