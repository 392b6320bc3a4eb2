"""A sum of products of density moments, evaluated with few multiplications.

Products that several terms share are computed once. Nodes P are the density moments A followed by interior
nodes P_k = P_{a(k)} P_{b(k)} with a(k), b(k) < k; every term is then a node or a product of two nodes,

    ρ = Σ_k w_k P_k + Σ_(a, b) w_ab P_a P_b.

The gradient ∂ρ/∂A follows from one adjoint sweep: ∂ρ/∂P_a = w_a + Σ_b w_ab P_b, then down the nodes in
reverse (Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), use a related recursion). The graph does not
depend on the weights, so that all densities of a potential share it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from heapq import heapify, heappop, heappush
from itertools import combinations

import numpy as np

from genmlip._types import Array, IntArray

Monomial = tuple[int, ...]
Split = tuple[Monomial, Monomial]


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
        """The graph of the distinct products ``monomials`` (T, order), sorted and padded with −1."""
        products = [tuple(v for v in row if v >= 0) for row in monomials.tolist()]
        splits, shared = _share(products)
        node: dict[Monomial, int] = {(v,): v for v in range(n_leaves)}
        nodes: list[tuple[int, int]] = []
        for order in range(2, max(map(len, shared), default=0) + 1):
            made = [(node[splits[v][0]], node[splits[v][1]], v) for v in shared if len(v) == order]
            # neighbours in this sequence share no factor: no sum has to wait for the one before it
            for a, b, v in sorted(made, key=lambda entry: (entry[1] - entry[0], entry)):
                node[v] = n_leaves + len(nodes)
                nodes.append((a, b))
        linear = [(node[v], t) for t, v in enumerate(products) if v in node]
        terms = [
            (*sorted(node[half] for half in splits[v]), t) for t, v in enumerate(products) if v not in node
        ]
        left, right, index = np.array(sorted(terms), dtype=np.int64).reshape(-1, 3).T.copy()
        return cls(
            n_leaves,
            np.array(nodes, dtype=np.int64).reshape(-1, 2),
            np.array(linear, dtype=np.int64).reshape(-1, 2),
            np.searchsorted(left, np.arange(n_leaves + len(nodes) + 1)),
            right,
            index,
        )

    def weights(self, w: Array) -> tuple[Array, Array]:
        """Linear (n_P,) and quadratic weights for the monomial weights ``w`` (T,)."""
        linear = np.zeros(self.n_leaves + len(self.nodes))
        linear[self.linear[:, 0]] = w[self.linear[:, 1]]
        return linear, w[self.monomial]


def _share(products: list[Monomial]) -> tuple[dict[Monomial, Split], set[Monomial]]:
    """The two halves of every product, and those products that are worth a node.

    Long products choose first, each the halves that need the fewest new nodes and that are the most common.
    Those of three factors are a pair times the third, with as few different pairs as a greedy cover finds.
    """
    wanted = {v for v in products if len(v) > 1}
    splits: dict[Monomial, Split] = {}
    shared: set[Monomial] = set()
    for order in range(max(map(len, wanted), default=0), 3, -1):
        to_split = sorted(v for v in wanted if len(v) == order)
        uses = Counter(half for v in to_split for split in _halves(v) for half in split)
        for v in to_split:
            splits[v] = min(
                _halves(v), key=lambda split: (_n_new(split, shared), -uses[split[0]] - uses[split[1]])
            )
            shared.update(half for half in splits[v] if len(half) > 1)
        wanted |= shared
    triples: dict[Monomial, list[Split]] = {v: _halves(v) for v in sorted(wanted) if len(v) == 3}
    shared |= _cover(triples, shared)
    for v, choices in triples.items():
        splits[v] = next(split for split in choices if split[0] in shared)
    splits |= {v: (v[:1], v[1:]) for v in wanted | shared if len(v) == 2}
    return splits, shared


def _n_new(split: Split, shared: set[Monomial]) -> int:
    return sum(len(half) > 1 and half not in shared for half in set(split))


def _cover(triples: dict[Monomial, list[Split]], shared: set[Monomial]) -> set[Monomial]:
    """Pairs, besides those in ``shared``, such that each triple contains one: always the most useful next."""
    users: dict[Monomial, set[Monomial]] = defaultdict(set)
    for v, choices in triples.items():
        if not any(pair in shared for pair, _ in choices):
            for pair, _ in choices:
                users[pair].add(v)
    chosen: set[Monomial] = set()
    heap = [(-len(use), pair) for pair, use in users.items()]
    heapify(heap)
    while heap:
        count, pair = heappop(heap)
        if len(users[pair]) < -count:  # others have taken some since; come back later
            heappush(heap, (-len(users[pair]), pair))
        elif count < 0:
            chosen.add(pair)
            for v in list(users[pair]):
                for other, _ in set(triples[v]):
                    users[other].discard(v)
    return chosen


def _halves(v: Monomial) -> list[Split]:
    """The different ways to part a product in two halves as equal as possible, the longer one first."""
    return list(
        dict.fromkeys(
            (tuple(v[i] for i in left), tuple(v[i] for i in right)) for left, right in _positions(len(v))
        )
    )


@cache
def _positions(order: int) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    everything = set(range(order))
    return tuple(
        (left, tuple(sorted(everything - set(left))))
        for left in combinations(range(order), (order + 1) // 2)
        if order % 2 or left[0] == 0
    )
