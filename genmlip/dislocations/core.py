"""What an equilibrium says about the core: where it is, how it has spread, how its strain decays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.predictor import turn
from genmlip.errors import InputError
from genmlip.statics.norms import local_strain

if TYPE_CHECKING:
    from genmlip.dislocations.dislocation import Dislocation

MINIMUM_ATOMS = 20
MINIMUM_RINGS = 5


def core_position(cell: DefectCell, corrector: Array) -> Array:
    """Position (x1, x2) Å of the core relative to the centre of the predictor; corrector (n, 3) Å.

    With an edge component the core cannot leave its glide plane without climbing: x2 = 0, and x1 is the
    centre of the slip. A screw has no such plane and is placed at the centre of its elastic field. For edges
    that centre would not do: nonlinear elasticity moves it along x2 by an amount that grows with the annulus.
    A point defect stays where it was made, at the origin.
    """
    if not is_dislocation(cell):
        return np.zeros(2)
    dislocation = _dislocation(cell)
    if abs(dislocation.burgers[0]) > 1e-6 * dislocation.b:
        return np.array([centre_of_slip(cell, corrector), 0.0])
    return centre_of_field(cell, corrector)


def centre_of_slip(cell: DefectCell, corrector: Array) -> float:
    """How far along x1 (Å) the slip on the glide plane has advanced beyond the predictor's.

    With δ(x1) the jump of the displacement from the atomic plane below to the one above, the area swept per
    unit length is ∫ b·δ / b² dx1; the corrector's share of it is the shift of the centre. It needs no model
    of the core and holds for a dissociated one. Raises InputError for a point defect.
    """
    dislocation = _dislocation(cell)
    height = cell.reference[:, 1]
    slip = corrector @ dislocation.burgers / dislocation.b**2
    swept = 0.0
    for sign in (1, -1):
        nearest = (sign * height)[sign * height > 0].min()
        plane = np.flatnonzero(
            (cell.r < cell.radius) & (np.abs(sign * height - nearest) < 1e-3 * dislocation.b)
        )
        plane = plane[np.argsort(cell.reference[plane, 0])]
        swept += sign * float(np.trapezoid(slip[plane], cell.reference[plane, 0]))
    return swept


def centre_of_field(cell: DefectCell, corrector: Array, annulus: tuple[float, float] | None = None) -> Array:
    """Centre c (2,) Å of the elastic field that best fits the displacements around the core.

    Least squares of u_lin(y − c) − u_lin(y) − corrector over the atoms of an annulus. The angle is continued
    from y to y − c, so that no cut moves and no atom is relabelled. A linear field, which is what the
    boundary reflects, is left free.

    annulus : inner and outer radius, Å; default 2 b (at most a third of the radius) to two thirds of it
    Raises InputError for a point defect and for an annulus with too few atoms.
    """
    from scipy.optimize import least_squares

    dislocation = _dislocation(cell)
    inner, outer = annulus or (min(2 * dislocation.b, cell.radius / 3), 2 * cell.radius / 3)
    inside = (cell.r >= inner) & (cell.r <= outer)
    if inside.sum() < MINIMUM_ATOMS:
        raise InputError(
            f"the core is fitted to at least {MINIMUM_ATOMS} atoms, "
            f"the annulus from {inner:.4g} to {outer:.4g} Å has {inside.sum()}"
        )
    field = dislocation.field
    r, theta = dislocation.far_field.polar(cell.reference[inside])
    y = np.stack([r * np.cos(theta), r * np.sin(theta)], axis=1)
    target = corrector[inside] + field.displacement_on_sheet(r, theta)
    linear = np.linalg.qr(np.column_stack([np.ones(len(y)), y]))[0]

    def misfit(c: Array) -> Array:
        x = y - c
        on_sheet = theta + turn(y, x)
        difference = field.displacement_on_sheet(np.hypot(x[:, 0], x[:, 1]), on_sheet) - target
        return (difference - linear @ (linear.T @ difference)).ravel()

    limit = 0.99 * inner  # the centre stays off the atoms that are fitted
    fit = least_squares(misfit, np.zeros(2), bounds=(-limit, limit), xtol=1e-12, ftol=1e-14, gtol=1e-14)
    return np.asarray(fit.x, dtype=float)


@dataclass(frozen=True, eq=False)
class ColumnDifferences:
    """Neighbouring columns and how far they have slipped past each other, the data of a Vitek map.

    start, end : (p,) indices of the atoms that stand for the two columns
    bond : (p, 2) Å, from start to end after the displacement
    slip : (p,) Å, component along b of the relative displacement, modulo b, in (−b/2, b/2]

    Vitek, Perrin & Bowen, Phil. Mag. 21, 1049 (1970).
    """

    start: IntArray
    end: IntArray
    bond: Array
    slip: Array


def column_differences(cell: DefectCell, displacement: Array) -> ColumnDifferences:
    """Every nearest-neighbour pair of columns once; ``displacement`` (n, 3) Å from the reference.

    Raises InputError for a point defect.
    """
    dislocation = _dislocation(cell)
    bonds, b = cell.bonds, dislocation.b
    deformed = bonds.deformed(cell.reference + displacement)
    slip = (deformed - bonds.vector) @ dislocation.burgers / b
    slip -= b * np.ceil(slip / b - 0.5 - 1e-9)
    across = (np.hypot(bonds.vector[:, 0], bonds.vector[:, 1]) > 1e-3 * b) & (bonds.i < bonds.j)
    candidates = np.flatnonzero(across)
    key = np.column_stack([bonds.i, bonds.j, np.round(bonds.vector[:, :2] / (1e-3 * b))])[candidates]
    chosen = candidates[np.unique(key, axis=0, return_index=True)[1]]
    return ColumnDifferences(bonds.i[chosen], bonds.j[chosen], deformed[chosen, :2], slip[chosen])


@dataclass(frozen=True)
class Decay:
    """|Dū| ~ r^(−exponent), fitted in logarithms over rings.

    standard_error : of the exponent, from the scatter of the rings about the line
    window : inner and outer radius, Å
    n_rings : rings that entered

    Exponent and error are NaN where fewer than five rings hold atoms that moved.
    """

    exponent: float
    standard_error: float
    window: tuple[float, float]
    n_rings: int

    def __float__(self) -> float:
        return self.exponent


def decay_exponent(
    cell: DefectCell, corrector: Array, window: tuple[float, float] | None = None, n_rings: int = 10
) -> Decay:
    """How fast the corrector's strain falls off, from the root mean square of |Dū| in logarithmic rings.

    The expected law is r⁻² log r (Ehrlacher, Ortner & Shapeev, 2016), whose local exponent 2 − 1 / log r is
    below 2.

    corrector : (n, 3) Å
    window : Å; default from 3 nearest-neighbour distances (at most 0.2 of the radius) to half the radius,
        where the boundary is not yet felt
    """
    from scipy.stats import linregress

    spacing = cell.defect.crystal.nearest_neighbour_distance
    inner, outer = window or (min(3 * spacing, 0.2 * cell.radius), 0.5 * cell.radius)
    strain = local_strain(corrector, cell.bonds)
    edges = np.geomspace(inner, outer, n_rings + 1)
    ring = np.searchsorted(edges, cell.r, side="right") - 1
    inside = (ring >= 0) & (ring < n_rings)
    count = np.bincount(ring[inside], minlength=n_rings)
    square = np.bincount(ring[inside], strain[inside] ** 2, n_rings)
    radius = np.bincount(ring[inside], np.log(cell.r[inside]), n_rings)
    filled = (count > 0) & (square > 0)
    if filled.sum() < MINIMUM_RINGS:
        return Decay(np.nan, np.nan, (float(inner), float(outer)), int(filled.sum()))
    x, y = radius[filled] / count[filled], 0.5 * np.log(square[filled] / count[filled])
    line = linregress(x, y)
    return Decay(-float(line.slope), float(line.stderr), (float(inner), float(outer)), len(x))


def is_dislocation(cell: DefectCell) -> bool:
    """Whether the cell is that of a line defect."""
    return cell.line_period is not None


def _dislocation(cell: DefectCell) -> Dislocation:
    if not is_dislocation(cell):
        raise InputError(f"a {cell.defect.name} has no dislocation core")
    return cast("Dislocation", cell.defect)
