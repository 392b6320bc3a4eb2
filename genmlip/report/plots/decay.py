"""How fast the corrector decays away from the core, beside the predicted law (docs/theory.md, section 3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genmlip._types import Array
from genmlip.dislocations.core import Decay, decay_exponent
from genmlip.report.plots.axes import label_logs
from genmlip.report.style import GREY, PREDICTED, dislocation_colour, new_figure, styled, takeaway
from genmlip.report.tables import NothingToDrawError
from genmlip.report.words import exponent_words
from genmlip.statics.norms import local_strain

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium

Law: TypeAlias = Callable[[Array], Array]

CLOSE = 0.35  # an exponent this near to the predicted one is called close to it
INNERMOST = 1.0  # Å; nearer to the line than this a distance means nothing


@styled
def decay(equilibrium: Equilibrium) -> Figure:
    """∣Dū(ℓ)∣ per atom against the distance from the core, its mean per ring, and the predicted law.

    The predicted line has theory's shape and passes through the rings of the window in which the exponent was
    fitted; a vacancy is compared with r⁻³. Raises NothingToDrawError for a corrector that vanishes.
    """
    cell = equilibrium.cell
    strain = local_strain(equilibrium.corrector, cell.bonds)
    shown = cell.free & (strain > 0) & (cell.r > INNERMOST)
    if shown.sum() < 2:
        raise NothingToDrawError("the corrector vanishes on all free atoms: there is no decay to show")
    r, strain = cell.r[shown], strain[shown]
    law, name = (vacancy_law, "r⁻³") if cell.line_period is None else (dislocation_law, "r⁻² log r")
    fit = _fitted(equilibrium)

    figure = new_figure(4.9, 3.9)
    ax = figure.subplots()
    colour = dislocation_colour(cell.defect.name)
    ax.scatter(r, strain, s=5, color=colour, alpha=0.3, linewidths=0, rasterized=len(r) > 3000)
    centre, mean = rings(r, strain)
    ax.plot(
        centre, mean, color=colour, marker="o", markersize=3.5, linewidth=0.9, label="mean over each ring"
    )
    if fit is not None:
        _lines(ax, centre, mean, fit, law, name)
    _boundary(ax, cell.radius)
    ax.set(
        xscale="log", yscale="log", xlabel="distance from the core r (Å)", ylabel="corrector strain ∣Dū∣ (Å)"
    )
    for axis in (ax.xaxis, ax.yaxis):
        label_logs(axis)
    ax.legend(loc="lower left")
    takeaway(figure, sentence(fit, law, name))
    return figure


def sentence(fit: Decay | None, law: Law, name: str) -> str:
    """What the fitted exponent says about the prediction, over the same window."""
    if fit is None:
        return "The region is too small to fit the corrector's decay."
    inner, outer = fit.window
    expected = local_exponent(law, fit.window)
    fitted = (
        f"Between {inner:.0f} and {outer:.0f} Å the corrector decays like r{exponent_words(-fit.exponent)}"
    )
    predicted = f"the predicted {name} (there like r{exponent_words(-expected)})"
    if fit.exponent < expected - CLOSE:
        return f"{fitted}, more slowly than {predicted}: is the far field right, the radius large enough?"
    if fit.exponent > expected + CLOSE:
        return f"{fitted}, faster than {predicted}, which is an upper bound."
    return f"{fitted}, close to {predicted}."


def rings(r: Array, value: Array, count: int = 18) -> tuple[Array, Array]:
    """Mean radius (of log r) and root mean square of ``value`` in each logarithmic ring that holds atoms."""
    edges = np.geomspace(r.min(), r.max() * (1 + 1e-12), count + 1)
    ring = np.clip(np.searchsorted(edges, r, side="right") - 1, 0, count - 1)
    number = np.bincount(ring, minlength=count)
    filled = number > 0
    mean_log = np.bincount(ring, np.log(r), count)[filled] / number[filled]
    mean_square = np.bincount(ring, value**2, count)[filled] / number[filled]
    return np.exp(mean_log), np.sqrt(mean_square)


def local_exponent(law: Law, window: tuple[float, float]) -> float:
    """The power that ``law`` looks like on logarithmic axes between the ends of ``window``."""
    low, high = law(np.array(window))
    return float(-np.log(high / low) / np.log(window[1] / window[0]))


def dislocation_law(r: Array) -> Array:
    """r⁻² log(2 + r), r in Å; docs/theory.md, (9)."""
    return np.log(2 + r) / r**2


def vacancy_law(r: Array) -> Array:
    """r⁻³."""
    return r**-3.0


def _fitted(equilibrium: Equilibrium) -> Decay | None:
    fit = decay_exponent(equilibrium.cell, equilibrium.corrector)
    return None if np.isnan(fit.exponent) else fit


def _lines(ax: Axes, centre: Array, mean: Array, fit: Decay, law: Law, name: str) -> None:
    """The fitted power over its window, the predicted law from there outwards, both through the rings."""
    inner, outer = fit.window
    inside = (centre >= inner) & (centre <= outer)
    if not inside.any():
        return

    def through(shape: Array, at: Array) -> Array:
        return at * np.exp(np.mean(np.log(mean[inside] / shape)))

    window = np.geomspace(inner, outer, 50)
    label = f"fitted exponent {fit.exponent:.2f} ± {fit.standard_error:.2f}"
    ax.plot(
        window, through(centre[inside] ** -fit.exponent, window**-fit.exponent), color="black",
        linewidth=2.4, alpha=0.35, label=label,
    )  # fmt: skip
    onwards = np.geomspace(inner, centre.max(), 50)
    ax.plot(onwards, through(law(centre[inside]), law(onwards)), label=f"predicted {name}", **PREDICTED)


def _boundary(ax: Axes, radius: float) -> None:
    ax.axvline(radius, color=GREY, linewidth=0.8, linestyle=":")
    ax.annotate(
        "boundary", (radius, 0.98), xycoords=("data", "axes fraction"), ha="right", va="top",
        rotation=90, color=GREY, fontsize=7, xytext=(-2, 0), textcoords="offset points",
    )  # fmt: skip
