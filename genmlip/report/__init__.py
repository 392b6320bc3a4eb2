"""Figures and the HTML report, drawn from tables and results only; matplotlib is imported on first use."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "error_vs_cell": "genmlip.report.plots.error_vs_cell",
    "error_vs_radius": "genmlip.report.plots.error_vs_radius",
    "error_vs_delta_C": "genmlip.report.plots.error_vs_fit",
    "error_vs_force_rmse": "genmlip.report.plots.error_vs_fit",
    "effectivity": "genmlip.report.plots.effectivity",
    "virial_gain": "genmlip.report.plots.virial_gain",
    "decay": "genmlip.report.plots.decay",
    "differential_displacement": "genmlip.report.plots.core",
    "core_error": "genmlip.report.plots.core",
    "draw_rate": "genmlip.report.plots.rate",
    "save": "genmlip.report.style",
    "draw_all": "genmlip.report.draw",
    "write_report": "genmlip.report.html",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'genmlip.report' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
