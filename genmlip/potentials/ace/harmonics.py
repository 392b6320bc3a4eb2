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
from numba import njit

from genmlip._types import Array


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
    fill_harmonics(n, unit, r, lmax, table, np.empty((len(table), n)), np.empty((lmax + 1, 2, n)), Y, dY)
    return Y, dY


@njit(cache=True, nogil=True, fastmath={"contract"})
def fill_harmonics(n, unit, distance, lmax, table, Q, CS, Y, dY):  # type: ignore[no-untyped-def]
    """Y and ∂Y/∂r for the first ``n`` columns of ``unit`` (3, ·).

    Q (rows of the table, ·) and CS (lmax + 1, 2, ·) are scratch.
    """
    _fill_azimuthal(n, unit, lmax, CS)
    for l in range(lmax + 1):
        for m in range(l + 1):
            _fill_polynomial(n, unit, l, m, table, Q)
        for m in range(l + 1):
            _fill_pair(n, unit, distance, l, m, table, Q, CS, Y, dY)


@njit(cache=True, nogil=True, fastmath={"contract"})
def _fill_azimuthal(n, unit, lmax, CS):  # type: ignore[no-untyped-def]
    """C_m and S_m, by (x + iy)^m = (x + iy) (x + iy)^{m−1}."""
    for j in range(n):
        CS[0, 0, j] = 1.0
        CS[0, 1, j] = 0.0
    for m in range(1, lmax + 1):
        for j in range(n):
            CS[m, 0, j] = unit[0, j] * CS[m - 1, 0, j] - unit[1, j] * CS[m - 1, 1, j]
            CS[m, 1, j] = unit[0, j] * CS[m - 1, 1, j] + unit[1, j] * CS[m - 1, 0, j]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _fill_polynomial(n, unit, l, m, table, Q):  # type: ignore[no-untyped-def]
    """Q_l^m from Q_{l−1}^m and Q_{l−2}^m."""
    k, k1, k2 = l * (l + 1) // 2 + m, l * (l - 1) // 2 + m, (l - 1) * (l - 2) // 2 + m
    a, b = table[k, 0], table[k, 1]
    if m == l:
        for j in range(n):
            Q[k, j] = a
    elif m == l - 1:
        for j in range(n):
            Q[k, j] = a * unit[2, j] * Q[k1, j]
    else:
        for j in range(n):
            Q[k, j] = a * unit[2, j] * Q[k1, j] - b * Q[k2, j]


@njit(cache=True, nogil=True, fastmath={"contract"})
def _fill_pair(n, unit, distance, l, m, table, Q, CS, Y, dY):  # type: ignore[no-untyped-def]
    """Y_{l, ±m} and their projected gradients."""
    k = l * (l + 1) // 2 + m
    d = table[k, 2]
    k_up = k + 1 if m < l else k  # d = 0 where m = l
    m_down = m - 1 if m > 0 else 0
    for sign in range(2 if m > 0 else 1):
        lm = l * l + l + (m if sign == 0 else -m)
        for j in range(n):
            x, y, z = unit[0, j], unit[1, j], unit[2, j]
            q = Q[k, j]
            Y[lm, j] = q * CS[m, sign, j]
            # ∂(C + iS)_m/∂x = m (C + iS)_{m−1} and ∂(C + iS)_m/∂y = i m (C + iS)_{m−1}
            gx = m * q * CS[m_down, sign, j]
            gy = m * q * (-CS[m_down, 1, j] if sign == 0 else CS[m_down, 0, j])
            gz = d * Q[k_up, j] * CS[m, sign, j]
            radial = x * gx + y * gy + z * gz
            inverse = 1.0 / distance[j]
            dY[lm, 0, j] = (gx - radial * x) * inverse
            dY[lm, 1, j] = (gy - radial * y) * inverse
            dY[lm, 2, j] = (gz - radial * z) * inverse
