"""Least squares without ever holding the design matrix: its triangle is updated block by block.

After the rows A, y have been pushed in blocks, [A | y] = Q [R z; 0 ρ] and min ‖A c − y‖² = min ‖R c − z‖² +
ρ². Triangles of separate pieces merge in the same way, which is all that a parallel (tall-skinny) QR needs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dtpqrt

from genmlip._types import Array
from genmlip.errors import InputError

PANEL = 32
"""Columns per Householder panel; the fastest of 16, 32, 64 at 500 columns."""


@dataclass(frozen=True)
class ReducedSystem:
    """min ‖R c − z‖² + residual², equivalent to the full system of ``n_rows`` equations.

    R : (k, K) with k ≤ K + 1, upper triangular as it comes from :class:`StreamedQR`
    z : (k,)
    residual : ρ ≥ 0, norm of the part of the right-hand side that no coefficients reach
    n_rows : number of equations that went in
    """

    R: Array
    z: Array
    residual: float
    n_rows: int

    @property
    def n_columns(self) -> int:
        """K, the number of coefficients."""
        return self.R.shape[1]

    def eliminate(self, n: int) -> tuple[ReducedSystem, Array]:
        """The system of the columns after the first ``n``, those being solved for; and their projector.

        Returns (system, P) with P (n, k) such that the first n coefficients are P (z − R[:, n:] c). Needed
        for coefficients that carry no penalty. Rank-deficient leading columns get their minimum-norm
        solution.
        """
        lead, rest = self.R[:, :n], self.R[:, n:]
        U, s, Vt = np.linalg.svd(lead, full_matrices=True)
        rank = int((s > 1e-12 * s.max(initial=0.0)).sum())
        pseudoinverse = (Vt[:rank].T / s[:rank]) @ U[:, :rank].T
        outside = U[:, rank:].T
        reduced = ReducedSystem(outside @ rest, outside @ self.z, self.residual, self.n_rows - rank)
        return reduced, pseudoinverse


class StreamedQR:
    """R, Qᵀy and ‖(1 − QQᵀ) y‖ of a tall system, updated as the rows arrive.

    Memory: (2 K + block)·K numbers however many rows there are; 2 K² flops per row.
    Golub & Van Loan, Matrix Computations, 4th ed., sec. 6.5; Demmel et al., SIAM J. Sci. Comput. 34, A206
    (2012).
    """

    def __init__(self, n_columns: int, block: int | None = None) -> None:
        self.n_columns = n_columns
        self.n_rows = 0
        self.block = block or max(2 * n_columns, 1024)
        self._triangle = np.zeros((n_columns + 1, n_columns + 1), order="F")
        self._waiting: list[Array] = []
        self._n_waiting = 0

    def push(self, A: Array, y: Array) -> None:
        """Add the rows A (m, n_columns) c ≈ y (m,)."""
        if A.shape != (len(y), self.n_columns):
            raise InputError(f"{A.shape} rows for {len(y)} right-hand sides and {self.n_columns} columns")
        self.n_rows += len(y)
        self._append(np.column_stack([A, y]))

    def merge(self, other: StreamedQR) -> None:
        """Add all rows that ``other`` has seen."""
        self.n_rows += other.n_rows
        other._reduce()
        self._append(other._triangle)

    def system(self) -> ReducedSystem:
        """The reduced system of all rows so far."""
        self._reduce()
        K = self.n_columns
        R, z = np.ascontiguousarray(self._triangle[:K, :K]), self._triangle[:K, K].copy()
        return ReducedSystem(R, z, abs(float(self._triangle[K, K])), self.n_rows)

    def _append(self, rows: Array) -> None:
        self._waiting.append(rows)
        self._n_waiting += len(rows)
        if self._n_waiting >= self.block:
            self._reduce()

    def _reduce(self) -> None:
        """QR of the triangle on top of the waiting rows, without touching the triangle's zeros."""
        if not self._n_waiting:
            return
        rows = np.asfortranarray(np.concatenate(self._waiting))
        self._waiting, self._n_waiting = [], 0
        panel = min(PANEL, self.n_columns + 1)
        triangle, _, _, info = dtpqrt(0, panel, self._triangle, rows, overwrite_a=1, overwrite_b=1)
        if info != 0:
            raise RuntimeError(f"dtpqrt refused its argument {-info}")
        self._triangle = triangle
