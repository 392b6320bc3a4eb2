"""Multigrid for displacements of the columns of a plane lattice: cost and memory are linear.

Coarse spaces are the piecewise linear functions on triangles whose edges double from grid to grid; coarse
operators are Galerkin products PᵀAP, so that neither boundaries nor cuts need a word. A V-cycle is symmetric
and positive definite: block Gauss–Seidel forwards, coarse correction, block Gauss–Seidel backwards
(Trottenberg, Oosterlee & Schüller, Multigrid, 2001, ch. 2 and appendix A).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit
from scipy.sparse import bsr_array, csc_array

from genmlip._types import AnyArray, Array, IntArray
from genmlip.statics.preconditioner import SparseFactor

COARSEST = 400
"""Points; a grid with no more is factorised."""
SMALLEST = 0.5
"""Eigenvalue of (cycle · A) from which on errors are damped evenly; 0.64 was met in bcc, 0.25 in diamond."""
OUTSIDE = 0.45
"""A node that carries less of the points than this, relative to the others, lies outside and is held."""


@dataclass(frozen=True)
class Rows:
    """A symmetric matrix of 3 × 3 blocks by rows, columns ascending.

    first : (m + 1,) offsets; column : (p,); blocks : (p, 3, 3)
    diagonal : (m,) where the diagonal block is; inverse : (m, 3, 3) what its inverse is
    """

    first: IntArray
    column: AnyArray
    blocks: Array
    diagonal: IntArray
    inverse: Array

    @classmethod
    def of(cls, first: IntArray, column: IntArray, blocks: Array) -> Rows:
        row = np.repeat(np.arange(len(first) - 1), np.diff(first))
        diagonal = np.flatnonzero(row == column)
        return cls(first, column, blocks, diagonal, np.asarray(np.linalg.inv(blocks[diagonal]), dtype=float))

    @classmethod
    def of_bonds(cls, i: IntArray, j: IntArray, kind: IntArray, blocks: Array, m: int) -> Rows:
        """``bond_operator`` of ordered pairs i, j (p,) of m unknown atoms, or −1 for one that is held.

        kind : (p,), so that the block of a pair is ``blocks[kind]``
        """
        capacity = 1 + int(np.bincount(i[i >= 0], minlength=m).max(initial=0))
        count, column = np.zeros(m, dtype=np.int64), np.zeros((m, capacity), dtype=np.int64)
        found = np.zeros((m, capacity, 3, 3))
        by_row = np.argsort(i, kind="stable")  # memory is then written in order
        add_bonds(i[by_row], j[by_row], kind[by_row], blocks, count, column, found)
        return cls.of(*_compressed(count, column, found))

    def in_single_precision(self) -> Rows:
        """With blocks half as large, as sweeps wait for memory; they stay symmetric, and sums are double."""
        column, diagonal = self.column.astype(np.int32), self.diagonal
        return Rows(self.first, column, self.blocks.astype(np.float32), diagonal, self.inverse)

    def matrix(self) -> csc_array:
        """As a sparse matrix (3m, 3m)."""
        return csc_array(bsr_array((self.blocks, self.column, self.first)))


@dataclass(frozen=True)
class Level:
    """One grid and the way to the next.

    rows : its operator
    node, weight : (m, 3) corners of the triangle that a point lies in, and its barycentric coordinates
    n_coarse : number of nodes
    """

    rows: Rows
    node: IntArray
    weight: Array
    n_coarse: int


class Multigrid:
    """Approximate inverse of a symmetric positive definite matrix A by a fixed number of V-cycles.

    Cycles are combined by Chebyshev's polynomial of [SMALLEST, 1] (Saad, Iterative Methods for Sparse Linear
    Systems, ch. 12). As coarse corrections are projections all eigenvalues of (cycle · A) lie in (0, 1],
    where the polynomial is below one in modulus: the whole is positive definite whatever lies below SMALLEST.

    points : (m, 2) where the unknowns sit
    edges : (2, 2) Å, edges of the triangles of the first grid, in which a few points should fall on each node
    Raises NotPositiveDefiniteError if the coarsest operator is not positive definite.
    """

    def __init__(self, rows: Rows, points: Array, edges: Array, cycles: int = 4) -> None:
        self.cycles, self.levels = cycles, list[Level]()
        points = points - points[0]
        while len(points) > COARSEST:
            label, node, weight = triangulate(points, edges)
            self.levels.append(Level(rows.in_single_precision(), node, weight, len(label)))
            rows, points, edges = galerkin(rows, node, weight, len(label)), label @ edges, 2.0 * edges
        self._coarsest = SparseFactor(rows.matrix(), points)

    def solve(self, g: Array) -> Array:
        """x ≈ A⁻¹g, shaped like ``g``."""
        right = np.ascontiguousarray(g, dtype=float).reshape(-1, 3)
        mean, half = 0.5 * (1.0 + SMALLEST), 0.5 * (1.0 - SMALLEST)
        x = step = self._cycle(0, right) / mean
        shrink = half / mean
        for _ in range(self.cycles - 1):
            rest = right.copy()
            subtract_product(*_parts(self.levels[0].rows), x, rest)
            last, shrink = shrink, 1.0 / (2.0 * mean / half - shrink)
            step = shrink * last * step + (2.0 * shrink / half) * self._cycle(0, rest)
            x = x + step
        return x.reshape(g.shape)

    def _cycle(self, k: int, right: Array) -> Array:
        if k == len(self.levels):
            return self._coarsest.solve(right)
        at = self.levels[k]
        x, coarse = np.empty_like(right), np.zeros((at.n_coarse, 3))
        smooth_from_zero(*_parts(at.rows), at.rows.diagonal, at.rows.inverse, right, x)
        restrict_residual(*_parts(at.rows), at.rows.diagonal, x, at.node, at.weight, coarse)
        prolongate(self._cycle(k + 1, coarse), at.node, at.weight, x)
        smooth_backwards(*_parts(at.rows), at.rows.inverse, right, x)
        return x


def _parts(rows: Rows) -> tuple[IntArray, IntArray, Array]:
    return rows.first, rows.column, rows.blocks


def triangulate(points: Array, edges: Array) -> tuple[IntArray, IntArray, Array]:
    """The nodes of a lattice of triangles around the points (m, 2), and the points' places among them.

    Returns labels (c, 2) of the nodes, which sit at ``label @ edges``; corners (m, 3) and weights (m, 3).
    Parallelograms are cut along their shorter diagonal.
    """
    scaled = np.round(points @ np.linalg.inv(edges), 9)  # a point on a node is just that
    home = np.floor(scaled)
    a, b = (scaled - home).T
    if np.linalg.norm(edges[0] + edges[1]) < np.linalg.norm(edges[0] - edges[1]):
        upper = a < b  # beyond the diagonal from (0, 0) to (1, 1)
        corners = np.array([[[0, 0], [1, 0], [1, 1]], [[0, 0], [0, 1], [1, 1]]])
        weight = np.where(upper, [1 - b, b - a, a], [1 - a, a - b, b]).T
    else:
        upper = a + b > 1.0
        corners = np.array([[[0, 0], [1, 0], [0, 1]], [[1, 1], [0, 1], [1, 0]]])
        weight = np.where(upper, [a + b - 1, 1 - a, 1 - b], [1 - a - b, a, b]).T
    where = home.astype(np.int64)[:, None] + corners[upper.astype(np.int64)]
    where -= where.min(axis=(0, 1))
    shape = where.max(axis=(0, 1)) + 1
    flat = where[..., 0] * shape[1] + where[..., 1]
    load = np.bincount(flat.ravel(), weight.ravel(), shape.prod())
    kept = np.flatnonzero(load > OUTSIDE * load.max())
    number = np.zeros(len(load), dtype=np.int64)
    number[kept] = np.arange(len(kept))
    label = np.stack(np.divmod(kept, shape[1]), axis=1)
    weight *= (load > OUTSIDE * load.max())[flat]
    return label, number[flat], np.ascontiguousarray(weight)


def galerkin(rows: Rows, node: IntArray, weight: Array, n_coarse: int) -> Rows:
    """PᵀAP, where row i of P holds ``weight[i]`` in the columns ``node[i]``."""
    capacity = 16
    while True:
        count = np.zeros(n_coarse, dtype=np.int64)
        column = np.zeros((n_coarse, capacity), dtype=np.int64)
        blocks = np.zeros((n_coarse, capacity, 3, 3))
        if add_products(*_parts(rows), node, weight, count, column, blocks):
            break
        capacity *= 2
    return Rows.of(*_compressed(count, column, blocks))


def _compressed(count: IntArray, column: IntArray, blocks: Array) -> tuple[IntArray, IntArray, Array]:
    """Rows that hold ``count`` (m,) of the places in ``column`` (m, c): without gaps, columns ascending."""
    used = np.arange(column.shape[1]) < count[:, None]
    column[~used] = np.iinfo(np.int64).max  # sorted behind all others
    order = np.argsort(column, axis=1)
    first = np.concatenate([[0], np.cumsum(count)])
    return first, np.take_along_axis(column, order, axis=1)[used], blocks[np.nonzero(used)[0], order[used]]


@njit(cache=True, nogil=True)
def place_in(columns, count, i, j):  # type: ignore[no-untyped-def]
    """Where row i of ``columns`` holds j, which is added if need be; −1 if there is no place left."""
    for q in range(count[i]):
        if columns[i, q] == j:
            return q
    if count[i] == columns.shape[1]:
        return -1
    columns[i, count[i]] = j
    count[i] += 1
    return count[i] - 1


@njit(cache=True, nogil=True)
def add_bonds(i, j, kind, blocks, count, column, found):  # type: ignore[no-untyped-def]
    """H_ij and, by the acoustic sum rule, −½ (H_ij + H_ijᵀ) on the diagonal."""
    for p in range(len(i)):
        a, b, k = i[p], j[p], kind[p]
        if a < 0:
            continue
        q = place_in(column, count, a, a)
        for r in range(3):
            for s in range(3):
                found[a, q, r, s] -= 0.5 * (blocks[k, r, s] + blocks[k, s, r])
        if b >= 0:
            q = place_in(column, count, a, b)
            for r in range(3):
                for s in range(3):
                    found[a, q, r, s] += blocks[k, r, s]


@njit(cache=True, nogil=True)
def add_products(first, column, blocks, node, weight, count, coarse_column, coarse_blocks):  # type: ignore[no-untyped-def]
    """Σ w_ia w_jb A_ij into the blocks (a, b) of coarse rows; False if a row needs more places."""
    for i in range(len(first) - 1):
        for p in range(first[i], first[i + 1]):
            j = column[p]
            for k in range(3):
                if weight[i, k] == 0.0:
                    continue
                a = node[i, k]
                for m in range(3):
                    w = weight[i, k] * weight[j, m]
                    if w == 0.0:
                        continue
                    q = place_in(coarse_column, count, a, node[j, m])
                    if q < 0:
                        return False
                    for r in range(3):
                        for s in range(3):
                            coarse_blocks[a, q, r, s] += w * blocks[p, r, s]
    return True


@njit(cache=True, nogil=True)
def smooth_from_zero(first, column, blocks, diagonal, inverse, right, x):  # type: ignore[no-untyped-def]
    """One forward sweep of block Gauss–Seidel from x = 0: solves (D + L) x = right."""
    for i in range(len(x)):
        r0, r1, r2 = right[i, 0], right[i, 1], right[i, 2]
        for p in range(first[i], diagonal[i]):
            j = column[p]
            x0, x1, x2 = x[j, 0], x[j, 1], x[j, 2]
            r0 -= blocks[p, 0, 0] * x0 + blocks[p, 0, 1] * x1 + blocks[p, 0, 2] * x2
            r1 -= blocks[p, 1, 0] * x0 + blocks[p, 1, 1] * x1 + blocks[p, 1, 2] * x2
            r2 -= blocks[p, 2, 0] * x0 + blocks[p, 2, 1] * x1 + blocks[p, 2, 2] * x2
        for a in range(3):
            x[i, a] = inverse[i, a, 0] * r0 + inverse[i, a, 1] * r1 + inverse[i, a, 2] * r2


@njit(cache=True, nogil=True)
def restrict_residual(first, column, blocks, diagonal, x, node, weight, coarse):  # type: ignore[no-untyped-def]
    """Adds Pᵀr; after ``smooth_from_zero`` r = −Ux, with U the blocks above the diagonal."""
    for i in range(len(x)):
        r0, r1, r2 = 0.0, 0.0, 0.0
        for p in range(diagonal[i] + 1, first[i + 1]):
            j = column[p]
            x0, x1, x2 = x[j, 0], x[j, 1], x[j, 2]
            r0 -= blocks[p, 0, 0] * x0 + blocks[p, 0, 1] * x1 + blocks[p, 0, 2] * x2
            r1 -= blocks[p, 1, 0] * x0 + blocks[p, 1, 1] * x1 + blocks[p, 1, 2] * x2
            r2 -= blocks[p, 2, 0] * x0 + blocks[p, 2, 1] * x1 + blocks[p, 2, 2] * x2
        for k in range(3):
            w, a = weight[i, k], node[i, k]
            coarse[a, 0] += w * r0
            coarse[a, 1] += w * r1
            coarse[a, 2] += w * r2


@njit(cache=True, nogil=True)
def prolongate(coarse, node, weight, x):  # type: ignore[no-untyped-def]
    """x += P coarse."""
    for i in range(len(x)):
        for k in range(3):
            w, a = weight[i, k], node[i, k]
            x[i, 0] += w * coarse[a, 0]
            x[i, 1] += w * coarse[a, 1]
            x[i, 2] += w * coarse[a, 2]


@njit(cache=True, nogil=True)
def smooth_backwards(first, column, blocks, inverse, right, x):  # type: ignore[no-untyped-def]
    """One backward sweep of block Gauss–Seidel, down each row too: memory is fetched ahead one way only."""
    for i in range(len(x) - 1, -1, -1):
        r0, r1, r2 = right[i, 0], right[i, 1], right[i, 2]
        for p in range(first[i + 1] - 1, first[i] - 1, -1):
            j = column[p]
            x0, x1, x2 = x[j, 0], x[j, 1], x[j, 2]
            r0 -= blocks[p, 0, 0] * x0 + blocks[p, 0, 1] * x1 + blocks[p, 0, 2] * x2
            r1 -= blocks[p, 1, 0] * x0 + blocks[p, 1, 1] * x1 + blocks[p, 1, 2] * x2
            r2 -= blocks[p, 2, 0] * x0 + blocks[p, 2, 1] * x1 + blocks[p, 2, 2] * x2
        for a in range(3):
            x[i, a] += inverse[i, a, 0] * r0 + inverse[i, a, 1] * r1 + inverse[i, a, 2] * r2


@njit(cache=True, nogil=True)
def subtract_product(first, column, blocks, x, r):  # type: ignore[no-untyped-def]
    """r −= Ax."""
    for i in range(len(x)):
        for p in range(first[i], first[i + 1]):
            j = column[p]
            for a in range(3):
                r[i, a] -= blocks[p, a, 0] * x[j, 0] + blocks[p, a, 1] * x[j, 1] + blocks[p, a, 2] * x[j, 2]
