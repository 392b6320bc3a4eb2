"""Errors of linear ACE on DFT data against the number of functions, beside those of published potentials."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genmlip.report.plots.axes import label_logs, legend_below
from genmlip.report.style import GREY, PAGE_WIDTH, new_figure, styled, takeaway
from genmlip.report.tables import drawable
from genmlip.report.words import number

PUBLISHED = {
    "mlearn_Si": {"GAP": (2.91e-3, 0.07), "MTP": (2.21e-3, 0.06)},
    "mlearn_Ge": {"GAP": (2.06e-3, 0.05), "MTP": (1.79e-3, 0.05)},
}
"""Test errors, eV/atom and eV/Å (Zuo et al., J. Phys. Chem. A 124, 731, 2020)."""

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#000000")
PANELS = {
    "energy_mae": ("energy error, MAE (meV/atom)", 1e3),
    "force_mae": ("force error, MAE (eV/Å)", 1.0),
}
PUBLISHED_STYLES = {"GAP": ":", "MTP": "-."}


@styled
def error_vs_functions(table: pd.DataFrame) -> Figure:
    """Mean absolute errors of energies and forces against the number of functions, a colour per data set.

    Full curves: the test sets; open markers: held out by cross-validation within the training sets. Levels
    of GAP and MTP where they are published. Raises NothingToDrawError where no run finished.
    """
    rows = drawable(table, "test_energy_mae", "n_functions").sort_values("n_functions")
    rows = rows.assign(element=rows["data"].map(element))
    figure = new_figure(PAGE_WIDTH, 4.0)
    colours = dict(zip(sorted(rows["element"].unique()), COLOURS, strict=False))
    for k, (ax, (name, (label, unit))) in enumerate(zip(figure.subplots(1, 2), PANELS.items(), strict=True)):
        for symbol, own in rows.groupby("element"):
            _curves(ax, own, name, unit, colours[symbol])
            published = PUBLISHED.get(own["data"].iloc[0], {})
            _levels(ax, {who: unit * both[k] for who, both in published.items()}, colours[symbol])
        ax.set(xscale="log", yscale="log", xlabel="number of functions", ylabel=label)
        for axis in (ax.xaxis, ax.yaxis):
            label_logs(axis)
    _keys(figure.axes[0], colours)
    legend_below(figure, figure.axes[0])
    takeaway(figure, sentence(rows))
    return figure


def sentence(rows: pd.DataFrame) -> str:
    """Test errors of the largest bases, and whose published errors they undercut."""
    parts: list[str] = []
    below: dict[str, list[str]] = {"energies": [], "forces": []}
    for symbol, own in rows.groupby("element"):
        largest = own.iloc[-1]
        energy, force = largest["test_energy_mae"], largest["test_force_mae"]
        parts.append(f"{symbol} {number(1e3 * energy)} and {number(force)}")
        published = PUBLISHED.get(largest["data"])
        if published:
            least_energy, least_force = (min(values) for values in zip(*published.values(), strict=True))
            below["energies"] += [symbol] if energy <= least_energy else []
            below["forces"] += [symbol] if force <= least_force else []
    peers = " and ".join(f"{what} of {', '.join(who)}" for what, who in below.items() if who)
    verdict = f" At or below the best of GAP and MTP: {peers}." if peers else ""
    return f"Test errors of the largest bases (meV/atom, eV/Å): {'; '.join(parts)}.{verdict}"


def element(data: str) -> str:
    """mlearn_Si, W_dft → Si, W."""
    return data.removeprefix("mlearn_").split("_")[0]


def _curves(ax: Axes, rows: pd.DataFrame, name: str, unit: float, colour: str) -> None:
    x = rows["n_functions"]
    ax.plot(x, unit * rows[f"test_{name}"], marker="o", color=colour)
    ax.plot(x, unit * rows[f"cv_{name}"], marker="o", mfc="white", color=colour, linewidth=0.8)


def _levels(ax: Axes, levels: dict[str, float], colour: str) -> None:
    for who, level in levels.items():
        ax.axhline(level, color=colour, linestyle=PUBLISHED_STYLES[who], linewidth=1.0, zorder=1)


def _keys(ax: Axes, colours: dict[str, str]) -> None:
    """What colours, markers and line styles mean, for the legend."""
    for symbol, colour in colours.items():
        ax.plot([], [], color=colour, label=symbol)
    ax.plot([], [], marker="o", color=GREY, label="test set")
    ax.plot([], [], marker="o", mfc="white", color=GREY, linewidth=0.8, label="cross-validation")
    for who, style in PUBLISHED_STYLES.items():
        ax.plot([], [], color=GREY, linestyle=style, linewidth=1.0, label=f"{who}, published")
