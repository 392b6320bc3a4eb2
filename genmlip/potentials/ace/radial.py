"""Radial functions: orthogonal polynomials in a transformed distance, times a smooth cutoff.

With u = r/r0 and exponents p (tail) and q (core), the transform of Agnesi type

    y(u) = 1 / (1 + a u^q / (1 + u^(q−p))),     a = 2 (2pq − p − q) / (p² + q² + p + q),
    x(r) = 2 (y(r) − y(r_cut)) / (1 − y(r_cut)) − 1            (r = 0 ↦ 1, r = r_cut ↦ −1)

behaves like 1 − a u^q near the nucleus and like u^(−p) far away; a puts the largest |dy/du| at r = r0
(Witt et al., J. Chem. Phys. 159, 164101 (2023), section II). The functions are

    R_n(r) = N_n ((1 + x)/2)^s P_{n−1}^{(0, 2s)}(x),           n = 1, 2, …

with Jacobi polynomials P^{(0, 2s)}, so that ∫ R_n R_n' dx = δ_nn' over −1 ≤ x ≤ 1. They stay bounded as r → 0
and vanish at the cutoff like (r_cut − r)^s: s = 3 makes them twice continuously differentiable.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.potentials.ace.kernels import fill_radial


@dataclass(frozen=True)
class RadialBasis:
    """R_1 … R_{n_max}; see the module for the formulas.

    cutoff : Å
    r0 : Å, where resolution is highest: about the distance of the first shell
    n_max : number of functions
    tail, core : integer exponents p and q of the distance transform, 1 ≤ p ≤ q and q > 1
    envelope : s, the order of the zero at the cutoff
    """

    cutoff: float
    r0: float
    n_max: int
    tail: int = 2
    core: int = 10
    envelope: int = 3

    @cached_property
    def parameters(self) -> tuple[Array, IntArray]:
        """(cutoff, r0, a, y(cutoff)) and (p, q, s), as the kernel wants them."""
        p, q = self.tail, self.core
        a = 2 * (2 * p * q - p - q) / (p**2 + q**2 + p + q)
        u = self.cutoff / self.r0
        y_cut = 1 / (1 + a * u**q / (1 + u ** (q - p)))
        return np.array([self.cutoff, self.r0, a, y_cut]), np.array([p, q, self.envelope], dtype=np.int64)

    @cached_property
    def recursion(self) -> Array:
        """(n_max, 3): p_0 = c_00, p_k = (c_k0 x + c_k1) p_{k−1} − c_k2 p_{k−2}, orthonormal Jacobi.

        Abramowitz & Stegun 22.7.1 with α = 0 and β = 2s, and ∫ ((1 + x)/2)^β P_k² dx = 2 / (2k + β + 1).
        """
        b = 2.0 * self.envelope
        norm = np.sqrt((2 * np.arange(self.n_max) + b + 1) / 2)
        c = np.zeros((self.n_max, 3))
        c[0, 0] = norm[0]
        if self.n_max > 1:  # P_1 = ((b + 2) x − b) / 2
            c[1] = np.array([b + 2, -b, 0.0]) / 2 * norm[1] / norm[0]
        for k in range(2, self.n_max):
            t = 2 * k + b
            d = 2 * k * (k + b) * (t - 2)
            c[k, :2] = np.array([(t - 1) * t * (t - 2), -(t - 1) * b * b]) / d * norm[k] / norm[k - 1]
            c[k, 2] = 2 * (k - 1) * (k + b - 1) * t / d * norm[k] / norm[k - 2]
        return c

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """R_n(r) and dR_n/dr, each (n_max, len(r))."""
        r = np.ascontiguousarray(r, dtype=float)
        R, dR = np.empty((self.n_max, len(r))), np.empty((self.n_max, len(r)))
        fill_radial(len(r), r, *self.parameters, self.recursion, np.empty((2, len(r))), R, dR)
        return R, dR

    def extended(self, r: Array) -> tuple[Array, Array]:
        """As when called, in NumPy's longest precision, which has three more digits on common processors.

        For sums with large weights of either sign, of which rounding would leave less.
        """
        r = np.asarray(r, dtype=np.longdouble)
        (cutoff, r0, a, y_cut), recursion = self.parameters[0].astype(r.dtype), self.recursion.astype(r.dtype)
        p, q, s = self.tail, self.core, self.envelope
        bend = (r / r0) ** (q - p)
        h = bend * (r / r0) ** p / (1 + bend)
        y = 1 / (1 + a * h)
        half = np.where(r < cutoff, (y - y_cut) / (1 - y_cut), 0)
        x, dx = 2 * half - 1, -2 / (1 - y_cut) * y**2 * a * h * (q - (q - p) * bend / (1 + bend)) / r
        R, dR = np.empty((2, self.n_max, len(r)), dtype=r.dtype)
        R[0], dR[0] = recursion[0, 0] * half**s, recursion[0, 0] * s / 2 * half ** (s - 1) * dx
        for k in range(1, self.n_max):
            (c0, c1, c2), before = recursion[k], max(k - 2, 0)  # c2 = 0 for k = 1
            R[k] = (c0 * x + c1) * R[k - 1] - c2 * R[before]
            dR[k] = (c0 * x + c1) * dR[k - 1] + c0 * dx * R[k - 1] - c2 * dR[before]
        return R, dR
