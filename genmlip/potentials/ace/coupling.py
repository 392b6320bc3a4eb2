"""Invariant tensors of O(3): the coupling coefficients of the basis, without redundant ones.

A product of ν real spherical harmonics transforms under rotation by the tensor product of their
representations. Its invariants are found by coupling the angular momenta one after the other,

    ((l_1 l_2) L_2 l_3) L_3 … l_ν → 0,
    C_{m_1 … m_ν} = Σ_M c^{l_1 l_2 L_2}_{m_1 m_2 M_2} c^{L_2 l_3 L_3}_{M_2 m_3 M_3} …

where c^{l l' L} are Clebsch–Gordan coefficients in the real basis. Different intermediate L give orthonormal
tensors, and they span all invariants (Drautz, Phys. Rev. B 99, 014104 (2019); Dusson et al., J. Comput. Phys.
454, 110946 (2022), section 3).

Where two factors carry the same label (z, n, l) the product does not change if their m are exchanged, so only
the part of C that is symmetric under those exchanges matters. The average over the exchanges commutes with
rotations, hence it acts on the span of the invariants as an orthogonal projection: its eigenvalues are 0 and
1, its rank is its trace, and the gap between what is kept and what is dropped is exactly one. No threshold
has to be chosen.

Wigner's 3j symbols are evaluated in integer arithmetic, with a single rounding in the final square root.
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from itertools import groupby, permutations, product
from math import factorial, prod, sqrt

import numpy as np

from genmlip._types import Array, ComplexArray, IntArray

_ZERO = 1e-13  # entries are of order one and exact zeros come out below 1e-15


@cache
def wigner_3j(l1: int, l2: int, l3: int, m1: int, m2: int, m3: int) -> float:
    """Wigner's 3j symbol of integer angular momenta by Racah's formula (Edmonds 1957, eq. 3.6.10 f.)."""
    if m1 + m2 + m3 != 0 or not abs(l1 - l2) <= l3 <= l1 + l2:
        return 0.0
    if max(abs(m1) - l1, abs(m2) - l2, abs(m3) - l3) > 0:
        return 0.0
    f = factorial
    total = Fraction(0)
    for k in range(max(0, l2 - l3 - m1, l1 - l3 + m2), min(l1 + l2 - l3, l1 - m1, l2 + m2) + 1):
        denominator = (
            f(k) * f(l1 + l2 - l3 - k) * f(l1 - m1 - k) * f(l2 + m2 - k)
            * f(l3 - l2 + m1 + k) * f(l3 - l1 - m2 + k)
        )  # fmt: skip
        total += Fraction((-1) ** k, denominator)
    triangle = Fraction(f(l1 + l2 - l3) * f(l1 - l2 + l3) * f(-l1 + l2 + l3), f(l1 + l2 + l3 + 1))
    square = triangle * prod(f(j + m) * f(j - m) for j, m in ((l1, m1), (l2, m2), (l3, m3))) * total**2
    sign = (-1) ** ((l1 - l2 - m3) % 2) * (1 if total > 0 else -1)
    return sign * sqrt(square)


@cache
def _complex_from_real(l: int) -> ComplexArray:
    """U with Y_l^m = Σ_μ U_{mμ} Y_{l, μ}: complex harmonics (Condon–Shortley phase) from the real ones."""
    U = np.zeros((2 * l + 1, 2 * l + 1), dtype=complex)
    U[l, l] = 1.0
    for m in range(1, l + 1):
        U[l + m, l + m], U[l + m, l - m] = (-1) ** m / sqrt(2), (-1) ** m * 1j / sqrt(2)
        U[l - m, l + m], U[l - m, l - m] = 1 / sqrt(2), -1j / sqrt(2)
    return U


@cache
def real_clebsch_gordan(l1: int, l2: int, L: int) -> Array:
    """c^{l1 l2 L}_{m1 m2 M} between real harmonics, (2 l1 + 1, 2 l2 + 1, 2 L + 1); Σ_{m1 m2} c c = δ_{M M'}.

    The 3j tensor in the real basis is real for even l1 + l2 + L and imaginary for odd; a factor i is dropped.
    """
    ls = (l1, l2, L)
    symbol = np.zeros(tuple(2 * l + 1 for l in ls))
    for m1, m2 in product(range(-l1, l1 + 1), range(-l2, l2 + 1)):
        if abs(m1 + m2) <= L:
            symbol[l1 + m1, l2 + m2, L - m1 - m2] = wigner_3j(l1, l2, L, m1, m2, -m1 - m2)
    tensor = np.einsum("abc,ai,bj,ck->ijk", symbol, *(_complex_from_real(l) for l in ls))
    part = tensor.real if sum(ls) % 2 == 0 else tensor.imag
    return sqrt(2 * L + 1) * np.where(abs(part) < _ZERO, 0.0, part)


@cache
def invariant_tensors(ls: tuple[int, ...]) -> Array:
    """Orthonormal basis of the invariant tensors, (n, 2 l_1 + 1, …, 2 l_ν + 1), one per path L_2, L_3, …"""
    coupled: dict[int, list[Array]] = {ls[0]: [np.eye(2 * ls[0] + 1)]}
    for position, l in enumerate(ls[1:], start=2):
        reach = sum(ls[position:])  # the momenta that follow can undo at most this much
        following: dict[int, list[Array]] = {}
        for L, tensors in coupled.items():
            for L_new in range(abs(L - l), min(L + l, reach) + 1):
                c = real_clebsch_gordan(L, l, L_new)
                following.setdefault(L_new, []).extend(np.tensordot(t, c, axes=1) for t in tensors)
        coupled = following
    shape = tuple(2 * l + 1 for l in ls)
    return np.array(coupled.get(0, [])).reshape(-1, *shape)


def label_permutations(groups: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Permutations of the positions that exchange only equal entries of ``groups`` (which is sorted)."""
    blocks = [[i for i, _ in block] for _, block in groupby(enumerate(groups), key=lambda item: item[1])]
    for choice in product(*(permutations(block) for block in blocks)):
        yield tuple(i for block in choice for i in block)


@cache
def symmetric_invariants(ls: tuple[int, ...], groups: tuple[int, ...]) -> Array:
    """Orthonormal basis of the invariant tensors symmetric under exchange of positions with equal ``groups``.

    (rank, 2 l_1 + 1, …, 2 l_ν + 1). Positions of one group must carry the same l.
    """
    C = invariant_tensors(ls)
    n, size = len(C), prod(C.shape[1:])
    flat = C.reshape(n, size)
    moves = list(label_permutations(groups))
    average = sum(np.transpose(C, (0, *(1 + s for s in move))) for move in moves) / len(moves)
    projection = flat @ np.reshape(average, (n, size)).T
    rank = round(float(np.trace(projection)))
    return np.tensordot(_range_of_projection(projection, rank).T, C, axes=1)


def _range_of_projection(P: Array, rank: int) -> Array:
    """Orthonormal columns V with V Vᵀ = P, (n, rank), by Cholesky factorisation with pivoting.

    P = V Vᵀ = P² gives VᵀV = 1. Unlike eigenvectors of a degenerate eigenvalue, V is the same everywhere.
    """
    remainder, V = P.copy(), np.zeros((len(P), rank))
    for k in range(rank):
        diagonal = np.diag(remainder)
        pivot = int(np.flatnonzero(diagonal > diagonal.max() - 1e-9)[0])  # first among equals
        V[:, k] = remainder[:, pivot] / sqrt(diagonal[pivot])
        remainder -= np.outer(V[:, k], V[:, k])
    if abs(remainder).max(initial=0.0) > 1e-10:
        raise ArithmeticError("the symmetrised couplings are not a projection of the rank its trace says")
    return V


@cache
def coupling_pattern(ls: tuple[int, ...], groups: tuple[int, ...]) -> tuple[IntArray, Array]:
    """The symmetric invariants as sums over monomials: m + l of every factor (T, ν), coefficients (rank, T).

    Within a group m is non-decreasing, so every monomial occurs once; permuted terms are added up.
    """
    C = symmetric_invariants(ls, groups)
    folded: dict[tuple[int, ...], Array] = {}
    for m in np.argwhere(abs(C).max(axis=0, initial=0.0) > _ZERO):
        key = tuple(i for _, i in sorted(zip(groups, m.tolist(), strict=True)))
        folded[key] = folded.get(key, 0.0) + C[(slice(None), *m)]
    monomials = sorted(folded)
    factors = np.array(monomials, dtype=np.int64).reshape(-1, len(ls))
    return factors, np.array([folded[m] for m in monomials]).T.reshape(len(C), len(factors))
