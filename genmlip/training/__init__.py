"""Training cells, labelled data sets, design matrices and least-squares solvers.

The public names are imported on first use, so that ``import genmlip.training`` stays fast.
"""

from __future__ import annotations

from typing import Any

from genmlip._lazy import lazy_attribute

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
    "Assembly": "assemble",
    "ReducedSystem": "streamed_qr",
    "StreamedQR": "streamed_qr",
    "OrdinaryLeastSquares": "solvers",
    "ARD": "solvers",
    "BayesianRidge": "solvers",
    "RankRevealingQR": "solvers",
    "Posterior": "solvers",
    "Ridge": "solvers",
    "GCVRidge": "solvers",
    "TruncatedSVD": "solvers",
    "CrossValidation": "cross_validation",
    "cross_validate": "cross_validation",
    "folds": "cross_validation",
    "pooled": "cross_validation",
    "suggest_cells": "design_of_experiments",
    "predicted_error": "design_of_experiments",
    "weights_for_goals": "design_of_experiments",
    "PlausibleReferences": "plausible",
    "fit_richer": "plausible",
    "richer_basis": "plausible",
    "fit": "fitting",
    "FitResult": "fitting",
    "evaluate": "errors",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)
