"""genmlip: will a machine-learned interatomic potential get the dislocation right?

The public names below are imported on first use, so that ``import genmlip`` stays fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "load_potential": "genmlip.potentials",
    "Crystal": "genmlip.crystal",
    "Dislocation": "genmlip.dislocations",
    "Clamped": "genmlip.dislocations",
    "equilibrate": "genmlip.dislocations",
    "LinearACE": "genmlip.potentials.ace",
    "Dataset": "genmlip.training",
    "fit": "genmlip.training",
    "assess": "genmlip.theory",
}

__all__ = ["__version__", *_PUBLIC]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'genmlip' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
