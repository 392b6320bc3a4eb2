"""Decay of the fields around dislocations and the error of a fit atom by atom, from a table of atoms."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from genmlip.report.plots.axes import label_logs
from genmlip.report.plots.decay import dislocation_law, rings
from genmlip.report.style import PREDICTED, new_figure, styled, takeaway
from genmlip.report.tables import require
from genmlip.report.words import listed, number
from genmlip.theory.attribution import CORE_RADIUS

COLUMNS = (
    "dislocation", "radius", "x", "y", "r", "predictor_strain", "predictor_force", "corrector_strain",
    "fit_error",
)  # fmt: skip
"""A row per free atom: x, y in the relaxed crystal and r in the perfect one (Å), ∣Du₀∣ and ∣Dū∣ (Å), the
force that the predictor leaves (eV/Å), and ∣D(w̄ − ū)∣ of a fit (Å)."""

FIELDS = {
    "predictor_strain": ("predictor strain ∣Du₀∣ (Å)", "r⁻¹", lambda r: 1 / r, "#0072B2"),
    "predictor_force": ("force of the predictor ∣f₀∣ (eV/Å)", "r⁻³", lambda r: r**-3.0, "#E69F00"),
    "corrector_strain": ("corrector strain ∣Dū∣ (Å)", "r⁻² log r", dislocation_law, "#009E73"),
}
WINDOW = (0.4, 0.8)
"""Of the radius, where laws are laid through the rings: outside the core, and before the boundary."""

SHOWN = 14.0  # Å to each side of the core


@styled
def decay_of_fields(table: pd.DataFrame) -> Figure:
    """Predictor strain, its forces and the corrector strain against r, a panel per dislocation.

    Points are root mean squares over rings; the laws pass through those of the outer part of the region.
    """
    require(table, *COLUMNS)
    dislocations = list(table["dislocation"].unique())
    figure = new_figure(max(4.2, 2.5 * len(dislocations)), 3.7)
    axes = figure.subplots(1, len(dislocations), squeeze=False, sharex=True, sharey=True)[0]
    for ax, name in zip(axes, dislocations, strict=True):
        own = table.loc[table["dislocation"] == name]
        for column, (label, _, law, colour) in FIELDS.items():
            inside = own.loc[(own[column] > 0) & (own["r"] > 2.0)]
            r, mean = rings(inside["r"].to_numpy(), inside[column].to_numpy())
            ax.plot(r, mean, color=colour, marker="o", markersize=3, linewidth=0.9, label=label)
            low, high = (share * own["radius"].iloc[0] for share in WINDOW)
            outer = (r > low) & (r < high)
            line = np.geomspace(4.0, own["r"].max(), 50)
            ax.plot(line, law(line) * np.exp(np.mean(np.log(mean[outer] / law(r[outer])))), **PREDICTED)
        ax.set(xscale="log", yscale="log", title=name, xlabel="r (Å)")
        label_logs(ax.xaxis)
    axes[0].plot([], [], label=f"laws {', '.join(law for _, law, _, _ in FIELDS.values())}", **PREDICTED)
    label_logs(axes[0].yaxis)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    powers = [f"{listed([number(p) for p in _powers(table, column)])} for the {label.split(' ∣')[0]}"
              for column, (label, _, _, _) in FIELDS.items()]  # fmt: skip
    low, high = WINDOW
    takeaway(
        figure,
        f"Powers of r from {low:g} R to {high:g} R ({', '.join(_kind(d) for d in dislocations)}): "
        f"{'; '.join(powers)}.".replace("-", "−"),
    )
    return figure


@styled
def core_errors(table: pd.DataFrame) -> Figure:
    """The cores, looking along the line: columns coloured by the error of a fit, one scale for all panels."""
    require(table, *COLUMNS)
    rows = table.loc[table["fit_error"] > 0]
    dislocations = list(rows["dislocation"].unique())
    near = rows.loc[np.maximum(rows["x"].abs(), rows["y"].abs()) < SHOWN]
    norm = LogNorm(near["fit_error"].quantile(0.02), near["fit_error"].max())
    figure = new_figure(max(4.6, 2.5 * len(dislocations)), 3.5)
    axes = figure.subplots(1, len(dislocations), squeeze=False, sharey=True)[0]
    for ax, name in zip(axes, dislocations, strict=True):
        _columns(ax, near.loc[near["dislocation"] == name], norm)
        ax.set_title(name)
    axes[0].set_ylabel("x₂, glide-plane normal (Å)")
    bar = figure.colorbar(
        ScalarMappable(norm, "cividis_r"), ax=axes, label="error ∣D(w̄ − ū)∣ (Å)", shrink=0.75, pad=0.01
    )
    label_logs(bar.ax.yaxis)
    squares = rows.assign(inside=rows["r"] < CORE_RADIUS, square=rows["fit_error"] ** 2)
    shares = [
        f"{100 * own.loc[own['inside'], 'square'].sum() / own['square'].sum():.0f} % ({_kind(str(name))})"
        for name, own in squares.groupby("dislocation", sort=False)
    ]
    takeaway(figure, f"Share of the squared error within {CORE_RADIUS:g} Å of the line: {listed(shares)}.")
    return figure


def _columns(ax: Axes, rows: pd.DataFrame, norm: LogNorm) -> None:
    """Columns as discs, the wrong ones on top."""
    order = rows.sort_values("fit_error")
    ax.scatter(
        order["x"],
        order["y"],
        c=order["fit_error"],
        cmap="cividis_r",
        norm=norm,
        s=13,
        edgecolor="#555555",
        linewidth=0.2,
    )
    ax.set(aspect="equal", xlim=(-SHOWN, SHOWN), ylim=(-SHOWN, SHOWN), xlabel="x₁, glide direction (Å)")
    ax.grid(False)


def _powers(table: pd.DataFrame, column: str) -> list[float]:
    """The power of r between the ends of the window, fitted to the rings, of every dislocation."""
    powers = []
    for _, own in table.groupby("dislocation", sort=False):
        inside = own.loc[(own[column] > 0) & (own["r"] > 2.0)]
        r, mean = rings(inside["r"].to_numpy(), inside[column].to_numpy())
        low, high = (share * own["radius"].iloc[0] for share in WINDOW)
        outer = (r > low) & (r < high)
        powers.append(float(np.polyfit(np.log(r[outer]), np.log(mean[outer]), 1)[0]))
    return powers


def _kind(dislocation: str) -> str:
    return dislocation.split("-")[1] if "-" in dislocation else dislocation
