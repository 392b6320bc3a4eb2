"""Sentences computed from a table: whatever the numbers say is said, whichever way they went."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from genmlip.errors import InputError
from genmlip.report.tables import (
    GROUPS,
    SETTINGS,
    NothingToDrawError,
    compare_observations,
    drawable,
    failed,
    with_groups,
)
from genmlip.theory import RateFit, fit_rate

CLOSE_SLOPE = 0.1  # a slope this near to the predicted one is called close
INDIFFERENT = 1.1  # ratios closer to one than this are called equal
QUANTITIES = {
    "geometry_error": "geometry error",
    "energy_error": "energy error",
    "delta_C_rel": "error of the elastic constants",
    "force_rmse_core": "force error at the core",
}


def number(value: float, digits: int = 2) -> str:
    """Two significant digits as a person writes them: 7.3, 0.012, 1.5e-05, 120."""
    if not np.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e5:
        return f"{value:.{digits - 1}e}"
    decimals = 0 if value == 0 else max(digits - 1 - int(np.floor(np.log10(abs(value)))), 0)
    return f"{value:.{decimals}f}"


def factor(ratio: float) -> str:
    """'7.3 times', '120 times'."""
    text = number(ratio) if ratio < 100 else f"{float(f'{ratio:.2g}'):,.0f}"
    return f"{text} times"


def unbroken(sentence: str) -> str:
    """With no-break spaces where a line must not end: 'L = 2', '30 Å', '7 times', '[0.9, 1.1]'."""
    sentence = re.sub(r" ([=±]) ", "\u00a0\\1\u00a0", sentence)
    sentence = re.sub(r"(\d) (?=(?:Å|eV|b|%|times)\b|%)", "\\1\u00a0", sentence)
    return re.sub(r", (?=[−\d.]+\])", ",\u00a0", sentence)


def listed(words: Sequence[str]) -> str:
    """'a, b and c'."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def virial_sentence(table: pd.DataFrame, quantity: str = "geometry_error") -> str:
    """What virials did to ``quantity``, for any outcome; says so where there is nothing to compare."""
    name = QUANTITIES.get(quantity, quantity)
    try:
        comparison = compare_observations(table, quantity)
    except NothingToDrawError:
        return f"No run finished with a {name} to show."
    if comparison.empty:
        return f"Nothing shows what virials do to the {name}: no setting has it both with and without them."
    return _compared(comparison, name)


def _compared(comparison: pd.DataFrame, name: str) -> str:
    """The sentence for a comparison that has rows."""
    ratios = comparison["ratio"]
    best, worst = comparison.loc[ratios.idxmax()], comparison.loc[ratios.idxmin()]
    if comparison["seeds"].min() > 1 and not comparison["separated"].any():
        return (
            f"What virials do to the {name} is within the scatter of the seeds "
            f"(without / with them: {number(ratios.min())} to {number(ratios.max())})."
        )
    qualified = f"{_only(comparison, best)}{_caution(comparison)}"
    if ratios.min() > INDIFFERENT:
        return f"With virials the {name} is {_range(ratios)} smaller{qualified}."
    if ratios.max() < 1 / INDIFFERENT:
        return f"Virials did not help: with them the {name} is {_range(1 / ratios)} larger{qualified}."
    if ratios.between(1 / INDIFFERENT, INDIFFERENT).all():
        return f"Virials make no difference to the {name}: it is the same within 10 %{qualified}."
    return (
        f"Virials help in part: with them the {name} is {_change(best['ratio'])} "
        f"at {_where(comparison, best)}, but {_change(worst['ratio'])} "
        f"at {_where(comparison, worst)}{_caution(comparison)}."
    )


def cell_sentence(table: pd.DataFrame, quantity: str = "geometry_error") -> str:
    """How ``quantity`` changed from the smallest to the largest training cell, where nothing else varied."""
    rows = drawable(table, quantity, "cell")
    if any(rows[name].nunique(dropna=False) > 1 for name in GROUPS if name in rows and name != "cell"):
        return ""  # no single number tells what several settings did
    parts = []
    for observations, own in rows.groupby("observations"):
        means = np.exp(np.log(own[quantity]).groupby(own["cell"]).mean())
        if len(means) < 2:
            continue
        first, last = means.iloc[0], means.iloc[-1]
        parts.append(
            f"from {number(first)} to {number(last)} {unit(quantity)} with {observations or 'this fit'} "
            f"({_change(first / last)})"
        )
    if not parts:
        return ""
    low, high = rows["cell"].min(), rows["cell"].max()
    name = QUANTITIES.get(quantity, quantity)
    return f"Between L = {low:g} and L = {high:g} the {name} goes {listed(parts)}."


def growth_sentence(table: pd.DataFrame) -> str:
    """By how much the geometry error is multiplied from the smallest to the largest radius."""
    rows = drawable(table, "geometry_error", "radius")
    parts = []
    for observations, own in rows.groupby("observations"):
        growth = []
        for _, curve in own.groupby("dislocation"):
            means = np.exp(np.log(curve["geometry_error"]).groupby(curve["radius"]).mean())
            if len(means) > 1:
                growth.append(means.iloc[-1] / means.iloc[0])
        if growth:
            low, high = number(min(growth)), number(max(growth))
            parts.append(f"{low if low == high else f'{low} to {high}'} with {observations or 'this fit'}")
    if not parts:
        return "No setting has the geometry error at two radii."
    low, high = rows["radius"].min(), rows["radius"].max()
    return f"From R = {low:g} to {high:g} Å the geometry error is multiplied by {listed(parts)}."


def gain_sentence(gain: pd.DataFrame) -> str:
    """What virials did to each defect in the mean over all settings; ``gain`` from compare_observations."""
    mean = np.exp(np.log(gain["ratio"]).groupby(gain["dislocation"]).mean()).sort_values(ascending=False)
    parts = [f"{_change(ratio)} for {dislocation or 'the defect'}" for dislocation, ratio in mean.items()]
    return f"With virials the geometry error is in the mean {listed(parts)}."


def failure_sentence(table: pd.DataFrame) -> str:
    """How many runs failed, with which observations, and the commonest reason."""
    bad = with_groups(table.loc[failed(table)])
    if bad.empty:
        return f"All {len(table)} runs finished."
    counts = bad["observations"].value_counts()
    named = listed([f"{count} with {name or 'other observations'}" for name, count in counts.items()])
    reason = ""
    if "error" in bad:
        messages = bad["error"].astype("string").fillna("").str.strip()
        messages = messages[messages != ""]
        if len(messages):
            commonest = messages.mode().iloc[0]
            reason = f" The commonest reason: {commonest}{'' if commonest[-1] in '.?!' else '.'}"
    rest = "" if len(bad) == len(table) else "; errors are those of the runs that finished"
    return f"{len(bad)} of {len(table)} runs failed ({named}){rest}.{reason}"


def lost_sentence(table: pd.DataFrame, b: float) -> str:
    """Runs in which the relaxed fit is another structure: a geometry error above the Burgers vector b (Å)."""
    errors = drawable(table, "geometry_error")["geometry_error"]
    lost = int((errors > b).sum())
    if lost == 0:
        return ""
    return (
        f"In {lost} of {len(errors)} runs that finished the geometry error exceeds the Burgers vector "
        f"({b:.2f} Å): there the fit has another core, or no dislocation there at all."
    )


def rate_words(rate: RateFit) -> str:
    """'1.02 [0.95, 1.09]'."""
    low, high = rate.interval()
    return f"{rate.slope:.2f} [{low:.2f}, {high:.2f}]".replace("-", "−")


def proportional_sentence(table: pd.DataFrame, x: str) -> str:
    """Whether the geometry error is proportional to ``x``, a measure of the fit; empty for too few runs."""
    rows = drawable(table, x, "geometry_error")
    rate = rate_or_none(rows[x], rows["geometry_error"])
    return "" if rate is None else slope_sentence("The geometry error", f"the {QUANTITIES[x]}", rate, 1.0)


def exponent_words(exponent: float) -> str:
    """'⁻²·⁰' for −2.0."""
    return f"{exponent:.1f}".translate(str.maketrans("-.0123456789", "⁻·⁰¹²³⁴⁵⁶⁷⁸⁹"))


def slope_sentence(what: str, against: str, rate: RateFit, predicted: float) -> str:
    """Says whether the prediction lies in the fitted interval."""
    low, high = rate.interval()
    if low <= predicted <= high:
        verdict = f"as predicted, {predicted:g} lies in the interval"
    elif abs(rate.slope - predicted) < CLOSE_SLOPE:
        verdict = f"close to the predicted {predicted:g}, though outside the interval"
    elif low > predicted:
        verdict = f"more steeply than the predicted slope {predicted:g}"
    else:
        verdict = f"less steeply than the predicted slope {predicted:g}"
    if low <= 0.0 <= high and not low <= predicted <= high:
        return f"{what} does not follow {against}: slope {rate_words(rate)}, predicted {predicted:g}."
    return f"{what} follows {against} with slope {rate_words(rate)}: {verdict}."


def unit(quantity: str) -> str:
    """The unit a quantity is reported in."""
    units = {"geometry_error": "Å", "estimate": "Å", "energy_error": "eV", "force_rmse_core": "eV/Å"}
    return units.get(quantity, "")


def effectivity_sentence(table: pd.DataFrame) -> str:
    """How far the a-posteriori estimate was from the true error, and whether it bounded it."""
    rows = drawable(table, "estimate", "geometry_error")
    ratio = rows["estimate"] / rows["geometry_error"]
    runs = f"{len(ratio)} run{'s' if len(ratio) != 1 else ''}"
    below = int((ratio < 1).sum())
    low, high = number(ratio.min()), number(ratio.max())
    span = low if low == high else f"between {low} and {high}"
    bounds = "bounds the error in every run" if below == 0 else f"falls below the error in {below} of {runs}"
    return f"The estimate, which needs no relaxation, {bounds}; estimate / true error is {span}."


def rate_or_none(x: pd.Series, y: pd.Series) -> RateFit | None:
    """The fitted rate; None where the points do not allow one."""
    try:
        return fit_rate(x, y)
    except InputError:
        return None


def _range(ratios: pd.Series) -> str:
    low, high = number(ratios.min()), number(ratios.max())
    return factor(ratios.max()) if low == high else f"{low} to {factor(ratios.max())}"


def _change(ratio: float) -> str:
    if 1 / INDIFFERENT <= ratio <= INDIFFERENT:
        return "unchanged within 10 %"
    return f"{factor(ratio)} smaller" if ratio > 1 else f"{factor(1 / ratio)} larger"


def _where(comparison: pd.DataFrame, row: pd.Series) -> str:
    """The setting of one row by what varies in the comparison: 'L = 2', 'bcc-edge-111, L = 2'."""
    labels = {"dislocation": "{}", "radius": "R = {:g} Å", "cell": "L = {:g}"}
    labels |= {name: f"{name} {{}}" for name in SETTINGS}
    varying = [name for name in labels if name in comparison and comparison[name].nunique(dropna=False) > 1]
    shown = varying or [name for name in ("cell",) if name in comparison]
    return ", ".join(labels[name].format(row[name]) for name in shown) or "the one setting tried"


def _only(comparison: pd.DataFrame, row: pd.Series) -> str:
    """Where a single setting was compared, name it."""
    return f" at {_where(comparison, row)}" if len(comparison) == 1 and "cell" in comparison else ""


def _caution(comparison: pd.DataFrame) -> str:
    """A clause on the scatter: one seed, or overlapping ranges."""
    if comparison["seeds"].max() < 2:
        return " (one seed, so without a measure of scatter)"
    overlapping = int((~comparison["separated"]).sum())
    if overlapping == 0:
        return ", beyond the scatter of the seeds"
    return f" (within the scatter of the seeds in {overlapping} of {len(comparison)} settings)"
