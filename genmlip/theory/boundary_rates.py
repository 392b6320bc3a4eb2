"""How fast the errors of boundary conditions fall with the radius, and which radius an accuracy asks for.

docs/theory.md, section 8; every rate is a bound, which symmetry or a small constant may let an error beat.
A logarithm log(R / ℓ) comes with a length that theory does not tell: where ∣Dū∣ r² hardly grows, ℓ is far
below 1 Å and the plain power is nearer to the truth.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from math import exp, log, sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from genmlip.errors import InputError
from genmlip.theory.rates import RateFit, fit_rate

if TYPE_CHECKING:
    import pandas as pd

SETTING = ("reference", "dislocation", "boundary")
FARTHEST = 1e6
"""Å; no radius beyond this is told."""


class Law(NamedTuple):
    """R^power log^log_power R."""

    power: float
    log_power: float

    def __str__(self) -> str:
        logs = {0.0: "", 1.0: " log R"}.get(self.log_power, f" log^{self.log_power:g} R")
        return f"R^{self.power:g}{logs}"


PREDICTED: Mapping[str, Mapping[str, Law]] = {
    "clamped": {"geometry_error": Law(-1, 1), "energy_error": Law(-2, 2)},
    "sinclair": {"geometry_error": Law(-1, 0), "energy_error": Law(-2, 1)},
    "flexible": {"geometry_error": Law(-2, 1), "energy_error": Law(-4, 2)},
}
"""Boundary condition → quantity → law (docs/theory.md, section 8); of others only the power is fitted.

The energy of a displacement near equilibrium is wrong by the square of its error, if it is the energy of the
potential: so it is for a clamped and for a flexible boundary. A harmonic exterior's own energy would not do:
it lacks ½ C3[∇u0, Dū, Dū] ~ r⁻⁵ log² r, which adds up to R⁻³ log² R.
"""

TOLERANCES = {"geometry_error": 1e-3, "energy_error": 1e-3}
"""Å, and eV per line period: the accuracies for which :func:`radii_needed` asks by default."""


@dataclass(frozen=True)
class BoundaryRate:
    """One error of one boundary condition against the radius.

    quantity : ``geometry_error`` (Å) or ``energy_error`` (eV per line period)
    predicted : the law of theory; None where it has none
    fit : with the predicted power of the logarithm, or as a plain power
    """

    reference: str
    dislocation: str
    boundary: str
    quantity: str
    predicted: Law | None
    fit: RateFit

    @property
    def is_plain(self) -> bool:
        """Whether no logarithm was fitted."""
        return self.fit.log_power == 0.0

    @property
    def is_theory(self) -> bool:
        """Whether the logarithm is that of theory; without a theory, whether there is none."""
        return self.fit.log_power == (0.0 if self.predicted is None else self.predicted.log_power)

    @property
    def holds(self) -> bool | None:
        """Whether the error falls at least as fast as predicted, by the 95 % interval.

        None where there is no theory, or another power of the logarithm was fitted.
        """
        if self.predicted is None or not self.is_theory:
            return None
        return self.fit.interval()[0] <= self.predicted.power


def fit_boundary_rates(
    table: pd.DataFrame, window: tuple[float, float] | None = None, length: float = 1.0
) -> list[BoundaryRate]:
    """The rates of all potentials, dislocations and boundary conditions in the table of a study.

    Each error is fitted twice, with the predicted logarithms and as a plain power. Errors from which no rate
    can be fitted (fewer than five radii) are left out.

    window : Å, the radii that enter; length : Å, that of log(R / length)
    """
    return [
        BoundaryRate(reference, dislocation, boundary, quantity, predicted, fit)
        for (reference, dislocation, boundary), rows in table.groupby(list(SETTING), sort=False)
        for quantity in TOLERANCES
        for predicted in [PREDICTED.get(boundary, {}).get(quantity)]
        for fit in _fits(rows, quantity, predicted, window, length)
    ]


def rate_table(rates: list[BoundaryRate]) -> pd.DataFrame:
    """One row per fit: what was fitted, the slope with its 95 % interval, the window (Å) and the scatter."""
    import pandas as pd

    return pd.DataFrame([{**_names(rate), **_numbers(rate)} for rate in rates])


def radii_needed(rates: list[BoundaryRate], tolerances: Mapping[str, float] = TOLERANCES) -> pd.DataFrame:
    """The radius (Å) at which each fitted law meets a tolerance, with an interval from that of its slope.

    ``extrapolated`` tells how far beyond the radii that were fitted: 1.0 and below is inside. A law that
    meets the tolerance already at the smallest of them gives that radius, with ``at_most``.

    tolerances : quantity → Å or eV per line period
    """
    import pandas as pd

    rows = []
    for rate in rates:
        tolerance = tolerances[rate.quantity]
        low, best, high = sorted(_reached(law, tolerance) for law in _steepest_to_flattest(rate.fit))
        smallest, largest = rate.fit.window
        rows.append(
            {
                **_names(rate), "tolerance": tolerance, "radius": best, "low": low, "high": high,
                "extrapolated": best / largest, "at_most": best == smallest,
            }
        )  # fmt: skip
    return pd.DataFrame(rows)


def _fits(
    rows: pd.DataFrame,
    quantity: str,
    predicted: Law | None,
    window: tuple[float, float] | None,
    length: float,
) -> Iterator[RateFit]:
    known = rows[quantity].gt(0) & np.isfinite(rows[quantity])
    x, y = rows.loc[known, "radius"], rows.loc[known, quantity]
    for log_power in dict.fromkeys([predicted.log_power if predicted else 0.0, 0.0]):
        try:
            yield fit_rate(x, y, log_power=log_power, length=length, window=window)
        except InputError:
            return


def _names(rate: BoundaryRate) -> dict[str, str]:
    logs = str(Law(1, rate.fit.log_power)).removeprefix("R^1")
    names = {name: getattr(rate, name) for name in (*SETTING, "quantity")}
    return names | {"law": f"R^s{logs}"}


def _numbers(rate: BoundaryRate) -> dict[str, float | str | bool | None]:
    low, high = rate.fit.interval()
    return {
        "slope": rate.fit.slope, "low": low, "high": high,
        "predicted": "" if rate.predicted is None else str(rate.predicted),
        "holds": rate.holds,
        "points": rate.fit.n_points, "from": rate.fit.window[0], "to": rate.fit.window[1],
        "scatter": rate.fit.residual,
    }  # fmt: skip


def _steepest_to_flattest(fit: RateFit) -> Iterator[RateFit]:
    """The law with the slopes of its interval, turned about the geometric centre of the window."""
    low, high = fit.interval()
    centre = log(sqrt(fit.window[0] * fit.window[1]))
    for slope in (low, fit.slope, high):
        yield replace(fit, slope=slope, log_prefactor=fit.log_prefactor + (fit.slope - slope) * centre)


def _reached(law: RateFit, tolerance: float) -> float:
    """Smallest R (Å) in the window or beyond at which the law is below ``tolerance``; infinite if none."""
    from scipy.optimize import brentq

    def excess(log_radius: float) -> float:
        return float(np.log(law.predict(exp(log_radius)) / tolerance))

    nearest, farthest = log(law.window[0]), log(FARTHEST)
    if excess(nearest) <= 0:
        return law.window[0]
    return exp(brentq(excess, nearest, farthest)) if excess(farthest) < 0 else np.inf
