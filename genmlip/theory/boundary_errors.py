"""The error that a boundary condition makes: an equilibrium in a small cell against one in a large cell.

docs/theory.md, section 8. Both are of one defect and one potential, so that lattice, predictor and zero of
energy are the same and only the boundary differs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.dislocations import Equilibrium, core_position
from genmlip.dislocations.cell import DefectCell
from genmlip.errors import InputError
from genmlip.theory.sites import same_sites

RIM = 1.5
"""Nearest-neighbour distances; cells of equal extent end with a few columns more or less within it."""

SAME_PREDICTOR = 1e-6
"""Å, between the far fields of two cells in which the correctors mean the same."""


@dataclass(frozen=True)
class BoundaryError:
    """How far ū_R, in a cell of radius R, is from ū.

    geometry : ‖D(ū − ū_R)‖, Å, over the nearest-neighbour bonds of the reference's cell
    beyond : Å, its part from bonds that leave the atoms of ū_R, where Dū_R counts as zero. For a clamped
        boundary this is the cut-off far field; where a boundary condition has a far field of its own but ends
        its atoms too early, it hides the rate of the rest.
    energy : ∣E(ū_R) − E(ū)∣, eV per line period
    core_shift : Å between the two cores, both located with the atoms of the smaller cell; NaN where that is
        too small to locate a core
    """

    geometry: float
    beyond: float
    energy: float
    core_shift: float


def boundary_error(
    equilibrium: Equilibrium, reference: Equilibrium, within: float | None = None
) -> BoundaryError:
    """The error of ``equilibrium`` against ``reference``, its own defect in a larger cell.

    The two should lie in the same minimum (a core may sit in one of several equivalent places): relax the
    former from :func:`transferred` of the latter. Strains are compared bond by bond, so that a far field
    known up to a translation only does no harm; bonds outside the atoms of ``equilibrium`` count as
    unstrained relative to the predictor, which for a clamped boundary is what they are.

    within : Å, only bonds between atoms closer to the line count; by default all but those at the cell's rim

    Raises InputError where the two cannot be compared.
    """
    ours, theirs = same_sites(reference.cell.reference, equilibrium.cell.reference)
    _check_comparable(equilibrium, reference, theirs, ours)
    cell, bonds = reference.cell, reference.cell.bonds
    rim = RIM * cell.defect.crystal.nearest_neighbour_distance
    inside = cell.r < (cell.r.max() - rim if within is None else within)
    counted = inside[bonds.i] & inside[bonds.j]
    start, end = bonds.i[counted], bonds.j[counted]
    place = np.full(len(cell), -1)
    place[ours] = theirs
    i, j = place[start], place[end]
    in_both = (i >= 0) & (j >= 0)
    strain = reference.corrector[end] - reference.corrector[start]
    beyond = float(np.linalg.norm(strain[~in_both]))
    strain[in_both] -= equilibrium.corrector[j[in_both]] - equilibrium.corrector[i[in_both]]
    same_atoms = np.zeros_like(equilibrium.corrector)
    same_atoms[theirs] = reference.corrector[ours]
    return BoundaryError(
        geometry=float(np.linalg.norm(strain)),
        beyond=beyond,
        energy=abs(equilibrium.energy - reference.energy),
        core_shift=_distance_of_cores(equilibrium.cell, equilibrium.corrector, same_atoms),
    )


def transferred(known: Equilibrium, cell: DefectCell) -> Array:
    """The corrector of ``known`` on the atoms of another cell of its defect, (n, 3) Å, zero elsewhere."""
    ours, theirs = same_sites(known.cell.reference, cell.reference)
    corrector = np.zeros_like(cell.reference)
    corrector[theirs] = known.corrector[ours]
    return corrector


def _distance_of_cores(cell: DefectCell, one: Array, other: Array) -> float:
    try:
        return float(np.linalg.norm(core_position(cell, one) - core_position(cell, other)))
    except InputError:
        return math.nan


def _check_comparable(
    equilibrium: Equilibrium, reference: Equilibrium, theirs: IntArray, ours: IntArray
) -> None:
    name, other = equilibrium.cell.defect.name, reference.cell.defect.name
    if name != other:
        raise InputError(f"a {name} cannot be compared with a {other}")
    if equilibrium.potential != reference.potential:
        raise InputError(
            f"the error of a boundary is that of one potential, not of {equilibrium.potential} against "
            f"{reference.potential}"
        )
    if equilibrium.cell.radius > reference.cell.radius:
        raise InputError(
            f"the reference's radius, {reference.cell.radius:g} Å, must not be smaller than "
            f"{equilibrium.cell.radius:g} Å"
        )
    difference = equilibrium.cell.predictor[theirs] - reference.cell.predictor[ours]
    if len(ours) == 0 or np.abs(difference).max() > SAME_PREDICTOR:
        raise InputError(f"the two equilibria of {name} are relative to different predictors")
