"""The report of a study: one self-contained HTML file that says in plain words what was found.

Every statement is computed from the table and the equilibrium; nothing in the template knows the outcome.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from matplotlib.figure import Figure

from genmlip._files import write_atomically
from genmlip.report.draw import table_figures
from genmlip.report.plots.core import differential_displacement
from genmlip.report.plots.decay import decay
from genmlip.report.style import png
from genmlip.report.tables import GROUPS, NothingToDrawError, failed, geometric_mean, unstable, with_groups
from genmlip.report.verdict import verdict
from genmlip.report.words import number, unbroken
from genmlip.theory.attribution import CORE_RADIUS

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium

RESULTS = {
    "geometry_error": "geometry error (Å)",
    "geometry_error_far": f"beyond {CORE_RADIUS:g} Å (Å)",
    "geometry_error_own": "in its own far field (Å)",
    "energy_error": "energy error (eV)",
    "energy_error_own": "in its own far field (eV)",
    "delta_C_rel": "‖δC‖ / ‖C‖",
    "force_rmse_core": "core forces (eV/Å)",
    "effectivity": "estimate / error",
}
UNITS = {"radius": "Å", "cutoff": "Å", "displacements": "Å", "fmax": "eV/Å", "cell": "cubic unit cells"}
CAPTIONS = {
    "differential_displacement": "The reference's dislocation core, looking along its line. Circles "
    "are columns of atoms, shaded by their height along the line in the perfect crystal; arrows show how far "
    "neighbouring columns are displaced against each other.",
    "decay": "The corrector's strain at every free atom against the distance from the core. Theory predicts "
    "r⁻² log r for a predictor with the right far field; the boundary holds the corrector at zero beyond R.",
    "error_vs_cell": "Errors against the edge of the training cells: of the relaxed dislocation, of its part "
    "far from the core, of its energy, and of the elastic constants. Faint points are single runs, the curve "
    "is their geometric mean, bars are the range over the seeds.",
    "error_vs_radius": "Error of the relaxed dislocation against the radius of the region that was free "
    "to relax, for the smallest training cell. In the reference's far field wrong elastic constants make it "
    "grow like √log R; in the potential's own far field (open markers) this growth cancels.",
    "error_vs_delta_C": "Each point is one fitted potential. Where wrong elastic constants rule the error, "
    "theory predicts slope 1 on these axes. The slope is smaller where the core's own error reaches this "
    "far, and for a screw in a nearly isotropic crystal, whose displacements hardly depend on the elastic "
    "constants.",
    "error_vs_force_rmse": "Each point is one fitted potential. Where wrong forces at the core rule the "
    "error, theory predicts slope 1 on these axes.",
    "error_by_source": "Errors of fits to bulk cells, to periodic quadrupoles of the dislocation itself, "
    "and to both, with as many atoms in each. Points are single runs, the lines join their geometric means.",
    "effectivity": "The a-posteriori estimate against the error that relaxing the fitted potential actually "
    "showed. On the dashed line the estimate is exact.",
}


@dataclass(frozen=True)
class Picture:
    """A figure as the template shows it: an image to embed, or the reason why there is none."""

    name: str
    caption: str
    source: str = ""
    says: str = ""
    missing: str = ""


def write_report(
    folder: Path | str,
    table: pd.DataFrame,
    equilibrium: Equilibrium | None,
    parameters: Mapping[str, Any],
    provenance: Mapping[str, Any],
) -> Path:
    """Write ``folder``/report.html and return its path.

    table : one row per run, the columns of :mod:`genmlip.report.tables`
    equilibrium : the reference's dislocation, or None where there is none to show
    parameters : what was asked for, shown as a list (values may be lists)
    provenance : versions, dates, wall times; nested mappings are shown as nested lists
    """
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
    )
    page = environment.get_template("report.html").render(
        title=title(table, parameters),
        verdict=[unbroken(sentence) for sentence in verdict(table, equilibrium)],
        parameters=shown(
            {_labelled(name): value for name, value in parameters.items() if value not in ("", None)}
        ),
        equilibrium=equilibrium_facts(equilibrium),
        summary=summary(table),
        failures=failures(table),
        core_radius=f"{CORE_RADIUS:g}",
        n_failed=int(failed(table).sum()),
        pictures=list(pictures(table, equilibrium)),
        runs=runs(table),
        provenance=shown({**provenance, **_effort(table)}),
        reference=str(parameters.get("reference", "fs:W")),
        dislocation=str(parameters.get("dislocation", "bcc-screw-111")),
        written=datetime.now(UTC).strftime("%d %B %Y, %H:%M UTC"),
    )
    path = Path(folder) / "report.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, page)
    return path


def title(table: pd.DataFrame, parameters: Mapping[str, Any]) -> str:
    """The question that this study asks, with its material and dislocations."""
    names = list(with_groups(table)["dislocation"].dropna().unique()) if len(table) else []
    what = " and ".join(filter(None, names)) or str(parameters.get("dislocation", "dislocation"))
    reference = parameters.get("reference")
    return f"Does a fitted potential get {what}{f' of {reference}' if reference else ''} right?"


def shown(mapping: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """(name, text or nested list) of every entry, for the template."""
    return [(str(key).replace("_", " "), _shown(value)) for key, value in mapping.items()]


def _labelled(name: str) -> str:
    return f"{name} ({UNITS[name]})" if name in UNITS else name


def _effort(table: pd.DataFrame) -> dict[str, str]:
    """Time that the runs took together."""
    if "wall_s" not in table or not len(table):
        return {}
    seconds = pd.to_numeric(table["wall_s"], errors="coerce").sum()
    return {"time of all runs together": f"{seconds / 60:.1f} min, {len(table)} runs"}


def _shown(value: Any) -> Any:
    if isinstance(value, Mapping):
        return shown(value)
    if isinstance(value, list | tuple | set | range | np.ndarray):
        return ", ".join(str(_shown(item)) for item in value)
    if isinstance(value, float | np.floating):
        return f"{value:.6g}"
    return str(value)


def equilibrium_facts(equilibrium: Equilibrium | None) -> list[tuple[str, str]]:
    """What the reference calculation reached."""
    if equilibrium is None:
        return []
    core = np.round(equilibrium.core_position, 3) + 0.0  # no −0.000
    exponent = equilibrium.decay_exponent
    return [
        ("free atoms", f"{int(equilibrium.cell.free.sum())} of {len(equilibrium.cell.free)}"),
        (
            "largest force",
            f"{equilibrium.fmax:.1e} eV/Å{'' if equilibrium.converged else ' (not converged)'}",
        ),
        (
            "corrector energy",
            f"{equilibrium.energy:.6f}".replace("-", "−") + " eV per line period, relative to the predictor",
        ),
        ("core position", f"({core[0]:.3f}, {core[1]:.3f}) Å"),
        ("decay exponent", "not fitted" if exponent is None or np.isnan(exponent) else f"{exponent:.2f}"),
        ("force calls", str(equilibrium.n_force_calls)),
        ("wall time", f"{equilibrium.wall_s:.1f} s"),
    ]


def summary(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Header and rows: mean and range over the seeds for every setting, and how many runs finished."""
    rows = with_groups(table).assign(_failed=failed(table))
    varying = [name for name in GROUPS if name in rows and rows[name].nunique() > 1]
    keys = [*varying, "observations"]
    quantities = [name for name in RESULTS if name in rows]
    names = {"cell": "L", "radius": "R (Å)"}
    header = [names.get(key, key) for key in keys] + [RESULTS[name] for name in quantities] + ["runs"]
    body = []
    for setting, own in rows.groupby(keys, dropna=False):
        good = own.loc[~own["_failed"]]
        cells: list[Any] = [_shown(value) for value in setting]
        cells += [mean_and_range(good[name]) for name in quantities]
        if unstable(own).all():
            cells[len(keys)] = "no stable crystal"
        body.append([*cells, f"{len(good)} of {len(own)}"])
    return {"header": header, "rows": body}


def mean_and_range(values: pd.Series) -> tuple[str, str]:
    """('0.012', '0.010 – 0.015'): geometric mean of the magnitudes, and their range if there is one."""
    numbers = pd.to_numeric(values, errors="coerce").astype(float).abs()
    numbers = numbers[np.isfinite(numbers)]
    if numbers.empty:
        return "–", ""
    low, high = number(numbers.min()), number(numbers.max())
    return number(geometric_mean(numbers)), "" if low == high else f"{low} – {high}"


def failures(table: pd.DataFrame) -> list[dict[str, str]]:
    """Setting, seeds and reason of the runs that failed; those that differ in the seed only are one entry."""
    bad = with_groups(table.loc[failed(table)])
    varying = [name for name in GROUPS if name in table and table[name].nunique() > 1]
    settings = [name for name in (*varying, "observations") if name in bad]
    reason = bad["error"].astype("string") if "error" in bad else pd.Series(pd.NA, index=bad.index)
    reason = reason.mask(unstable(bad), "the fit has no stable crystal").fillna("no reason recorded")
    entries = []
    for (*setting, why), own in bad.groupby([*(bad[name] for name in settings), reason], dropna=False):
        said = [f"{name} {value}" for name, value in zip(settings, setting, strict=True)]
        if "seed" in own:
            said.append(f"seed{'s' if len(own) > 1 else ''} {', '.join(map(str, own['seed']))}")
        entries.append({"setting": ", ".join(said), "reason": str(why)})
    return entries


def runs(table: pd.DataFrame) -> dict[str, list[Any]]:
    """Header and rows of the whole table, without the columns that only programs read."""
    names = [name for name in table.columns if name not in ("run", "traceback", "error_type")]
    body = [
        ["" if pd.isna(value) else _shown(value) for value in row]
        for row in table[names].itertuples(index=False)
    ]
    return {"header": [str(name) for name in names], "rows": body}


def pictures(table: pd.DataFrame, equilibrium: Equilibrium | None) -> Iterator[Picture]:
    """All figures in the order of the story: the dislocation itself, then the errors."""
    for name, figure in [*equilibrium_figures(equilibrium), *table_figures(table)]:
        caption = CAPTIONS[name]
        if isinstance(figure, Figure):
            source = base64.b64encode(png(figure, dpi=180)).decode()
            yield Picture(
                name, caption, f"data:image/png;base64,{source}", " ".join(figure.get_suptitle().split())
            )
        else:
            yield Picture(name, caption, missing=str(figure))


def equilibrium_figures(equilibrium: Equilibrium | None) -> Iterator[tuple[str, Figure | NothingToDrawError]]:
    """(name, figure) of the dislocation itself, or the reason why there is none."""
    if equilibrium is None:
        return
    drawings = {"differential_displacement": differential_displacement, "decay": decay}
    for name, draw in drawings.items():
        try:
            yield name, draw(equilibrium)
        except NothingToDrawError as reason:
            yield name, reason
