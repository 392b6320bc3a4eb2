"""Fitted rates: exact laws come back exactly, noise shows in the interval, too little data is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genmlip.errors import InputError
from genmlip.theory import fit_rate

RADII = np.array([8.0, 12.0, 18.0, 27.0, 40.0, 60.0])


@given(slope=st.floats(-6, 3), log_power=st.sampled_from([0.0, 0.5, 1.0, 2.0]), scale=st.floats(1e-6, 1e3))
def test_exact_law_comes_back(slope, log_power, scale):
    values = scale * RADII**slope * np.log(RADII) ** log_power
    rate = fit_rate(RADII, values, log_power=log_power)
    assert rate.slope == pytest.approx(slope, abs=1e-9)
    np.testing.assert_allclose(rate.predict(RADII), values, rtol=1e-8)


def test_interval_covers_the_true_slope_at_its_confidence():
    rng = np.random.default_rng(0)
    covered = sum(
        fit_rate(RADII, RADII**-2.0 * np.exp(0.1 * rng.standard_normal(6))).contains(-2.0, 0.9)
        for _ in range(500)
    )
    assert 0.86 < covered / 500 < 0.94


def test_a_logarithm_fitted_as_a_power_is_visibly_different():
    values = np.log(RADII) / RADII
    assert fit_rate(RADII, values, log_power=1).slope == pytest.approx(-1, abs=1e-12)
    assert fit_rate(RADII, values).slope > -0.8


def test_window_leaves_points_out():
    values = np.where(RADII < 10, 1.0, RADII**-2.0)
    rate = fit_rate(RADII, values, window=(10, 100))
    assert rate.slope == pytest.approx(-2)
    assert rate.window == (12.0, 60.0)
    assert rate.n_points == 5


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (RADII[:4], RADII[:4], "at least 5"),
        (RADII, np.r_[np.nan, RADII[1:]], "positive and finite"),
        (RADII, -RADII, "positive and finite"),
        (RADII, RADII[:5], "equal length"),
    ],
)
def test_data_that_carry_no_rate_are_refused(x, y, message):
    with pytest.raises(InputError, match=message):
        fit_rate(x, y)


def test_logarithm_below_its_length_is_refused():
    with pytest.raises(InputError, match="above 10"):
        fit_rate(RADII, RADII, log_power=1, length=10.0)
