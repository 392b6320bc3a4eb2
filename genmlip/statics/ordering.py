"""Elimination order for sparse matrices whose unknowns sit at points in space."""

from __future__ import annotations

import numpy as np
from scipy.sparse import csr_array

from genmlip._types import Array, IntArray

LEAF = 24  # a part with no more points is not dissected further


def nested_dissection(graph: csr_array, points: Array) -> IntArray:
    """Geometric nested dissection (George, SIAM J. Numer. Anal. 10:345, 1973): a permutation of the points.

    The part is halved at the median of its longest direction; the points of one half that touch the other are
    eliminated last. Fill-in grows like n log n in two dimensions.

    graph : (m, m) sparse adjacency; points : (m, 2 or 3)
    """
    in_far_half = np.zeros(len(points))

    def dissect(part: IntArray) -> list[IntArray]:
        if len(part) <= LEAF:
            return [part]
        x = points[part]
        along = np.argsort(x[:, np.argmax(np.ptp(x, axis=0))], kind="stable")
        near, far = part[along[: len(part) // 2]], part[along[len(part) // 2 :]]
        in_far_half[far] = 1.0
        touches = graph[near] @ in_far_half > 0.0
        in_far_half[far] = 0.0
        if touches.all():
            return [part]
        return [*dissect(near[~touches]), *dissect(far), near[touches]]

    return np.concatenate([np.empty(0, dtype=np.int64), *dissect(np.arange(len(points)))])


def point_graph(matrix: csr_array, dim: int) -> csr_array:
    """Adjacency of the points when ``dim`` consecutive rows of ``matrix`` belong to one point."""
    entries = matrix.tocoo()
    ones = np.ones(entries.nnz)
    size = matrix.shape[0] // dim
    return csr_array((ones, (entries.row // dim, entries.col // dim)), shape=(size, size))
