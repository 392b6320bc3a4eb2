"""How the gradients of site energies change with the neighbours: forward differentiation of the adjoint sweep.

Beside every quantity q stands its tangent, its change along given changes of the r_ij, to first order; in
arrays whose first axis has two entries: q and its tangent. Blocks, lanes and tables are those of
:mod:`engine_kernels`.

All of them are in this one file because numba's cache does not notice a change of a function in another file.
"""
# ruff: noqa: E501, E741 - signatures of kernels stay on one line; l is the angular momentum

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.potentials.ace.engine_kernels import N_COEFFICIENTS, SHIFTED_SCALED
from genmlip.potentials.ace.lanes import WIDTH, load, splat, spread, square_root, store, transpose


class TangentScratch(NamedTuple):
    """Room for four sites. Most arrays are (n_blocks or 1, 2, …, WIDTH): of a quantity and of its tangent.

    counts : (n_species,)
    block : (WIDTH, n_species + 1) first block of every site and species
    slot : (n_blocks WIDTH,) the pair in each lane, -1 where there is none
    geometry : (n_blocks, 9, WIDTH) r̂, 1/r, r and the changes of r̂ and r
    core : the slope of φ (n_blocks, 2, WIDTH)
    R, dR, Q, CS, Y : radial functions and slopes, Q_l^m, (C_m, S_m), Y_lm, of the neighbours
    A : (2, n_A + WIDTH) moments of one site, then ∂V/∂A
    P, each, adjoint : products, ∂ρ_p/∂P (here p in the place of the block), ∂V/∂P
    T : of the harmonics, for one block
    result : (3, WIDTH) of one block
    phi : (2, WIDTH) φ, then ∂V/∂φ
    rho, slope : ρ_p and ∂V/∂ρ_p
    """

    counts: IntArray
    block: IntArray
    slot: IntArray
    geometry: Array
    core: Array
    R: Array
    dR: Array
    Q: Array
    CS: Array
    Y: Array
    A: Array
    P: Array
    each: Array
    adjoint: Array
    T: Array
    result: Array
    phi: Array
    rho: Array
    slope: Array


@njit(cache=True, nogil=True)
def _take(x, b, k):  # type: ignore[no-untyped-def]
    """x[b, :, k]: a quantity and its tangent, in lanes."""
    return load(x, (b, 0, k)), load(x, (b, 1, k))


@njit(cache=True, nogil=True)
def _put(x, b, k, a):  # type: ignore[no-untyped-def]
    """x[b, :, k] = a."""
    store(x, (b, 0, k), a[0])
    store(x, (b, 1, k), a[1])


@njit(cache=True, nogil=True)
def _zero():  # type: ignore[no-untyped-def]
    return splat(0.0), splat(0.0)


@njit(cache=True, nogil=True)
def _plus(a, b):  # type: ignore[no-untyped-def]
    return a[0] + b[0], a[1] + b[1]


@njit(cache=True, nogil=True)
def _times(a, b):  # type: ignore[no-untyped-def]
    """The product rule."""
    return a[0] * b[0], a[1] * b[0] + a[0] * b[1]


@njit(cache=True, nogil=True)
def _scaled(constant, a):  # type: ignore[no-untyped-def]
    return constant * a[0], constant * a[1]


@njit(cache=True, nogil=True)
def site_tangents(sites, first, index, species, vectors, changes, tables, s, tangents):  # type: ignore[no-untyped-def]
    """Tangents of ∂V_i/∂r_ij of ``sites`` along the ``changes`` of r_ij, both (p, 3).

    Returns the first site with a neighbour at distance zero, or -1.
    """
    n_A = tables.moments.channel.size
    for begin in range(0, sites.size, WIDTH):
        n = min(WIDTH, sites.size - begin)
        failed = _sort_neighbours(
            sites[begin : begin + n], first, index, species, vectors, changes, tables.reach, s, tangents
        )
        if failed >= 0:
            return failed
        n_blocks = s.block[n - 1, -1]
        _fill_geometry(n_blocks, s)
        _fill_harmonics(n_blocks, tables.lmax, tables.recursion, s)
        for lane in range(WIDTH):
            if lane < n:
                _fill_radial(lane, tables.radial, s)
                _fill_moments(lane, tables.moments, s)
                _fill_core(lane, tables.core_reach, tables.core, s)
            else:
                s.phi[0, lane], s.phi[1, lane] = 0.0, 0.0
                for v in range(n_A):
                    s.P[0, 0, v, lane], s.P[0, 1, v, lane] = 0.0, 0.0
        _multiply(n_A, tables.products, s)
        for lane in range(n):
            _embed(lane, tables.embedding, s)
        _differentiate(n_A, tables.products, s)
        for lane in range(n):
            _pull_back(lane, tables, s, tangents)
    return -1


@njit(cache=True, nogil=True)
def site_curvature(first, index, species, vectors, changes, tables, s, gradients, responses, own):  # type: ignore[no-untyped-def]
    """What the Hessian of a site is made of; returns a copy with a neighbour at distance zero, or -1.

    The site stands there three times, all its n neighbours moving along x, along y and along z: the neighbours
    first[a]:first[a + 1] along the axis a. Columns 3 j + a are for neighbour j moving along a.

    gradients : (n_A + 1, 3n) ∂A_v/∂r_j, and ∂φ/∂r_j in the last row; zero on entry
    responses : (n_A + 1, 3n) the changes of ∂V/∂A_v and ∂V/∂φ that these cause
    own : (3n, 3) Σ_v ∂V/∂A_v ∂²A_v/∂r_j∂r_j + ∂V/∂φ ∂²φ/∂r_j∂r_j, the rows in the order of ``vectors``
    """
    n_A, n_columns, axes = tables.moments.channel.size, gradients.shape[1], np.arange(3)
    failed = _sort_neighbours(axes, first, index, species, vectors, changes, tables.reach, s, own)
    if failed >= 0:
        return failed
    _fill_geometry(s.block[2, -1], s)
    _fill_harmonics(s.block[2, -1], tables.lmax, tables.recursion, s)
    for a in range(3):
        _fill_radial(a, tables.radial, s)
        _fill_core(a, tables.core_reach, tables.core, s)
        _fill_gradients(a, first[a], tables.moments, s, gradients)
    _fill_moments(0, tables.moments, s)
    phi = s.phi[0, 0]
    for begin in range(0, n_columns, WIDTH):
        for lane in range(WIDTH):
            column = min(begin + lane, n_columns - 1)
            s.phi[0, lane], s.phi[1, lane] = phi, gradients[n_A, column]
            for v in range(n_A):
                s.P[0, 0, v, lane], s.P[0, 1, v, lane] = s.P[0, 0, v, 0], gradients[v, column]
        _multiply(n_A, tables.products, s)
        for lane in range(WIDTH):
            _embed(lane, tables.embedding, s)
        _differentiate(n_A, tables.products, s)
        for lane in range(min(WIDTH, n_columns - begin)):
            responses[n_A, begin + lane] = s.phi[1, lane]
            for v in range(n_A):
                responses[v, begin + lane] = s.adjoint[0, 1, v, lane]
    for a in range(3):
        s.phi[1, a] = 0.0
        for v in range(n_A):
            s.adjoint[0, 1, v, a] = 0.0
        _pull_back(a, tables, s, own)
    return -1


@njit(cache=True, nogil=True)
def _fill_gradients(axis, begin, moments, s, gradients):  # type: ignore[no-untyped-def]
    """How the moments and φ change with each neighbour of the copy whose pairs begin at ``begin``."""
    channel, first = moments
    for z in range(first.shape[0]):
        for b in range(s.block[axis, z], s.block[axis, z + 1]):
            for lm in range(first.shape[1] - 1):
                for v in range(first[z, lm], first[z, lm + 1]):
                    store(s.result, 0, _times(_take(s.R, b, channel[v]), _take(s.Y, b, lm))[1])
                    _spread_out(axis, begin, b, v, s, gradients)
            store(s.result, 0, load(s.core, (b, 0)) * load(s.geometry, (b, 8)))
            _spread_out(axis, begin, b, gradients.shape[0] - 1, s, gradients)


@njit(cache=True, nogil=True)
def _spread_out(axis, begin, b, row, s, gradients):  # type: ignore[no-untyped-def]
    """The first row of ``s.result`` into the columns of its neighbours."""
    for q in range(WIDTH):
        p = s.slot[WIDTH * b + q]
        if p >= 0:
            gradients[row, 3 * (p - begin) + axis] = s.result[0, q]


@njit(cache=True, nogil=True)
def _sort_neighbours(sites, first, index, species, vectors, changes, reach, s, tangents):  # type: ignore[no-untyped-def]
    """r_ij and their changes for the neighbours that matter, by site and species in whole blocks; no tangents yet.

    Lanes left over are put where all radial functions are zero.
    """
    n_species, blocks = reach.size, 0
    for lane in range(sites.size):
        begin, end = first[sites[lane]], first[sites[lane] + 1]
        count = s.counts
        for q in range(n_species):
            count[q] = 0
        for p in range(begin, end):
            squared = vectors[p, 0] ** 2 + vectors[p, 1] ** 2 + vectors[p, 2] ** 2
            if not squared > 0.0:
                return sites[lane]
            q = species[index[p]]
            count[q] += squared < reach[q] * reach[q]
            tangents[p, 0], tangents[p, 1], tangents[p, 2] = 0.0, 0.0, 0.0
        for q in range(n_species):
            s.block[lane, q] = blocks
            used = WIDTH * blocks + count[q]
            count[q] = WIDTH * blocks
            blocks = (used + WIDTH - 1) // WIDTH
            for j in range(used, WIDTH * blocks):
                s.slot[j] = -1
                for a in range(s.geometry.shape[1]):
                    s.geometry[j // WIDTH, a, j % WIDTH] = 2.0 * reach[q] if a == 0 else 0.0
        s.block[lane, n_species] = blocks
        for p in range(begin, end):
            q = species[index[p]]
            if vectors[p, 0] ** 2 + vectors[p, 1] ** 2 + vectors[p, 2] ** 2 < reach[q] * reach[q]:
                j = count[q]
                count[q] += 1
                s.slot[j] = p
                for a in range(3):
                    s.geometry[j // WIDTH, a, j % WIDTH] = vectors[p, a]
                    s.geometry[j // WIDTH, 5 + a, j % WIDTH] = changes[p, a]
    return -1


@njit(cache=True, nogil=True)
def _fill_geometry(n_blocks, s):  # type: ignore[no-untyped-def]
    """r̂, 1/r, r; δr = r̂·δr_ij and δr̂ = (δr_ij − r̂ δr) / r."""
    for b in range(n_blocks):
        x, y, z = load(s.geometry, (b, 0)), load(s.geometry, (b, 1)), load(s.geometry, (b, 2))
        tx, ty, tz = load(s.geometry, (b, 5)), load(s.geometry, (b, 6)), load(s.geometry, (b, 7))
        r = square_root(x * x + y * y + z * z)
        inverse = splat(1.0) / r
        x, y, z = x * inverse, y * inverse, z * inverse
        tr = x * tx + y * ty + z * tz
        store(s.geometry, (b, 0), x)
        store(s.geometry, (b, 1), y)
        store(s.geometry, (b, 2), z)
        store(s.geometry, (b, 3), inverse)
        store(s.geometry, (b, 4), r)
        store(s.geometry, (b, 5), (tx - x * tr) * inverse)
        store(s.geometry, (b, 6), (ty - y * tr) * inverse)
        store(s.geometry, (b, 7), (tz - z * tr) * inverse)
        store(s.geometry, (b, 8), tr)


@njit(cache=True, nogil=True)
def _direction(b, s):  # type: ignore[no-untyped-def]
    """r̂, three quantities with their tangents."""
    return (
        (load(s.geometry, (b, 0)), load(s.geometry, (b, 5))),
        (load(s.geometry, (b, 1)), load(s.geometry, (b, 6))),
        (load(s.geometry, (b, 2)), load(s.geometry, (b, 7))),
    )


@njit(cache=True, nogil=True)
def _fill_harmonics(n_blocks, lmax, table, s):  # type: ignore[no-untyped-def]
    """C_m and S_m, Q_l^m and Y_lm; see :mod:`harmonics`."""
    for b in range(n_blocks):
        x, y, z = _direction(b, s)
        minus_y = _scaled(splat(-1.0), y)
        C, S = (splat(1.0), splat(0.0)), _zero()
        for m in range(lmax + 1):
            if m > 0:  # (x + iy)^m = (x + iy) (x + iy)^{m−1}
                C, S = _plus(_times(x, C), _times(minus_y, S)), _plus(_times(x, S), _times(y, C))
            _put(s.CS, b, 2 * m, C)
            _put(s.CS, b, 2 * m + 1, S)
            k = m * (m + 1) // 2 + m
            before, Q = _zero(), (spread(table, (k, 0)), splat(0.0))
            for l in range(m, lmax + 1):
                if l > m:
                    k = l * (l + 1) // 2 + m
                    down = _scaled(splat(-table[k, 1]), before)
                    before, Q = Q, _plus(_scaled(spread(table, (k, 0)), _times(z, Q)), down)
                _put(s.Q, b, k, Q)
                _put(s.Y, b, l * l + l - m, _times(Q, S))
                _put(s.Y, b, l * l + l + m, _times(Q, C))  # for m = 0 in the place of Q S


@njit(cache=True, nogil=True, inline="always")
def _locate(r, z, splines):  # type: ignore[no-untyped-def]
    """(bin, r − its start) for the distance r to a neighbour of species z."""
    first, last = splines.first_cell[z], splines.first_cell[z + 1] - 1
    k = splines.bin[min(first + int(r * splines.inverse_width[z]), last)]
    while r >= splines.end[k]:
        k += 1
    return k, r - splines.start[k]


@njit(cache=True, nogil=True, inline="always")
def _horner(C, k, w, t):  # type: ignore[no-untyped-def]
    """Value, slope and curvature of the channels w WIDTH … w WIDTH + WIDTH - 1 on bin k."""
    value = load(C, (k, w, N_COEFFICIENTS - 1))
    slope, half = splat(0.0), splat(0.0)
    for m in range(N_COEFFICIENTS - 2, -1, -1):
        half = half * t + slope
        slope = slope * t + value
        value = value * t + load(C, (k, w, m))
    return value, slope, half + half


@njit(cache=True, nogil=True)
def _fill_radial(lane, splines, s):  # type: ignore[no-untyped-def]
    """R_c and dR_c/dr of all neighbours of a site: four channels of a neighbour at a time, then turned."""
    C, r = splines.coefficients, s.geometry
    for z in range(s.block.shape[1] - 1):
        for b in range(s.block[lane, z], s.block[lane, z + 1]):
            k0, t0 = _locate(r[b, 4, 0], z, splines)
            k1, t1 = _locate(r[b, 4, 1], z, splines)
            k2, t2 = _locate(r[b, 4, 2], z, splines)
            k3, t3 = _locate(r[b, 4, 3], z, splines)
            tr = load(s.geometry, (b, 8))
            for w in range(C.shape[1]):
                c = WIDTH * w
                R0, dR0, ddR0 = _horner(C, k0, w, splat(t0))
                R1, dR1, ddR1 = _horner(C, k1, w, splat(t1))
                R2, dR2, ddR2 = _horner(C, k2, w, splat(t2))
                R3, dR3, ddR3 = _horner(C, k3, w, splat(t3))
                _turned(s.R, b, 0, c, R0, R1, R2, R3, splat(1.0))
                _turned(s.R, b, 1, c, dR0, dR1, dR2, dR3, tr)
                _turned(s.dR, b, 0, c, dR0, dR1, dR2, dR3, splat(1.0))
                _turned(s.dR, b, 1, c, ddR0, ddR1, ddR2, ddR3, tr)


@njit(cache=True, nogil=True)
def _turned(x, b, k, c, a0, a1, a2, a3, factor):  # type: ignore[no-untyped-def]
    """x[b, k, c:c + WIDTH] = ``factor`` times the channels of four neighbours."""
    a0, a1, a2, a3 = transpose(a0, a1, a2, a3)
    store(x, (b, k, c), a0 * factor)
    store(x, (b, k, c + 1), a1 * factor)
    store(x, (b, k, c + 2), a2 * factor)
    store(x, (b, k, c + 3), a3 * factor)


@njit(cache=True, nogil=True)
def _fill_core(lane, reach, splines, s):  # type: ignore[no-untyped-def]
    """φ of a site, and dφ/dr of its neighbours, from the splines of g = r φ(r)."""
    C, phi, t_phi = splines.coefficients, 0.0, 0.0
    for z in range(reach.size):
        for b in range(s.block[lane, z], s.block[lane, z + 1]):
            for q in range(WIDTH):
                s.core[b, 0, q], s.core[b, 1, q] = 0.0, 0.0
                r = s.geometry[b, 4, q]
                if r < reach[z]:
                    k, t = _locate(r, z, splines)
                    g, dg, half = 0.0, 0.0, 0.0
                    for m in range(N_COEFFICIENTS - 1, -1, -1):
                        half = half * t + dg
                        dg = dg * t + g
                        g = g * t + C[k, 0, m, 0]
                    value = g / r
                    slope = (dg - value) / r
                    phi += value
                    t_phi += slope * s.geometry[b, 8, q]
                    s.core[b, 0, q] = slope
                    s.core[b, 1, q] = 2.0 * (half - slope) / r * s.geometry[b, 8, q]
    s.phi[0, lane], s.phi[1, lane] = phi, t_phi


@njit(cache=True, nogil=True)
def _fill_moments(lane, moments, s):  # type: ignore[no-untyped-def]
    """A_v = Σ_j R_c(r_ij) Y_lm(r̂_ij) of a site, four moments at a time."""
    channel, first = moments
    last = channel.size - 1
    for z in range(first.shape[0]):
        begin, end = s.block[lane, z], s.block[lane, z + 1]
        for lm in range(first.shape[1] - 1):
            for v in range(first[z, lm], first[z, lm + 1], WIDTH):
                c0, c1 = channel[v], channel[min(v + 1, last)]
                c2, c3 = channel[min(v + 2, last)], channel[min(v + 3, last)]
                A0, A1, A2, A3 = _zero(), _zero(), _zero(), _zero()
                for b in range(begin, end):
                    Y = _take(s.Y, b, lm)
                    A0, A1 = _plus(A0, _times(_take(s.R, b, c0), Y)), _plus(A1, _times(_take(s.R, b, c1), Y))
                    A2, A3 = _plus(A2, _times(_take(s.R, b, c2), Y)), _plus(A3, _times(_take(s.R, b, c3), Y))
                for k in range(2):
                    a0, a1, a2, a3 = transpose(A0[k], A1[k], A2[k], A3[k])
                    store(s.A, (k, v), (a0 + a1) + (a2 + a3))  # the next ones overwrite what is not theirs
    for v in range(channel.size):
        s.P[0, 0, v, lane], s.P[0, 1, v, lane] = s.A[0, v], s.A[1, v]


@njit(cache=True, nogil=True)
def _multiply(n_A, products, s):  # type: ignore[no-untyped-def]
    """Products P, densities ρ_p = w·P + Σ w_ab P_a P_b, and ∂ρ_p/∂P but for the products that P are made of."""
    nodes, first, right, linear, quadratic = products
    for k in range(nodes.shape[0]):
        _put(s.P, 0, n_A + k, _times(_take(s.P, 0, nodes[k, 0]), _take(s.P, 0, nodes[k, 1])))
    for p in range(linear.shape[0]):
        for a in range(linear.shape[1]):
            _put(s.each, p, a, (spread(linear, (p, a)), splat(0.0)))
        rho = _zero()
        for a in range(linear.shape[1]):
            P, slope = _take(s.P, 0, a), _zero()
            for t in range(first[a], first[a + 1]):
                b, w = right[t], spread(quadratic, (p, t))
                slope = _plus(slope, _scaled(w, _take(s.P, 0, b)))
                _put(s.each, p, b, _plus(_take(s.each, p, b), _scaled(w, P)))
            rho = _plus(rho, _times(P, (slope[0] + spread(linear, (p, a)), slope[1])))
            _put(s.each, p, a, _plus(_take(s.each, p, a), slope))
        _put(s.rho, 0, p, rho)


@njit(cache=True, nogil=True)
def _differentiate(n_A, products, s):  # type: ignore[no-untyped-def]
    """∂V/∂A = Σ_p ∂V/∂ρ_p ∂ρ_p/∂A into the first n_A of ``s.adjoint``: down the products in reverse."""
    nodes = products.nodes
    for a in range(products.linear.shape[1]):
        total = _zero()
        for p in range(products.linear.shape[0]):
            total = _plus(total, _times(_take(s.slope, 0, p), _take(s.each, p, a)))
        _put(s.adjoint, 0, a, total)
    for k in range(nodes.shape[0] - 1, -1, -1):
        a, b, slope = nodes[k, 0], nodes[k, 1], _take(s.adjoint, 0, n_A + k)
        _put(s.adjoint, 0, a, _plus(_take(s.adjoint, 0, a), _times(slope, _take(s.P, 0, b))))
        _put(s.adjoint, 0, b, _plus(_take(s.adjoint, 0, b), _times(slope, _take(s.P, 0, a))))


@njit(cache=True, nogil=True)
def _embed(lane, embedding, s):  # type: ignore[no-untyped-def]
    """∂V/∂ρ_p into ``s.slope`` and ∂V/∂φ into ``s.phi``, for V = s(φ) F(ρ) + φ."""
    phi, t_phi = s.phi[0, lane], s.phi[1, lane]
    switch, slope, curvature = core_switch(phi, embedding.switch[0], embedding.switch[1])
    F, t_F = 0.0, 0.0
    for p in range(embedding.exponents.size):
        f, df, ddf = embedding_function(s.rho[0, 0, p, lane], embedding.exponents[p], embedding.kind)
        c, t_rho = embedding.prefactors[p], s.rho[0, 1, p, lane]
        F += c * f
        t_F += c * df * t_rho
        s.slope[0, 0, p, lane] = switch * c * df
        s.slope[0, 1, p, lane] = switch * c * ddf * t_rho + slope * c * df * t_phi
    s.phi[0, lane] = 1.0 + slope * F
    s.phi[1, lane] = curvature * F * t_phi + slope * t_F


@njit(cache=True, nogil=True)
def core_switch(phi, high, width):  # type: ignore[no-untyped-def]
    """s, s′, s″ of the switch that is 1 below high − width and 0 above high."""
    if phi >= high:
        return 0.0, 0.0, 0.0
    if phi <= high - width:
        return 1.0, 0.0, 0.0
    u = (phi - high + width) / width
    step = u * u * u * (10.0 - u * (15.0 - 6.0 * u))
    bump = u * (1.0 - u)
    return 1.0 - step, -30.0 * bump * bump / width, -60.0 * bump * (1.0 - 2.0 * u) / (width * width)


@njit(cache=True, nogil=True)
def embedding_function(rho, m, kind):  # type: ignore[no-untyped-def]
    """f(ρ; m), f′ and f″ of the embedding functions that :mod:`engine_kernels` describes."""
    if abs(m - 1.0) < 1e-10:
        return rho, 1.0, 0.0
    a, sign = abs(rho), 1.0 if rho >= 0.0 else -1.0
    if kind == SHIFTED_SCALED:
        c, decay = 1.0 / m, np.exp(-a)
        x, y = c ** (c / (1.0 - c)) * decay, c ** (1.0 / (1.0 - c)) * decay
        power, low = (x + a) ** (m - 2.0), 1.0 - x
        return (
            sign * (power * (x + a) ** 2 - y),
            m * low * power * (x + a) + y,
            sign * (m * power * ((m - 1.0) * low * low + x * (x + a)) - y),
        )
    near = 1e-6 ** (m - 1.0)
    if a <= 1e-10:
        return near * rho, near, 0.0
    cube = (1e6 * a) ** 3
    g = np.exp(-cube) if cube <= 30.0 else 0.0
    dg, ddg = -3.0 * cube / a * g, (9.0 * cube - 6.0) * cube / (a * a) * g
    power = a**m
    excess, d_excess, dd_excess = near * a - power, near - m * power / a, -m * (m - 1.0) * power / (a * a)
    return (
        sign * (power + g * excess),
        m * power / a + dg * excess + g * d_excess,
        sign * (ddg * excess + 2.0 * dg * d_excess + (g - 1.0) * dd_excess),
    )


@njit(cache=True, nogil=True)
def _pull_back(lane, tables, s, tangents):  # type: ignore[no-untyped-def]
    """Tangents of ∂V/∂r_ij = Σ_v ∂V/∂A_v (R′ Y r̂ + R ∂Y/∂r) + ∂V/∂φ φ′ r̂.

    First the sums over the channels of each harmonic, T_lm = Σ_c ∂V/∂A_clm R_c and the same with R′.
    """
    channel, first = tables.moments
    has_core = False
    for reach in tables.core_reach:
        has_core |= reach > 0.0
    for v in range(channel.size):
        s.A[0, v], s.A[1, v] = s.adjoint[0, 0, v, lane], s.adjoint[0, 1, v, lane]
    for z in range(first.shape[0]):
        for b in range(s.block[lane, z], s.block[lane, z + 1]):
            radial = _zero()
            for lm in range(first.shape[1] - 1):
                T, dT = _zero(), _zero()
                for v in range(first[z, lm], first[z, lm + 1]):
                    slope, c = (spread(s.A, (0, v)), spread(s.A, (1, v))), channel[v]
                    T = _plus(T, _times(slope, _take(s.R, b, c)))
                    dT = _plus(dT, _times(slope, _take(s.dR, b, c)))
                _put(s.T, 0, lm, T)
                radial = _plus(radial, _times(dT, _take(s.Y, b, lm)))
            if has_core:
                psi = spread(s.phi, (0, lane)), spread(s.phi, (1, lane))
                radial = _plus(radial, _times(psi, (load(s.core, (b, 0)), load(s.core, (b, 1)))))
            _turn(b, radial, tables, s)
            for q in range(WIDTH):
                p = s.slot[WIDTH * b + q]
                if p >= 0:
                    for a in range(3):
                        tangents[p, a] = s.result[a, q]


@njit(cache=True, nogil=True)
def _turn(b, radial, tables, s):  # type: ignore[no-untyped-def]
    """The tangent of ``radial`` r̂ + (1 − r̂ ⊗ r̂) Σ_lm T_lm ∇̃Y_lm / r."""
    (x, y, z), inverse = _direction(b, s), load(s.geometry, (b, 3))
    shrink = splat(-1.0) * inverse * inverse * load(s.geometry, (b, 8))  # δ(1/r)
    gx, gy, gz = _angular_gradient(b, tables, s)
    gx, gy, gz = _times(gx, (inverse, shrink)), _times(gy, (inverse, shrink)), _times(gz, (inverse, shrink))
    along = _plus(_times(x, gx), _plus(_times(y, gy), _times(z, gz)))
    radial = radial[0] - along[0], radial[1] - along[1]
    store(s.result, 0, _plus(gx, _times(radial, x))[1])
    store(s.result, 1, _plus(gy, _times(radial, y))[1])
    store(s.result, 2, _plus(gz, _times(radial, z))[1])


@njit(cache=True, nogil=True)
def _angular_gradient(b, tables, s):  # type: ignore[no-untyped-def]
    """Σ_lm T_lm ∇̃Y_lm, by the product rule; see :mod:`harmonics`.

    ∂(C + iS)_m/∂x = m (C + iS)_{m−1}, ∂(C + iS)_m/∂y = i m (C + iS)_{m−1}, ∂Q_l^m/∂z = δ Q_l^{m+1}.
    """
    gx, gy, gz = _zero(), _zero(), _zero()
    for l in range(1, tables.lmax + 1):
        k, centre = l * (l + 1) // 2, l * l + l
        up = spread(tables.recursion, (k, 2))
        gz = _plus(gz, _scaled(up, _times(_take(s.Q, b, k + 1), _take(s.T, 0, centre))))
        for m in range(1, l + 1):
            U, V = _take(s.T, 0, centre + m), _take(s.T, 0, centre - m)
            Q = _scaled(splat(float(m)), _take(s.Q, b, k + m))
            C, S = _take(s.CS, b, 2 * m - 2), _take(s.CS, b, 2 * m - 1)
            minus_S = _scaled(splat(-1.0), S)
            gx = _plus(gx, _times(Q, _plus(_times(U, C), _times(V, S))))
            gy = _plus(gy, _times(Q, _plus(_times(V, C), _times(U, minus_S))))
            if m < l:
                C, S = _take(s.CS, b, 2 * m), _take(s.CS, b, 2 * m + 1)
                Q = _scaled(spread(tables.recursion, (k + m, 2)), _take(s.Q, b, k + m + 1))
                gz = _plus(gz, _times(Q, _plus(_times(U, C), _times(V, S))))
    return gx, gy, gz
