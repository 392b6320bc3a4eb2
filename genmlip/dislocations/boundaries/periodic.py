"""The periodic boundary: the defect and its images in a supercell.

The energy of a dislocation is ½ [E(relaxed) − E(superposed fields)]: the two cores of a cell are the same,
and the elastic energy of the array is in both terms and cancels. What is left is of one order, R⁻² log² R,
that of the clamped boundary; its factor depends on the arrangement, smaller for screws than for edges:

- the strain of the images is odd about a core, ∇u_im ~ b r / R² (and b δ / R² from the shift δ of the
  inverted core to a lattice place). With the core's own it makes forces div C3[∇u0, ∇u_im] ~ 1 / (R² r),
  whose work on the corrector ū ~ log r / r is ∫ log r / (R² r²) r dr;
- the correctors of different cores overlap, as ∫ ∣∇ū∣² beyond R;
- the cell vectors are those of linear elasticity; the mean stress of second order, ~ log R / R², stays, and
  with it an energy of its square times the area.

The other energy of this cell, that of the core, is in ``dislocations.elastic_energy``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genmlip.dislocations.boundaries.base import Domain, joint_cutoff
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.dislocations.dislocation import Dislocation
from genmlip.dislocations.harmonic import harmonic_preconditioner, periodic_preconditioner
from genmlip.dislocations.quadrupole_cell import quadrupole_cell
from genmlip.potentials.base import Potential
from genmlip.statics.preconditioner import Preconditioner, ZeroMean


@dataclass(frozen=True)
class Periodic:
    """All atoms move; a rigid translation costs nothing and is taken out of every step, so that Σ u = 0.

    A point defect has images of itself, ≥ 2 radii away. A dislocation cannot be periodic alone: its cell is a
    quadrupole with opposite cores 2 radii apart. Forces sum to zero by translation invariance, so that
    projecting the residual removes rounding only.
    """

    name: ClassVar[str] = "periodic"

    def cell(self, defect: Defect, radius: float, cutoff: float) -> DefectCell:
        """The supercell. Raises InputError for a radius below the cutoff or the width of a core."""
        if isinstance(defect, Dislocation):
            return quadrupole_cell(defect, radius, cutoff)
        return defect.cell(radius, cutoff)

    def domain(self, defect: Defect, radius: float, potential: Potential) -> Domain:
        """Unknowns are the displacements of all atoms."""
        cell = self.cell(defect, radius, joint_cutoff(defect, potential))
        return Domain(
            cell,
            extend=lambda x: x,
            restrict=lambda u: u - u.mean(axis=0),
            residual=lambda x, forces: forces.mean(axis=0) - forces,
            precondition=lambda: _preconditioner(cell),
        )


def _preconditioner(cell: DefectCell) -> Preconditioner:
    """Where the crystal has slipped, its operator is no convolution: factorised with one atom held."""
    if cell.line_period is None:
        return periodic_preconditioner(cell)
    return ZeroMean(harmonic_preconditioner(cell, np.arange(1, len(cell))))
