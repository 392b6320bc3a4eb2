"""Real spherical harmonics as polynomials in the Cartesian components of the unit vector.

With (x, y, z) on the unit sphere and (x + iy)^m = C_m + i S_m,

    Y_{l, m} = Q_l^m(z) C_m(x, y),   Y_{l, −m} = Q_l^m(z) S_m(x, y),   Q_l^m = N_l^m d^m P_l / dz^m,

    (N_l^m)² = (2 − δ_m0) (2l + 1) / 4π · (l − m)! / (l + m)!,

orthonormal on the sphere and without the Condon–Shortley phase, so (Y_{1,−1}, Y_{1,0}, Y_{1,1}) ∝ (y, z, x).
Dividing P_l^m by sin^m θ removes the poles: nothing below divides by sin θ. The recursion in l is the stable
three-term one, and the derivative is again a member of the family, dQ_l^m/dz = (N_l^m / N_l^{m+1}) Q_l^{m+1}.

The gradient of the degree-zero extension Y(r / |r|) is (1 − r̂ ⊗ r̂) ∇̃Y / r, with ∇̃Y the gradient of any
smooth extension, here of the polynomial above.

Index of (l, m): l² + l + m. Arrays are (channel, neighbour): every inner loop runs over neighbours.
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from math import factorial, pi, sqrt

import numpy as np

from genmlip._types import Array
from genmlip.potentials.ace.kernels import fill_harmonics, project


def _norm(l: int, m: int) -> float:
    """N_l^m."""
    return sqrt((1 if m == 0 else 2) * (2 * l + 1) / (4 * pi) * factorial(l - m) / factorial(l + m))


def recursion_table(lmax: int) -> Array:
    """Coefficients of the recursions, ((lmax + 1)(lmax + 2) / 2, 3), row l(l + 1)/2 + m.

    Columns α, β, δ:  Q_l^m = α z Q_{l−1}^m − β Q_{l−2}^m (for l = m: Q_m^m = α),  dQ_l^m/dz = δ Q_l^{m+1}.
    """
    table = np.zeros(((lmax + 1) * (lmax + 2) // 2, 3))
    for l in range(lmax + 1):
        for m in range(l + 1):
            row, N = table[l * (l + 1) // 2 + m], _norm(l, m)
            if l == m:
                row[0] = N * np.prod(np.arange(1.0, 2 * m, 2))  # N (2m − 1)!!
            else:
                row[0] = (2 * l - 1) / (l - m) * N / _norm(l - 1, m)
                row[1] = (l + m - 1) / (l - m) * N / _norm(l - 2, m) if l - 2 >= m else 0.0
                row[2] = N / _norm(l, m + 1)
    return table


def real_harmonics(directions: Array, lmax: int) -> tuple[Array, Array]:
    """Y ((lmax + 1)², n) and gradient ((lmax + 1)², 3, n) at vectors (n, 3) of any length."""
    r = np.linalg.norm(directions, axis=1)
    unit = np.ascontiguousarray((directions / r[:, None]).T)
    n, n_lm = len(r), (lmax + 1) ** 2
    Y, dY = np.empty((n_lm, n)), np.empty((n_lm, 3, n))
    table = recursion_table(lmax)
    fill_harmonics(n, unit, lmax, table, np.empty((len(table), n)), np.empty((lmax + 1, 2, n)), Y, dY)
    for gradient in dY:
        project(n, unit, r, np.empty(n), gradient)
    return Y, dY
