"""The flexible boundary: the nonlinear core in an infinite harmonic crystal under the predictor's forces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from genmlip.dislocations.boundaries.base import Domain, joint_cutoff
from genmlip.dislocations.boundaries.coupling import INNERMOST, coupled_domain, far_cell
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.errors import InputError
from genmlip.potentials.base import Potential

FARTHER, LEAST = 4.0, 120.0
FARTHEST = 2000.0  # Å; millions of columns


@dataclass(frozen=True)
class Flexible:
    """H u = f0 outside the radius: what is left out is C3[∇u0, ∇ū] ~ r⁻³ log r, geometry error R⁻² log R.

    What it neglects in the energy is of first order, R⁻³; this is evaluated once, at the equilibrium, so that
    the error becomes that of the geometry squared.

    source_radius : Å out to which f0 is kept; the energy that lies beyond falls off like its inverse square
        and is extrapolated. By default four times the radius, not less than 120 Å nor two and a half times
        the interface, which is some 20 Å wider than the radius. Below this nothing is extrapolated; that
        costs milli-eV
    """

    source_radius: float | None = None
    name: ClassVar[str] = "flexible"

    def __post_init__(self) -> None:
        radius = self.source_radius
        if radius is None:
            return
        number = isinstance(radius, int | float | np.number) and not isinstance(radius, bool)
        if not (number and 0.0 < radius <= FARTHEST):
            raise InputError(f"source radius must be a positive number up to {FARTHEST:g} Å, got {radius!r}")

    def cell(self, defect: Defect, radius: float, cutoff: float) -> DefectCell:
        """Atoms out to the source radius and an interface layer. Raises InputError for a point defect."""
        return far_cell(defect, radius, cutoff, self._sources(defect, radius, cutoff))

    def domain(self, defect: Defect, radius: float, potential: Potential) -> Domain:
        """Unknowns are the displacements of all atoms; those of the layer follow."""
        cutoff = joint_cutoff(defect, potential)
        reach = self._sources(defect, radius, cutoff)
        cell = self.cell(defect, radius, cutoff)
        return coupled_domain(cell, potential, reach, kept=reach, to_infinity=True)

    def faithful_radius(self, defect: Defect, radius: float, cutoff: float) -> float:
        """Å, within which displacements are those of the infinite crystal; farther out are the sources that
        stand in for others."""
        return INNERMOST * self._sources(defect, radius, cutoff)

    def _sources(self, defect: Defect, radius: float, cutoff: float) -> float:
        """Å; by default all that is done to far sources happens outside the interface."""
        if self.source_radius is not None:
            return self.source_radius
        b1 = abs(float(getattr(defect, "burgers", np.zeros(3))[0]))
        return max(FARTHER * radius, LEAST, (radius + 3 * (cutoff + b1) + 1.0) / INNERMOST)
