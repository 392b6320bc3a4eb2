"""Training cells, labelled data sets, design matrices and least-squares solvers.

The public names are imported on first use, so that ``import genmlip.training`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PUBLIC = {
    "bulk_cells": "cells",
    "strained_cells": "cells",
    "training_cells": "cells",
    "vacancy_cells": "cells",
    "dislocation_quadrupole": "quadrupole",
    "Configuration": "dataset",
    "Dataset": "dataset",
    "label": "labels",
    "Weights": "observations",
    "StreamedQR": "streamed_qr",
    "OrdinaryLeastSquares": "solvers",
    "Ridge": "solvers",
    "GCVRidge": "solvers",
    "TruncatedSVD": "solvers",
    "fit": "fitting",
    "FitResult": "fitting",
    "evaluate": "errors",
}

__all__ = [
    "Configuration",
    "Dataset",
    "FitResult",
    "GCVRidge",
    "OrdinaryLeastSquares",
    "Ridge",
    "StreamedQR",
    "TruncatedSVD",
    "Weights",
    "bulk_cells",
    "dislocation_quadrupole",
    "evaluate",
    "fit",
    "label",
    "strained_cells",
    "training_cells",
    "vacancy_cells",
]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(f"genmlip.training.{_PUBLIC[name]}"), name)
    raise AttributeError(f"module 'genmlip.training' has no attribute {name!r}")
