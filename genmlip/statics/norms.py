"""The norms in which errors and residuals are measured.

Energy norm ‖Du‖² = Σ_ℓ Σ_ρ |D_ρu(ℓ)|² with D_ρu(ℓ) = u(ℓ + ρ) − u(ℓ) over nearest-neighbour bonds
(Ehrlacher, Ortner & Shapeev, Arch. Ration. Mech. Anal. 222:1217, 2016), and the norms dual to it and to a
Hessian.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csc_array

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.statics.preconditioner import Preconditioner, SparseFactor, ZeroMean

if TYPE_CHECKING:
    from genmlip.crystal.pairs import Pairs

ZERO_SUM_TOLERANCE = 1e-6


def energy_norm(u: Array, bonds: Pairs) -> float:
    """‖Du‖ = √(Σ_ℓ Σ_ρ |u(ℓ + ρ) − u(ℓ)|²), Å.

    u : (n, 3) Å; bonds : ordered pairs, so that every bond counts from both its ends, as in the definition
    """
    return float(np.sqrt(np.sum((u[bonds.j] - u[bonds.i]) ** 2)))


def local_strain(u: Array, bonds: Pairs) -> Array:
    """|Du|(ℓ) = √(Σ_ρ |u(ℓ + ρ) − u(ℓ)|²) of every atom, (n,) Å; ‖Du‖ is its ℓ² norm."""
    squares = np.sum((u[bonds.j] - u[bonds.i]) ** 2, axis=1)
    return np.sqrt(np.bincount(bonds.i, squares, len(u)))


def gradient_gram(bonds: Pairs, n: int, unknowns: IntArray | None = None) -> csc_array:
    """DᵀD per Cartesian component, (m, m): vᵀ DᵀD v = Σ |D_ρv|² for v that vanishes off the unknown atoms.

    It acts alike on x, y and z; n : number of atoms; unknowns : (m,) atoms, default all.
    """
    unknowns = np.arange(n) if unknowns is None else np.asarray(unknowns)
    number = np.full(n, -1, dtype=np.int64)
    number[unknowns] = np.arange(len(unknowns))
    a, b = number[bonds.i], number[bonds.j]
    inner = (a >= 0) & (b >= 0)
    from_here, to_here = a[a >= 0], b[b >= 0]
    rows = np.concatenate([a[inner], b[inner], from_here, to_here])
    columns = np.concatenate([b[inner], a[inner], from_here, to_here])
    values = np.ones(len(rows))
    values[: 2 * inner.sum()] = -1.0
    return csc_array(coo_array((values, (rows, columns)), shape=(len(unknowns),) * 2))


@dataclass(frozen=True, eq=False)
class DualNorm:
    """‖r‖₋₁ = sup ⟨r, v⟩ / ‖Dv‖ = √(rᵀ (DᵀD)⁻¹ r) over displacements v of the unknown atoms, eV/Å.

    Where atoms are held (a clamped cell), v vanishes on them and every r is admissible. Where none is (a
    periodic cell), ‖Dv‖ does not see translations, so the supremum is finite only for forces that sum to
    zero.

    bonds : nearest-neighbour pairs; positions : (n, 3) Å of all atoms; unknowns : (m,) atoms, default all
    """

    bonds: Pairs
    positions: Array
    unknowns: IntArray | None = None

    def __call__(self, r: Array) -> float:
        """The norm of forces r (m, 3) eV/Å. Raises InputError if they must sum to zero and do not."""
        if self._translates and np.abs(r.sum(axis=0)).max() > ZERO_SUM_TOLERANCE * max(
            np.abs(r).sum(), 1e-300
        ):
            raise InputError(
                f"forces sum to {np.abs(r.sum(axis=0)).max():.1e} eV/Å; a periodic cell needs zero"
            )
        return float(np.sqrt(max(float(np.vdot(r, self.representer(r))), 0.0)))

    def representer(self, r: Array) -> Array:
        """(DᵀD)⁻¹ r: the displacement (m, 3) whose energy norm is the dual norm of r."""
        return np.stack([self._inverse.solve(np.ascontiguousarray(r[:, k])) for k in range(3)], axis=1)

    @cached_property
    def _translates(self) -> bool:
        return self.unknowns is None or len(self.unknowns) == len(self.positions)

    @cached_property
    def _inverse(self) -> Preconditioner:
        unknowns = np.arange(len(self.positions)) if self.unknowns is None else self.unknowns
        gram = gradient_gram(self.bonds, len(self.positions), unknowns)
        points = self.positions[unknowns]
        if self._translates:
            return ZeroMean(SparseFactor(gram[1:, 1:], points[1:]))
        return SparseFactor(gram, points)


def inverse_hessian_norm(r: Array, inverse: Preconditioner) -> float:
    """√(rᵀ H⁻¹ r) for forces r (m, 3) eV/Å and a factorised Hessian: sharper than ‖r‖₋₁ / √c0; √eV."""
    return float(np.sqrt(max(float(np.vdot(r, inverse.solve(r))), 0.0)))


def hessian_norm(u: Array, hessian: csc_array) -> float:
    """√(uᵀ H u) for displacements u (m, 3) Å; √eV."""
    flat = u.reshape(-1)
    return float(np.sqrt(max(float(flat @ (hessian @ flat)), 0.0)))
