"""Dislocations and the vacancy: catalogue, far fields, cells, boundary conditions and core analysis.

The public names are imported on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "SYSTEMS": "catalogue",
    "Dislocation": "dislocation",
    "Vacancy": "vacancy",
    "Defect": "cell",
    "make_defect": "defects",
    "check_defect": "defects",
    "DefectCell": "cell",
    "Pairs": "cell",
    "StrohField": "stroh",
    "MappedPredictor": "predictor",
    "SelfConsistentPredictor": "predictor",
    "equilibrate": "equilibrate",
    "Equilibrium": "equilibrate",
    "Clamped": "boundaries",
    "Periodic": "boundaries",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        value = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
        globals()[name] = value  # also where a submodule bears the same name
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
