"""How the geometry error grows with the radius in the common predictor, from the perfect crystals alone.

docs/theory.md, section 12. Held in the reference's far field, the candidate tries to restore its own: the
difference of the two has a strain that is homogeneous of degree −1, so that the squared error grows by

    d‖D(w̄ − ū)‖² / d log R = n ∮ Σ_ρ ∣D_ρ(ũ_lin − u_lin)∣² dθ    at r = 1,

n atoms per area of the plane, and all but this slope belongs to the core and the boundary. At a distance r
the strain is about b / 2πr. Elastic constants that change over strains of that size (a reference with kinks,
a fit that smooths them) are taken as secants over it; they become those at rest as r grows.
"""

from __future__ import annotations

import numpy as np

from genmlip._types import Array
from genmlip.crystal import Crystal
from genmlip.crystal.elastic import secant_stiffness
from genmlip.crystal.tensors import rotate
from genmlip.dislocations import Dislocation
from genmlip.dislocations.cell import BOND_TOLERANCE
from genmlip.dislocations.stroh import StrohField
from genmlip.errors import InputError

N_ANGLES = 180
"""Of the trapezoidal rule, which converges geometrically for a smooth periodic integrand."""

LOG_STEP = 0.08
"""Of log r in the integral over radii: what enters at some r is smeared over less than a tenth of it."""


def far_field_growth(reference: Dislocation, candidate: Crystal, radius: float = np.inf) -> float:
    """d‖D(w̄ − ū)‖² / d log R in the common predictor, Å².

    radius : Å, where the strain b / 2πr is that of the secant constants; by default those at rest

    Raises InputError for a radius that is not positive, and where one of the crystals is not elastically
    stable under that strain.
    """
    if not radius > 0:
        raise InputError(f"the radius must be positive, got {radius:g} Å")
    strain = reference.b / (2 * np.pi * radius)
    models = (reference.crystal, candidate)
    ours, theirs = (_bond_strains(reference, model, _stiffness(model, strain)) for model in models)
    return float(np.sum((theirs - ours) ** 2) * 2 * np.pi / N_ANGLES * _cells_per_area(reference))


def far_field_error(reference: Dislocation, candidate: Crystal, inner: float, outer: float) -> float:
    """The part of ‖D(w̄ − ū)‖ at inner < r < outer (Å) that the far field is responsible for, Å.

    √∫ d log r of the growth with the secant constants at each r; zero in a cell that is all core.
    Raises InputError for a radius that is not positive, and where one of the crystals is not elastically
    stable under the strain at ``inner``.
    """
    if not (inner > 0 and outer > 0):
        raise InputError(f"radii must be positive, got {inner:g} and {outer:g} Å")
    if outer <= inner:
        return 0.0
    radii = np.geomspace(inner, outer, 2 + int(np.log(outer / inner) / LOG_STEP))
    growth = [far_field_growth(reference, candidate, r) for r in radii]
    return float(np.sqrt(np.trapezoid(growth, np.log(radii))))


def _stiffness(crystal: Crystal, strain: float) -> Array:
    """(3, 3, 3, 3) eV/Å³ in cubic axes."""
    return crystal.stiffness if strain == 0.0 else secant_stiffness(crystal.homogeneous, strain)


def _bond_strains(reference: Dislocation, model: Crystal, stiffness: Array) -> Array:
    """r D_ρu over the bonds of one primitive cell around the circle, (angles, bonds, 3) Å².

    u is the field of the reference's Burgers vector in a medium with the model's constants; where there are
    several sublattices, with the model's shifts between them.
    """
    theta = 2 * np.pi * (np.arange(N_ANGLES) + 0.5) / N_ANGLES
    field = StrohField(rotate(stiffness, reference.frame), reference.burgers)
    gradient = field.distortion(np.stack([np.cos(theta), np.sin(theta)], axis=1))
    shifts = np.array([rotate(shift, reference.frame) for shift in model.internal_displacement])
    moved = reference.crystal.a0 / model.a0 * np.einsum("kijl,njl->nki", shifts, gradient)
    cutoff = BOND_TOLERANCE * reference.crystal.nearest_neighbour_distance
    strains = []
    for kappa in range(len(reference.crystal.basis)):
        difference, vectors = reference.lattice.bonds(kappa, cutoff)
        own = np.einsum("nij,bj->nbi", gradient, vectors)
        strains.append(own + moved[:, difference[:, 2]] - moved[:, [kappa]])
    return np.concatenate(strains, axis=1)


def _cells_per_area(reference: Dislocation) -> float:
    """Primitive cells per area of the plane and period of the line, Å⁻²."""
    crystal = reference.crystal
    return reference.line_period / abs(float(np.linalg.det(crystal.primitive_vectors)))
