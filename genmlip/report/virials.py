"""Sentences about what virials do, computed from pairs of fits to the same cells; true for any outcome."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from genmlip._types import BoolArray
from genmlip.report.comparison import Gain, compare_observations, overall_gain
from genmlip.report.tables import SETTINGS, NothingToDrawError, drawable, geometric_mean
from genmlip.report.words import INDIFFERENT, QUANTITIES, change, factor, listed, number, span
from genmlip.theory.attribution import CORE_RADIUS

SUBJECTS = {
    "delta_C_rel": "the elastic constants",
    "geometry_error_far": "the far field",
    "energy_error": "the energy",
    "geometry_error": "the geometry as a whole",
}
"""What the headline is about, in its order; all in the reference's far field."""

AS_USED = {
    "delta_C_rel": "the elastic constants",
    "geometry_error_own": "the geometry",
    "energy_error_own": "the energy",
}
"""The same for every potential in its own far field, which is how it is used."""


def headline(table: pd.DataFrame, subjects: Mapping[str, str] = SUBJECTS) -> str:
    """What virials make better and what not, in one sentence over all pairs; empty without a pair."""
    gains = {name: gain for name in subjects if (gain := _overall(table, name)) is not None}
    if not gains:
        return ""
    better = {name: gain.ratio for name, gain in gains.items() if _clear(gain) and gain.ratio > 1}
    worse = {name: 1 / gain.ratio for name, gain in gains.items() if _clear(gain) and gain.ratio < 1}
    unclear = [subjects[name] for name in gains if name not in {*better, *worse}]
    parts = []
    if better:
        parts.append(f"with virials {_each(better, subjects)} more accurate")
    if worse:
        parts.append(f"{'' if better else 'virials did not help: '}{_each(worse, subjects)} less accurate")
    if unclear:
        parts.append(f"no clear gain for {listed(unclear)}" if parts else "virials bring no clear gain")
    sentence = "; ".join(parts)
    return f"{sentence[0].upper()}{sentence[1:]}."


def panel_words(table: pd.DataFrame, quantity: str) -> str:
    """The same for one quantity in a few words: '2.7 times smaller with virials'."""
    gain = _overall(table, quantity)
    if gain is None:
        return ""
    return f"{change(gain.ratio)} with virials" if _clear(gain) else "no clear gain by virials"


def virial_sentence(table: pd.DataFrame, quantity: str = "geometry_error") -> str:
    """What virials did to ``quantity`` over the settings; says so where there is nothing to compare."""
    name = QUANTITIES.get(quantity, quantity)
    try:
        comparison, overall = compare_observations(table, quantity), overall_gain(table, quantity)
    except NothingToDrawError:
        return f"No run finished with a {name} to show."
    if overall is None:
        return f"Nothing shows what virials do to the {name}: no setting has it both with and without them."
    if comparison["pairs"].max() == 1:
        clear = ~comparison["ratio"].between(1 / INDIFFERENT, INDIFFERENT)
        return _by_setting(comparison, name, clear, " (one seed, so without a measure of scatter)")
    same_side = (comparison["ratio"] * INDIFFERENT > 1).all() or (comparison["ratio"] / INDIFFERENT < 1).all()
    if overall.separated and same_side:
        return _throughout(comparison["ratio"], name, overall)
    return _by_setting(comparison, name, comparison["separated"], "")


def core_sentence(table: pd.DataFrame) -> str:
    """Where the geometry error sits: near the core, where forces decide, or far from it."""
    rows = drawable(table, "geometry_error", "geometry_error_far")
    ratio = (rows["geometry_error_far"] / rows["geometry_error"]).groupby(rows["observations"])
    inside = 1.0 - ratio.agg(geometric_mean) ** 2
    shares = [f"{100 * share:.0f} % with {name or 'this fit'}" for name, share in inside.items()]
    conclusion = ""
    if inside.min() > 0.5:
        conclusion = ": the core rules it, where forces decide and elastic constants do not"
    elif inside.max() < 0.5:
        conclusion = ": the far field rules it, which elastic constants decide"
    return (
        f"Of the square of the geometry error {listed(shares)} lies within {CORE_RADIUS:g} Å of the line"
        f"{conclusion}."
    )


def gain_sentence(gain: pd.DataFrame) -> str:
    """What virials did to each defect in the mean over all settings; ``gain`` from compare_observations."""
    mean = gain.groupby("dislocation")["ratio"].agg(geometric_mean).sort_values(ascending=False)
    parts = [f"{change(ratio)} for {dislocation or 'the defect'}" for dislocation, ratio in mean.items()]
    return f"With virials the geometry error is in the mean {listed(parts)}."


def _overall(table: pd.DataFrame, quantity: str) -> Gain | None:
    try:
        return overall_gain(table, quantity)
    except NothingToDrawError:
        return None


def _clear(gain: Gain) -> bool:
    """Beyond 10 % and, unless there is one pair only, beyond the scatter."""
    return not 1 / INDIFFERENT <= gain.ratio <= INDIFFERENT and (gain.separated or gain.pairs == 1)


def _each(ratios: Mapping[str, float], subjects: Mapping[str, str]) -> str:
    """'the elastic constants are 2.7 times and the far field 1.3 times'."""
    first, *others = ratios
    verb = "are" if subjects[first].endswith("s") else "is"
    return listed(
        [f"{subjects[first]} {verb} {factor(ratios[first])}"]
        + [f"{subjects[name]} {factor(ratios[name])}" for name in others]
    )


def _throughout(ratios: pd.Series, name: str, overall: Gain) -> str:
    """All settings changed to the same side."""
    better = overall.ratio > 1
    mean, low, high = overall.ratio, overall.low, overall.high
    if not better:
        ratios, mean, low, high = 1 / ratios, 1 / mean, 1 / high, 1 / low
    evidence = (
        f"mean {number(mean)} [{number(low)}, {number(high)}], "
        f"in {overall.won if better else overall.pairs - overall.won} of {overall.pairs} pairs"
    )
    if mean <= INDIFFERENT:
        three = (number(value, 3) for value in (overall.ratio, overall.low, overall.high))
        return "Virials change the {} by less than 10 % (without / with them: mean {} [{}, {}]).".format(
            name, *three
        )
    start = "With virials" if better else "Virials did not help: with them"
    side = "smaller" if better else "larger"
    much = span(ratios) if ratios.min() >= 1 else f"up to {factor(ratios.max())}"
    return f"{start} the {name} is {much} {side} ({evidence})."


def _by_setting(comparison: pd.DataFrame, name: str, clear: pd.Series, caution: str) -> str:
    """Settings in which virials clearly helped, clearly did not, and the rest."""
    ratio = comparison["ratio"]
    helped, harmed, rest = clear & (ratio > 1), clear & (ratio < 1), ~clear
    if rest.all():
        if ratio.between(1 / INDIFFERENT, INDIFFERENT).all():
            return f"Virials make no difference to the {name}: it is the same within 10 %{caution}."
        ends = [ratio.idxmax(), ratio.idxmin()][: len(ratio)]
        said = [f"{number(ratio[k])}{_places(comparison, comparison.index == k)}" for k in ends]
        return (
            f"What virials do to the {name} is within the scatter of the seeds "
            f"(without / with them: {' to '.join(said)})."
        )
    smaller = f"{span(ratio[helped])} smaller{_places(comparison, helped)}" if helped.any() else ""
    larger = f"{span(1 / ratio[harmed])} larger{_places(comparison, harmed)}" if harmed.any() else ""
    if smaller and larger:
        start = f"Virials help in part: with them the {name} is {smaller}, but {larger}"
    elif smaller:
        start = f"With virials the {name} is {smaller}"
    else:
        start = f"Virials did not help: with them the {name} is {larger}"
    if not rest.any():
        return f"{start}{caution}."
    low, high = number(ratio[rest].min()), number(ratio[rest].max())
    both = low if low == high else f"{low} to {high}"
    scatter = (
        "unchanged within 10 %" if caution else f"within the scatter of the seeds (without / with: {both})"
    )
    return f"{start}; it is {scatter}{_places(comparison, rest)}{caution}."


def _places(comparison: pd.DataFrame, chosen: pd.Series | BoolArray) -> str:
    """' at L = 2, 3 and 5': the chosen settings by what varies; empty where all are and there are several."""
    columns = {"dislocation": "{}", "radius": "R = {:g} Å", "cell": "L = {:g}"}
    columns |= {name: f"{name} {{}}" for name in SETTINGS}
    varying = [name for name in columns if name in comparison and comparison[name].nunique(dropna=False) > 1]
    if chosen.all() and len(comparison) > 1:
        return ""
    shown = varying or [name for name in ("cell",) if name in comparison]
    rows = comparison.loc[chosen]
    if len(rows) == 1:
        row = rows.iloc[0]
        where = ", ".join(columns[name].format(row[name]) for name in shown)
        return f" at {where}" if where else ""
    if shown == ["cell"]:
        return f" at L = {listed([f'{cell:g}' for cell in np.sort(rows['cell'])])}"
    return f" in {len(rows)} of {len(comparison)} settings"
