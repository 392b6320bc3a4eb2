"""The run that measures a boundary condition: one dislocation in a small cell against a much larger one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from genmlip.errors import InputError
from genmlip.studies.cache import Cache
from genmlip.studies.equilibria import crystal_of, kept_equilibrium
from genmlip.studies.runs import Scalar

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium
    from genmlip.dislocations.boundaries import Boundary

LARGER = 3.0
"""Smallest ratio of the two radii; the error of the large cell itself is a part of every row."""


@dataclass(frozen=True)
class BoundaryCondition:
    """The error of one boundary condition at one radius, for one dislocation and potential.

    reference : the potential, in the small cell and in the large one
    symbol, structure : element and bcc, fcc or diamond, where the potential offers several; else empty
    dislocation : a name of the catalogue
    boundary : boundary condition of the small cell
    radius : Å, of the region in which atoms move as the potential has it
    reference_radius : Å, of the large cell, at least three times the radius
    reference_boundary : of the large cell
    source_radius : Å, out to which boundary conditions with a far field of their own keep the predictor's
        forces, in both cells: far out, so that only what they do near the core is measured
    fmax : eV/Å, largest force at either equilibrium

    The search starts from the large cell's equilibrium, so that all radii are compared in one and the same of
    equivalent minima; ``core_shift`` (Å) tells whether they are. The large cell is started from a clamped one
    of a third of its radius: a wide core has several places, and small clamped cells hold it near the centre.
    The row also holds ``geometry_error`` (Å), its part ``geometry_error_beyond`` the atoms of the small cell,
    ``energy_error`` (eV per line period) and what the search cost: ``n_force_calls`` and ``relaxation_s`` for
    ``n_free`` of ``n_atoms``.
    """

    reference: str = "fs:W"
    symbol: str = ""
    structure: str = ""
    dislocation: str = "bcc-screw-111"
    boundary: str = "clamped"
    radius: float = 30.0
    reference_radius: float = 120.0
    reference_boundary: str = "flexible"
    source_radius: float = 300.0
    fmax: float = 1e-7

    def __post_init__(self) -> None:
        from genmlip.dislocations import check_defect

        check_defect(self.dislocation)
        for name in (self.boundary, self.reference_boundary):
            self._boundary(name)
        for name in ("radius", "fmax"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)!r}")
        if not self.reference_radius >= LARGER * self.radius:
            raise InputError(
                f"reference_radius must be at least {LARGER:g} times the radius, {LARGER * self.radius:g} Å; "
                f"got {self.reference_radius!r}"
            )

    def __call__(self, cache: Cache) -> Mapping[str, Scalar]:
        from genmlip.dislocations import equilibrate, make_defect
        from genmlip.dislocations.boundaries import joint_cutoff
        from genmlip.theory import boundary_error, transferred

        crystal = crystal_of(self.reference, self.symbol, self.structure)
        defect, potential = make_defect(crystal, self.dislocation), crystal.potential
        best, boundary = self._boundary(self.reference_boundary), self._boundary(self.boundary)
        small_clamped = self._boundary("clamped"), self.reference_radius / LARGER
        large = kept_equilibrium(cache, defect, self.reference_radius, best, self.fmax, small_clamped)
        start = transferred(large, boundary.cell(defect, self.radius, joint_cutoff(defect, potential)))
        small = equilibrate(defect, potential, self.radius, boundary, self.fmax, start)
        within = self._faithful(best, large)
        error = boundary_error(small.require_convergence(), large, within)
        return {
            "geometry_error": error.geometry,
            "geometry_error_beyond": error.beyond,
            "energy_error": error.energy,
            "core_shift": error.core_shift,
            "n_force_calls": small.n_force_calls,
            "n_atoms": len(small.cell),
            "n_free": small.n_free,
            "relaxation_s": small.wall_s,
        }

    def _faithful(self, boundary: Boundary, large: Equilibrium) -> float | None:
        """Å, out to which the large cell is the infinite crystal; None for all of it."""
        from genmlip.dislocations import Flexible

        if isinstance(boundary, Flexible):
            return boundary.faithful_radius(large.cell.defect, large.cell.radius, large.cutoff)
        return None

    def _boundary(self, name: str) -> Boundary:
        """The boundary condition of that name, with the source radius where it has one."""
        from genmlip.dislocations.boundaries import find_boundary

        boundary = find_boundary(name)
        if any(field.name == "source_radius" for field in fields(boundary)):  # type: ignore[arg-type]
            return find_boundary(name, source_radius=self.source_radius)
        return boundary
