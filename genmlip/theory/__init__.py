"""Predicted rates, matching errors, error estimates and the fitting of rates.

The public names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "Assessment": "assessment",
    "Comparison": "assessment",
    "assess": "assessment",
    "ErrorEstimate": "estimates",
    "estimate_error": "estimates",
    "dispersion_mismatch": "mismatch",
    "elastic_mismatch": "mismatch",
    "lattice_mismatch": "mismatch",
    "RateFit": "rates",
    "fit_rate": "rates",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value  # also where a submodule bears the same name
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
