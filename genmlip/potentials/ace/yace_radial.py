"""The radial functions and repulsive cores of .yace files, from their formulas.

Families of g_k(r), k = 1 … K, with T_k the Chebyshev polynomials and all zero beyond r_cut:

    ChebExpCos   g_1 = f, g_k = (1 − T_{k−1}(x))/2 · f,  x = 1 − 2 (e^{−λ r/r_cut} − e^{−λ}) / (1 − e^{−λ}),
                 f = (1 + cos(π r/r_cut))/2, times (1 + cos(π (r − r_cut + d)/d))/2 for r > r_cut − d,
    ChebPow      g_k = (1 − T_k(x))/2,  x = 1 − 2 (1 − r/r_cut)^λ,
    ChebLinear   g_k = (1 − T_k(x))/2,  x = 1 − r/r_cut,
    SBessel      orthogonal combinations of sinc((k+1) π r/r_cut) (Kocer et al., J. Chem. Phys. 150, 154102
                 (2019), eqs. 7–12).

ACE.jl.* are orthogonal polynomials in x = ((1 + r0)/(1 + r))^p with a polynomial envelope, or splines. Any
linear combination of the g_k of a pair is a radial channel. Where a repulsive core acts by distance, the g_k
are multiplied by 1 − c and the core by c(r), which falls from one to zero over [r_in − d_in, r_in].

Drautz, Phys. Rev. B 99, 014104 (2019); Bochkarev et al., Phys. Rev. Mater. 6, 013804 (2022).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from genmlip._types import Array
from genmlip.potentials.ace.core import SCREENING
from genmlip.potentials.ace.yace_format import BondRecord, PairRecord, PolynomialRecord, SplineRecord

INVISIBLE = 1e-10
"""Jump of the curvature, per squared bin and relative to the function, that alters it by less than 1e-12."""

COULOMB = 14.399645351950543
"""e² / 4πε₀, eV Å, with the digits of the programs that read these files."""

Values = tuple[Array, Array]
"""Functions and their derivatives, each (functions, len(r)) or (len(r),)."""


@dataclass(frozen=True, eq=False)
class BondFunctions:
    """Channels Σ_k mix[c, k] g_k(r) of the families ChebExpCos, ChebPow, ChebLinear and SBessel.

    bond : the pair's entry in the file
    mix : (channels, K)
    """

    bond: BondRecord
    mix: Array

    @property
    def cutoff(self) -> float:
        """Å."""
        return self.bond.cutoff

    @cached_property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, where the second or third derivative jumps."""
        bond = self.bond
        points = [bond.cutoff - bond.width] if bond.basis == "ChebExpCos" else []
        return _inside(points + [*_inner_range(bond)] * (bond.inner_kind != "zbl"), bond.cutoff)

    def __call__(self, r: Array) -> Values:
        """Values and derivatives, each (channels, len(r))."""
        bond = self.bond
        inside = r < bond.cutoff
        g, dg = RADIAL_BASES[bond.basis](np.where(inside, r, 0.5 * bond.cutoff), self.mix.shape[1], bond)
        low, high = _inner_range(bond)
        if bond.inner_kind == "distance" and high > 0:
            c, dc = smooth_step(r, low, high)
            g, dg = g * (1 - c), dg * (1 - c) - g * dc
        if low > 0 and bond.inner_kind != "zbl":
            inside &= r > low
        return (self.mix @ g) * inside, (self.mix @ dg) * inside

    def combined(self, matrix: Array) -> BondFunctions:
        """The channels Σ_c matrix[·, c] R_c(r); files have hundreds of g_k, few combinations are needed."""
        return replace(self, mix=matrix @ self.mix)


@dataclass(frozen=True, eq=False)
class PolynomialFunctions:
    """Channels Σ_n mix[c, n] P_n(r) of orthogonal polynomials; ``cutoff`` is the largest of the file, Å."""

    polynomials: PolynomialRecord
    mix: Array
    cutoff: float

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, the ends of the interval on which the polynomials live."""
        return _inside(_distances(self.polynomials), self.cutoff)

    def __call__(self, r: Array) -> Values:
        """Values and derivatives, each (channels, len(r))."""
        P, dP = polynomials(self.polynomials, r)
        inside = r < self.cutoff
        return self.mix @ (P * inside), self.mix @ (dP * inside)


@dataclass(frozen=True, eq=False)
class SplineFunctions:
    """Channels Σ_n mix[c, n] S_n(r) of cubic Hermite splines on equal bins.

    Where bins are narrow the splines cannot be told from the smooth function that they were made of;
    otherwise their curvature jumps at the nodes.
    """

    spline: SplineRecord
    mix: Array

    @property
    def cutoff(self) -> float:
        """Å."""
        return self.spline.cutoff

    @cached_property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, the nodes where the jump of the curvature shows."""
        f, df = self._nodal
        rise = np.diff(f, axis=1)
        at_start, at_end = (
            6 * rise - 4 * df[:, :-1] - 2 * df[:, 1:],
            4 * df[:, 1:] + 2 * df[:, :-1] - 6 * rise,
        )
        jump = abs(at_start[:, 1:] - at_end[:, :-1]).max(axis=0, initial=0.0)
        node = 1 + np.flatnonzero(jump > INVISIBLE * abs(f).max(initial=0.0))
        return _inside((node * (self.cutoff / rise.shape[1])).tolist(), self.cutoff)

    @cached_property
    def _nodal(self) -> Values:
        """Values and slopes (channels, nbins + 1), these per bin."""
        width = self.spline.cutoff / (self.spline.values.shape[1] - 1)
        return self.mix @ self.spline.values, self.mix @ self.spline.slopes * width

    def __call__(self, r: Array) -> Values:
        """Values and derivatives, each (channels, len(r))."""
        f, df = self._nodal
        n_bins = f.shape[1] - 1
        x = r * (n_bins / self.cutoff)
        k = np.clip(x.astype(np.int64), 0, n_bins - 1)
        t, rise = x - k, f[:, k + 1] - f[:, k]
        c2 = 3 * rise - df[:, k + 1] - 2 * df[:, k]
        c3 = -2 * rise + df[:, k + 1] + df[:, k]
        inside = r < self.cutoff
        value = f[:, k] + t * (df[:, k] + t * (c2 + t * c3))
        slope = (df[:, k] + t * (2 * c2 + 3 * t * c3)) * (n_bins / self.cutoff)
        return value * inside, slope * inside


@dataclass(frozen=True)
class GaussianCore:
    """φ(r) = A e^{−λ r²}/r (1 + cos(π r/r_cut))/2, times c(r) where the core acts by distance.

    prefactor : A, eV Å
    decay : λ, Å⁻²
    envelope : r_cut, Å
    inner : (r_in − d_in, r_in) Å of c(r); None where the expansion gives way by the size of φ
    """

    prefactor: float
    decay: float
    envelope: float
    inner: tuple[float, float] | None = None

    @property
    def cutoff(self) -> float:
        """Å."""
        return self.envelope if self.inner is None else min(self.envelope, self.inner[1])

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, where the third derivative jumps."""
        return _inside(self.inner or (), self.cutoff)

    def __call__(self, r: Array) -> Values:
        """φ eV and dφ/dr eV/Å, each (len(r),)."""
        f, df = _cosine(r, 0.0, self.envelope)
        gaussian = self.prefactor * np.exp(-self.decay * r * r) / r
        phi, dphi = gaussian * f, gaussian * (df - f * (2 * self.decay * r + 1 / r))
        if self.inner is not None:
            c, dc = smooth_step(r, *self.inner)
            phi, dphi = phi * c, dphi * c + phi * dc
        return phi, dphi


@dataclass(frozen=True, eq=False)
class PairPotentialCore:
    """Half of the pair potential of files ACE.jl.*: polynomials, and a screened 1/r below r_inner."""

    polynomials: PolynomialRecord
    pair: PairRecord
    cutoff: float

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, where the two forms meet and where the polynomials end."""
        return _inside([self.pair.r_inner, *_distances(self.polynomials)], self.cutoff)

    def __call__(self, r: Array) -> Values:
        """φ eV and dφ/dr eV/Å, each (len(r),)."""
        pair = self.pair
        P, dP = polynomials(self.polynomials, r)
        phi, dphi = pair.coefficients @ P, pair.coefficients @ dP
        if pair.r_inner > 0:
            repulsion = pair.B * np.exp(-pair.A * (r / pair.r_inner - 1)) * pair.r_inner / r
            near = r <= pair.r_inner
            phi = np.where(near, pair.e0 + repulsion, phi)
            dphi = np.where(near, -repulsion * (pair.A / pair.r_inner + 1 / r), dphi)
        inside = r < self.cutoff
        return 0.5 * phi * inside, 0.5 * dphi * inside


@dataclass(frozen=True)
class UniversalRepulsion:
    """Half of the repulsion of Ziegler, Biersack & Littmark (1985), brought to zero at the cutoff.

    numbers : charges of the two nuclei
    strength : factor of it
    outer : (r_cut − d, r_cut) Å, where it ends
    """

    numbers: tuple[int, int]
    strength: float
    outer: tuple[float, float]

    @property
    def cutoff(self) -> float:
        """Å."""
        return self.outer[1]

    def __call__(self, r: Array) -> Values:
        """φ eV and dφ/dr eV/Å, each (len(r),)."""
        low, high = self.outer
        width = high - low
        end, d_end, dd_end = (float(x[0]) for x in self._screened(np.array([high])))
        A = (-3 * d_end + width * dd_end) / width**2
        B = (2 * d_end - width * dd_end) / width**3
        t = np.clip(r - low, 0.0, width)
        value, slope, _ = self._screened(r)
        value += A / 3 * t**3 + B / 4 * t**4 - end + width * d_end / 2 - width**2 * dd_end / 12
        slope += A * t**2 + B * t**3
        c, dc = smooth_step(r, low, high)
        charge = 0.5 * self.strength * COULOMB * self.numbers[0] * self.numbers[1]
        return charge * value * c, charge * (slope * c + value * dc)

    def _screened(self, r: Array) -> tuple[Array, Array, Array]:
        """Screening function over r and its first two derivatives."""
        Zi, Zj = self.numbers
        amplitude, rate = SCREENING[:, :1], SCREENING[:, 1:] * (Zi**0.23 + Zj**0.23) / 0.46850
        terms = amplitude * np.exp(-rate * r)
        value = terms.sum(axis=0) / r
        slope = (-(rate * terms).sum(axis=0) - value) / r
        return value, slope, ((rate * rate * terms).sum(axis=0) - 2 * slope) / r


def smooth_step(r: Array, low: float, high: float) -> Values:
    """c(r) from one below ``low`` to zero above ``high``, a polynomial of degree five, and dc/dr."""
    if high <= low:
        return np.where(r < high, 1.0, 0.0), np.zeros_like(r)
    x = np.clip(1 - 2 * (r - low) / (high - low), -1.0, 1.0)
    return 0.5 + x * (15 - x * x * (10 - 3 * x * x)) / 16, -15 / 8 * (1 - x * x) ** 2 / (high - low)


def polynomials(record: PolynomialRecord, r: Array) -> Values:
    """P_n(r) and dP_n/dr, each (maxn, len(r))."""
    x = ((1 + record.r0) / (1 + r)) ** record.power
    dx = -record.power * x / (1 + r)
    (x_left, x_right), (p_left, p_right) = record.ends, record.end_powers
    outside = ((x < x_left) & (p_left > 0)) | ((x > x_right) & (p_right > 0))
    left, d_left = _power(np.where(outside, 0.0, x - x_left), p_left)
    right, d_right = _power(np.where(outside, 0.0, x - x_right), p_right)
    A, B, C = record.recursion.T
    P, dP = np.empty((2, len(A), len(r)))
    for n in range(len(A)):
        if n == 0:
            P[0] = A[0] * np.where(outside, 0.0, left * right)
            dP[0] = A[0] * np.where(outside, 0.0, d_left * right + left * d_right)
            continue
        P[n] = (A[n] * x + B[n]) * P[n - 1]
        dP[n] = A[n] * P[n - 1] + (A[n] * x + B[n]) * dP[n - 1]
        if n > 1:
            P[n] += C[n] * P[n - 2]
            dP[n] += C[n] * dP[n - 2]
    return P, dP * dx


def _power(x: Array, p: int) -> Values:
    return x**p, p * x ** (p - 1) if p > 0 else np.zeros_like(x)


def _distances(record: PolynomialRecord) -> list[float]:
    """Å, the ends of the interval in r."""
    return [(1 + record.r0) * x ** (-1 / record.power) - 1 for x in record.ends if x > 0]


def _inside(points: list[float] | tuple[float, ...], cutoff: float) -> tuple[float, ...]:
    """In ascending order, none twice, and without those that rounding put beside zero or the cutoff."""
    apart = 1e-9 * cutoff
    inside: list[float] = []
    for point in sorted(points):
        if (inside[-1] if inside else 0.0) + apart < point < cutoff - apart:
            inside.append(point)
    return tuple(inside)


def _inner_range(bond: BondRecord) -> tuple[float, float]:
    """Å, where the core's share goes from one to zero."""
    return bond.inner_cutoff - bond.inner_width, bond.inner_cutoff


def _cosine(r: Array, low: float, high: float) -> Values:
    """From one below ``low`` to zero above ``high`` like a cosine, and its derivative."""
    angle = np.pi * np.clip((r - low) / (high - low), 0.0, 1.0)
    return 0.5 * (1 + np.cos(angle)), -0.5 * np.pi / (high - low) * np.sin(angle)


def _chebyshev(x: Array, n: int) -> Values:
    """T_0 … T_n and their derivatives, each (n + 1, len(x)); T_k' = k U_{k−1}."""
    T, U = np.ones((2, n + 1, len(x)))
    if n > 0:
        T[1], U[1] = x, 2 * x
    for k in range(2, n + 1):
        T[k], U[k] = 2 * x * T[k - 1] - T[k - 2], 2 * x * U[k - 1] - U[k - 2]
    dT = np.zeros_like(T)
    dT[1:] = np.arange(1, n + 1)[:, None] * U[:-1]
    return T, dT


def _cheb_exp_cos(r: Array, n: int, bond: BondRecord) -> Values:
    y, y_cut = np.exp(-bond.parameter * r / bond.cutoff), np.exp(-bond.parameter)
    x, dx = 1 - 2 * (y - y_cut) / (1 - y_cut), 2 * bond.parameter / bond.cutoff * y / (1 - y_cut)
    T, dT = _chebyshev(x, n - 1)
    g, dg = 0.5 - 0.5 * T, -0.5 * dT * dx
    g[0], dg[0] = 1.0, 0.0
    envelopes = [_cosine(r, 0.0, bond.cutoff)]
    if bond.width > 0:
        envelopes.append(_cosine(r, bond.cutoff - bond.width, bond.cutoff))
    for f, df in envelopes:
        g, dg = g * f, dg * f + g * df
    return g, dg


def _cheb_pow(r: Array, n: int, bond: BondRecord) -> Values:
    u = 1 - r / bond.cutoff
    T, dT = _chebyshev(1 - 2 * u**bond.parameter, n)
    dx = 2 * bond.parameter / bond.cutoff * u ** (bond.parameter - 1)
    return 0.5 - 0.5 * T[1:], -0.5 * dT[1:] * dx


def _cheb_linear(r: Array, n: int, bond: BondRecord) -> Values:
    T, dT = _chebyshev(1 - r / bond.cutoff, n)
    return 0.5 - 0.5 * T[1:], 0.5 * dT[1:] / bond.cutoff


def _simplified_bessel(r: Array, n: int, bond: BondRecord) -> Values:
    k = np.arange(float(n))[:, None]
    norm = (-1.0) ** k * np.sqrt(2) * np.pi / bond.cutoff**1.5 * (k + 1) * (k + 2) / np.hypot(k + 1, k + 2)
    terms = [_sinc((k + s) * np.pi / bond.cutoff, r) for s in (1, 2)]
    g, dg = (norm * (a + b) for a, b in zip(*terms, strict=True))
    previous = 1.0
    for m in range(1, n):
        e = m**2 * (m + 2) ** 2 / (4 * (m + 1) ** 4 + 1)
        mixing, scale = np.sqrt(e / previous), 1 / np.sqrt(1 - e / previous)
        g[m], dg[m] = scale * (g[m] + mixing * g[m - 1]), scale * (dg[m] + mixing * dg[m - 1])
        previous = 1 - e / previous
    return g, dg


def _sinc(a: Array, r: Array) -> Values:
    """sin(a r)/(a r) and its derivative in r."""
    x = a * r
    safe = np.where(x == 0, 1.0, x)
    return np.sinc(x / np.pi), np.where(x == 0, 0.0, a * (np.cos(x) - np.sin(safe) / safe) / safe)


RADIAL_BASES: dict[str, Callable[[Array, int, BondRecord], Values]] = {
    "ChebExpCos": _cheb_exp_cos,
    "ChebPow": _cheb_pow,
    "ChebLinear": _cheb_linear,
    "SBessel": _simplified_bessel,
    "TEST_SBessel": _simplified_bessel,  # its name while it was new
}
