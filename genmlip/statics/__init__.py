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
from genmlip.statics.path import Path, minimum_energy_path
from genmlip.statics.preconditioner import Identity, NotPositiveDefiniteError, Preconditioner, SparseFactor
from genmlip.statics.saddle import Saddle, find_saddle
from genmlip.statics.stability import (
    crystal_stability,
    force_difference_hessian,
    hessian_products,
    stability_constant,
)

__all__ = [
    "DualNorm",
    "Identity",
    "MinimiseInterrupted",
    "MinimiseResult",
    "NotPositiveDefiniteError",
    "Path",
    "Preconditioner",
    "Progress",
    "Saddle",
    "SparseFactor",
    "assemble_hessian",
    "bond_blocks",
    "bond_operator",
    "crystal_stability",
    "energy_change",
    "energy_norm",
    "find_saddle",
    "force_difference_hessian",
    "gradient_gram",
    "hessian_norm",
    "hessian_products",
    "inverse_hessian_norm",
    "local_strain",
    "minimise",
    "minimum_energy_path",
    "stability_constant",
]
