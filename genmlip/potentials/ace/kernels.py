"""Loops of the atomic cluster expansion: density moments, site energies with gradients, design-matrix rows.

Arrays are (channel, neighbour), so that the inner loops run over the neighbours of one site in unit stride.
Constant tables and scratch arrays come in grouped as :class:`tables.KernelTables` makes them. The neighbours of
a site are sorted by species: those of species z are the columns start[z]:start[z + 1].

numba's cache does not notice changes in functions of other files: after editing ``radial`` or ``harmonics``, touch
this file.
"""
# ruff: noqa: E501 - signatures of kernels stay on one line

from __future__ import annotations

import numpy as np
from numba import njit

from genmlip.potentials.ace.harmonics import fill_harmonics
from genmlip.potentials.ace.radial import fill_radial

FAST = {
    "contract",
    "reassoc",
    "nsz",
}  # sums may be reordered into SIMD lanes; NaN and infinity keep their meaning


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_site(begin, end, index, species, vectors, n_species, radial, angular, scratch):  # type: ignore[no-untyped-def]
    """One-particle functions of the neighbours within the cutoff; returns their number (−1: one is at distance zero)."""
    start, slot, distance, unit, X, R, dR, Q, CS, Y, dY = scratch
    parameters, recursion = radial
    lmax, table = angular
    cutoff = parameters[0]
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
    fill_radial(n, distance, parameters, recursion, X, R, dR)
    fill_harmonics(n, unit, distance, lmax, table, Q, CS, Y, dY)
    return n


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_moments(moments, start, R, Y, A):  # type: ignore[no-untyped-def]
    """A_v = Σ_j R_n(r_ij) Y_lm(r̂_ij) over the neighbours of the species of v."""
    for v in range(moments.shape[0]):
        z, n, lm = moments[v, 0], moments[v, 1], moments[v, 2]
        total = 0.0
        for j in range(start[z], start[z + 1]):
            total += R[n, j] * Y[lm, j]
        A[v] = total


@njit(cache=True, nogil=True, fastmath=FAST)
def quadratic_form(nodes, linear, first, right, quadratic, n_leaves, P, adjoint):  # type: ignore[no-untyped-def]
    """V = w·P + Σ w_ab P_a P_b and ∂V/∂A in ``adjoint[:n_leaves]``; the moments come in ``P[:n_leaves]``."""
    for k in range(nodes.shape[0]):
        P[n_leaves + k] = P[nodes[k, 0]] * P[nodes[k, 1]]
    V = 0.0
    for a in range(linear.size):
        V += linear[a] * P[a]
        adjoint[a] = linear[a]
    for a in range(linear.size):
        p, slope = P[a], 0.0
        for t in range(first[a], first[a + 1]):
            b, w = right[t], quadratic[t]
            slope += w * P[b]
            adjoint[b] += w * p
        adjoint[a] += slope
        V += p * slope
    for k in range(nodes.shape[0] - 1, -1, -1):
        a, b, g = nodes[k, 0], nodes[k, 1], adjoint[n_leaves + k]
        adjoint[a] += g * P[b]
        adjoint[b] += g * P[a]
    return V


@njit(cache=True, nogil=True, fastmath=FAST)
def pull_back(n, moments, start, adjoint, unit, R, dR, Y, dY, GR, GY, gradient):  # type: ignore[no-untyped-def]
    """∂V/∂r_ij = Σ_v ∂V/∂A_v (R′ Y r̂ + R ∂Y/∂r) into ``gradient`` (3, ·), summed over v first and over channels last."""
    GR[:] = 0.0
    GY[:] = 0.0
    for v in range(moments.shape[0]):
        z, k, lm, g = moments[v, 0], moments[v, 1], moments[v, 2], adjoint[v]
        for j in range(start[z], start[z + 1]):
            GR[k, j] += g * Y[lm, j]
            GY[lm, j] += g * R[k, j]
    for j in range(n):
        GR[0, j] *= dR[0, j]
    for k in range(1, R.shape[0]):
        for j in range(n):
            GR[0, j] += GR[k, j] * dR[k, j]
    for a in range(3):
        for j in range(n):
            gradient[a, j] = GR[0, j] * unit[a, j]
        for lm in range(Y.shape[0]):
            for j in range(n):
                gradient[a, j] += GY[lm, j] * dY[lm, a, j]


@njit(cache=True, nogil=True)
def ace_sites(  # type: ignore[no-untyped-def]
    first, index, centre_species, species, vectors, radial, angular, moments, graph, weights, scratch, work, energies, gradients
):  # fmt: skip
    """V_i (m,) and ∂V_i/∂r_ij (p, 3); returns the first site with a neighbour at distance zero, or −1."""
    start, slot, _, unit, _, R, dR, _, _, Y, dY = scratch
    P, adjoint, GR, GY, gradient = work
    nodes, term_first, right = graph
    linear, quadratic = weights
    n_leaves = moments.shape[0]
    gradients[:] = 0.0
    for m in range(first.size - 1):
        n = fill_site(
            first[m], first[m + 1], index, species, vectors, linear.shape[0], radial, angular, scratch
        )
        if n < 0:
            return m
        z = centre_species[m]
        fill_moments(moments, start, R, Y, P)
        energies[m] = quadratic_form(nodes, linear[z], term_first, right, quadratic[z], n_leaves, P, adjoint)
        pull_back(n, moments, start, adjoint, unit, R, dR, Y, dY, GR, GY, gradient)
        for j in range(n):
            for a in range(3):
                gradients[slot[j], a] = gradient[a, j]
    return -1


@njit(cache=True, nogil=True, fastmath=FAST)
def fill_moment_gradients(moments, start, unit, R, dR, Y, dY, dA):  # type: ignore[no-untyped-def]
    """∂A_v/∂r_ij into ``dA`` (n_A, 3, ·); only the columns of the species of v."""
    for v in range(moments.shape[0]):
        z, k, lm = moments[v, 0], moments[v, 1], moments[v, 2]
        for a in range(3):
            for j in range(start[z], start[z + 1]):
                dA[v, a, j] = dR[k, j] * Y[lm, j] * unit[a, j] + R[k, j] * dY[lm, a, j]


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
    centre, first, index, centre_species, species, vectors, n_species, radial, angular, moments, expansion, scratch, work, values, forces, virial
):  # fmt: skip
    """Rows of the linear model, one function after the other.

    values : (m, K) B_k of every site
    forces : (n_species K, 3 n) and virial : (n_species K, 6) are added to; row z K + k belongs to centres of species z
    """
    start, slot, distance, unit, _, R, dR, _, _, Y, dY = scratch
    A, J, dA, gradient = work
    function_first, monomial, coupling, monomials, support_first, support = expansion
    n_functions = function_first.size - 1
    J[:] = 0.0
    for m in range(centre.size):
        n = fill_site(first[m], first[m + 1], index, species, vectors, n_species, radial, angular, scratch)
        if n < 0:
            return m
        fill_moments(moments, start, R, Y, A)
        fill_moment_gradients(moments, start, unit, R, dR, Y, dY, dA)
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
                z, g = moments[v, 0], J[v]
                J[v] = 0.0
                for a in range(3):
                    for j in range(start[z], start[z + 1]):
                        gradient[a, j] += g * dA[v, a, j]
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
