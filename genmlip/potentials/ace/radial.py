"""Radial functions: orthogonal polynomials in a transformed distance, times a smooth cutoff.

    y(r) = 1 / (1 + a (r/r0)^q),   a = (q − 1)/(q + 1)         (Agnesi; |dy/dr| is largest at r = r0),
    x(r) = 2 (y(r) − y(r_cut)) / (1 − y(r_cut)) − 1            (r = 0 ↦ 1, r = r_cut ↦ −1),
    R_n(r) = N_n ((1 + x)/2)^p P_{n−1}^{(0, 2p)}(x),           n = 1, 2, …

with Jacobi polynomials P^{(0, 2p)}: the R_n are orthonormal, ∫ R_n R_n' dx = δ_nn' over −1 ≤ x ≤ 1. The transform gives the
resolution to distances near r0 and stays bounded as r → 0. R_n vanishes at the cutoff like (r_cut − r)^p, so
p = 3 makes it twice continuously differentiable (Witt et al., J. Chem. Phys. 159, 164101 (2023), for the transform).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from genmlip._types import Array


@dataclass(frozen=True)
class RadialBasis:
    """R_1 … R_{n_max}; see the module for the formulas.

    cutoff : Å
    r0 : Å, where resolution is highest: the nearest-neighbour distance
    n_max : number of functions
    steepness : q of the distance transform
    smoothness : p, the order of the zero at the cutoff
    """

    cutoff: float
    r0: float
    n_max: int
    steepness: float = 2.0
    smoothness: int = 3

    @cached_property
    def parameters(self) -> Array:
        """(cutoff, r0, q, a, y(cutoff), p) as the kernel wants them."""
        a = (self.steepness - 1) / (self.steepness + 1)
        y_cut = 1 / (1 + a * (self.cutoff / self.r0) ** self.steepness)
        return np.array([self.cutoff, self.r0, self.steepness, a, y_cut, float(self.smoothness)])

    @cached_property
    def recursion(self) -> Array:
        """(n_max, 3): the orthonormal p_0 = c_00 and p_k = (c_k0 x + c_k1) p_{k−1} − c_k2 p_{k−2} (Jacobi, α = 0, β = 2p)."""
        b = 2.0 * self.smoothness
        c = np.zeros((self.n_max, 3))
        # ∫ ((1+x)/2)^b P_k² dx = 2 / (2k + b + 1)
        norm = np.sqrt((2 * np.arange(self.n_max) + b + 1) / 2)
        c[0, 0] = norm[0]
        for k in range(1, self.n_max):
            s = 2 * k + b
            d = 2 * k * (k + b) * (s - 2) if k > 1 else 1.0
            if k == 1:  # P_1 = ((b + 2) x − b) / 2
                a0, a1, a2 = (b + 2) / 2, -b / 2, 0.0
            else:
                a0 = (s - 1) * s * (s - 2) / d
                a1 = -(s - 1) * b * b / d
                a2 = 2 * (k - 1) * (k + b - 1) * s / d
            c[k] = (
                a0 * norm[k] / norm[k - 1],
                a1 * norm[k] / norm[k - 1],
                a2 * norm[k] / norm[k - 2] if k > 1 else 0.0,
            )
        return c

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """R_n(r) and dR_n/dr, each (n_max, len(r))."""
        r = np.ascontiguousarray(r, dtype=float)
        R, dR = np.empty((self.n_max, len(r))), np.empty((self.n_max, len(r)))
        fill_radial(len(r), r, self.parameters, self.recursion, np.empty((2, len(r))), R, dR)
        return R, dR


@njit(cache=True, nogil=True, fastmath={"contract"})
def fill_radial(n, distance, parameters, recursion, X, R, dR):  # type: ignore[no-untyped-def]
    """R_k and dR_k/dr for the first ``n`` distances; X (2, ·) is scratch for x and dx/dr."""
    cutoff, r0, q, a, y_cut, p = parameters
    scale = 2.0 / (1.0 - y_cut)
    for j in range(n):
        r = distance[j]
        t = a * (r / r0) ** q
        y = 1.0 / (1.0 + t)
        x = scale * (y - y_cut) - 1.0
        slope = -scale * y * y * t * q / r
        half = 0.5 * (1.0 + x) if r < cutoff else 0.0
        X[0, j] = x
        X[1, j] = slope
        R[0, j] = recursion[0, 0] * half**p
        dR[0, j] = recursion[0, 0] * 0.5 * p * half ** (p - 1.0) * slope
    for k in range(1, recursion.shape[0]):
        c0, c1, c2 = recursion[k, 0], recursion[k, 1], recursion[k, 2]
        if k == 1:
            for j in range(n):
                u = c0 * X[0, j] + c1
                R[1, j] = u * R[0, j]
                dR[1, j] = u * dR[0, j] + c0 * X[1, j] * R[0, j]
        else:
            for j in range(n):
                u = c0 * X[0, j] + c1
                R[k, j] = u * R[k - 1, j] - c2 * R[k - 2, j]
                dR[k, j] = u * dR[k - 1, j] + c0 * X[1, j] * R[k - 1, j] - c2 * dR[k - 2, j]
