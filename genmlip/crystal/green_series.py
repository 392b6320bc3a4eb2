"""Far field of the lattice Green's function of a line: powers of the distance times functions of the angle.

With k = k (cos φ, sin φ) the inverse of the force constants is a Laurent series about k = 0,

    Ĥ(k)⁻¹ = Σ_j k^j A_j(φ),  j = −2, −1, 0, …,

whose coefficients follow from the moments of the force constants. Each term has a Fourier transform in
closed form, so the series in k becomes an asymptotic series in 1/r: j = −2 is the Green's function of
linear elasticity, the others are the corrections of a discrete lattice (Martinsson & Rodin, Proc. R. Soc. A
458, 2609 (2002)). Odd j occur in multilattices only.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import factorial, poch

from genmlip._types import Array, ComplexArray, IntArray
from genmlip.crystal.line_constants import LineForceConstants
from genmlip.errors import UnstableCrystalError

LAST_ORDER = 14
"""Highest power of k. The terms go like j! / (κr)^j, κ ≈ 1 Å⁻¹ being the distance of the next pole in k."""
MAX_ANGLES = 1 << 11
RESOLVED = 1e-12
"""Relative size of the tail of an angular series."""
ROUNDING = 1e-16


@dataclass(frozen=True, eq=False)
class GreenSeries:
    """G(x) ≈ −g log r + Σ_j r^(−j−2) Re Σ_m c_jm e^{imψ} at x = r (cos ψ, sin ψ), r in Å.

    log_slope : g, (m, m) Å²/eV
    coefficients : c_jm for j = −2, −1, …, each (n_modes, m, m); c_{−2,0} = 0 sets the constant of G
    """

    log_slope: Array
    coefficients: tuple[ComplexArray, ...]

    @classmethod
    def of(cls, constants: LineForceConstants, translations: Array) -> GreenSeries:
        """The series to order k^LAST_ORDER.

        translations : (m, d) orthonormal columns, the null space of Ĥ(0)

        Raises UnstableCrystalError where long waves cost no energy.
        """
        n_angles = 64
        while True:
            modes = _angular_modes(constants, translations, n_angles)
            size = abs(modes).max(axis=(2, 3))
            size /= _typical(size.max(axis=1))[:, None]
            if size[:, n_angles // 4 :].max() <= RESOLVED:
                break
            if n_angles >= MAX_ANGLES:
                raise UnstableCrystalError("the crystal is too close to an instability against long waves")
            n_angles *= 2
        unit = constants.area / (2 * np.pi)
        coefficients = []
        for j, (a, s) in enumerate(zip(modes, size, strict=True), start=-2):
            floor = 10 * s[3 * n_angles // 8 :].max()  # beyond n / 4 there is rounding only
            m = np.arange(1 + np.flatnonzero(np.r_[True, s[1 : n_angles // 4] > floor])[-1])
            both_signs = np.where(m > 0, 2.0, 1.0)
            weight = unit * both_signs * 1j**m * _hankel(j, m)
            coefficients.append(weight[:, None, None] * a[: len(m)])
        return cls(unit * modes[0, 0].real, tuple(coefficients))

    def __call__(self, x: Array) -> Array:
        """(..., 2) Å → (..., m, m) Å²/eV, each term where it is not negligible."""
        return self._sum(x, self.reach(ROUNDING))

    def elastic(self, x: Array) -> Array:
        """The first term alone: (..., 2) Å → (..., m, m) Å²/eV."""
        return self._sum(x, np.array([np.inf]))

    def reach(self, tolerance: float) -> Array:
        """Å, up to where each term exceeds ``tolerance`` times the slope of the logarithm, (orders,)."""
        bound = np.array([abs(c).sum(axis=0).max() for c in self.coefficients])
        bound /= tolerance * abs(self.log_slope).max()
        return np.r_[np.inf, bound[1:] ** (1 / np.arange(1, len(bound)))]

    def _sum(self, x: Array, reach: Array) -> Array:
        x = np.asarray(x, dtype=float)
        shape, size = self.log_slope.shape, self.log_slope.size
        z = (x[..., 0] + 1j * x[..., 1]).ravel()
        r = abs(z)
        total = -np.multiply.outer(np.log(r), self.log_slope.ravel())
        inside = [np.flatnonzero(r < limit) for limit in reach]
        used = [len(c) for c, near in zip(self.coefficients, inside, strict=False) if near.size]
        wave = _powers(z / r, max(used, default=1))
        for power, (c, near) in enumerate(zip(self.coefficients, inside, strict=False)):
            if near.size:
                m = slice(power % 2, len(c), 2)
                pairs = np.stack([c[m].real, -c[m].imag], axis=1).reshape(
                    -1, size
                )  # Re c z, as real products
                value = np.ascontiguousarray(wave[near, m]).view(float) @ pairs
                total[near] += value * (r[near] ** -power)[:, None]
        return total.reshape(*x.shape[:-1], *shape)


def _angular_modes(constants: LineForceConstants, translations: Array, n_angles: int) -> ComplexArray:
    """a_jm of A_j(φ) = Σ_m a_jm e^{imφ} for 0 ≤ m < n_angles / 2, (LAST_ORDER + 3, n_angles / 2, m, m)."""
    angles = np.linspace(0.0, np.pi, n_angles // 2, endpoint=False)
    half = laurent_series(constants, translations, angles)
    sign = (-1.0) ** np.arange(len(half))[:, None, None, None]  # A_j(φ + π) = (−1)^j A_j(φ)
    return np.fft.fft(np.concatenate([half, sign * half], axis=1), axis=1)[:, : n_angles // 2] / n_angles


def laurent_series(constants: LineForceConstants, translations: Array, angles: Array) -> ComplexArray:
    """A_j(φ) for j = −2 … LAST_ORDER at the angles φ (n,), (LAST_ORDER + 3, n, m, m).

    In a basis of translations (a) and shifts of the sublattices (o), the matrix D Ĥ D with D = diag(1/k, 1)
    is a power series whose constant term is invertible; Ĥ⁻¹ = D (D Ĥ D)⁻¹ D. Raises UnstableCrystalError
    unless that term is positive definite.
    """
    m, d = translations.shape
    basis = np.linalg.qr(np.hstack([translations, np.eye(m)]))[0]
    powers = np.arange(LAST_ORDER + 5)
    along = np.stack([np.cos(angles), np.sin(angles)], axis=-1) @ constants.positions.T
    weight = (1j**powers / factorial(powers))[:, None, None] * along ** powers[:, None, None]
    blocks = basis.T @ constants.blocks @ basis
    moments = np.tensordot(weight, blocks.astype(complex), axes=(-1, 0))
    moments[0, :, :d], moments[0, :, :, :d] = 0.0, 0.0  # exactly: translations cost nothing
    moments[1, :, :d, :d] = 0.0
    scaled = np.empty_like(moments[: LAST_ORDER + 3])
    n = len(scaled)
    scaled[..., :d, :d] = moments[2 : n + 2, :, :d, :d]
    scaled[..., :d, d:] = moments[1 : n + 1, :, :d, d:]
    scaled[..., d:, :d] = moments[1 : n + 1, :, d:, :d]
    scaled[..., d:, d:] = moments[:n, :, d:, d:]
    softest = np.linalg.eigvalsh(scaled[0])[:, 0]
    if softest.min() <= 0:
        phi = float(angles[softest.argmin()])
        raise UnstableCrystalError(
            f"the crystal is unstable against long waves along ({np.cos(phi):.3f}, {np.sin(phi):.3f})"
        )
    inverse = _reciprocal(scaled)
    series = np.zeros_like(scaled)
    series[..., :d, :d] = inverse[..., :d, :d]
    series[1:, :, :d, d:] = inverse[:-1, :, :d, d:]
    series[1:, :, d:, :d] = inverse[:-1, :, d:, :d]
    series[2:, :, d:, d:] = inverse[:-2, :, d:, d:]
    return basis @ series @ basis.T


def _reciprocal(series: ComplexArray) -> ComplexArray:
    """Coefficients of (Σ_p k^p S_p)⁻¹, (n, ..., m, m): X_0 = S_0⁻¹, X_p = −X_0 Σ_{q≥1} S_q X_{p−q}."""
    result = np.empty_like(series)
    result[0] = np.linalg.inv(series[0])
    for p in range(1, len(series)):
        result[p] = -result[0] @ sum(series[q] @ result[p - q] for q in range(1, p + 1))
    return result


def _typical(size: Array) -> Array:
    """Of the orders j (n,): without sublattices odd orders hold rounding only, and are judged by the even."""
    typical = size.copy()
    typical[1:-1] = np.maximum(size[1:-1], np.sqrt(size[:-2] * size[2:]))
    return typical


def _hankel(j: int, m: IntArray) -> Array:
    """∫₀^∞ k^(j+1) J_m(kr) dk · r^(j+2) = 2^(j+1) Γ((m+j+2)/2) / Γ((m−j)/2) for m − j even, else zero.

    It vanishes for m ≤ j: polynomials in k become derivatives of δ, which do not reach any r > 0. For j = −2
    it is 1/m, but zero for m = 0, where the logarithm stands in its place.
    """
    if j == -2:
        return np.where((m > 0) & (m % 2 == 0), 1 / np.maximum(m, 1), 0.0)
    x = (m - j) / 2
    return np.where((x > 0) & (m % 2 == j % 2), 2.0 ** (j + 1) * poch(np.maximum(x, 0.5), j + 1), 0.0)


def _powers(z: ComplexArray, n: int) -> ComplexArray:
    """z^0 … z^(n−1), (len(z), n), for ∣z∣ = 1, by doubling: errors grow with log n only."""
    result = np.empty((len(z), n), dtype=complex)
    result[:, 0] = 1.0
    filled = 1
    while filled < n:
        block = min(filled, n - filled)
        step = z if filled == 1 else result[:, filled - 1] * z
        result[:, filled : filled + block] = result[:, :block] * step[:, None]
        filled += block
    return result
