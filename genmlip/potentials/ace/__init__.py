"""Linear atomic cluster expansion: basis, coupling coefficients, kernels, files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmlip._lazy import lazy_attribute

if TYPE_CHECKING:
    from genmlip.potentials.ace.basis import ACEBasis
    from genmlip.potentials.ace.linear import Design, LinearACE

__all__ = ["ACEBasis", "Design", "LinearACE", "load"]

_PUBLIC = {"ACEBasis": "basis", "Design": "linear", "LinearACE": "linear"}


def load(path: str | Path) -> LinearACE:
    """The potential in an ACE file, for ``ace:FILE``."""
    from genmlip.potentials.ace.linear import LinearACE

    return LinearACE.load(path)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)
