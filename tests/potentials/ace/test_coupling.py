"""Coupling coefficients: against sympy, against rotations, and their number against characters."""
# ruff: noqa: E741 - l is the angular momentum

from itertools import combinations_with_replacement, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.spatial.transform import Rotation
from sympy.physics.wigner import wigner_3j as sympy_3j

from genmlip.potentials.ace.coupling import (
    coupling_pattern,
    invariant_tensors,
    label_permutations,
    real_clebsch_gordan,
    symmetric_invariants,
    wigner_3j,
)
from genmlip.potentials.ace.harmonics import real_harmonics

LETTERS = "abcdefgh"


def rotation_matrix(l, rotation):
    """D with Y_l(R r) = D Y_l(r), from the harmonics at random directions."""
    directions = np.random.default_rng(0).normal(size=(8 * l + 8, 3))
    block = slice(l * l, (l + 1) ** 2)
    before = real_harmonics(directions, l)[0][block]
    after = real_harmonics(directions @ rotation.T, l)[0][block]
    return np.linalg.lstsq(before.T, after.T, rcond=None)[0].T


def number_of_invariants(ls, groups):
    """Multiplicity of the trivial representation in the symmetrised tensor product, from characters.

    (1/|G|) Σ_{σ ∈ G} ∫ Π_{cycles c of σ} χ_l(|c| θ) dμ(θ), χ_l(θ) = Σ_m cos mθ, dμ = (1 − cos θ) dθ / π.
    A trigonometric polynomial: the mean over enough equidistant angles is its exact integral.
    """
    theta = 2 * np.pi * np.arange(4 * sum(ls) + 8) / (4 * sum(ls) + 8)
    moves = list(label_permutations(groups))
    total = 0.0
    for move in moves:
        product, seen = np.ones_like(theta), set()
        for start in range(len(ls)):
            length, position = 0, start
            while position not in seen:
                seen.add(position)
                position, length = move[position], length + 1
            if length:
                m = np.arange(-ls[start], ls[start] + 1)
                product = product * np.cos(np.outer(length * theta, m)).sum(axis=1)
        total += np.mean(product * (1 - np.cos(theta)))
    count = total / len(moves)
    assert abs(count - round(count)) < 1e-9
    return round(count)


def tuples_with_groups(max_l, order):
    """Every non-decreasing l-tuple, with every way of calling neighbouring equal l the same label."""
    for ls in combinations_with_replacement(range(max_l + 1), order):
        ties = [k for k, (a, b) in enumerate(pairwise(ls)) if a == b]
        for choice in range(2 ** len(ties)):
            same = {k for bit, k in enumerate(ties) if choice >> bit & 1}
            groups = np.cumsum([0, *(k not in same for k in range(order - 1))])
            yield ls, tuple(groups.tolist())


def test_3j_symbols_agree_with_sympy():
    rng = np.random.default_rng(2)
    for _ in range(150):
        l1, l2 = rng.integers(0, 7, 2).tolist()
        l3 = int(rng.integers(abs(l1 - l2), l1 + l2 + 1))
        m1, m2 = int(rng.integers(-l1, l1 + 1)), int(rng.integers(-l2, l2 + 1))
        expected = float(sympy_3j(l1, l2, l3, m1, m2, -m1 - m2)) if abs(m1 + m2) <= l3 else 0.0
        assert_allclose(wigner_3j(l1, l2, l3, m1, m2, -m1 - m2), expected, rtol=1e-14, atol=0)


@given(st.integers(0, 5), st.integers(0, 5))
@settings(max_examples=20, deadline=None)
def test_clebsch_gordan_coefficients_are_an_orthogonal_matrix(l1, l2):
    blocks = [real_clebsch_gordan(l1, l2, L).reshape(-1, 2 * L + 1) for L in range(abs(l1 - l2), l1 + l2 + 1)]
    U = np.hstack(blocks)
    assert_allclose(U.T @ U, np.eye((2 * l1 + 1) * (2 * l2 + 1)), atol=1e-14)


@given(st.integers(0, 3), st.integers(0, 3), st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_clebsch_gordan_coefficients_commute_with_rotations(l1, l2, seed):
    R = Rotation.random(rng=np.random.default_rng(seed)).as_matrix()
    for L in range(abs(l1 - l2), l1 + l2 + 1):
        c = real_clebsch_gordan(l1, l2, L)
        turned = np.einsum("abM,ia,jb->ijM", c, rotation_matrix(l1, R), rotation_matrix(l2, R))
        assert_allclose(turned, c @ rotation_matrix(L, R), atol=1e-12)


@pytest.mark.parametrize(
    "ls", [(0,), (2, 2), (1, 2, 3), (1, 1, 1, 1), (1, 2, 2, 3), (2, 2, 2, 2), (1, 1, 1, 2, 3)]
)
def test_invariant_tensors_do_not_change_under_rotation(ls):
    R = Rotation.from_rotvec([0.3, -1.1, 0.6]).as_matrix()
    C = invariant_tensors(ls)
    turned = C
    for axis, l in enumerate(ls, start=1):
        turned = np.moveaxis(np.tensordot(turned, rotation_matrix(l, R), axes=(axis, 1)), -1, axis)
    assert_allclose(turned, C, atol=1e-12)
    flat = C.reshape(len(C), -1)
    assert_allclose(flat @ flat.T, np.eye(len(C)), atol=1e-14)


@pytest.mark.parametrize(("order", "max_l"), [(1, 6), (2, 6), (3, 5), (4, 3), (5, 2), (6, 1)])
def test_number_of_functions_is_what_characters_say(order, max_l):
    for ls, groups in tuples_with_groups(max_l, order):
        if sum(ls) % 2 == 0:
            assert len(symmetric_invariants(ls, groups)) == number_of_invariants(ls, groups), (ls, groups)


def test_odd_invariants_are_counted_by_characters_too():
    # not used by the basis, as they change sign under reflection, but they occur inside longer chains
    for ls, groups in tuples_with_groups(3, 3):
        assert len(symmetric_invariants(ls, groups)) == number_of_invariants(ls, groups), (ls, groups)


@pytest.mark.parametrize(
    ("ls", "groups"),
    [
        ((2, 2, 2, 2), (0, 0, 0, 0)),
        ((1, 1, 2, 2), (0, 0, 1, 1)),
        ((1, 1, 1, 3), (0, 0, 0, 1)),
        ((4,) * 4, (0,) * 4),
    ],
)
def test_symmetrised_couplings_are_symmetric_invariant_and_orthonormal(ls, groups):
    C = symmetric_invariants(ls, groups)
    for move in label_permutations(groups):
        assert_allclose(np.transpose(C, (0, *(1 + i for i in move))), C, atol=1e-13)
    flat, all_invariants = (
        C.reshape(len(C), -1),
        invariant_tensors(ls).reshape(len(invariant_tensors(ls)), -1),
    )
    assert_allclose(flat @ flat.T, np.eye(len(C)), atol=1e-13)
    assert_allclose(flat @ all_invariants.T @ all_invariants, flat, atol=1e-13)


@pytest.mark.parametrize(
    ("ls", "groups"),
    [((1, 1, 1, 1), (0,) * 4), ((2, 2, 2, 2), (0,) * 4), ((1, 1, 2, 2), (0, 0, 1, 1)), ((2, 2, 2), (0,) * 3)],
)
def test_what_symmetrisation_drops_is_redundant(ls, groups):
    # all invariants on random moments, equal labels having equal moments: a matrix of the rank that is kept
    rng, C, indices = np.random.default_rng(6), invariant_tensors(ls), LETTERS[: len(ls)]
    values = []
    for _ in range(30):
        moments = {g: rng.normal(size=2 * l + 1) for g, l in zip(groups, ls, strict=True)}
        values.append(np.einsum(f"z{indices},{','.join(indices)}->z", C, *(moments[g] for g in groups)))
    s = np.linalg.svd(np.array(values), compute_uv=False)
    rank = len(symmetric_invariants(ls, groups))
    assert s[rank - 1] > 1e-2 * s[0]
    assert (s[rank:] < 1e-13 * s[0]).all()


@pytest.mark.parametrize(
    ("ls", "groups"), [((0, 2, 2), (0, 1, 1)), ((1, 1, 1, 1), (0, 0, 0, 0)), ((1, 1, 2, 2), (0, 0, 1, 1))]
)
def test_folded_monomials_give_the_same_function(ls, groups):
    rng = np.random.default_rng(5)
    vector_of_group = {}
    A = [vector_of_group.setdefault(g, rng.normal(size=2 * l + 1)) for g, l in zip(groups, ls, strict=True)]
    factors, coefficients = coupling_pattern(ls, groups)
    folded = coefficients @ np.prod([A[k][factors[:, k]] for k in range(len(ls))], axis=0)
    indices = LETTERS[: len(ls)]
    full = np.einsum(f"z{indices},{','.join(indices)}->z", symmetric_invariants(ls, groups), *A)
    assert_allclose(folded, full, rtol=1e-13)
    assert len({tuple(f) for f in factors.tolist()}) == len(factors)
