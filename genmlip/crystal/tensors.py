"""Cartesian tensors of any rank: rotation, and the cubic tensors of rank four and six."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations, product

import numpy as np

from genmlip._types import Array

VOIGT = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
"""Index pairs of the Voigt numbers 1 … 6."""

THIRD_ORDER_CLASSES = {
    "C111": ((0, 0, 0), (1, 1, 1), (2, 2, 2)),
    "C112": ((0, 0, 1), (0, 0, 2), (0, 1, 1), (1, 1, 2), (0, 2, 2), (1, 2, 2)),
    "C123": ((0, 1, 2),),
    "C144": ((0, 3, 3), (1, 4, 4), (2, 5, 5)),
    "C155": ((0, 4, 4), (0, 5, 5), (1, 3, 3), (1, 5, 5), (2, 3, 3), (2, 4, 4)),
    "C456": ((3, 4, 5),),
}
"""The six independent third-order constants of the cubic classes 432, −43m, m−3m, each with all Voigt indices
(from zero) that share it; the others vanish (Brugger, J. Appl. Phys. 36, 768 (1965))."""


def rotate(tensor: Array, frame: Array) -> Array:
    """Components in the frame whose rows are its axes: T′_ab… = Q_ai Q_bj … T_ij…, for any rank.

    tensor : (3,) · rank;  frame : (3, 3) orthogonal
    """
    frame = np.asarray(frame, dtype=float)
    for axis in range(tensor.ndim):
        tensor = np.moveaxis(np.tensordot(frame, tensor, axes=(1, axis)), 0, axis)
    return tensor


def to_voigt(tensor: Array) -> Array:
    """Components of a stiffness of any even rank at the Voigt pairs: (3,) · 2k → (6,) · k, no factors."""
    order = tensor.ndim // 2
    pairs = np.array(VOIGT)
    indices = []
    for grid in np.ix_(*[range(6)] * order):
        indices += [pairs[grid, 0], pairs[grid, 1]]
    return tensor[tuple(indices)]


def from_voigt(matrix: Array) -> Array:
    """The stiffness (3, 3, 3, 3) with the components (6, 6) in Voigt's order."""
    number = np.empty((3, 3), dtype=np.int64)
    for k, (i, j) in enumerate(VOIGT):
        number[i, j] = number[j, i] = k
    return matrix[number[:, :, None, None], number]


def cubic_third_order(constants: Mapping[str, float]) -> Array:
    """The (3,)*6 tensor with the given C111, C112, C123, C144, C155, C456."""
    tensor = np.zeros((3,) * 6)
    for name, members in THIRD_ORDER_CLASSES.items():
        for triple in members:
            for order in permutations(triple):
                pairs = [{VOIGT[m], VOIGT[m][::-1]} for m in order]
                for indices in product(*pairs):
                    tensor[sum(indices, ())] = constants[name]
    return tensor
