"""Least squares without ever holding the design matrix: its triangle is updated block by block.

After the rows A, y have been pushed in blocks, [A | y] = Q [R z; 0 ρ] and min ‖A c − y‖² = min ‖R c − z‖² +
ρ². Triangles of separate pieces merge in the same way, which is all that a parallel (tall-skinny) QR needs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numba.extending import get_cython_function_address

from genmlip._types import Array
from genmlip.errors import InputError

PANEL = 32
"""Columns per Householder panel; 16 to 64 are equally fast at 500 columns."""

SMALLEST_BLOCK = 1024
"""Rows that wait before they are folded in, at least: LAPACK is slow on a few."""


@dataclass(frozen=True)
class ReducedSystem:
    """min ‖R c − z‖² + ρ², equivalent to the full system of ``n_rows`` equations.

    triangle : (K + 1, K + 1), [R z; 0 ρ] upper triangular
    n_rows : number of equations that went in
    parts : the same equations by kind of observation, where they are known apart; their number and their
        squared residuals add up to those of the whole for every c
    """

    triangle: Array
    n_rows: int
    parts: Mapping[str, ReducedSystem] = field(default_factory=dict)

    @classmethod
    def of_parts(cls, parts: Mapping[str, ReducedSystem]) -> ReducedSystem:
        """All equations of ``parts`` (at least one) together."""
        whole = stacked(part.triangle for part in parts.values())
        return cls(whole, sum(part.n_rows for part in parts.values()), dict(parts))

    @property
    def n_columns(self) -> int:
        """K, the number of coefficients."""
        return len(self.triangle) - 1

    @property
    def R(self) -> Array:
        """(K, K) upper triangular."""
        return self.triangle[:-1, :-1]

    @property
    def z(self) -> Array:
        """(K,)."""
        return self.triangle[:-1, -1]

    @property
    def residual(self) -> float:
        """ρ ≥ 0, norm of the part of the right-hand side that no coefficients reach."""
        return abs(float(self.triangle[-1, -1]))

    def loss(self, coefficients: Array) -> float:
        """‖A c − y‖² of all equations."""
        return float(np.sum((self.R @ coefficients - self.z) ** 2)) + self.residual**2

    def scaled(self, factor: float) -> ReducedSystem:
        """Every equation multiplied by ``factor``."""
        parts = {name: part.scaled(factor) for name, part in self.parts.items()}
        return ReducedSystem(factor * self.triangle, self.n_rows, parts)

    def eliminate(self, n: int) -> tuple[ReducedSystem, Array]:
        """The system of the columns after the first ``n``, those being solved for; and their projector.

        Returns (system, P) with P (n, K) such that the first n coefficients are P (z − R[:, n:] c). Needed
        for coefficients that carry no penalty. Rank-deficient leading columns get their minimum-norm
        solution. Where there are parts, at most one of them may contain the first n coefficients: the
        values of those would otherwise depend on how the parts are weighted. Raises InputError if not.
        """
        parts = {name: part.eliminate(n)[0] for name, part in self.parts.items()}
        if sum(bool(part.triangle[:n, :n].any()) for part in self.parts.values()) > 1:
            raise InputError("the leading coefficients occur in more than one kind of observation")
        U, s, Vt = np.linalg.svd(self.triangle[:n, :n])  # the rows below are zero in these columns
        rank = int((s > 1e-12 * s.max(initial=0.0)).sum())
        projector = np.zeros((n, self.n_columns))
        projector[:, :n] = (Vt[:rank].T / s[:rank]) @ U[:, :rank].T
        triangle = np.array(self.triangle[n:, n:], order="F")
        if rank < n:
            fold(triangle, np.asfortranarray(U[:, rank:].T @ self.triangle[:n, n:]))
        return ReducedSystem(triangle, self.n_rows - rank, parts), projector


class StreamedQR:
    """R, Qᵀy and ‖(1 − QQᵀ) y‖ of a tall system, updated as the rows arrive.

    Memory: (K + block)·K numbers however many rows there are; 2 K² flops per row.
    Golub & Van Loan, Matrix Computations, 4th ed., sec. 6.5; Demmel et al., SIAM J. Sci. Comput. 34, A206
    (2012).
    """

    def __init__(self, n_columns: int, block: int | None = None) -> None:
        self.n_columns = n_columns
        self.n_rows = 0
        self.block = block or max(2 * n_columns, SMALLEST_BLOCK)
        self._triangle: Array | None = None
        self._rows = np.empty((self.block, n_columns + 1), order="F")
        self._n_waiting = 0

    def push(self, A: Array, y: Array) -> None:
        """Add the rows A (m, n_columns) c ≈ y (m,)."""
        if A.shape != (len(y), self.n_columns):
            raise InputError(f"{A.shape} rows for {len(y)} right-hand sides and {self.n_columns} columns")
        self.n_rows += len(y)
        done = 0
        while done < len(y):
            n = min(self.block - self._n_waiting, len(y) - done)
            place = slice(self._n_waiting, self._n_waiting + n)
            self._rows[place, :-1] = A[done : done + n]
            self._rows[place, -1] = y[done : done + n]
            self._n_waiting += n
            done += n
            if self._n_waiting == self.block:
                self._reduce()

    def merge(self, other: StreamedQR) -> None:
        """Add all rows that ``other`` has seen; ``other`` stays as it is."""
        n_rows = self.n_rows + other.n_rows
        if other._triangle is not None:
            self._triangle = stacked(t for t in (self._triangle, other._triangle) if t is not None)
        waiting = other._rows[: other._n_waiting]
        self.push(waiting[:, :-1], waiting[:, -1])
        self.n_rows = n_rows

    def system(self) -> ReducedSystem:
        """The reduced system of all rows so far."""
        return ReducedSystem(self._reduce().copy(), self.n_rows)

    def _reduce(self) -> Array:
        if self._triangle is None:
            self._triangle = np.zeros((self.n_columns + 1, self.n_columns + 1), order="F")
        if self._n_waiting:
            fold(self._triangle, self._rows[: self._n_waiting])
            self._n_waiting = 0
        return self._triangle


def _lapack_dtpqrt() -> Any:
    """SciPy's compiled routine: ctypes calls it without the global interpreter lock."""
    integer, array = ctypes.POINTER(ctypes.c_int), ctypes.c_void_p
    arguments: list[Any] = [integer] * 4 + [array, integer] * 3 + [array, integer]
    address = get_cython_function_address("scipy.linalg.cython_lapack", "dtpqrt")
    return ctypes.CFUNCTYPE(None, *arguments)(address)


_dtpqrt = _lapack_dtpqrt()


def stacked(triangles: Iterable[Array]) -> Array:
    """The triangle of the rows of all ``triangles`` (n, n), of which there is at least one."""
    first, *others = triangles
    whole = np.array(first, order="F")
    for triangle in others:
        fold(whole, np.array(triangle, order="F"), triangular=True)
    return whole


def fold(triangle: Array, rows: Array, triangular: bool = False) -> None:
    """QR of ``triangle`` (n, n) on top of ``rows`` (m, n), in place, without touching the triangle's zeros.

    Both in Fortran order; ``rows`` is overwritten. With ``triangular`` the rows are an upper triangle
    (n, n) themselves, whose zeros are left alone as well.

    LAPACK's dtpqrt, called without the global interpreter lock, which scipy.linalg.lapack holds: two threads
    that assemble would otherwise wait for each other.
    """
    (m, n), nb = rows.shape, min(PANEL, rows.shape[1])
    if not all(a.dtype == np.float64 and (len(a) < 2 or a.strides[0] == 8) for a in (triangle, rows)):
        raise TypeError("fold needs float64 arrays in Fortran order")
    lead = rows.strides[1] // 8 if n > 1 else max(m, 1)
    reflectors, work, info = np.empty((nb, n), order="F"), np.empty(nb * n), ctypes.c_int()
    m_, n_, l_, nb_, lead_ = (ctypes.c_int(v) for v in (m, n, n if triangular else 0, nb, lead))
    _dtpqrt(
        m_, n_, l_, nb_, triangle.ctypes.data, n_, rows.ctypes.data, lead_,
        reflectors.ctypes.data, nb_, work.ctypes.data, info,
    )  # fmt: skip
    if info.value != 0:
        raise RuntimeError(f"dtpqrt refused its argument {-info.value}")
