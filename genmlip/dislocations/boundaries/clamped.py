"""The clamped boundary: atoms beyond the radius stay where the predictor puts them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genmlip._types import Array
from genmlip.dislocations.boundaries.base import Domain, joint_cutoff
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.dislocations.harmonic import harmonic_preconditioner
from genmlip.errors import InputError
from genmlip.potentials.base import Potential


@dataclass(frozen=True)
class Clamped:
    """u = 0 outside the radius: geometry error R⁻¹ log R (Ehrlacher, Ortner & Shapeev, 2016)."""

    name: ClassVar[str] = "clamped"

    def cell(self, defect: Defect, radius: float, cutoff: float) -> DefectCell:
        """Free atoms and two shells around them. Raises InputError where no atom is held."""
        cell = defect.cell(radius, cutoff)
        if cell.free.all():
            raise InputError(f"boundary 'clamped' holds no atom of a {defect.name} cell; use 'periodic'")
        return cell

    def domain(self, defect: Defect, radius: float, potential: Potential) -> Domain:
        """Unknowns are the displacements of the free atoms."""
        cell = self.cell(defect, radius, joint_cutoff(defect, potential))
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
