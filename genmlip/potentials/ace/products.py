"""The site energy as a quadratic form: how Σ_t w_t A_{v_1} … A_{v_ν} is evaluated with few multiplications.

Products that several terms share are computed once. Nodes P are the density moments A followed by interior
nodes P_k = P_{a(k)} P_{b(k)} with a(k), b(k) < k; every term is then a node or a product of two nodes,

    V = Σ_k w_k P_k + Σ_(a, b) w_ab P_a P_b.

The gradient ∂V/∂A follows from one adjoint sweep: ∂V/∂P_a = w_a + Σ_b w_ab P_b, then down the nodes in
reverse (Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), use a related recursion).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np

from genmlip._types import Array, IntArray

Monomial = tuple[int, ...]


@dataclass(frozen=True)
class ProductGraph:
    """Nodes and terms, built once for a basis; independent of the coefficients.

    n_leaves : number of density moments
    nodes : (n_nodes, 2) the two factors of every interior node, in topological order
    linear : (n_linear, 2) pairs (node, monomial)
    first, right, monomial : compressed rows; the terms whose left factor is node a are first[a]:first[a + 1]
    """

    n_leaves: int
    nodes: IntArray
    linear: IntArray
    first: IntArray
    right: IntArray
    monomial: IntArray

    @classmethod
    def of(cls, n_leaves: int, monomials: IntArray) -> ProductGraph:
        """The graph of the products ``monomials`` (T, order), padded with −1."""
        return _Builder(n_leaves).build([tuple(v for v in row if v >= 0) for row in monomials.tolist()])

    def weights(self, w: Array) -> tuple[Array, Array]:
        """Linear (n_P,) and quadratic weights for the monomial weights ``w`` (T,)."""
        linear = np.zeros(self.n_leaves + len(self.nodes))
        linear[self.linear[:, 0]] = w[self.linear[:, 1]]
        return linear, w[self.monomial]


@cache
def _splits(order: int) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """Ways to part ``order`` positions in two halves as equal as possible."""
    everything = set(range(order))
    return tuple(
        (left, tuple(sorted(everything - set(left)))) for left in combinations(range(order), (order + 1) // 2)
    )


class _Builder:
    def __init__(self, n_leaves: int) -> None:
        self.n_leaves = n_leaves
        self.node: dict[Monomial, int] = {(v,): v for v in range(n_leaves)}
        self.factors: list[tuple[int, int]] = []

    def build(self, monomials: list[Monomial]) -> ProductGraph:
        linear: list[tuple[int, int]] = []
        terms: list[tuple[int, int, int]] = []
        for t in sorted(
            range(len(monomials)), key=lambda t: -len(monomials[t])
        ):  # long ones choose the nodes
            monomial = monomials[t]
            if monomial in self.node:
                linear.append((self.node[monomial], t))
            else:
                a, b = self._factor(monomial)
                terms.append((min(a, b), max(a, b), t))
        terms.sort()
        left, right, index = np.array(terms, dtype=np.int64).reshape(-1, 3).T.copy()
        n = self.n_leaves + len(self.factors)
        return ProductGraph(
            self.n_leaves,
            np.array(self.factors, dtype=np.int64).reshape(-1, 2),
            np.array(linear, dtype=np.int64).reshape(-1, 2),
            np.searchsorted(left, np.arange(n + 1)),
            right,
            index,
        )

    def _factor(self, monomial: Monomial) -> tuple[int, int]:
        """Two nodes whose product is ``monomial``, preferring nodes that exist."""
        halves = [
            (tuple(monomial[i] for i in left), tuple(monomial[i] for i in right))
            for left, right in _splits(len(monomial))
        ]
        left, right = min(halves, key=lambda pair: (pair[0] not in self.node) + (pair[1] not in self.node))
        return self._node(left), self._node(right)

    def _node(self, monomial: Monomial) -> int:
        if monomial not in self.node:
            factors = self._factor(monomial)
            self.node[monomial] = self.n_leaves + len(self.factors)
            self.factors.append(factors)
        return self.node[monomial]
