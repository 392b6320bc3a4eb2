"""Sentences computed from a table: whatever the numbers say is said, whichever way they went."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from genmlip.errors import InputError
from genmlip.report.tables import (
    GROUPS,
    drawable,
    failed,
    geometric_mean,
    unstable,
    with_groups,
)
from genmlip.theory import RateFit, fit_rate
from genmlip.theory.rates import MINIMUM_POINTS

CLOSE_SLOPE = 0.1  # a slope this near to the predicted one is called close
INDIFFERENT = 1.1  # ratios closer to one than this are called equal
QUANTITIES = {
    "geometry_error": "geometry error",
    "geometry_error_far": "geometry error far from the core",
    "far_field_error": "error predicted from secant elastic constants",
    "energy_error": "energy error",
    "geometry_error_own": "geometry error in the fit's own far field",
    "energy_error_own": "energy error in the fit's own far field",
    "delta_C_rel": "error of the elastic constants",
    "force_rmse_core": "force error at the core",
}


def number(value: float, digits: int = 2) -> str:
    """Two significant digits as a person writes them: 7.3, 0.012, 1.5e-05, 120."""
    if not np.isfinite(value):
        return "–"
    if value != 0 and not 1e-4 <= abs(value) < 1e5:
        return f"{value:.{digits - 1}e}"
    value = float(f"{value:.{digits - 1}e}")  # first, so that 9.999 is 10 and not 10.0
    decimals = 0 if value == 0 else max(digits - 1 - int(np.floor(np.log10(abs(value)))), 0)
    return f"{value:.{decimals}f}"


def factor(ratio: float) -> str:
    """'7.3 times', '120 times'."""
    text = number(ratio) if ratio < 100 else f"{float(f'{ratio:.2g}'):,.0f}"
    return f"{text} times"


def short_name(reference: str) -> str:
    """A potential as figures name it: a model of OpenKIM without its number."""
    return reference.partition("__")[0].removeprefix("kim:")


def unbroken(sentence: str) -> str:
    """With no-break spaces where a line must not end: 'L = 2', '30 Å', '7 times', '[0.9, 1.1]'."""
    sentence = re.sub(r" ([=±]) ", "\u00a0\\1\u00a0", sentence)
    sentence = re.sub(r"(\d) (?=(?:Å|eV|b|%|times)\b|%)", "\\1\u00a0", sentence)
    return re.sub(r", (?=[−\d.]+\])", ",\u00a0", sentence)


def listed(words: Sequence[str]) -> str:
    """'a, b and c'."""
    words = list(words)
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def cell_sentence(table: pd.DataFrame, quantity: str = "geometry_error") -> str:
    """How ``quantity`` changed from the smallest to the largest training cell, where nothing else varied."""
    rows = drawable(table, quantity, "cell")
    if any(rows[name].nunique(dropna=False) > 1 for name in GROUPS if name in rows and name != "cell"):
        return ""  # no single number tells what several settings did
    parts = []
    for observations, own in rows.groupby("observations"):
        means = own.groupby("cell")[quantity].agg(geometric_mean)
        if len(means) < 2:
            continue
        first, last = means.iloc[0], means.iloc[-1]
        parts.append(
            f"from {number(first)} to {number(last)} {unit(quantity)} with {observations or 'this fit'} "
            f"({change(first / last)})"
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
        for _, curve in own.groupby([name for name in ("reference", "dislocation") if name in own]):
            means = curve.groupby("radius")["geometry_error"].agg(geometric_mean)
            if len(means) > 1:
                growth.append(means.iloc[-1] / means.iloc[0])
        if growth:
            low, high = number(min(growth)), number(max(growth))
            parts.append(f"{low if low == high else f'{low} to {high}'} with {observations or 'this fit'}")
    if not parts:
        return "No setting has the geometry error at two radii."
    low, high = rows["radius"].min(), rows["radius"].max()
    return f"From R = {low:g} to {high:g} Å the geometry error is multiplied by {listed(parts)}."


def failure_sentence(table: pd.DataFrame) -> str:
    """How many runs failed, with which observations, and why most of them did."""
    bad = with_groups(table.loc[failed(table)])
    if bad.empty:
        return f"All {len(table)} runs finished."
    counts = bad["observations"].value_counts()
    named = listed([f"{count} with {name or 'other observations'}" for name, count in counts.items()])
    rest = "" if len(bad) == len(table) else "; errors are those of the runs that finished"
    return f"{len(bad)} of {len(table)} runs failed ({named}){rest}.{_reason(table, bad)}"


def _reason(table: pd.DataFrame, bad: pd.DataFrame) -> str:
    """At which L fits have no stable crystal, if that explains all; else the commonest message."""
    if unstable(bad).all() and "cell" in bad:
        lost = unstable(table).groupby(table["cell"]).agg(["sum", "size"])
        every = [f"L = {cell:g}" for cell, row in lost.iterrows() if row["sum"] == row["size"]]
        some = [f"{row['sum']} of {row['size']} at L = {cell:g}"
                for cell, row in lost.iterrows() if 0 < row["sum"] < row["size"]]  # fmt: skip
        parts = [f"at {listed(every)} no fit has a stable crystal"] if every else []
        parts += [f"the crystal is unstable in {listed(some)}"] if some else []
        sentence = "; ".join(parts)
        return f" {sentence[0].upper()}{sentence[1:]}."
    if "error" not in bad:
        return ""
    messages = bad["error"].astype("string").fillna("").str.strip()
    messages = messages[messages != ""]
    if messages.empty:
        return ""
    commonest = messages.mode().iloc[0]
    return f" The commonest reason: {commonest}{'' if commonest[-1] in '.?!' else '.'}"


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


def ruled_by(table: pd.DataFrame, x: str) -> str:
    """The part of the geometry error that theory ties to ``x``: elastic constants rule the far field."""
    far, elastic = "geometry_error_far", ("delta_C_rel", "far_field_error")
    return far if x in elastic and far in table and table[far].notna().any() else "geometry_error"


def proportional_sentence(table: pd.DataFrame, x: str) -> str:
    """Whether the error is proportional to ``x``, a measure of the fit; empty for too few runs."""
    y = ruled_by(table, x)
    rows = drawable(table, x, y)
    rate = rate_or_none(rows[x], rows[y])
    return "" if rate is None else slope_sentence(f"The {QUANTITIES[y]}", f"the {QUANTITIES[x]}", rate, 1.0)


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
    units = {
        "geometry_error": "Å",
        "geometry_error_far": "Å",
        "estimate": "Å",
        "energy_error": "eV",
        "force_rmse_core": "eV/Å",
    }
    return units.get(quantity, "")


def effectivity_sentence(table: pd.DataFrame) -> str:
    """How far the a-posteriori estimate was from the true error, and whether its bound held."""
    rows = drawable(table, "estimate", "geometry_error")
    ratio = rows["estimate"] / rows["geometry_error"]
    return (
        f"The estimate, which needs no relaxation, is {span(ratio)} the true error "
        f"(mean {number(geometric_mean(ratio))}{_rank(rows)}){_bound(rows)}."
    )


def _rank(rows: pd.DataFrame) -> str:
    """A clause on whether the estimate puts the fits into the right order, where there are enough of them."""
    if len(rows) < MINIMUM_POINTS:
        return ""
    correlation = rows["estimate"].corr(rows["geometry_error"], method="spearman")
    return f", rank correlation {correlation:.2f}".replace("-", "−")


def _bound(rows: pd.DataFrame) -> str:
    """A clause on the bound that comes with the estimate, where the table has it."""
    if "estimate_bound" not in rows or not (known := rows["estimate_bound"].notna()).any():
        return ""
    held = int((rows["estimate_bound"] >= rows["geometry_error"])[known].sum())
    return f"; its bound holds in {held} of {known.sum()} runs"


def rate_or_none(x: pd.Series, y: pd.Series) -> RateFit | None:
    """The fitted rate; None where the points do not allow one."""
    try:
        return fit_rate(x, y)
    except InputError:
        return None


def change(ratio: float) -> str:
    """'7.0 times smaller', '2.0 times larger' or 'unchanged within 10 %', for before / after."""
    if 1 / INDIFFERENT <= ratio <= INDIFFERENT:
        return "unchanged within 10 %"
    return f"{factor(ratio)} smaller" if ratio > 1 else f"{factor(1 / ratio)} larger"


def span(ratios: pd.Series) -> str:
    """'7.0 times' or '1.2 to 7.0 times'."""
    low, high = factor(ratios.min()), factor(ratios.max())
    return high if low == high else f"{low.removesuffix(' times')} to {high}"
