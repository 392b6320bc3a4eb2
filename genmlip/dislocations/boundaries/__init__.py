"""Boundary conditions, one per file; ``BOUNDARIES`` is the registry by name."""

from __future__ import annotations

from typing import Any

from genmlip.dislocations.boundaries.base import Boundary, Domain, joint_cutoff
from genmlip.dislocations.boundaries.clamped import Clamped
from genmlip.dislocations.boundaries.flexible import Flexible
from genmlip.dislocations.boundaries.periodic import Periodic
from genmlip.dislocations.boundaries.sinclair import Sinclair
from genmlip.dislocations.cell import Defect
from genmlip.errors import UnknownNameError

__all__ = [
    "BOUNDARIES",
    "Boundary",
    "Clamped",
    "Domain",
    "Flexible",
    "Periodic",
    "Sinclair",
    "default_boundary",
    "find_boundary",
    "joint_cutoff",
]

BOUNDARIES: dict[str, type[Boundary]] = {
    boundary.name: boundary for boundary in (Clamped, Sinclair, Flexible, Periodic)
}


def find_boundary(name: str, **parameters: Any) -> Boundary:
    """The boundary condition of that name; parameters not given have their defaults.

    Raises UnknownNameError.
    """
    if name not in BOUNDARIES:
        raise UnknownNameError("boundary", name, BOUNDARIES)
    return BOUNDARIES[name](**parameters)


def default_boundary(defect: Defect) -> Boundary:
    """The best that there is for the defect: images for the vacancy, a clamped far field for a line."""
    return Periodic() if defect.name == "vacancy" else Clamped()
