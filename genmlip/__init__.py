"""genmlip: will a machine-learned interatomic potential get the dislocation right?

The public names below are imported on first use, so that ``import genmlip`` stays fast.
"""

from __future__ import annotations

from typing import Any

from genmlip._lazy import lazy_attribute

__version__ = "0.1.0"

_PUBLIC = {
    "load_potential": "potentials",
    "Crystal": "crystal",
    "Dislocation": "dislocations",
    "Clamped": "dislocations",
    "Flexible": "dislocations",
    "equilibrate": "dislocations",
    "peierls_barrier": "dislocations",
    "LinearACE": "potentials.ace",
    "Dataset": "training",
    "fit": "training",
    "assess": "theory",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
