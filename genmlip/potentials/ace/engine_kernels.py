"""Site energies and their gradients, four neighbours or four sites side by side.

What belongs to a neighbour (distance, radial functions, harmonics) stands in blocks of four neighbours of one
site and of one species, arrays (block, function, lane); what belongs to a site (moments, their products and
adjoints) in arrays (…, lane) over four sites with centres of one species. Every lane goes through the same
operations, so that the result for a site depends neither on the other sites nor on the number of threads.

All of them are in this one file because numba's cache does not notice a change of a function in another file.
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from genmlip._types import AnyArray, Array, IntArray
from genmlip.potentials.ace.lanes import WIDTH, entry, load, splat, spread, square_root, store, transpose

SHIFTED_SCALED = 1
FAR = 1e6  # Å
N_COEFFICIENTS = 8  # of a polynomial; a constant, so that the loop over them is unrolled

part = njit(nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
"""Of :func:`site_energies`, never called from Python: wrappers take longer to compile than the code."""


class SplineTables(NamedTuple):
    """The splines (:class:`RadialTable`) of one centre species with every species of neighbours, stacked.

    coefficients : (n_bins, n_w, N_COEFFICIENTS, WIDTH), of WIDTH channels at a time; the last bin of each
        species is zero without end
    start, end : (n_bins,) Å
    bin : (n_cells,) of each cell of each species; the first cell of species z is first_cell[z], its last one
        first_cell[z + 1] - 1
    inverse_width : (n_species,) 1/Å
    """

    coefficients: Array
    start: Array
    end: Array
    bin: IntArray
    first_cell: IntArray
    inverse_width: Array


class MomentTables(NamedTuple):
    """The density moments of a centre, sorted by species of the neighbours and harmonic.

    channel : (n_A,) of each moment; those with harmonic lm of species z are first[z, lm]:first[z, lm + 1]
    """

    channel: IntArray
    first: IntArray


class ProductTables(NamedTuple):
    """A :class:`ProductGraph` and weights, linear (n_densities, n_P), quadratic (n_densities, terms)."""

    nodes: AnyArray
    first: IntArray
    right: AnyArray
    linear: Array
    quadratic: Array


class EmbeddingTables(NamedTuple):
    """F(ρ) = Σ_p prefactors[p] f(ρ_p; exponents[p]) + E0; the switch is (φ_cut, Δφ), infinite without."""

    E0: float
    kind: int
    prefactors: Array
    exponents: Array
    switch: tuple[float, float]


class CentreTables(NamedTuple):
    """Everything about sites of one species.

    reach : (n_species,) Å, beyond it a neighbour of a species does not matter
    core_reach : (n_species,) Å, the same for the repulsive core, 0 without
    recursion : of :func:`harmonics.recursion_table`
    """

    reach: Array
    core_reach: Array
    radial: SplineTables
    core: SplineTables
    lmax: int
    recursion: Array
    moments: MomentTables
    products: ProductTables
    embedding: EmbeddingTables


class Scratch(NamedTuple):
    """Room for four sites; arrays of blocks have the shape (n_blocks, …, WIDTH).

    filled : (n_species,) counters; near : (longest list + 1,) pairs within reach
    block : (WIDTH, n_species + 1) first block of every site and species
    slot : (n_blocks WIDTH,) the pair in each lane, -1 where there is none
    geometry : x, y, z of r̂, r and 1/r
    radial : dφ/dr, then ∂V/∂r
    R, dR, Q, CS, Y : radial functions, their slopes, Q_l^m, (C_m, S_m), Y_lm (then T_lm)
    A : (n_A + WIDTH,) moments of one site
    P : (n_P, WIDTH); adjoint : (n_densities, n_P, WIDTH)
    phi : (WIDTH,) φ, then ∂V/∂φ; rho, slope : (n_densities, WIDTH) ρ_p and ∂V/∂ρ_p
    """

    filled: IntArray
    near: IntArray
    block: IntArray
    slot: IntArray
    geometry: Array
    radial: Array
    R: Array
    dR: Array
    Q: Array
    CS: Array
    Y: Array
    A: Array
    P: Array
    adjoint: Array
    phi: Array
    rho: Array
    slope: Array


@njit(cache=True, nogil=True)
def site_energies(sites, first, index, species, vectors, tables, s, energies, gradients):  # type: ignore[no-untyped-def]
    """V_i of ``sites`` and ∂V_i/∂r_ij of their pairs; -1, or a site with a neighbour at distance zero."""
    for begin in range(0, sites.size, WIDTH):
        four = sites[begin : begin + WIDTH]
        failed = _sort_neighbours(four, first, index, species, vectors, tables.reach, s, gradients)
        if failed >= 0:
            return failed
        n_blocks = s.block[four.size - 1, -1]
        _fill_geometry(n_blocks, vectors, s)
        _fill_harmonics(n_blocks, tables.lmax, tables.recursion, s)
        _fill_radial(four.size, tables.radial, s)
        _fill_core(four.size, tables.core_reach, tables.core, s)
        _fill_moments(four.size, tables.moments, s)
        _multiply(tables.moments.channel.size, tables.products, s)
        _embed(four, tables.embedding, s, energies)
        _differentiate(tables.moments.channel.size, tables.products, s)
        _pull_back(four.size, tables.moments, s)
        _write_gradients(n_blocks, tables.lmax, tables.recursion, s, gradients)
    return -1


@part
def _sort_neighbours(sites, first, index, species, vectors, reach, s, gradients):  # type: ignore[no-untyped-def]
    """The neighbours that matter, by site and species in whole blocks; lanes left over hold -1.

    Gradients of all pairs are set to zero. Returns a site with a neighbour at distance zero, or -1.
    """
    n_species, blocks = reach.size, 0
    for lane in range(sites.size):
        n, count = 0, s.filled
        count[:] = 0
        for p in range(first[sites[lane]], first[sites[lane] + 1]):
            x, y, z = vectors[p, 0], vectors[p, 1], vectors[p, 2]
            gradients[p, 0], gradients[p, 1], gradients[p, 2] = 0.0, 0.0, 0.0
            squared = x * x + y * y + z * z
            if not squared > 0.0:
                return sites[lane]
            q = species[index[p]] if n_species > 1 else 0
            near = squared < reach[q] * reach[q]
            s.near[n] = p  # overwritten unless near: no branch to be mispredicted
            n += near
            if n_species > 1:
                count[q] += near
        if n_species == 1:
            count[0] = n
        for q in range(n_species):
            s.block[lane, q] = blocks
            begin, end = WIDTH * blocks, WIDTH * blocks + count[q]
            blocks = (end + WIDTH - 1) // WIDTH
            s.slot[end : WIDTH * blocks] = -1
            count[q] = begin
        s.block[lane, n_species] = blocks
        for k in range(n):
            q = species[index[s.near[k]]] if n_species > 1 else 0
            s.slot[count[q]] = s.near[k]
            count[q] += 1
    return -1


@part
def _fill_geometry(n_blocks, vectors, s):  # type: ignore[no-untyped-def]
    """r̂, r and 1/r; lanes left over are put where all radial functions are zero."""
    for b in range(n_blocks):
        for q in range(WIDTH):
            p = s.slot[WIDTH * b + q]
            for a in range(3):
                s.geometry[b, a, q] = vectors[p, a] if p >= 0 else FAR
        x, y, z = load(s.geometry, (b, 0)), load(s.geometry, (b, 1)), load(s.geometry, (b, 2))
        r = square_root(x * x + y * y + z * z)
        inverse = splat(1.0) / r
        store(s.geometry, (b, 0), x * inverse)
        store(s.geometry, (b, 1), y * inverse)
        store(s.geometry, (b, 2), z * inverse)
        store(s.geometry, (b, 3), r)
        store(s.geometry, (b, 4), inverse)


@part
def _fill_harmonics(n_blocks, lmax, table, s):  # type: ignore[no-untyped-def]
    """C_m and S_m, Q_l^m and Y_lm; see :mod:`harmonics`."""
    for b in range(n_blocks):
        x, y, z = load(s.geometry, (b, 0)), load(s.geometry, (b, 1)), load(s.geometry, (b, 2))
        C, S = splat(1.0), splat(0.0)
        store(s.CS, (b, 0), C)
        store(s.CS, (b, 1), S)
        for m in range(1, lmax + 1):  # (x + iy)^m = (x + iy) (x + iy)^{m−1}
            C, S = x * C - y * S, x * S + y * C
            store(s.CS, (b, 2 * m), C)
            store(s.CS, (b, 2 * m + 1), S)
        for m in range(lmax + 1):
            k = m * (m + 1) // 2 + m
            C, S = load(s.CS, (b, 2 * m)), load(s.CS, (b, 2 * m + 1))
            before, Q = splat(0.0), spread(table, (k, 0))
            for l in range(m, lmax + 1):
                if l > m:
                    k = l * (l + 1) // 2 + m
                    before, Q = Q, spread(table, (k, 0)) * z * Q - spread(table, (k, 1)) * before
                store(s.Q, (b, k), Q)
                store(s.Y, (b, l * l + l - m), Q * S)
                store(s.Y, (b, l * l + l + m), Q * C)  # for m = 0 in the place of Q S


@part
def _locate(r, z, splines):  # type: ignore[no-untyped-def]
    """(bin, r − its start) for the distance r to a neighbour of species z."""
    first, last = splines.first_cell[z], splines.first_cell[z + 1] - 1
    k = splines.bin[min(first + int(r * splines.inverse_width[z]), last)]
    while r >= splines.end[k]:
        k += 1
    return k, r - splines.start[k]


@part
def _horner(C, k, w, t):  # type: ignore[no-untyped-def]
    """Value and slope of the channels w WIDTH … w WIDTH + WIDTH - 1 on bin k."""
    value, slope = load(C, (k, w, N_COEFFICIENTS - 1)), splat(0.0)
    for m in range(N_COEFFICIENTS - 2, -1, -1):
        slope = slope * t + value
        value = value * t + load(C, (k, w, m))
    return value, slope


@part
def _fill_radial(n_sites, splines, s):  # type: ignore[no-untyped-def]
    """R_c and dR_c/dr: four channels of one neighbour at a time, turned to one channel of four neighbours."""
    C, r, n_species = splines.coefficients, s.geometry, s.block.shape[1] - 1
    for row in range(n_sites * n_species):
        lane, z = divmod(row, n_species)
        for b in range(s.block[lane, z], s.block[lane, z + 1]):
            k0, t0 = _locate(r[b, 3, 0], z, splines)
            k1, t1 = _locate(r[b, 3, 1], z, splines)
            k2, t2 = _locate(r[b, 3, 2], z, splines)
            k3, t3 = _locate(r[b, 3, 3], z, splines)
            for w in range(C.shape[1]):
                R0, dR0 = _horner(C, k0, w, splat(t0))
                R1, dR1 = _horner(C, k1, w, splat(t1))
                R2, dR2 = _horner(C, k2, w, splat(t2))
                R3, dR3 = _horner(C, k3, w, splat(t3))
                R0, R1, R2, R3 = transpose(R0, R1, R2, R3)
                c = WIDTH * w
                store(s.R, (b, c), R0)
                store(s.R, (b, c + 1), R1)
                store(s.R, (b, c + 2), R2)
                store(s.R, (b, c + 3), R3)
                dR0, dR1, dR2, dR3 = transpose(dR0, dR1, dR2, dR3)
                store(s.dR, (b, c), dR0)
                store(s.dR, (b, c + 1), dR1)
                store(s.dR, (b, c + 2), dR2)
                store(s.dR, (b, c + 3), dR3)


@part
def _fill_core(n_sites, reach, splines, s):  # type: ignore[no-untyped-def]
    """φ of each site, and dφ/dr of its neighbours, from the splines of r φ(r)."""
    C = splines.coefficients
    s.phi[:] = 0.0
    s.radial[: s.block[n_sites - 1, -1]] = 0.0
    for lane in range(n_sites):
        for z in range(reach.size):
            if reach[z] == 0.0:
                continue
            for b in range(s.block[lane, z], s.block[lane, z + 1]):
                for q in range(WIDTH):
                    r = s.geometry[b, 3, q]
                    if r < reach[z]:
                        k, t = _locate(r, z, splines)
                        value, slope = 0.0, 0.0
                        for m in range(N_COEFFICIENTS - 1, -1, -1):
                            slope = slope * t + value
                            value = value * t + C[k, 0, m, 0]
                        s.phi[lane] += value / r
                        s.radial[b, 0, q] = (slope - value / r) / r


@part
def _fill_moments(n_sites, moments, s):  # type: ignore[no-untyped-def]
    """A_v = Σ_j R_c(r_ij) Y_lm(r̂_ij) into ``s.P``, four moments of a site at a time."""
    channel, first = moments
    last = channel.size - 1
    s.P[: channel.size] = 0.0
    for lane in range(n_sites):
        for z in range(first.shape[0]):
            for lm in range(first.shape[1] - 1):
                for v in range(first[z, lm], first[z, lm + 1], WIDTH):
                    c0, c1 = channel[v], channel[min(v + 1, last)]
                    c2, c3 = channel[min(v + 2, last)], channel[min(v + 3, last)]
                    A0, A1, A2, A3 = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
                    for b in range(s.block[lane, z], s.block[lane, z + 1]):
                        Y = load(s.Y, (b, lm))
                        A0 = A0 + load(s.R, (b, c0)) * Y
                        A1 = A1 + load(s.R, (b, c1)) * Y
                        A2 = A2 + load(s.R, (b, c2)) * Y
                        A3 = A3 + load(s.R, (b, c3)) * Y
                    A0, A1, A2, A3 = transpose(A0, A1, A2, A3)
                    store(s.A, v, (A0 + A1) + (A2 + A3))  # the next ones overwrite what is not theirs
        for v in range(channel.size):
            s.P[v, lane] = s.A[v]


@part
def _multiply(n_A, products, s):  # type: ignore[no-untyped-def]
    """Products P, densities ρ_p = w·P + Σ w_ab P_a P_b, and ∂ρ_p/∂P with all P taken as independent."""
    nodes, first, right, linear, quadratic = products
    for k in range(nodes.shape[0]):
        store(s.P, n_A + k, load(s.P, entry(nodes, (k, 0))) * load(s.P, entry(nodes, (k, 1))))
    for p in range(linear.shape[0]):
        s.adjoint[p] = 0.0
        rho = splat(0.0)
        for a in range(linear.shape[1]):
            begin, end = entry(first, a), entry(first, a + 1)
            if begin == end and linear[p, a] == 0.0:
                continue
            # two sums, so that one need not wait for the other
            P, even, odd = load(s.P, a), spread(linear, (p, a)), splat(0.0)
            for t in range(begin, end - 1, 2):
                even = _add_term(p, entry(right, t), spread(quadratic, (p, t)), P, even, s)
                odd = _add_term(p, entry(right, t + 1), spread(quadratic, (p, t + 1)), P, odd, s)
            if (end - begin) % 2:
                even = _add_term(p, entry(right, end - 1), spread(quadratic, (p, end - 1)), P, even, s)
            rho = rho + P * (even + odd)
            store(s.adjoint, (p, a), load(s.adjoint, (p, a)) + (even + odd))
        store(s.rho, p, rho)


@part
def _add_term(p, b, w, P, total, s):  # type: ignore[no-untyped-def]
    """w P P_b: adds to the slope of the factor P, which is returned, and to that of P_b."""
    store(s.adjoint, (p, b), load(s.adjoint, (p, b)) + w * P)
    return total + w * load(s.P, b)


@part
def _differentiate(n_A, products, s):  # type: ignore[no-untyped-def]
    """∂V/∂A, up to the factor ``s.slope[0]``, into ``s.adjoint[0, :n_A]``: down the products in reverse."""
    nodes, (n_densities, n_P) = products.nodes, products.linear.shape
    if n_densities > 1:
        for a in range(n_P):
            total = load(s.slope, 0) * load(s.adjoint, (0, a))
            for p in range(1, n_densities):
                total = total + load(s.slope, p) * load(s.adjoint, (p, a))
            store(s.adjoint, (0, a), total)
        s.slope[0] = 1.0
    for k in range(nodes.shape[0] - 1, -1, -1):
        a, b, slope = entry(nodes, (k, 0)), entry(nodes, (k, 1)), load(s.adjoint, (0, n_A + k))
        store(s.adjoint, (0, a), load(s.adjoint, (0, a)) + slope * load(s.P, b))
        store(s.adjoint, (0, b), load(s.adjoint, (0, b)) + slope * load(s.P, a))


@part
def _embed(sites, embedding, s, energies):  # type: ignore[no-untyped-def]
    """V = E0 + s(φ) F(ρ) + φ; leaves ∂V/∂ρ_p in ``s.slope`` and ∂V/∂φ in ``s.phi``."""
    high, width = embedding.switch
    s.slope[:] = 0.0
    for lane in range(sites.size):
        phi, switch, slope = s.phi[lane], 1.0, 0.0
        if phi >= high:
            switch = 0.0
        elif phi > high - width:  # 1 − u³ (10 − 15 u + 6 u²), u from 0 to 1
            u = (phi - high + width) / width
            switch = 1.0 - u * u * u * (10.0 - u * (15.0 - 6.0 * u))
            slope = -30.0 * (u * (1.0 - u)) ** 2 / width
        total = 0.0
        for p in range(embedding.exponents.size):
            F, dF = _embedding_function(s.rho[p, lane], embedding.exponents[p], embedding.kind)
            total += embedding.prefactors[p] * F
            s.slope[p, lane] = switch * embedding.prefactors[p] * dF
        s.phi[lane] = 1.0 + slope * total
        energies[sites[lane]] = embedding.E0 + switch * total + phi


@njit(cache=True, nogil=True)
def _embedding_function(rho, m, kind):  # type: ignore[no-untyped-def]
    """f(ρ; m) and df/dρ as python-ace and LAMMPS' ML-PACE define them, odd and of finite slope at zero.

    Finnis–Sinclair: (1 − g) ρ^m + g ε^(m−1) ρ with g = exp(−(ρ/ε)³), ε = 1e-6, for ρ > 0.
    Shifted and scaled: (ρ + x)^m − y with x = c^(c/(1−c)) e^(−ρ), y = c^(1/(1−c)) e^(−ρ), c = 1/m.
    """
    if abs(m - 1.0) < 1e-10:
        return rho, 1.0
    a, sign = abs(rho), 1.0 if rho >= 0.0 else -1.0
    if kind == SHIFTED_SCALED:
        c, decay = 1.0 / m, np.exp(-a)
        x, y = c ** (c / (1.0 - c)) * decay, c ** (1.0 / (1.0 - c)) * decay
        return sign * ((x + a) ** m - y), m * (1.0 - x) * (x + a) ** (m - 1.0) + y
    near = 1e-6 ** (m - 1.0)
    if a <= 1e-10:
        return near * rho, near
    cube = (1e6 * a) ** 3
    g = np.exp(-cube) if cube <= 30.0 else 0.0
    dg = -3.0 * cube / a * g
    power = a**m
    slope = m * power / a * (1.0 - g) - power * dg + near * (g + a * dg)
    return sign * ((1.0 - g) * power + near * g * a), slope


@part
def _pull_back(n_sites, moments, s):  # type: ignore[no-untyped-def]
    """Sums over the channels of every harmonic: T_lm = Σ_c ∂V/∂A_clm R_c takes the place of Y_lm, and
    ∂V/∂r = Σ_lm Y_lm Σ_c ∂V/∂A_clm R′_c + ∂V/∂φ φ′ that of φ′.

    Two blocks at a time, since they share ∂V/∂A; where their number is odd, the last is paired with itself.
    """
    channel, first = moments
    for lane in range(n_sites):
        for v in range(channel.size):
            s.A[v] = s.slope[0, lane] * s.adjoint[0, v, lane]
        core = spread(s.phi, lane)
        for z in range(first.shape[0]):
            end = s.block[lane, z + 1]
            for b in range(s.block[lane, z], end, 2):
                d = min(b + 1, end - 1)
                radial_b, radial_d = core * load(s.radial, (b, 0)), core * load(s.radial, (d, 0))
                for lm in range(first.shape[1] - 1):
                    T_b, dT_b, T_d, dT_d = splat(0.0), splat(0.0), splat(0.0), splat(0.0)
                    for v in range(entry(first, (z, lm)), entry(first, (z, lm + 1))):
                        slope, c = spread(s.A, v), entry(channel, v)
                        T_b = T_b + slope * load(s.R, (b, c))
                        dT_b = dT_b + slope * load(s.dR, (b, c))
                        T_d = T_d + slope * load(s.R, (d, c))
                        dT_d = dT_d + slope * load(s.dR, (d, c))
                    radial_b = radial_b + dT_b * load(s.Y, (b, lm))
                    radial_d = radial_d + dT_d * load(s.Y, (d, lm))
                    store(s.Y, (b, lm), T_b)
                    store(s.Y, (d, lm), T_d)
                store(s.radial, (b, 0), radial_b)
                store(s.radial, (d, 0), radial_d)


@part
def _write_gradients(n_blocks, lmax, table, s, gradients):  # type: ignore[no-untyped-def]
    """∂V/∂r r̂ + (1 − r̂ ⊗ r̂) Σ_lm T_lm ∇̃Y_lm / r, with ∇̃Y by the product rule, see :mod:`harmonics`.

    ∂(C + iS)_m/∂x = m (C + iS)_{m−1}, ∂(C + iS)_m/∂y = i m (C + iS)_{m−1}, ∂Q_l^m/∂z = δ Q_l^{m+1}.
    """
    for b in range(n_blocks):
        gx, gy, gz = splat(0.0), splat(0.0), splat(0.0)
        for l in range(1, lmax + 1):
            k, middle = l * (l + 1) // 2, l * l + l
            gz = gz + spread(table, (k, 2)) * load(s.Q, (b, k + 1)) * load(s.Y, (b, middle))
            for m in range(1, l + 1):
                T, T_minus = load(s.Y, (b, middle + m)), load(s.Y, (b, middle - m))
                Q, C, S = load(s.Q, (b, k + m)), load(s.CS, (b, 2 * m - 2)), load(s.CS, (b, 2 * m - 1))
                Q = splat(float(m)) * Q
                gx = gx + Q * (T * C + T_minus * S)
                gy = gy + Q * (T_minus * C - T * S)
                if m < l:
                    Q, C, S = load(s.Q, (b, k + m + 1)), load(s.CS, (b, 2 * m)), load(s.CS, (b, 2 * m + 1))
                    gz = gz + spread(table, (k + m, 2)) * Q * (T * C + T_minus * S)
        x, y, z = load(s.geometry, (b, 0)), load(s.geometry, (b, 1)), load(s.geometry, (b, 2))
        inverse = load(s.geometry, (b, 4))
        radial = load(s.radial, (b, 0)) - (x * gx + y * gy + z * gz) * inverse
        store(s.geometry, (b, 0), gx * inverse + radial * x)
        store(s.geometry, (b, 1), gy * inverse + radial * y)
        store(s.geometry, (b, 2), gz * inverse + radial * z)
        for q in range(WIDTH):
            p = s.slot[WIDTH * b + q]
            if p >= 0:
                gradients[p, 0] = s.geometry[b, 0, q]
                gradients[p, 1] = s.geometry[b, 1, q]
                gradients[p, 2] = s.geometry[b, 2, q]
