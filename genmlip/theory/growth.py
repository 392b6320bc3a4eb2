"""How fast the geometry error grows with the radius in the common predictor, from elastic constants alone.

docs/theory.md, section 12. Clamped in the reference's far field, the candidate tries to restore its own,
w = ũ_lin − u_lin, whose strain is homogeneous of degree −1: the squared error is a line in log R, and all but
its slope belongs to the core and the boundary.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation
from genmlip.statics.norms import local_strain

RING = (30.0, 60.0)
"""Å; far enough out that the far field is that of linear elasticity to 1 %."""


def far_field_growth(reference: Dislocation, candidate: Crystal, ring: tuple[float, float] = RING) -> float:
    """d‖D(w̄ − ū)‖² / d log R in the common predictor, Å².

    The squared strain of the difference of the two predictors, at equal lattice parameter, summed over the
    atoms of a ring (Å) and divided by the logarithm of the ratio of its radii.
    """
    scale = candidate.a0 / reference.crystal.a0
    own = replace(reference, crystal=candidate, medium=None)
    cell = reference.cell(ring[1])
    difference = own.predictor(scale * cell.reference, cell.sublattice) / scale - cell.predictor
    inside = (cell.r >= ring[0]) & (cell.r < ring[1])
    squares = local_strain(difference, cell.bonds)[inside] ** 2
    return float(squares.sum() / np.log(ring[1] / ring[0]))
