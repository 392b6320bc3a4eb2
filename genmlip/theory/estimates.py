"""The a-posteriori estimate: the error predicted from forces on the reference's equilibrium.

theory.md, section 3. With the residual r, the candidate's Hessian H̃ there (approximated by that of its
perfect crystal on the slipped lattice) and the stability constant c̃0 of that crystal,

    ‖DH̃⁻¹r‖  ≤  c̃0^(−1/2) (r · H̃⁻¹r)^(1/2)  ≤  c̃0⁻¹ ‖r‖₋₁ ;

the first is the error of the linearised problem, the others bound it from above.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.dislocations import Dislocation
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.harmonic import harmonic_operator, periodic_preconditioner
from genmlip.errors import UnstableCrystalError
from genmlip.statics.norms import DualNorm, energy_norm, inverse_hessian_norm
from genmlip.statics.preconditioner import NotPositiveDefiniteError, Preconditioner, SparseFactor
from genmlip.statics.stability import crystal_stability


@dataclass(frozen=True)
class ErrorEstimate:
    """Three predictions of ‖D(w̄ − ū)‖ in Å, in ascending order.

    linear : ‖DH̃⁻¹r‖;  value : c̃0^(−1/2) ‖r‖ in the norm of H̃⁻¹, the one that is reported;  dual : c̃0⁻¹ ‖r‖₋₁
    stability : c̃0, eV/Å²
    """

    linear: float
    value: float
    dual: float
    stability: float


def estimate_error(forces: Array, cell: DefectCell, scale: float = 1.0) -> ErrorEstimate:
    """From the candidate's forces (n, 3) eV/Å on the reference's equilibrium, zero on atoms that are held.

    cell : the candidate's, from which its crystal and the slipped lattice are taken
    scale : ã / a, by which lengths are divided
    Raises UnstableCrystalError where the candidate's crystal gives way to some displacement of the cell.
    """
    free = np.flatnonzero(cell.free)
    # In a periodic cell only the part that no translation carries does work.
    r = forces[free] - (0.0 if cell.line_period is not None else forces[free].mean(axis=0))
    line = np.array(cell.defect.system.line) if isinstance(cell.defect, Dislocation) else None
    c0 = crystal_stability(cell.defect.crystal, line)
    if c0 <= 0.0:
        raise UnstableCrystalError(f"the candidate's crystal has the stability constant {c0:.3g} eV/Å²")
    inverse = _harmonic_inverse(cell, free)
    displacement = np.zeros_like(forces)
    displacement[free] = inverse.solve(r)
    dual = DualNorm(cell.bonds, cell.reference, None if len(free) == len(cell) else free)
    return ErrorEstimate(
        linear=energy_norm(displacement, cell.bonds) / scale,
        value=inverse_hessian_norm(r, inverse) / sqrt(c0) / scale,
        dual=dual(r) / c0 / scale,
        stability=c0,
    )


def _harmonic_inverse(cell: DefectCell, free: IntArray) -> Preconditioner:
    """The inverse of the crystal's harmonic operator, with its full range, on the free atoms."""
    if cell.line_period is None:
        return periodic_preconditioner(cell)
    try:
        return SparseFactor(harmonic_operator(cell, free), cell.reference[free, :2])
    except NotPositiveDefiniteError:
        raise UnstableCrystalError(
            f"the candidate's crystal does not withstand every displacement of a {cell.defect.name} cell"
        ) from None
