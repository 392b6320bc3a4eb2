"""Per-atom fields of an equilibrium that figures colour and plot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genmlip._types import Array

if TYPE_CHECKING:
    from genmlip.dislocations.cell import DefectCell
    from genmlip.statics import Equilibrium


def corrector_strain(equilibrium: Equilibrium) -> Array:
    """∣Dū(ℓ)∣ = (Σ_ρ ∣ū(ℓ + ρ) − ū(ℓ)∣²)^½ over the nearest neighbours, (n,) Å."""
    return strain_norm(equilibrium.cell, equilibrium.corrector)


def strain_norm(cell: DefectCell, displacement: Array) -> Array:
    """∣Du(ℓ)∣ for any displacement (n, 3) Å of the cell's atoms; its square sums to the energy norm's."""
    bonds = cell.bonds
    difference = displacement[bonds.j] - displacement[bonds.i]
    squares = np.bincount(
        bonds.i, weights=np.einsum("pa,pa->p", difference, difference), minlength=len(displacement)
    )
    return np.sqrt(squares)
