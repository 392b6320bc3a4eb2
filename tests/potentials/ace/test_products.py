"""The product graph against multiplying everything out."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from genmlip.potentials.ace.kernels import quadratic_form
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


@given(sets_of_monomials(), st.integers(0, 2**32 - 1))
@settings(max_examples=80, deadline=None)
def test_value_and_adjoint_equal_those_of_the_expanded_polynomial(case, seed):
    n_leaves, monomials = case
    rng = np.random.default_rng(seed)
    w, A = rng.normal(size=len(monomials)), rng.normal(size=n_leaves)
    factors = np.where(monomials >= 0, A[monomials], 1.0)
    value = w @ factors.prod(axis=1)
    slopes = np.zeros(n_leaves)
    for t, v in zip(*np.nonzero(monomials >= 0), strict=True):
        slopes[monomials[t, v]] += w[t] * np.delete(factors[t], v).prod()

    graph = ProductGraph.of(n_leaves, monomials)
    linear, quadratic = graph.weights(w)
    P, adjoint = np.empty(len(linear)), np.empty(len(linear))
    P[:n_leaves] = A
    result = quadratic_form(graph.nodes, linear, graph.first, graph.right, quadratic, n_leaves, P, adjoint)
    assert_allclose(result, value, atol=1e-11)
    assert_allclose(adjoint[:n_leaves], slopes, atol=1e-11)


def test_nodes_are_in_topological_order_and_shared():
    # a b c d, a b e f and a b c need the node a b only once
    monomials = np.array([[0, 1, 2, 3], [0, 1, 4, 5], [0, 1, 2, -1]])
    graph = ProductGraph.of(6, monomials)
    assert len(graph.nodes) == 3
    assert (graph.nodes < 6 + np.arange(len(graph.nodes))[:, None]).all()
