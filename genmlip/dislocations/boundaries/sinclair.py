"""Sinclair's flexible boundary: the nonlinear core in an infinite harmonic crystal free of forces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from genmlip.dislocations.boundaries.base import Domain, joint_cutoff
from genmlip.dislocations.boundaries.coupling import coupled_domain, far_cell
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.potentials.base import Potential

LAYERS = 4.0


@dataclass(frozen=True)
class Sinclair:
    """H u = 0 outside the radius, as if the predictor were in equilibrium there: geometry error R⁻¹.

    Sinclair, Gehlen, Hoagland & Hirth, J. Appl. Phys. 49, 3890 (1978), alternate between relaxing the core
    and displacing all atoms by the Green's function of the forces in the interface layer. Here their fixed
    point is found by one minimisation; ``radius`` is that of core and interface layer together, on both of
    which the forces vanish in the end.

    source_radius : Å, out to which there are atoms at least. An edge's cut ends there, which changes the
        energy by some 1e-5 eV; a screw does not depend on it
    """

    source_radius: float | None = None
    name: ClassVar[str] = "sinclair"

    def cell(self, defect: Defect, radius: float, cutoff: float) -> DefectCell:
        """Atoms out to the end of the interface layer. Raises InputError for a point defect."""
        return far_cell(defect, radius, cutoff, self._sources(defect, radius, cutoff))

    def domain(self, defect: Defect, radius: float, potential: Potential) -> Domain:
        """Unknowns are the displacements of all atoms; those beyond the layer follow."""
        cutoff = joint_cutoff(defect, potential)
        cell = self.cell(defect, radius, cutoff)
        return coupled_domain(cell, potential, self._sources(defect, radius, cutoff), kept=radius)

    def _sources(self, defect: Defect, radius: float, cutoff: float) -> float:
        """Å; beyond it the crystal is harmonic, and nothing acts on it."""
        layer = float(defect.cell(radius, cutoff).r.max()) + LAYERS * cutoff
        return max(layer, self.source_radius or 0.0)
