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
from genmlip.potentials.base import Potential

__all__ = [
    "BOUNDARIES",
    "Boundary",
    "Clamped",
    "Domain",
    "Flexible",
    "Periodic",
    "Sinclair",
    "closed_boundary",
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


def default_boundary(defect: Defect, potential: Potential) -> Boundary:
    """The best that there is: images for the vacancy, for a line a flexible far field. That must be the
    potential's own and needs the forces of single sites; otherwise the far field is clamped."""
    own = potential is defect.crystal.potential and getattr(potential, "knows_sites", False)
    return Flexible() if own and defect.name != "vacancy" else closed_boundary(defect)


def closed_boundary(defect: Defect) -> Boundary:
    """The one with all of the deformation inside the cell: images for the vacancy, a clamped line."""
    return Periodic() if defect.name == "vacancy" else Clamped()
