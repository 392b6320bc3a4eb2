"""The clamped boundary: atoms beyond the radius stay where the predictor puts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genmlip._types import Array
from genmlip.dislocations.boundaries.base import Domain
from genmlip.dislocations.cell import Defect
from genmlip.dislocations.harmonic import harmonic_preconditioner
from genmlip.errors import InputError


@dataclass(frozen=True)
class Clamped:
    """u = 0 outside the radius: geometry error R⁻¹ log R (Ehrlacher, Ortner & Shapeev, 2016)."""

    name: ClassVar[str] = "clamped"

    def domain(self, defect: Defect, radius: float, cutoff: float) -> Domain:
        """Unknowns are the displacements of the free atoms. Raises InputError where no atom is held."""
        cell = defect.cell(radius, cutoff)
        if cell.free.all():
            raise InputError(f"boundary 'clamped' holds no atom of a {defect.name} cell; use 'periodic'")
        free = np.flatnonzero(cell.free)

        def extend(x: Array) -> Array:
            u = np.zeros((len(cell), 3))
            u[free] = x
            return u

        return Domain(
            cell,
            extend,
            restrict=lambda u: u[free],
            residual=lambda x, forces: -forces[free],
            precondition=lambda: harmonic_preconditioner(cell, free),
        )
