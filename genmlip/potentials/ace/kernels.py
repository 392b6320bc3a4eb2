"""Loops of the linear model: one-particle functions, the rows of its design. Energies are the engine's.

Arrays are (channel, neighbour), so that the inner loops run over the neighbours of one site in unit stride; they are
short and touch few arrays, as the compiler needs it to put them into SIMD lanes. Constant tables and scratch
arrays come in grouped as :class:`tables.KernelTables` makes them. The neighbours of a site are sorted by
species: those of species z are the columns start[z]:start[z + 1].

All of them are in this one file because numba's cache does not notice a change of a function in another file.
"""
# ruff: noqa: E501, E741 - signatures of kernels stay on one line; l is the angular momentum

from __future__ import annotations

import numpy as np
from numba import njit

# sums may be reordered into SIMD lanes; NaN and infinity keep their meaning
FAST = {"contract", "reassoc", "nsz"}


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_radial(n, distance, constants, exponents, recursion, X, R, dR):  # type: ignore[no-untyped-def]
    """R_k and dR_k/dr for the first ``n`` distances; X (2, ·) is scratch for x and dx/dr."""
    cutoff, r0, a, y_cut = constants
    p, q, s = exponents
    scale = 2.0 / (1.0 - y_cut)
    for j in range(n):
        r = distance[j]
        u = r / r0
        bend = u ** (q - p)
        h = bend * u**p / (1.0 + bend)
        y = 1.0 / (1.0 + a * h)
        slope = -scale * y * y * a * h * (q - (q - p) * bend / (1.0 + bend)) / r
        half = 0.5 * scale * (y - y_cut) if r < cutoff else 0.0
        edge = half ** (s - 1)
        X[0, j] = 2.0 * half - 1.0
        X[1, j] = slope
        R[0, j] = recursion[0, 0] * half * edge
        dR[0, j] = recursion[0, 0] * 0.5 * s * edge * slope
    x, slopes = X[0], X[1]
    for k in range(1, recursion.shape[0]):
        c0, c1, c2 = recursion[k, 0], recursion[k, 1], recursion[k, 2]
        k2 = k - 2 if k > 1 else 0  # c2 = 0 for k = 1
        R1, R2, dR1, dR2 = R[k - 1], R[k2], dR[k - 1], dR[k2]
        for j in range(n):
            R[k, j] = (c0 * x[j] + c1) * R1[j] - c2 * R2[j]
        for j in range(n):
            dR[k, j] = (c0 * x[j] + c1) * dR1[j] + c0 * slopes[j] * R1[j] - c2 * dR2[j]


@njit(cache=True, nogil=True)
def fill_seen(n, distance, inner, width, rho, w):  # type: ignore[no-untyped-def]
    """ρ(r) and w = dρ/dr of :mod:`core`: w = t⁵ (126 − 420 t + 540 t² − 315 t³ + 70 t⁴), t = 1 + (r − inner)/width in [0, 1]."""
    for j in range(n):
        r = distance[j]
        rho[j], w[j] = r, 1.0
        if r < inner:
            t = max(0.0, 1.0 + (r - inner) / width)
            t5 = t * t * t * t * t
            rho[j] = inner + width * (
                t5 * t * (21.0 + t * (-60.0 + t * (67.5 + t * (-35.0 + 7.0 * t)))) - 0.5
            )
            w[j] = t5 * (126.0 + t * (-420.0 + t * (540.0 + t * (-315.0 + 70.0 * t))))


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_harmonics(n, unit, lmax, table, Q, CS, Y, dY):  # type: ignore[no-untyped-def]
    """Y and ∇̃Y for the first ``n`` columns of ``unit`` (3, ·); ∂Y/∂r is the projection of ∇̃Y (:func:`project`).

    Q (rows of the table, ·) and CS (lmax + 1, 2, ·) are scratch.
    """
    _fill_azimuthal(n, unit, lmax, CS)
    for l in range(lmax + 1):
        for m in range(l + 1):
            _fill_polynomial(n, unit[2], l, m, table, Q)
        for m in range(l + 1):
            _fill_pair(n, l, m, table, Q, CS, Y, dY)


@njit(cache=True, nogil=True, fastmath=FAST)
def project(n, unit, distance, radial, gradient):  # type: ignore[no-untyped-def]
    """g ← (g − r̂ (r̂·g)) / r, for ``gradient`` (3, ·); ``radial`` (·) is scratch."""
    for j in range(n):
        radial[j] = unit[0, j] * gradient[0, j] + unit[1, j] * gradient[1, j] + unit[2, j] * gradient[2, j]
    for a in range(3):
        for j in range(n):
            gradient[a, j] = (gradient[a, j] - unit[a, j] * radial[j]) / distance[j]


@njit(cache=True, nogil=True, fastmath=FAST)
def _fill_azimuthal(n, unit, lmax, CS):  # type: ignore[no-untyped-def]
    """C_m and S_m, by (x + iy)^m = (x + iy) (x + iy)^{m−1}."""
    x, y = unit[0], unit[1]
    for j in range(n):
        CS[0, 0, j] = 1.0
        CS[0, 1, j] = 0.0
    for m in range(1, lmax + 1):
        C, S = CS[m - 1, 0], CS[m - 1, 1]
        for j in range(n):
            CS[m, 0, j] = x[j] * C[j] - y[j] * S[j]
        for j in range(n):
            CS[m, 1, j] = x[j] * S[j] + y[j] * C[j]


@njit(cache=True, nogil=True, fastmath=FAST)
def _fill_polynomial(n, z, l, m, table, Q):  # type: ignore[no-untyped-def]
    """Q_l^m from Q_{l−1}^m and Q_{l−2}^m."""
    k = l * (l + 1) // 2 + m
    a, b = table[k, 0], table[k, 1]
    if m == l:
        for j in range(n):
            Q[k, j] = a
    elif m == l - 1:
        below = Q[k - l]
        for j in range(n):
            Q[k, j] = a * z[j] * below[j]
    else:
        below, further = Q[k - l], Q[k - 2 * l + 1]
        for j in range(n):
            Q[k, j] = a * z[j] * below[j] - b * further[j]


@njit(cache=True, nogil=True, fastmath=FAST)
def _fill_pair(n, l, m, table, Q, CS, Y, dY):  # type: ignore[no-untyped-def]
    """Y_{l, ±m} and their ∇̃: ∂(C + iS)_m/∂x = m (C + iS)_{m−1} and ∂(C + iS)_m/∂y = i m (C + iS)_{m−1}."""
    k = l * (l + 1) // 2 + m
    q = Q[k]
    for sign in range(2 if m > 0 else 1):
        lm = l * l + l + (m if sign == 0 else -m)
        f = CS[m, sign]
        for j in range(n):
            Y[lm, j] = q[j] * f[j]
        if m > 0:
            fx, fy, s = CS[m - 1, sign], CS[m - 1, 1 - sign], -m if sign == 0 else m
            for j in range(n):
                dY[lm, 0, j] = m * q[j] * fx[j]
            for j in range(n):
                dY[lm, 1, j] = s * q[j] * fy[j]
        else:
            dY[lm, :2, :n] = 0.0
        if m < l:
            up, d = Q[k + 1], table[k, 2]
            for j in range(n):
                dY[lm, 2, j] = d * up[j] * f[j]
        else:
            dY[lm, 2, :n] = 0.0


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_site(begin, end, index, species, vectors, short_range, radial, angular, scratch):  # type: ignore[no-untyped-def]
    """One-particle functions of the neighbours within the cutoff; returns their number (−1: one is at distance zero).

    short_range : (n_species, 2) r_in and Δ of the neighbours of each species; 0 where there are none
    """
    start, slot, distance, unit, seen, X, R, dR, Q, CS, Y, dY = scratch
    n_species = short_range.shape[0]
    constants, exponents, recursion = radial
    lmax, table = angular
    cutoff = constants[0]
    n = 0
    for z in range(n_species):
        start[z] = n
        for p in range(begin, end):
            if species[index[p]] == z:
                x, y, w = vectors[p, 0], vectors[p, 1], vectors[p, 2]
                r2 = x * x + y * y + w * w
                if not r2 > 0.0:
                    return -1
                if r2 < cutoff * cutoff:
                    r = np.sqrt(r2)
                    slot[n], distance[n] = p, r
                    unit[0, n], unit[1, n], unit[2, n] = x / r, y / r, w / r
                    n += 1
    start[n_species] = n
    for z in range(n_species):
        low, high = start[z], start[z + 1]
        rho, w = seen[0, low:high], seen[1, low:high]
        fill_seen(high - low, distance[low:high], short_range[z, 0], short_range[z, 1], rho, w)
    fill_radial(n, seen[0], constants, exponents, recursion, X, R, dR)
    for k in range(R.shape[0]):
        for j in range(n):
            dR[k, j] *= seen[1, j]
    fill_harmonics(n, unit, lmax, table, Q, CS, Y, dY)
    return n


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_moments(moments, start, R, Y, A):  # type: ignore[no-untyped-def]
    """A_v = Σ_j R_n(r_ij) Y_lm(r̂_ij) over the neighbours of the species of v."""
    for v in range(moments.shape[0]):
        z, n, lm = moments[v, 0], moments[v, 1], moments[v, 2]
        r, y = R[n, start[z] : start[z + 1]], Y[lm, start[z] : start[z + 1]]
        total = 0.0
        for j in range(r.size):
            total += r[j] * y[j]
        A[v] = total


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_moment_gradients(n, moments, start, distance, unit, R, dR, Y, dY, scratch, dA):  # type: ignore[no-untyped-def]
    """∂A_v/∂r_ij into ``dA`` (n_A, 3, ·), only the columns of the species of v; dY is projected in place."""
    for lm in range(Y.shape[0]):
        project(n, unit, distance, scratch, dY[lm])
    for v in range(moments.shape[0]):
        z, k, lm = moments[v, 0], moments[v, 1], moments[v, 2]
        low, high = start[z], start[z + 1]
        r, dr, y = R[k, low:high], dR[k, low:high], Y[lm, low:high]
        for a in range(3):
            out, e, dy = dA[v, a, low:high], unit[a, low:high], dY[lm, a, low:high]
            for j in range(r.size):
                out[j] = dr[j] * y[j] * e[j] + r[j] * dy[j]


@njit(cache=True, nogil=True, fastmath=FAST)
def function_and_slopes(begin, end, monomial, coupling, monomials, A, J):  # type: ignore[no-untyped-def]
    """B = Σ_t c_t A_{v1} A_{v2} …, adding ∂B/∂A_v to ``J`` (zero on entry)."""
    order = monomials.shape[1]
    value = 0.0
    for e in range(begin, end):
        t, c = monomial[e], coupling[e]
        before = c
        for q in range(order):  # ∂/∂A_{v_q}: the product of the factors before times that of those behind
            v = monomials[t, q]
            if v < 0:
                break
            behind = 1.0
            for s in range(q + 1, order):
                if monomials[t, s] < 0:
                    break
                behind *= A[monomials[t, s]]
            J[v] += before * behind
            before *= A[v]
        value += before
    return value


@njit(cache=True, nogil=True, fastmath=FAST)
def ace_design(  # type: ignore[no-untyped-def]
    centre, first, index, centre_species, species, vectors, short_ranges, radial, angular, moments, expansion, scratch, work, values, forces, virial
):  # fmt: skip
    """Rows of the linear model, one function after the other.

    values : (m, K) B_k of every site
    forces : (n_species K, 3 n) and virial : (n_species K, 6) are added to; row z K + k belongs to centres of species z
    """
    start, slot, distance, unit, _, _, R, dR, _, _, Y, dY = scratch
    A, J, dA, gradient = work
    function_first, monomial, coupling, monomials, support_first, support = expansion
    n_functions = function_first.size - 1
    J[:] = 0.0
    for m in range(centre.size):
        near = short_ranges[centre_species[m]]
        n = fill_site(first[m], first[m + 1], index, species, vectors, near, radial, angular, scratch)
        if n < 0:
            return m
        fill_moments(moments, start, R, Y, A)
        fill_moment_gradients(n, moments, start, distance, unit, R, dR, Y, dY, gradient[0], dA)
        for k in range(n_functions):
            row = centre_species[m] * n_functions + k
            values[m, k] = function_and_slopes(
                function_first[k], function_first[k + 1], monomial, coupling, monomials, A, J
            )
            for a in range(3):
                for j in range(n):
                    gradient[a, j] = 0.0
            for e in range(support_first[k], support_first[k + 1]):
                v = support[e]
                low, high, g = start[moments[v, 0]], start[moments[v, 0] + 1], J[v]
                J[v] = 0.0
                for a in range(3):
                    out, slope = gradient[a, low:high], dA[v, a, low:high]
                    for j in range(out.size):
                        out[j] += g * slope[j]
            _scatter(n, centre[m], index, slot, distance, unit, gradient, forces[row], virial[row])
    return -1


@njit(cache=True, nogil=True, fastmath=FAST)
def _scatter(n, i, index, slot, distance, unit, gradient, forces, virial):  # type: ignore[no-untyped-def]
    """f_i += g, f_j −= g and the virial −Σ r ⊗ g in Voigt order (symmetric, as V_i is invariant under rotation)."""
    for a in range(3):
        total = 0.0
        for j in range(n):
            total += gradient[a, j]
            forces[3 * index[slot[j]] + a] -= gradient[a, j]
        forces[3 * i + a] += total
    for c in range(6):
        a = c if c < 3 else (1 if c == 3 else 0)  # xx, yy, zz, yz, xz, xy
        b = c if c < 3 else (1 if c == 5 else 2)
        total = 0.0
        for j in range(n):
            total += distance[j] * unit[a, j] * gradient[b, j]
        virial[c] -= total
