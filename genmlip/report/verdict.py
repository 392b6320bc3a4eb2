"""What a study found, as a short list of sentences."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd

from genmlip.report.tables import NothingToDrawError, drawable, failed
from genmlip.report.virials import AS_USED, core_sentence, headline, virial_sentence
from genmlip.report.words import (
    cell_sentence,
    effectivity_sentence,
    failure_sentence,
    growth_sentence,
    lost_sentence,
    proportional_sentence,
)

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium


COMPARED = (
    "delta_C_rel", "geometry_error_own", "energy_error_own", "geometry_error_far", "energy_error",
    "geometry_error", "force_rmse_core",
)  # fmt: skip
"""What is compared with and without virials: from the cause in the far field to the cause in the core."""


def verdict(table: pd.DataFrame, equilibrium: Equilibrium | None) -> list[str]:
    """The findings, the most important first; what cannot be said from these numbers is left out."""
    found = []
    if equilibrium is not None and not equilibrium.converged:
        found.append(
            f"Beware: the reference did not converge (largest force {equilibrium.fmax:.1e} eV/Å); "
            "all errors are relative to an unfinished dislocation."
        )
    if table.empty:
        return [*found, "The table holds no run."]
    if failed(table).all():
        return [*found, f"Nothing can be said about errors. {failure_sentence(table)}"]
    b = None if equilibrium is None else getattr(equilibrium.cell.defect, "b", None)
    compared = [name for name in COMPARED if name in table and table[name].notna().any()]
    sentences: list[Callable[[], str]] = [
        lambda: _in(headline(table, AS_USED), "Each fit in its own far field, as it is used"),
        lambda: _in(headline(table), "All in the reference's far field, which tells the core's share"),
        *(partial(virial_sentence, table, name) for name in compared),
        lambda: core_sentence(table),
        lambda: cell_sentence(table, "geometry_error"),
        lambda: proportional_sentence(table, "delta_C_rel"),
        lambda: proportional_sentence(table, "force_rmse_core"),
        lambda: growth_sentence(table) if drawable(table, "radius")["radius"].nunique() > 1 else "",
        lambda: effectivity_sentence(table),
        lambda: lost_sentence(table, b) if b else "",
        lambda: failure_sentence(table),
    ]
    return found + [sentence for make in sentences if (sentence := _said(make))]


def _in(sentence: str, setting: str) -> str:
    """The sentence behind the setting that it is about."""
    return f"{setting}: {sentence[0].lower()}{sentence[1:]}" if sentence else ""


def _said(make: Callable[[], str]) -> str:
    try:
        return make()
    except NothingToDrawError:
        return ""
