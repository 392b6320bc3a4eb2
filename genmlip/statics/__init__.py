"""Preconditioned energy minimisation, the norms of the theory and the stability constant."""

from __future__ import annotations

from genmlip.statics.hessian import assemble_hessian, bond_blocks, bond_operator
from genmlip.statics.minimise import MinimiseInterrupted, MinimiseResult, Progress, energy_change, minimise
from genmlip.statics.norms import (
    DualNorm,
    energy_norm,
    gradient_gram,
    hessian_norm,
    inverse_hessian_norm,
    local_strain,
)
from genmlip.statics.preconditioner import Identity, NotPositiveDefiniteError, Preconditioner, SparseFactor
from genmlip.statics.stability import crystal_stability, force_difference_hessian, stability_constant

__all__ = [
    "DualNorm",
    "Identity",
    "MinimiseInterrupted",
    "MinimiseResult",
    "NotPositiveDefiniteError",
    "Preconditioner",
    "Progress",
    "SparseFactor",
    "assemble_hessian",
    "bond_blocks",
    "bond_operator",
    "crystal_stability",
    "energy_change",
    "energy_norm",
    "force_difference_hessian",
    "gradient_gram",
    "hessian_norm",
    "inverse_hessian_norm",
    "local_strain",
    "minimise",
    "stability_constant",
]
