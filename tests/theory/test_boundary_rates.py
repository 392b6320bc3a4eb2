"""Rates of boundary conditions: made-up laws come back, and their radii meet the tolerance."""

import numpy as np
import pandas as pd
import pytest

from genmlip.theory import fit_boundary_rates, radii_needed, rate_table

RADII = np.array([12.0, 16.0, 22.0, 30.0, 42.0, 60.0])


def made_up(boundary, power, log_power, scale=1.0, scatter=0.0):
    """A table whose geometry error is scale · R^power log^log_power R, and the energy error its square."""
    noise = np.exp(scatter * np.random.default_rng(3).standard_normal(len(RADII)))
    geometry = scale * RADII**power * np.log(RADII) ** log_power * noise
    return pd.DataFrame(
        {
            "reference": "fs:W", "dislocation": "bcc-screw-111", "boundary": boundary, "radius": RADII,
            "geometry_error": geometry, "energy_error": geometry**2,
        }
    )  # fmt: skip


def of(rates, quantity, plain=False):
    return next(r for r in rates if r.quantity == quantity and r.is_plain == plain)


def test_a_law_with_the_predicted_logarithms_comes_back():
    rates = fit_boundary_rates(made_up("clamped", -1, 1))
    for quantity, power in (("geometry_error", -1), ("energy_error", -2)):
        assert of(rates, quantity).fit.slope == pytest.approx(power, abs=1e-10)


def test_every_error_is_fitted_as_a_plain_power_too():
    rates = fit_boundary_rates(made_up("clamped", -1, 0))
    plain = of(rates, "geometry_error", plain=True)
    assert plain.holds is None
    assert plain.fit.slope == pytest.approx(-1, abs=1e-10)
    assert of(rates, "geometry_error").fit.slope < -1.2


def test_an_error_that_falls_too_slowly_does_not_hold_what_theory_promises():
    slow = fit_boundary_rates(made_up("flexible", -1, 1, scatter=0.01))
    assert of(slow, "geometry_error").holds is False
    fast = fit_boundary_rates(made_up("flexible", -3, 1, scatter=0.01))
    assert of(fast, "geometry_error").holds is True


def test_a_law_without_a_logarithm_is_fitted_once():
    """Sinclair's geometry error, R⁻¹."""
    rates = [r for r in fit_boundary_rates(made_up("sinclair", -1, 0)) if r.quantity == "geometry_error"]
    assert [(r.is_plain, r.is_theory) for r in rates] == [(True, True)]
    assert rates[0].fit.slope == pytest.approx(-1, abs=1e-10)


def test_of_a_boundary_without_a_theory_the_power_alone_is_fitted():
    rates = fit_boundary_rates(made_up("another", -1.5, 0))
    assert [rate.is_plain for rate in rates] == [True, True]
    assert rates[0].holds is None
    assert rates[0].fit.slope == pytest.approx(-1.5, abs=1e-10)


def test_failed_runs_and_settings_with_too_few_radii_carry_no_rate():
    whole, lost = made_up("clamped", -1, 1), made_up("sinclair", -1, 1)
    lost.loc[:1, ["geometry_error", "energy_error"]] = np.nan
    assert {rate.boundary for rate in fit_boundary_rates(pd.concat([whole, lost]))} == {"clamped"}
    assert fit_boundary_rates(lost) == []
    assert rate_table([]).empty
    assert radii_needed([]).empty


def test_the_table_has_a_row_per_fit_and_says_which_law_it_was():
    table = rate_table(fit_boundary_rates(made_up("clamped", -1, 1)))
    assert list(table["law"]) == ["R^s log R", "R^s", "R^s log^2 R", "R^s"]
    assert list(table["predicted"].unique()) == ["R^-1 log R", "R^-2 log^2 R"]
    assert ((table["low"] <= table["slope"]) & (table["slope"] <= table["high"])).all()


@pytest.mark.parametrize(("scale", "where"), [(0.01, "inside"), (0.5, "beyond")])
def test_at_the_radius_needed_the_law_meets_the_tolerance(scale, where):
    rates = fit_boundary_rates(made_up("clamped", -1, 1, scale=scale))
    needed = radii_needed(rates, {"geometry_error": 1e-3, "energy_error": 1e-6})
    for law in (needed.iloc[0], needed.iloc[2]):
        assert scale * np.log(law["radius"]) / law["radius"] == pytest.approx(1e-3, rel=1e-6)
        assert (law["extrapolated"] > 1) == (where == "beyond")
        assert not law["at_most"]


def test_an_extrapolated_radius_comes_with_the_interval_of_its_slope():
    noisy = radii_needed(fit_boundary_rates(made_up("clamped", -1, 1, scale=0.5, scatter=0.05))).iloc[0]
    assert noisy["low"] < 0.9 * noisy["radius"] < noisy["radius"] < 0.9 * noisy["high"]


def test_a_tolerance_met_at_all_radii_needs_the_smallest_at_most():
    needed = radii_needed(fit_boundary_rates(made_up("flexible", -2, 1, scale=1e-3))).iloc[0]
    assert needed["radius"] == RADII[0]
    assert needed["at_most"]


def test_a_law_that_never_falls_needs_an_infinite_radius():
    needed = radii_needed(fit_boundary_rates(made_up("another", 0.5, 0)))
    assert np.isinf(needed["radius"]).all()
