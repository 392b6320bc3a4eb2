"""Products of a bond operator with a displacement, without its matrix: many bonds share few blocks."""

from __future__ import annotations

import numpy as np
from numba import njit
from scipy.sparse.linalg import LinearOperator

from genmlip._types import Array, IntArray


def bond_products(i: IntArray, j: IntArray, kind: IntArray, blocks: Array, m: int) -> LinearOperator:
    """``bond_operator`` of ordered pairs i, j (p,) of m unknown atoms, or −1 for one that is held, (3m, 3m).

    kind : (p,), so that H_ij of a pair is ``blocks[kind]`` (3, 3) eV/Å²; fastest where equal ones follow
        one another
    """
    on_site = np.zeros((m, 3, 3))
    add_on_site(i, kind, -0.5 * (blocks + blocks.transpose(0, 2, 1)), on_site)
    inner = (i >= 0) & (j >= 0)
    pairs = [part[inner].astype(np.int32) for part in (i, j, kind)]

    def apply(v: Array) -> Array:
        u = np.ascontiguousarray(v).reshape(m, 3)
        product = np.einsum("iab,ib->ia", on_site, u)
        add_coupling(*pairs, blocks, u, product)
        return product.ravel()

    return LinearOperator((3 * m, 3 * m), matvec=apply, dtype=float)


@njit(cache=True, nogil=True)
def add_on_site(i, kind, blocks, on_site):  # type: ignore[no-untyped-def]
    """The acoustic sum rule over the pairs present: on_site_i += blocks[kind]."""
    for p in range(len(i)):
        if i[p] >= 0:
            for r in range(3):
                for s in range(3):
                    on_site[i[p], r, s] += blocks[kind[p], r, s]


@njit(cache=True, nogil=True)
def add_coupling(i, j, kind, blocks, u, product):  # type: ignore[no-untyped-def]
    """product_i += H_ij u_j over all pairs; pairs in the outer loop, as their blocks stay in the cache."""
    for p in range(len(i)):
        a, b, k = i[p], j[p], kind[p]
        x, y, z = u[b, 0], u[b, 1], u[b, 2]
        for r in range(3):
            product[a, r] += blocks[k, r, 0] * x + blocks[k, r, 1] * y + blocks[k, r, 2] * z
