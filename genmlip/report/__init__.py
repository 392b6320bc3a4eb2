"""Figures and the HTML report, drawn from tables and results only; matplotlib is imported on first use."""

from __future__ import annotations

from typing import Any

from genmlip._lazy import lazy_attribute

_PUBLIC = {
    "error_vs_cell": "plots.error_vs_cell",
    "error_vs_radius": "plots.error_vs_radius",
    "error_vs_delta_C": "plots.error_vs_fit",
    "error_vs_force_rmse": "plots.error_vs_fit",
    "error_vs_functions": "plots.accuracy",
    "boundary_rates": "plots.boundary_rates",
    "error_by_source": "plots.error_by_source",
    "effectivity": "plots.effectivity",
    "virial_gain": "plots.virial_gain",
    "decay": "plots.decay",
    "differential_displacement": "plots.core",
    "core_error": "plots.core",
    "decay_of_fields": "plots.fields",
    "core_errors": "plots.fields",
    "answers": "predictions",
    "draw_rate": "plots.rate",
    "save": "style",
    "write_report": "html",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)


def __dir__() -> list[str]:
    return sorted(__all__)
