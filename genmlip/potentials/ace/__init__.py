"""Atomic cluster expansion: basis, coupling coefficients, kernels, files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from genmlip._lazy import lazy_attribute

if TYPE_CHECKING:
    from genmlip.potentials.ace.basis import ACEBasis
    from genmlip.potentials.ace.linear import Design, LinearACE
    from genmlip.potentials.ace.yace import PACEPotential, load_yace

__all__ = ["ACEBasis", "Design", "LinearACE", "PACEPotential", "load", "load_yace"]

_PUBLIC = {
    "ACEBasis": "basis",
    "Design": "linear",
    "LinearACE": "linear",
    "PACEPotential": "yace",
    "load_yace": "yace",
}


def load(path: str | Path) -> LinearACE | PACEPotential:
    """The potential in an ACE file, for ``ace:FILE``: our JSON, or .yace as python-ace and LAMMPS read it.

    Where the suffix is neither .json nor .yace, a file that does not begin with a brace is the latter.
    """
    if _is_yace(Path(path)):
        from genmlip.potentials.ace.yace import load_yace

        return load_yace(path)
    from genmlip.potentials.ace.linear import LinearACE

    return LinearACE.load(path)


def _is_yace(path: Path) -> bool:
    if path.suffix in (".json", ".yace") or not path.is_file():
        return path.suffix == ".yace"
    with path.open("rb") as file:
        return not file.read(64).lstrip().startswith(b"{")


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)
