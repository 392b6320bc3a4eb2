"""The periodic boundary: the defect and its images in a supercell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from genmlip.dislocations.boundaries.base import Domain
from genmlip.dislocations.cell import Defect
from genmlip.dislocations.harmonic import periodic_preconditioner
from genmlip.errors import InputError


@dataclass(frozen=True)
class Periodic:
    """All atoms move; a rigid translation costs nothing and is taken out of every step, so that Σ u = 0.

    The cell, its images included, is what the defect itself offers; forces sum to zero by translation
    invariance, so that projecting the residual removes rounding only.
    """

    name: ClassVar[str] = "periodic"

    def domain(self, defect: Defect, radius: float, cutoff: float) -> Domain:
        """Unknowns are the displacements of all atoms. Raises InputError for a cell that is not periodic."""
        cell = defect.cell(radius, cutoff)
        if not cell.atoms.pbc.all():
            raise InputError(f"boundary 'periodic' needs a periodic cell, which {defect.name} does not have")
        return Domain(
            cell,
            extend=lambda x: x,
            restrict=lambda u: u - u.mean(axis=0),
            residual=lambda x, forces: forces.mean(axis=0) - forces,
            precondition=lambda: periodic_preconditioner(cell),
        )
