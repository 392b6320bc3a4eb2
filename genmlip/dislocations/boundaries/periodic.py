"""The periodic boundary: the defect and its images in a supercell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from genmlip.dislocations.boundaries.base import Domain, joint_cutoff
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.dislocations.harmonic import periodic_preconditioner
from genmlip.errors import InputError
from genmlip.potentials.base import Potential


@dataclass(frozen=True)
class Periodic:
    """All atoms move; a rigid translation costs nothing and is taken out of every step, so that Σ u = 0.

    The cell, its images included, is what the defect itself offers; forces sum to zero by translation
    invariance, so that projecting the residual removes rounding only.
    """

    name: ClassVar[str] = "periodic"

    def cell(self, defect: Defect, radius: float, cutoff: float) -> DefectCell:
        """Raises InputError for a cell that is not periodic."""
        cell = defect.cell(radius, cutoff)
        if not cell.atoms.pbc.all():
            raise InputError(f"boundary 'periodic' needs a periodic cell, which {defect.name} does not have")
        return cell

    def domain(self, defect: Defect, radius: float, potential: Potential) -> Domain:
        """Unknowns are the displacements of all atoms."""
        cell = self.cell(defect, radius, joint_cutoff(defect, potential))
        return Domain(
            cell,
            extend=lambda x: x,
            restrict=lambda u: u - u.mean(axis=0),
            residual=lambda x, forces: forces.mean(axis=0) - forces,
            precondition=lambda: periodic_preconditioner(cell),
        )
