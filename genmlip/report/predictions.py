"""What the tables of studies answer to the predictions G1 to G6 of docs/theory.md, section 13, one by one.

Each answer is a number with a 95 % interval, the window that it was measured in, and whether it agrees with
the prediction; nothing is left out because of how it came out. Intervals are Student's, of logarithms where
the number is a ratio. A prediction of a number agrees if it lies in the interval; one of a side, if the whole
interval lies on that side; it is undecided if the interval holds both sides.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from genmlip.report.comparison import CONFIDENCE, Gain, log_ratios
from genmlip.report.selection import CHOSEN, USUAL, selection_gains
from genmlip.report.slopes import common_slope, growth_of_squares
from genmlip.report.tables import NothingToDrawError, drawable, failed, geometric_mean
from genmlip.report.words import QUANTITIES, number, ruled_by, short_name
from genmlip.theory.boundary_rates import Law, fit_boundary_rates
from genmlip.theory.rates import MINIMUM_POINTS

Verdict = Literal["agree", "disagree", "undecided"]

SMALL_FACTOR = 2.0
"""An estimate within this factor of the truth counts as good."""

OUTSIDE_CORE = 15.0
"""Å; in smaller cells the boundary reaches into the core. Left out of rates where enough radii remain."""

LINEAR = 50.0
"""Å; farther out the strain b / 2πr of the dislocations here is below one per cent."""


@dataclass(frozen=True)
class Answer:
    """One number against one prediction.

    prediction : its label, G1 to G6, ``source`` for what training cells hold, ``choice`` for chosen ones
    reference, dislocation, setting : what it was measured in
    quantity : what was measured; value, low, high : the number and its 95 % interval
    predicted : the number, or the side of a number, that theory names
    window : of the variable over which it was measured; runs : how many entered; study : whose table
    """

    prediction: str
    reference: str
    dislocation: str
    setting: str
    quantity: str
    value: float
    low: float
    high: float
    predicted: str
    window: str
    runs: int
    verdict: Verdict
    study: str = "all"

    @property
    def sentence(self) -> str:
        """The answer in words."""
        where = ", ".join(
            filter(None, (short_name(self.reference), self.dislocation, self.setting, self.window))
        )
        interval = f"{_signed(self.value)} [{_signed(self.low)}, {_signed(self.high)}]"
        said = f"predicted {self.predicted}: {self.verdict} ({where}; {self.runs} runs)"
        return f"{self.quantity} is {interval}; {said}."


def answers(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """All that the tables of a folder answer, one row per :class:`Answer` and its sentence.

    tables : study name → table; those of one study are never mixed with another's, but for the control G6
    """
    found: list[Answer] = []
    for name, table in tables.items():
        for answer in (boundary_rates, growth, cell_size, proportionality, estimates, sources, choices):
            found += [replace(one, study=name) for one in answer(table)]
    found += control(tables.values())
    rows = [{**asdict(answer), "sentence": answer.sentence} for answer in found]
    columns = [*Answer.__dataclass_fields__, "sentence"]
    return pd.DataFrame(rows, columns=columns).sort_values("prediction", kind="stable", ignore_index=True)


def as_markdown(found: pd.DataFrame, tables: Mapping[str, pd.DataFrame]) -> str:
    """The answers as a page: a line per prediction, every number, and every run that failed."""
    count = found.groupby("prediction")["verdict"].value_counts().unstack(fill_value=0)
    lines = ["# Answers to the predictions", ""]
    for label, own in count.iterrows():
        said = ", ".join(f"{own.get(verdict, 0)} {verdict}" for verdict in ("agree", "disagree", "undecided"))
        lines.append(f"- **{label}**, {PREDICTIONS[str(label)]}: {said}")
    for label, own in found.groupby("prediction"):
        lines += [
            "",
            f"## {label}",
            "",
            "| study | where | quantity | value | 95 % | predicted | window | runs | |",
        ]
        lines.append("|---|---|---|---|---|---|---|---|---|")
        for row in own.itertuples():
            where = ", ".join(filter(None, (short_name(row.reference), row.dislocation, row.setting)))
            cells = (
                row.study,
                where,
                row.quantity,
                _signed(row.value),
                f"{_signed(row.low)} to {_signed(row.high)}",
                row.predicted,
                row.window,
                row.runs,
                row.verdict,
            )
            lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join([*lines, "", "## Runs that failed", "", *_failures(tables), ""])


PREDICTIONS = {
    "G1": "rates of the boundary conditions",
    "G2": "growth with the radius, without virials only",
    "G3": "the error falls with the training cell, sooner with virials",
    "G4": "the error is proportional to the accuracy of the fit",
    "G5": "the estimate is within a small factor of the error",
    "G6": "virials matter less for a vacancy",
    "source": "training cells that hold a core lower the error",
    "choice": "training cells chosen for a dislocation lower the error",
}

POWERS_OF_L = ("delta_C_rel", "geometry_error", "geometry_error_own")


def boundary_rates(table: pd.DataFrame) -> Iterator[Answer]:
    """G1: the power s of R^s log^q R, which theory bounds from above."""
    if "reference_radius" not in table:
        return
    radii = table["radius"].drop_duplicates()
    enough = (radii >= OUTSIDE_CORE).sum() >= MINIMUM_POINTS
    window = (OUTSIDE_CORE if enough else 0.0, float(radii.max()))
    for rate in fit_boundary_rates(table.loc[~failed(table)], window):
        if rate.holds is None or rate.predicted is None:
            continue
        low, high = rate.fit.interval()
        verdict: Verdict = "undecided" if high > 0 else "agree" if rate.holds else "disagree"
        power = f"s of {Law(1, rate.fit.log_power)}".replace("R^1", "R^s")
        yield Answer(
            "G1",
            rate.reference,
            rate.dislocation,
            rate.boundary,
            f"{QUANTITIES[rate.quantity]}, {power}",
            rate.fit.slope,
            low,
            high,
            f"at most {_signed(rate.predicted.power)}",
            _window("R", *rate.fit.window, "Å"),
            rate.fit.n_points,
            verdict,
        )


def growth(table: pd.DataFrame) -> Iterator[Answer]:
    """G2: the error at the largest radius, and the coefficient of log R in its square against (35b).

    The latter is asked where the strain of a dislocation is below one per cent, if there are enough radii.
    """
    for (reference, dislocation), found in _by(table, "geometry_error", "reference", "dislocation"):
        rows = found.loc[found["radius"] >= OUTSIDE_CORE]
        if "far_field_growth" in rows:  # not about a point defect, nor where the fit has no elastic field
            rows = rows.loc[rows["far_field_growth"].notna()]
        if rows["radius"].nunique() < 3 or "far_field_growth" not in rows:
            continue
        largest = rows.loc[rows["radius"] == rows["radius"].max()]
        for quantity in ("geometry_error", "geometry_error_own"):
            yield from _gains("G2", largest, quantity, reference, dislocation)
        far = rows.loc[rows["radius"] >= LINEAR]
        rows = far if far["radius"].nunique() >= MINIMUM_POINTS else rows
        window = _window("R", rows["radius"].min(), rows["radius"].max(), "Å")
        for observations, own in rows.groupby("observations"):
            for column, name in (("geometry_error", "common"), ("geometry_error_own", "own")):
                slope, half, count = growth_of_squares(own, own[column])
                expected = float(own["far_field_growth"].mean()) if name == "common" else 0.0
                low, high = slope - half, slope + half
                verdict: Verdict = "agree" if low <= expected <= high else "disagree"
                if not np.isfinite(half) or (verdict == "agree" and expected > half and low <= 0):
                    verdict = "undecided"
                yield Answer(
                    "G2",
                    reference,
                    dislocation,
                    f"{observations}, {name} predictor",
                    "d error² / d log R (Å²)",
                    slope,
                    low,
                    high,
                    _signed(expected),
                    window,
                    count,
                    verdict,
                )


def cell_size(table: pd.DataFrame) -> Iterator[Answer]:
    """G3: the power of L in the errors, and what virials gain over all L; every basis for itself."""
    for said, own in _by_basis(table):
        for answer in _cell_size(own):
            yield replace(answer, setting=answer.setting + said)


def _cell_size(table: pd.DataFrame) -> Iterator[Answer]:
    for quantity in (
        "delta_C_rel",
        "geometry_error",
        "geometry_error_own",
        "energy_error",
        "energy_error_own",
    ):
        for (reference, dislocation), rows in _by(table, quantity, "reference", "dislocation"):
            if "cell" not in rows or rows["cell"].nunique() < 2 or rows["radius"].nunique() > 1:
                continue
            of_crystal = quantity == "delta_C_rel"
            if of_crystal and dislocation != _first_dislocation(table, reference):
                continue
            place = "perfect crystal" if of_crystal else dislocation
            yield from _gains("G3", rows, quantity, reference, place)
            if quantity not in POWERS_OF_L:
                continue
            for observations, own in rows.groupby("observations"):
                if own["cell"].nunique() < 3:
                    continue
                slope, half, count = common_slope(np.log(own["cell"]), np.log(own[quantity]))
                yield Answer(
                    "G3",
                    reference,
                    place,
                    str(observations),
                    f"{QUANTITIES[quantity]}, power of L",
                    slope,
                    slope - half,
                    slope + half,
                    "below 0",
                    _window("L", own["cell"].min(), own["cell"].max()),
                    count,
                    _below(slope - half, slope + half, 0.0),
                )


def proportionality(table: pd.DataFrame) -> Iterator[Answer]:
    """G4: the slope of the error against the accuracy of the fit, while the basis grows."""
    if "degree" not in table or table["degree"].nunique() < 3:
        return
    for x in ("delta_C_rel", "far_field_error", "force_rmse_core"):
        if x not in table:
            continue
        y = ruled_by(table, x)
        for (reference, dislocation), own in _by(table, y, "reference", "dislocation"):
            rows = drawable(own, x)
            if len(rows) < 5:
                continue
            slope, half, count = common_slope(np.log(rows[x]), np.log(rows[y]))
            low, high = slope - half, slope + half
            verdict: Verdict = "disagree" if not low <= 1 <= high else "undecided" if low <= 0 else "agree"
            yield Answer(
                "G4",
                reference,
                dislocation,
                "",
                f"{QUANTITIES[y]} against {QUANTITIES[x]}, slope",
                slope,
                low,
                high,
                "1",
                f"{number(rows[x].min())} to {number(rows[x].max())}",
                count,
                verdict,
            )


def estimates(table: pd.DataFrame) -> Iterator[Answer]:
    """G5: the effectivity; its interval holds 95 % of the runs, not of their mean."""
    for (reference, dislocation), rows in _by(table, "effectivity", "reference", "dislocation"):
        same = (table["reference"] == reference) & (table["dislocation"] == dislocation)
        finished = int((same & ~failed(table)).sum())
        without = finished - len(rows)
        setting = f"{without} of {finished} fits without an estimate" if without else ""
        window = _window("R", rows["radius"].min(), rows["radius"].max(), "Å")
        yield _factor_answer(
            "G5", reference, dislocation, setting, "estimate / error", rows["effectivity"], window
        )


def sources(table: pd.DataFrame) -> Iterator[Answer]:
    """What it brings to have seen the core: bulk cells against quadrupoles, in pairs of the same seed."""
    if "source" not in table or table["source"].nunique() < 2:
        return
    for quantity in ("geometry_error", "energy_error", "force_rmse_core"):
        for (reference, dislocation), rows in _by(table, quantity, "reference", "dislocation"):
            kinds = rows["source"].str.partition(":")[0]
            keys = [rows[name] for name in ("seed", "cell", "observations") if name in rows]
            logs = np.log(rows[quantity]).groupby([*keys, kinds.rename("kind")]).mean().unstack("kind")
            for kind in ("quadrupole", "bulk+quadrupole"):
                if not {"bulk", kind} <= set(logs):
                    continue
                gain = Gain.of((logs["bulk"] - logs[kind]).dropna())
                yield _gain_answer("source", reference, dislocation, f"bulk / {kind}", quantity, gain, "")


def choices(table: pd.DataFrame) -> Iterator[Answer]:
    """What cells chosen for a dislocation gain over usual ones, and how good the prediction is they go by."""
    try:
        gains = selection_gains(table)
    except NothingToDrawError:
        return
    for row in gains.loc[gains["way"] == CHOSEN].itertuples():
        setting = f"{USUAL} / cells chosen for {row.target}{'' if row.power == 1 else ', cost of DFT'}"
        gain = Gain(row.ratio, row.low, row.high, row.won, row.pairs)
        yield _gain_answer("choice", row.reference, row.dislocation, setting, "geometry_error", gain, "")
    in_target = table.loc[~failed(table) & (table["dislocation"] == table["target"])]
    for (reference, target), rows in in_target.groupby(["reference", "target"], sort=False):
        ratio = rows["predicted_error"] / rows["geometry_error"]
        yield _factor_answer(
            "choice", reference, target, "without the reference", "predicted error / error", ratio, ""
        )


def control(tables: Iterable[pd.DataFrame]) -> Iterator[Answer]:
    """G6: what virials gain for a dislocation over what they gain for the vacancy, cells and basis alike."""
    parts = [own for table in tables for _, own in _by_basis(table) if _varies_cell_only(own)]
    bases = list(dict.fromkeys(_basis(own) for own in parts))
    for basis in bases:
        yield from _control([own for own in parts if _basis(own) == basis])


def _control(varied: list[pd.DataFrame]) -> Iterator[Answer]:
    """Of tables with one basis."""
    for quantity in ("geometry_error", "geometry_error_own"):
        chunks = [logs for table in varied if len(logs := _ratios(table, quantity))]
        if not any("vacancy" in set(logs["dislocation"]) for logs in chunks):
            continue
        everything = pd.concat(chunks)
        for (reference, dislocation), own in everything.groupby(["reference", "dislocation"]):
            same = everything.loc[everything["reference"] == reference]
            vacancy = same.loc[same["dislocation"] == "vacancy"]
            cells = sorted(set(own["cell"]) & set(vacancy["cell"]))
            ours, theirs = (x.loc[x["cell"].isin(cells), "log_ratio"] for x in (own, vacancy))
            if dislocation == "vacancy" or min(len(ours), len(theirs)) < 2:
                continue
            interval = stats.ttest_ind(ours, theirs, equal_var=False).confidence_interval(CONFIDENCE)
            low, high = float(np.exp(interval.low)), float(np.exp(interval.high))
            yield Answer(
                "G6",
                str(reference),
                str(dislocation),
                "EF / EFV over that of the vacancy",
                f"{QUANTITIES[quantity]}, ratio of ratios",
                float(np.exp(ours.mean() - theirs.mean())),
                low,
                high,
                "above 1",
                _window("L", cells[0], cells[-1]),
                2 * (len(ours) + len(theirs)),
                _above(low, high, 1.0),
            )


def _by_basis(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """The table by degrees, and what to say about each part: nothing where there is only one."""
    if "degree" not in table or table["degree"].nunique() < 2:
        return [("", table)]
    return [(f", degrees {degree}", own) for degree, own in table.groupby("degree", sort=False)]


def _basis(table: pd.DataFrame) -> str:
    return str(table["degree"].iloc[0]) if "degree" in table else ""


def _varies_cell_only(table: pd.DataFrame) -> bool:
    """Whether this is a study of training cells, and not of radii, bases or sources."""
    fixed = [name for name in ("radius", "degree", "source") if name in table]
    return "cell" in table and table["cell"].nunique() > 1 and (table[fixed].nunique() == 1).all()


def _ratios(table: pd.DataFrame, quantity: str) -> pd.DataFrame:
    """log(EF / EFV) per pair of fits, nothing where there is none."""
    try:
        return log_ratios(table, quantity, "EF", "EFV")
    except NothingToDrawError:
        return pd.DataFrame()


def _first_dislocation(table: pd.DataFrame, reference: str) -> str:
    """The one whose rows stand for the fits themselves."""
    rows = drawable(table, "delta_C_rel")
    return str(rows.loc[rows["reference"] == reference, "dislocation"].iloc[0])


def _gains(
    label: str, rows: pd.DataFrame, quantity: str, reference: str, dislocation: str
) -> Iterator[Answer]:
    """The error without virials over that with them."""
    logs = _ratios(rows, quantity)
    if logs.empty:
        return
    variable, unit = ("R", "Å") if label == "G2" else ("L", "")
    column = rows["radius" if label == "G2" else "cell"]
    window = _window(variable, column.min(), column.max(), unit)
    yield _gain_answer(
        label, reference, dislocation, "EF / EFV", quantity, Gain.of(logs["log_ratio"]), window
    )


def _gain_answer(
    label: str, reference: str, dislocation: str, setting: str, quantity: str, gain: Gain, window: str
) -> Answer:
    verdict = _above(gain.low, gain.high, 1.0) if gain.pairs > 1 else "undecided"
    name = f"{QUANTITIES[quantity]}, ratio"
    return Answer(
        label,
        reference,
        dislocation,
        setting,
        name,
        gain.ratio,
        gain.low,
        gain.high,
        "above 1",
        window,
        2 * gain.pairs,
        verdict,
    )


def _factor_answer(
    label: str, reference: str, dislocation: str, setting: str, name: str, ratio: pd.Series, window: str
) -> Answer:
    """Whether a prediction is within a small factor of the truth in 95 % of the runs; a few cannot tell."""
    low, high = np.quantile(ratio, [0.5 * (1 - CONFIDENCE), 0.5 * (1 + CONFIDENCE)])
    verdict: Verdict = "agree" if low >= 1 / SMALL_FACTOR and high <= SMALL_FACTOR else "disagree"
    if verdict == "agree" and len(ratio) < MINIMUM_POINTS:
        verdict = "undecided"
    return Answer(
        label,
        reference,
        dislocation,
        setting,
        f"{name}, 95 % of the runs",
        geometric_mean(ratio),
        float(low),
        float(high),
        f"within {1 / SMALL_FACTOR:g} and {SMALL_FACTOR:g}",
        window,
        len(ratio),
        verdict,
    )


def _by(table: pd.DataFrame, quantity: str, *keys: str) -> Iterator[tuple[tuple[str, str], pd.DataFrame]]:
    """The rows with a positive ``quantity``, potential by potential and defect by defect."""
    if not {quantity, *keys} <= set(table):
        return
    try:
        rows = drawable(table, quantity)
    except NothingToDrawError:
        return
    yield from rows.groupby(list(keys), sort=False)


def _above(low: float, high: float, bound: float) -> Verdict:
    return "agree" if low > bound else "disagree" if high < bound else "undecided"


def _below(low: float, high: float, bound: float) -> Verdict:
    return _above(-high, -low, -bound)


def _window(name: str, low: float, high: float, unit: str = "") -> str:
    return f"{name} = {low:g}{'' if low == high else f' to {high:g}'} {unit}".rstrip()


def _signed(value: float) -> str:
    return number(value, 3).replace("-", "−")


def _failures(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """One line per study and reason."""
    lines = []
    for name, table in tables.items():
        if "status" not in table:
            continue
        bad = table.loc[failed(table)]
        reasons = bad["error"].astype(str) if "error" in bad else pd.Series(dtype=str)
        lines += [
            f"- {name}: {count} of {len(table)}, {reason}" for reason, count in reasons.value_counts().items()
        ]
    return lines or ["None."]
