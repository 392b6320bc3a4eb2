"""Predicted rates, matching errors, error estimates and the fitting of rates.

The public names are imported on first use.
"""

from __future__ import annotations

from typing import Any

from genmlip._lazy import lazy_attribute

_PUBLIC = {
    "advice": "remedies",
    "Assessment": "assessment",
    "Comparison": "assessment",
    "assess": "assessment",
    "Attribution": "attribution",
    "attribute": "attribution",
    "BoundaryError": "boundary_errors",
    "boundary_error": "boundary_errors",
    "BoundaryRate": "boundary_rates",
    "fit_boundary_rates": "boundary_rates",
    "radii_needed": "boundary_rates",
    "rate_table": "boundary_rates",
    "transferred": "boundary_errors",
    "ErrorEstimate": "estimates",
    "estimate_error": "estimates",
    "GoalFunctional": "goal",
    "Prediction": "prediction",
    "predict_error": "prediction",
    "dispersion_mismatch": "mismatch",
    "elastic_mismatch": "mismatch",
    "lattice_mismatch": "mismatch",
    "nonlinear_mismatch": "mismatch",
    "RateFit": "rates",
    "fit_rate": "rates",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)
