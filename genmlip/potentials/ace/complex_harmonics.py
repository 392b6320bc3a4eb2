"""Products of density moments in complex instead of real spherical harmonics, and back.

With the Condon–Shortley phase and the real harmonics of :mod:`harmonics`, for m > 0,

    Y_l^m = (−1)^m (Y_{l,m} + i Y_{l,−m}) / √2,      Y_l^{−m} = (Y_{l,m} − i Y_{l,−m}) / √2,
    Y_{l,m} = ((−1)^m Y_l^m + Y_l^{−m}) / √2,        Y_{l,−m} = −i ((−1)^m Y_l^m − Y_l^{−m}) / √2,

and Y_l^0 = Y_{l,0}. Every density moment A = Σ_j R(r_ij) Y(r̂_ij) transforms the same way, so a product of ν
of them becomes a sum of up to 2^ν products. Files .yace hold sums Σ_t w_t Re(A_{v_1(t)} A_{v_2(t)} …) over
complex moments with real weights (Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021)).

A product of moments is a row of labels v, padded with −1. The moments of one species, radial channel and l
stand together in the order m = −l … l, and ``harmonics[v]`` = l² + l + m; then v + m' − m is the moment with
m' instead of m.
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from itertools import product

import numpy as np

from genmlip._types import AnyArray, Array, BoolArray, ComplexArray, IntArray
from genmlip.errors import InputError

_CANCELLED = 1e-13  # of the terms that were added: what is left of a sum that is zero


def degree_and_order(harmonics: IntArray) -> tuple[IntArray, IntArray]:
    """l and m of the harmonics with index l² + l + m."""
    l = np.sqrt(harmonics + 0.5).astype(np.int64)
    return l, harmonics - l * l - l


def to_real(monomials: IntArray, weights: Array, harmonics: IntArray) -> tuple[IntArray, Array]:
    """Σ_t w_tp Re Π A_v over complex moments → the same densities over real ones.

    monomials : (T, order) labels of complex moments, padded with −1
    weights : (T, P), real
    harmonics : (n_A,) l² + l + m of every moment, see the module

    Returns sorted rows of labels (T', order), none twice, and weights (T', P).
    """
    labels, substituted = _substitute(monomials, weights, *_complex_in_real(harmonics))
    real = substituted.real.any(axis=1)  # of the others the real part vanishes
    return _merge(labels[real], substituted.real[real])


def to_complex(monomials: IntArray, weights: Array, harmonics: IntArray) -> tuple[IntArray, Array]:
    """Σ_t w_tp Π A_v over real moments → Σ_t w_tp Re Π A_v over complex ones; the inverse of :func:`to_real`.

    Arguments and result as there. Two products that differ by m → −m in all factors have the same real part
    up to the sign (−1)^{Σm}; only one of them occurs, standing for both. Raises InputError if the densities
    need Im Π A_v as well, which no function invariant under rotation and inversion does.
    """
    labels, substituted = _substitute(monomials, weights, *_real_in_complex(harmonics))
    mirrored, sign = _mirror(labels, harmonics)
    swap = _precedes(labels, mirrored)
    labels = np.where(swap[:, None], mirrored, labels)
    substituted = np.where(swap[:, None], sign[:, None] * substituted.conj(), substituted)
    labels, merged = _merge(labels, substituted)
    if abs(merged.imag).max(initial=0.0) > 1e-9 * abs(merged.real).max(initial=0.0):
        raise InputError("these products of density moments are not invariant under rotation and inversion")
    real = merged.real.any(axis=1)
    return labels[real], merged.real[real]


def _complex_in_real(harmonics: IntArray) -> tuple[IntArray, ComplexArray]:
    """Labels (n_A, 2) and factors (n_A, 2) of the real moments in every complex one."""
    _, m = degree_and_order(harmonics)
    sign = np.where(m > 0, (-1.0) ** m, 1.0)
    factors = np.stack([sign + 0j, 1j * np.sign(m) * sign], axis=1) / np.sqrt(2)
    factors[m == 0] = 1, 0
    return _partners(m), factors


def _real_in_complex(harmonics: IntArray) -> tuple[IntArray, ComplexArray]:
    """Labels (n_A, 2) and factors (n_A, 2) of the complex moments in every real one."""
    _, m = degree_and_order(harmonics)
    phase = np.where(m < 0, -1j, 1.0)
    factors = np.stack([(-1.0) ** m * phase, np.where(m < 0, -1.0, 1.0) * phase], axis=1) / np.sqrt(2)
    factors[m == 0] = 1, 0
    return _partners(m), factors


def _partners(m: IntArray) -> IntArray:
    """(n_A, 2): the moment with ∣m∣ and that with −∣m∣, for every moment."""
    v = np.arange(len(m))
    return np.stack([v - m + abs(m), v - m - abs(m)], axis=1)


def _substitute(
    monomials: IntArray, weights: Array, labels: IntArray, factors: ComplexArray
) -> tuple[IntArray, ComplexArray]:
    """Multiply out Π A_v with A_v = Σ_s factors[v, s] A'_{labels[v, s]}, without merging equal products."""
    padded = monomials < 0
    rows, values = [], []
    for choice in product((0, 1), repeat=monomials.shape[1]):
        factor = np.where(padded, np.array(choice) == 0, factors[monomials, choice]).prod(axis=1)
        t = np.flatnonzero(factor)
        rows.append(np.where(padded[t], -1, labels[monomials[t], choice]))
        values.append(weights[t] * factor[t, None])
    return np.concatenate(rows), np.concatenate(values)


def _mirror(labels: IntArray, harmonics: IntArray) -> tuple[IntArray, Array]:
    """Labels with all m → −m, sorted, and (−1)^{Σm}: Π A_mirror = (−1)^{Σm} (Π A)*."""
    m = np.where(labels < 0, 0, degree_and_order(harmonics)[1][labels])
    return _sorted(labels - 2 * m), (-1.0) ** m.sum(axis=1)


def _sorted(labels: IntArray) -> IntArray:
    """Every row in ascending order, the padding −1 last."""
    large = np.iinfo(np.int64).max
    ordered = np.sort(np.where(labels < 0, large, labels), axis=1)
    return np.where(ordered == large, -1, ordered)


def _precedes(a: IntArray, b: IntArray) -> BoolArray:
    """Whether row a comes before row b in lexicographic order."""
    first = (a != b).argmax(axis=1)[:, None]
    return np.take_along_axis(a < b, first, axis=1)[:, 0]


def _merge(labels: IntArray, weights: AnyArray) -> tuple[IntArray, AnyArray]:
    """Equal products added up; products whose weights cancel are left out."""
    labels = _sorted(labels)
    order = np.lexsort(labels.T[::-1])
    labels, weights = labels[order], weights[order]
    new = np.ones(len(labels), dtype=bool)
    new[1:] = (labels[1:] != labels[:-1]).any(axis=1)
    starts = np.flatnonzero(new)
    if len(starts) == 0:
        return labels, weights
    merged, size = np.add.reduceat(weights, starts), np.add.reduceat(abs(weights), starts)
    merged[abs(merged) <= _CANCELLED * size] = 0.0
    kept = merged.any(axis=1)
    return labels[starts][kept], merged[kept]
