"""The run of the main job: fit a potential to small periodic cells, then ask it about a defect.

What is expensive and shared by many runs (the reference's equilibrium, the labelled cells, a fit that is
asked about several defects or radii) is computed once per study and kept in its cache.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from genmlip.errors import InputError, NotConvergedError
from genmlip.studies.cache import Cache
from genmlip.studies.equilibria import kept_equilibrium
from genmlip.studies.runs import Scalar, UnfinishedRunError
from genmlip.studies.training_run import Training

if TYPE_CHECKING:
    from genmlip.dislocations import Equilibrium
    from genmlip.theory import Assessment


@dataclass(frozen=True)
class Generalisation(Training):
    """One potential, fitted as :class:`~genmlip.studies.training_run.Training` says, in one defect.

    dislocation : a name of the catalogue, or ``vacancy``
    radius : Å, of the region that is free to move
    boundary : boundary condition; empty for the one that has all of the deformation inside the cell
    fmax : eV/Å, largest force at equilibrium

    The row holds the keys of ``genmlip assess --json`` (geometry_error and energy_error with the reference's
    predictor, those ending in _own with each model's own), the errors on the training cells and, for a
    dislocation, what the perfect crystals predict: ``far_field_growth``, d geometry_error² / d log R in Å²
    far out, and ``far_field_error``, the part of geometry_error outside the core in Å.
    """

    dislocation: str = "bcc-screw-111"
    radius: float = 30.0
    boundary: str = ""
    fmax: float = 1e-6

    def __post_init__(self) -> None:
        from genmlip.dislocations import check_defect
        from genmlip.dislocations.boundaries import find_boundary

        super().__post_init__()
        check_defect(self.dislocation)
        if self.boundary:
            find_boundary(self.boundary)
        for name in ("radius", "fmax"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, got {getattr(self, name)!r}")

    def __call__(self, cache: Cache) -> Mapping[str, Scalar]:
        found = self.assessment(cache)
        results = (
            found.summary()
            | _predicted(found)
            | self.training_errors(cache)
            | {"n_functions": len(self.potential(cache).coefficients)}
        )
        failure = results.pop("failure")
        if failure is not None:
            raise UnfinishedRunError(failure, results)
        return results

    def assessment(self, cache: Cache) -> Assessment:
        """The fitted potential against the reference."""
        from genmlip.theory import assess

        truth = self.equilibrium(cache)
        return assess(
            self.crystal().potential,
            self.potential(cache),
            truth.cell.defect,
            self.radius,
            self.boundary or None,
            self.fmax,
            equilibrium=truth,
        )

    def equilibrium(self, cache: Cache) -> Equilibrium:
        """The defect relaxed with the reference."""
        from genmlip.dislocations import make_defect
        from genmlip.dislocations.boundaries import closed_boundary, find_boundary

        defect = make_defect(self.crystal(), self.dislocation)
        boundary = find_boundary(self.boundary) if self.boundary else closed_boundary(defect)
        return kept_equilibrium(cache, defect, self.radius, boundary, self.fmax)


def _predicted(found: Assessment) -> dict[str, Scalar]:
    """None about a point defect, and where the candidate's crystal has no elastic field.

    That may be so under the strains next to the core only, of a fit that is stable at rest.
    """
    from genmlip.dislocations import Dislocation
    from genmlip.theory.attribution import CORE_RADIUS
    from genmlip.theory.growth import far_field_error, far_field_growth

    cell, crystal = found.reference.cell, found.candidate_crystal
    if not isinstance(cell.defect, Dislocation) or not crystal.is_stable:
        return {"far_field_growth": None, "far_field_error": None}
    try:
        error = far_field_error(cell.defect, crystal, CORE_RADIUS, cell.radius)
    except (InputError, NotConvergedError):
        error = None
    return {"far_field_growth": far_field_growth(cell.defect, crystal), "far_field_error": error}
