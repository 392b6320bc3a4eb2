"""The product graph against multiplying everything out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.potentials.ace.products import ProductGraph


@st.composite
def sets_of_monomials(draw):
    order, n_leaves = draw(st.integers(1, 6)), draw(st.integers(1, 6))
    monomial = st.lists(st.integers(0, n_leaves - 1), min_size=1, max_size=order).map(
        lambda v: tuple(sorted(v))
    )
    chosen = draw(st.lists(monomial, min_size=1, max_size=40, unique=True))
    padded = [v + (-1,) * (order - len(v)) for v in chosen]
    return n_leaves, np.array(padded, dtype=np.int64)


def value_and_slopes(graph, w, A):
    """ρ and ∂ρ/∂A as the module says."""
    P = np.append(A, np.empty(len(graph.nodes)))
    for k, (a, b) in enumerate(graph.nodes):
        P[graph.n_leaves + k] = P[a] * P[b]
    linear, quadratic = graph.weights(w)
    left = np.repeat(np.arange(len(P)), np.diff(graph.first))
    value, slopes = linear @ P + quadratic @ (P[left] * P[graph.right]), linear
    np.add.at(slopes, left, quadratic * P[graph.right])
    np.add.at(slopes, graph.right, quadratic * P[left])
    for k in reversed(range(len(graph.nodes))):
        a, b = graph.nodes[k]
        slope = slopes[graph.n_leaves + k]
        slopes[a] += slope * P[b]
        slopes[b] += slope * P[a]
    return value, slopes[: graph.n_leaves]


@given(sets_of_monomials(), st.integers(0, 2**32 - 1))
@settings(max_examples=80)
def test_value_and_adjoint_equal_those_of_the_expanded_polynomial(case, seed):
    n_leaves, monomials = case
    rng = np.random.default_rng(seed)
    w, A = rng.normal(size=len(monomials)), rng.normal(size=n_leaves)
    factors = np.where(monomials >= 0, A[monomials], 1.0)
    slopes = np.zeros(n_leaves)
    for t, v in zip(*np.nonzero(monomials >= 0), strict=True):
        slopes[monomials[t, v]] += w[t] * np.delete(factors[t], v).prod()
    result = value_and_slopes(ProductGraph.of(n_leaves, monomials), w, A)
    assert_allclose(result[0], w @ factors.prod(axis=1), atol=1e-11)
    assert_allclose(result[1], slopes, atol=1e-11)


def test_nodes_are_in_topological_order_and_shared():
    # a b c d, a b e f and a b c need the node a b only once
    monomials = np.array([[0, 1, 2, 3], [0, 1, 4, 5], [0, 1, 2, -1]])
    graph = ProductGraph.of(6, monomials)
    assert len(graph.nodes) == 3
    assert (graph.nodes < 6 + np.arange(len(graph.nodes))[:, None]).all()


def test_products_of_three_share_the_pair_that_most_of_them_contain():
    # all contain 0 1; pairs of the other factors occur once each
    monomials = np.array([[0, 1, k] for k in range(2, 8)])
    assert ProductGraph.of(8, monomials).nodes.tolist() == [[0, 1]]


def test_the_graph_does_not_depend_on_the_order_of_hashing():
    rng = np.random.default_rng(0)
    monomials = np.unique(np.sort(rng.integers(9, size=(200, 4)), axis=1), axis=0)
    graph = ProductGraph.of(9, monomials)
    again = ProductGraph.of(9, monomials[::-1])
    assert np.array_equal(graph.nodes, again.nodes)
