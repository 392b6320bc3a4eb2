"""Radial functions of an expansion as sums of radial functions of the format .yace.

The format has families of its own; of those,

    g_k(r) = (1 − T_k(x)) / 2,   x = 2 r / r_cut − 1,   k = 1 … K      (``ChebPow`` with exponent one)

span all polynomials in r that vanish at the cutoff. Every R_n vanishes there, so R_n = Σ_k a_nk T_k(x) is
also R_n = −2 Σ_{k ≥ 1} a_nk g_k: there is nothing to fit, and the error is what the cut series leaves out. It
falls exponentially, since R_n is analytic on the whole interval. The functions of order one add up to one
pair function Σ_n c_n R_n per pair of species, written in the g_k directly, as the format wants them.

With cores (:mod:`core`) the functions are R_n(ρ(r)), and only piecewise smooth: thousands of polynomials
would be needed. What is written then is the same for r ≥ r_in, which is wherever there were data, and does
much the same below: see :class:`CloseRange`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.fft import dct
from scipy.special import erfc, erfcinv

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.ace.core import FrozenRadial, ShortRange, zbl
from genmlip.potentials.ace.expansion import Centre, Expansion, RadialFunctions
from genmlip.potentials.ace.radial import RadialBasis

MAX_POLYNOMIALS = 1024
SQRT_4PI = float(np.sqrt(4 * np.pi))
_SAMPLES = 4 * MAX_POLYNOMIALS  # Chebyshev nodes
_NEAREST = 0.25  # of the cutoff: closer than this, functions are not what errors are measured against
_LOCAL = 100.0  # of the tolerance, relative to what is left of a function farther out
_FARTHEST = 0.9  # of the cutoff: where functions vanish, errors are not measured against them
_UNSEEN = 1e-12  # 1 − dρ/dr at r_in
_WIDTH = 0.09  # of the cutoff: narrower than this, Δ costs more than some 600 polynomials


@dataclass(frozen=True)
class CloseRange:
    """The analytic counterpart of :class:`ShortRange`.

        ρ(r) = m + s ∫_{−∞}^z erfc(−t)/2 dt,   z = (r − m) / s,   m = r_in − Δ/2,

    rests, as there, at m; s is such that ρ = r from r_in on, but for 10⁻¹² Å. Half of the ZBL energy
    becomes p exp(−λ r²)/r · (1 + cos(π r/r_cut))/2, the format's core, with the same values at m/2 and m.
    That core has no end: the pair function takes away what is left of it outside of m.

    inner : r_in, Å
    middle, spread : m and s, Å
    prefactor, decay : p, eV Å, and λ, Å⁻²
    error : largest error of the core between m/2 and m, relative to ZBL
    cutoff : r_cut, Å
    """

    inner: float
    middle: float
    spread: float
    prefactor: float
    decay: float
    error: float
    cutoff: float

    @classmethod
    def of(cls, short_range: ShortRange, cutoff: float) -> CloseRange:
        """Like ``short_range``, but for the least Δ; ``cutoff`` (Å) is that of the pair.

        Raises InputError if r_in is so close to the cutoff that the core would have to grow with distance.
        """
        inner = short_range.inner
        half = min(max(short_range.width, _WIDTH * cutoff), inner) / 2
        r = (inner - half) * np.linspace(0.5, 1, 51)
        phi = zbl(*short_range.numbers, r)[0] / 2
        log = np.log(2 * r * phi / (1 + np.cos(np.pi * r / cutoff)))
        decay = float((log[0] - log[-1]) / (r[-1] ** 2 - r[0] ** 2))
        if decay <= 0:
            raise InputError(
                f"a core that reaches to {inner:g} Å, with radial functions that end at {cutoff:g} Å, cannot "
                f"be written as .yace: r_in must be farther from the cutoff"
            )
        start = float(log[-1] + decay * r[-1] ** 2)
        error = float(abs(np.exp(start - decay * r**2 - log) - 1).max())
        spread = half / float(erfcinv(2 * _UNSEEN))
        return cls(inner, inner - half, spread, float(np.exp(start)), decay, error, cutoff)

    def seen(self, r: Array) -> tuple[Array, Array]:
        """ρ(r) and its slope."""
        z = (r - self.middle) / self.spread
        slope = erfc(-z) / 2
        return self.middle + self.spread * (z * slope + np.exp(-z * z) / (2 * np.sqrt(np.pi))), slope

    def outside(self, r: Array) -> tuple[Array, Array]:
        """What is left of the core outside of m (eV), and its slope (eV/Å)."""
        x = np.pi * r / self.cutoff
        bare = self.prefactor * np.exp(-self.decay * r * r) / r
        core = bare * (1 + np.cos(x)) / 2
        slope = -(2 * self.decay * r + 1 / r) * core - bare * np.sin(x) * np.pi / (2 * self.cutoff)
        z = (r - self.middle) / self.spread
        share, rise = erfc(-z) / 2, np.exp(-z * z) / (self.spread * np.sqrt(np.pi))
        return share * core, share * slope + rise * core


@dataclass(frozen=True, eq=False)
class Bond:
    """The radial functions f_s of an ordered pair of species: channels R_c, then a pair function per density.

    radial : the channels, without what cores do to them
    close_range : what cores do to them; None without
    mix : (S, channels), f = mix @ R
    n_channels : how many of the f are channels
    """

    radial: RadialBasis
    close_range: CloseRange | None
    mix: Array
    n_channels: int

    @property
    def cutoff(self) -> float:
        """Å"""
        return self.radial.cutoff

    @property
    def nearest(self) -> float:
        """Å, the smallest distance that counts when errors are measured: a quarter of the cutoff, or r_in."""
        inner = 0.0 if self.close_range is None else self.close_range.inner
        return max(_NEAREST * self.cutoff, inner)

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """f and df/dr, each (S, len(r))."""
        if self.close_range is None:
            values, slopes = self.radial(r)
            return self.mix @ values, self.mix @ slopes
        rho, rise = self.close_range.seen(r)
        values, slopes = self.radial(rho)
        f, df = self.mix @ values, self.mix @ (slopes * rise)
        core, dcore = self.close_range.outside(r)
        f[self.n_channels] -= SQRT_4PI * core  # √4π: the moment will have a factor Y_00
        df[self.n_channels] -= SQRT_4PI * dcore
        return f, df

    @cached_property
    def series(self) -> Array:
        """(S, _SAMPLES): coefficients a_sk of T_k, zero where only rounding is left: as in the upper half."""
        angle = np.pi * (np.arange(_SAMPLES, dtype=np.longdouble) + 0.5) / _SAMPLES
        series = dct(self._extended((np.cos(angle) + 1) / 2 * self.cutoff), axis=1) / _SAMPLES
        rounding = _largest(series[:, _SAMPLES // 2 :])
        return np.where(abs(series) > rounding[:, None], series, 0.0)

    def polynomials(self, n: int) -> Array:
        """(S, n): the functions in terms of g_1 … g_n.

        What the cut series leaves out spoils slope and curvature at the cutoff, n² and n⁴ times as much as
        values. Both are made zero again by the smallest change of the coefficients.
        """
        k = np.arange(1.0, n + 1)
        series = self.series[:, 1 : n + 1]
        slopes = np.stack([(k / n) ** 2, (k / n) ** 2 * (k**2 - 1) / n**2])  # T_k′ and T_k″ at x = 1, scaled
        return (-2 * (series - series @ slopes.T @ np.linalg.pinv(slopes.T))).astype(float)

    def length(self, tolerance: float) -> int:
        """n from which on the series adds up to less than ``tolerance`` of every function.

        That is, of its largest value; and to a hundred times as much of what is left of it farther out, as
        far as rounding lets it. A fit with large coefficients has pair functions that fall from 10⁵ eV, where
        no atoms are, to 0.1 eV.
        """
        rest = np.cumsum(abs(self.series[:, ::-1]), axis=1)[:, ::-1]  # Σ_{j ≥ k} |a_j|
        r = self._distances()
        exact = self(r)[0]
        size, far = _largest(exact), self._local_size(r, exact)[:, -1]
        allowed = np.maximum(tolerance * np.minimum(size, _LOCAL * far), np.finfo(float).eps * size)
        needed = rest > allowed[:, None]
        return max(1, int(needed.sum(axis=1).max()) - 1)

    def errors(self, n: int) -> tuple[float, float]:
        """Largest error of n polynomials, relative to every function's largest value, and to its local one.

        The local one is the largest from the distance on, or from 0.9 of the cutoff on.
        """
        r = self._distances()
        exact = self._extended(r)
        theta = np.arccos(np.clip(2 * r / self.cutoff - 1, -1, 1))
        g = (1 - np.cos(np.arange(1, n + 1)[:, None] * theta)) / 2
        error, local = abs(self.polynomials(n) @ g - exact), self._local_size(r, exact)
        relative = np.divide(error, local, out=np.zeros_like(error), where=local > 0)
        return _worst_ratio(error, exact), float(relative.max(initial=0.0))

    def table_error(self, spline_bin: float) -> float:
        """Largest error of the slopes of cubic Hermite tables, relative to every function's largest slope.

        Between two nodes the error of the slope is largest at (3 ± √3) / 6 of a bin.
        """
        n = int(self.cutoff / spline_bin)
        h = self.cutoff / n
        nodes = np.linspace(0, self.cutoff, n + 1)[int(n * self.nearest / self.cutoff) :]
        f, slope = self(nodes)
        left, right, secant = slope[:, :-1], slope[:, 1:], np.diff(f, axis=1) / h
        errors = []
        for t in ((3 - 3**0.5) / 6, (3 + 3**0.5) / 6):
            cubic = 6 * t * (1 - t) * secant + (1 - t) * (1 - 3 * t) * left + t * (3 * t - 2) * right
            errors.append(_worst_ratio(cubic - self(nodes[:-1] + t * h)[1], slope))
        return max(errors)

    def _distances(self) -> Array:
        return np.linspace(self.nearest, self.cutoff, 2001)

    def _extended(self, r: Array) -> Array:
        """f, in extended precision: rounding where f is large would spoil it where it is small."""
        if self.close_range is None:
            return np.asarray(self.mix @ self.radial.extended(r)[0])
        r = r.astype(float)
        f = self.mix @ self.radial.extended(self.close_range.seen(r)[0])[0]
        f[self.n_channels] -= SQRT_4PI * self.close_range.outside(r)[0]
        return np.asarray(f)

    def _local_size(self, r: Array, values: Array) -> Array:
        """Largest of ``values`` (S, n) at distances ``r`` (n,) and beyond, or beyond 0.9 of the cutoff."""
        beyond = np.maximum.accumulate(abs(values)[:, ::-1], axis=1)[:, ::-1]
        return np.asarray(beyond[:, np.searchsorted(r, np.minimum(r, _FARTHEST * self.cutoff))])


def bonds_of(expansion: Expansion) -> list[list[Bond]]:
    """By centre and neighbour."""
    used = [centre.monomials[order_of(centre) > 1] for centre in expansion.centres]
    channels = [
        centre.moments[labels[labels >= 0], 1] for centre, labels in zip(expansion.centres, used, strict=True)
    ]
    n_channels = 1 + max(int(c.max(initial=0)) for c in channels)  # readers want one at least
    return [
        [_bond(centre, z, radial, n_channels) for z, radial in enumerate(row)]
        for centre, row in zip(expansion.centres, expansion.radial, strict=True)
    ]


def order_of(centre: Centre) -> IntArray:
    """(T,) number of factors of every product."""
    return np.asarray((centre.monomials >= 0).sum(axis=1))


def _bond(centre: Centre, z: int, radial: RadialFunctions, n_channels: int) -> Bond:
    close_range = None
    if isinstance(radial, FrozenRadial):
        close_range = CloseRange.of(radial.short_range, radial.cutoff)
        radial = radial.functions
    assert isinstance(radial, RadialBasis)  # that of every LinearACE
    pair = _pair_weights(centre, z, len(radial(np.array([radial.cutoff / 2]))[0]))
    mix = np.concatenate([np.eye(n_channels, pair.shape[1]), pair])
    return Bond(radial, close_range, mix, n_channels)


def _pair_weights(centre: Centre, z: int, n_channels: int) -> Array:
    """(P, n_channels): weights of the products of order one with neighbours of species ``z``."""
    rows = np.flatnonzero(order_of(centre) == 1)
    species, channel, _ = centre.moments[centre.monomials[rows, 0]].T
    mine = species == z
    weights = np.zeros((n_channels, centre.weights.shape[1]))
    np.add.at(weights, channel[mine], centre.weights[rows[mine]])
    return weights.T


def _largest(values: Array) -> Array:
    return np.asarray(abs(values).max(axis=1))


def _worst_ratio(error: Array, exact: Array) -> float:
    """max |error| / max |exact| of the worst row; rows of zeros are exact."""
    scale = _largest(exact)
    return float((_largest(error)[scale > 0] / scale[scale > 0]).max(initial=0.0))
