"""How fast the corrector decays away from the core, beside the predicted law (docs/theory.md, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from genmlip._types import Array
from genmlip.report.plots.axes import label_logs
from genmlip.report.style import GREY, PREDICTED, dislocation_colour, new_figure, styled, takeaway
from genmlip.report.tables import NothingToDrawError
from genmlip.report.words import exponent_words
from genmlip.statics.norms import local_strain

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium

INNER, OUTER = 0.15, 0.6  # of the radius: where the predicted line is matched, clear of core and boundary


@styled
def decay(equilibrium: Equilibrium) -> Figure:
    """∣Dū(ℓ)∣ per atom against the distance from the core, its largest value per ring, and the predicted law.

    The predicted line is placed through the envelope between ``INNER`` and ``OUTER`` of the radius; its slope
    is theory's. A vacancy is compared with r⁻³.
    """
    cell = equilibrium.cell
    vacancy = cell.line_period is None
    strain = local_strain(equilibrium.corrector, cell.bonds)
    r = cell.r
    shown = cell.free & (strain > 0) & (r > 1.0)
    if shown.sum() < 2:
        raise NothingToDrawError("the corrector vanishes on all free atoms: there is no decay to show")
    r, strain = r[shown], strain[shown]

    figure = new_figure(4.9, 3.9)
    ax = figure.subplots()
    colour = dislocation_colour(cell.defect.name)
    ax.scatter(
        r, strain, s=5, color=colour, alpha=0.35, linewidths=0, label="free atoms", rasterized=len(r) > 3000
    )
    centre, top = envelope(r, strain)
    ax.plot(centre, top, color=colour, marker="o", markersize=3, linewidth=0.9, label="largest in each ring")
    law, name = (vacancy_law, "r⁻³") if vacancy else (dislocation_law, "r⁻² log r")
    matched = (centre > INNER * cell.radius) & (centre < OUTER * cell.radius)
    if matched.any():
        scale = np.exp(np.mean(np.log(top[matched] / law(centre[matched]))))
        line = np.geomspace(min(INNER * cell.radius, centre[matched].min()), cell.radius, 100)
        ax.plot(line, scale * law(line), label=f"predicted {name}", **PREDICTED)
    ax.axvline(cell.radius, color=GREY, linewidth=0.8, linestyle=":")
    ax.annotate(
        "boundary", (cell.radius, 0.98), xycoords=("data", "axes fraction"), ha="right", va="top",
        rotation=90, color=GREY, fontsize=7, xytext=(-2, 0), textcoords="offset points",
    )  # fmt: skip
    ax.set(
        xscale="log", yscale="log", xlabel="distance from the core r (Å)", ylabel="corrector strain ∣Dū∣ (Å)"
    )
    for axis in (ax.xaxis, ax.yaxis):
        label_logs(axis)
    ax.legend(loc="lower left")
    takeaway(figure, sentence(equilibrium.decay_exponent, 3.0 if vacancy else 2.0, name))
    return figure


def sentence(exponent: float | None, predicted: float, law: str) -> str:
    """What the fitted exponent says about the prediction."""
    if exponent is None or not np.isfinite(exponent):
        return "The corrector's decay could not be fitted at this radius."
    fitted = f"The corrector decays like r{exponent_words(-exponent)}"
    if exponent < predicted - 0.5:
        return (
            f"{fitted}, more slowly than the predicted {law}: the predictor or the radius is not good enough."
        )
    if exponent > predicted + 0.5:
        return f"{fitted}, faster than the predicted {law}, which bounds it from above."
    return f"{fitted}, close to the predicted {law}."


def envelope(r: Array, value: Array, rings: int = 14) -> tuple[Array, Array]:
    """Radius and size of the largest value in each of ``rings`` logarithmic rings that hold atoms."""
    edges = np.geomspace(r.min(), r.max() * (1 + 1e-12), rings + 1)
    ring = np.clip(np.searchsorted(edges, r, side="right") - 1, 0, rings - 1)
    largest = [np.flatnonzero(ring == k)[np.argmax(value[ring == k])] for k in np.unique(ring)]
    return r[largest], value[largest]


def dislocation_law(r: Array) -> Array:
    """r⁻² log(2 + r), r in Å; docs/theory.md, (9)."""
    return np.log(2 + r) / r**2


def vacancy_law(r: Array) -> Array:
    """r⁻³."""
    return r**-3.0
