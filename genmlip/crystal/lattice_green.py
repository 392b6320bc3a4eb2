"""The lattice Green's function of a crystal along a straight line: displacements under line forces.

G(n) is the displacement of the column(s) at n under unit forces, per line period, on those at the origin,

    Σ_n' H_{n'−n} G(n') = δ_n0,    G(n) = ∫ dθ/4π² exp(i θ·n) Ĥ(θ)⁻¹   (regularised at θ = 0).

G grows like log r, and is defined up to a rigid translation: only forces that balance have a displacement.
(docs/theory.md, section 5.)
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from math import ceil

import numpy as np
from scipy.fft import next_fast_len

from genmlip._cache import content_key, user_cache
from genmlip._types import Array, IntArray
from genmlip.crystal.green_series import GreenSeries
from genmlip.crystal.line_constants import LineForceConstants
from genmlip.errors import InputError, UnstableCrystalError

ACCURACY = 1e-13
"""Size of the last terms of the far field, relative to the slope of the logarithm, where it takes over."""
NULL = 1e-9
"""Stiffness, relative to the largest force constant, below which a uniform motion is a translation."""
STABILITY_TOLERANCE = 1e-6
"""Smallest stiffness of a wave, divided by Σ 4 sin²(θ/2), relative to the largest force constant."""
STABILITY_GRID = 48
MAX_COLUMNS = 1 << 20
"""On the torus: the far field of a stable crystal sets in at 50 to 150 Å, some 10⁴ columns."""
BALANCE = 1e-8
"""Net force allowed, relative to the sum of the forces' sizes."""
CHUNK = 1 << 14
"""Labels evaluated at once, to bound the memory; a table of fewer is not worth a file."""
ALGORITHM = 1
"""Part of the name of every table on disk; raised when the values change by more than rounding."""


class LatticeGreen:
    """G(n) for all n to about twelve digits, at any distance.

    Where its last terms are negligible, G is the far-field series S (GreenSeries). The rest w = G − S,
    with S set to zero inside that radius, vanishes outside; it solves H w = δ − H S, whose right-hand side
    is known and confined too. On a torus that holds both, this is solved exactly by Fourier transforms.
    The constant is that of S: the mean over angles of the elastic term vanishes at r = 1 Å.

    radius : Å, where the far field takes over
    mismatch : Å²/eV, largest w found outside, where it should vanish: the error that is left

    Raises UnstableCrystalError if Ĥ(θ) is not positive definite for some θ ≠ 0, or so nearly that the far
    field sets in too far away.
    """

    def __init__(self, constants: LineForceConstants) -> None:
        self.constants = constants
        self.translations = _translations(constants)
        _check_stability(constants)
        self.series = GreenSeries.of(constants, self.translations)
        self.radius = max(float(self.series.reach(ACCURACY)[-2:].max()), constants.range)
        self._near, self.mismatch = self._solve_near()

    def __call__(self, labels: IntArray) -> Array:
        """G(n), (..., 2) → (..., m, m) Å²/eV: displacement (first index) by force (second); G(−n) = G(n)ᵀ."""
        labels = np.asarray(labels)
        flat = labels.reshape(-1, 2)
        m = self.constants.blocks.shape[1]
        result = np.empty((len(flat), m, m))
        for start in range(0, len(flat), CHUNK):
            part = slice(start, start + CHUNK)
            result[part] = self._evaluate(flat[part])
        return result.reshape(*labels.shape[:-1], m, m)

    def _evaluate(self, labels: IntArray) -> Array:
        x = labels @ self.constants.plane
        near = np.hypot(x[:, 0], x[:, 1]) <= self.radius
        m = self.constants.blocks.shape[1]
        result = np.empty((len(labels), m, m))
        result[near] = self._near[labels[near, 0], labels[near, 1]]  # negative labels count from the end
        result[~near] = self.series(x[~near])
        return result

    def table(self, extent: int | tuple[int, int]) -> Array:
        """G(n) for ∣n1∣ ≤ M1, ∣n2∣ ≤ M2: (2 M1 + 1, 2 M2 + 1, m, m), n = 0 in the middle.

        extent : M1 and M2, or one number for both
        """
        M1, M2 = np.broadcast_to(extent, 2).tolist()
        half = self._half(M1, M2)
        opposite = half[:-1][::-1, ::-1].swapaxes(-1, -2)
        return np.concatenate([half, opposite])

    def _half(self, M1: int, M2: int) -> Array:
        """G(n) for −M1 ≤ n1 ≤ 0, ∣n2∣ ≤ M2; a large one is cut out of a larger one kept on disk."""
        K1, K2 = _kept_extent(M1), _kept_extent(M2)
        constants, n_kept = self.constants, (K1 + 1) * (2 * K2 + 1)
        cache = user_cache("lattice-green")
        worth_a_file = (M1 + 1) * (2 * M2 + 1) > CHUNK
        if cache is None or not worth_a_file or not cache.admits(n_kept * constants.blocks[0].nbytes):
            return self(_box((-M1, -M2), (0, M2)))
        key = content_key(ALGORITHM, ACCURACY, constants.plane, constants.labels, constants.blocks, (K1, K2))
        kept = cache.get(key, lambda: self(_box((-K1, -K2), (0, K2))))
        return kept[K1 - M1 :, K2 - M2 : K2 + M2 + 1]

    def displacement(self, labels: IntArray, sources_labels: IntArray, sources: Array) -> Array:
        """Σ_s G(n − n_s) f_s at the labels (l, 2) → (l, m) Å, of forces (s, m) eV/Å at (s, 2).

        Raises InputError unless the forces balance: each component's sum over all atoms vanishes.
        """
        labels, sources_labels = np.asarray(labels), np.asarray(sources_labels)
        sources = np.asarray(sources, dtype=float)
        components = sources.reshape(-1, self.translations.shape[1])
        net, size = abs(components.sum(axis=0)).max(), abs(components).sum()
        if net > BALANCE * size:
            raise InputError(
                f"line forces must balance: their sum is {net:.2e} eV/Å, {net / size:.1e} of their size "
                f"(allowed: {BALANCE:.0e})"
            )
        if len(labels) == 0 or len(sources) == 0:
            return np.zeros((len(labels), sources.shape[1]))
        # the differences n − n_s and how many there can be
        low = labels.min(axis=0) - sources_labels.max(axis=0)
        shape = labels.max(axis=0) - sources_labels.min(axis=0) - low + 1
        if np.prod(shape) < len(labels) * len(sources):
            return self._convolved(labels, sources_labels, sources, low, shape)
        result = np.empty((len(labels), sources.shape[1]))
        step = max(1, CHUNK // len(sources))
        for start in range(0, len(labels), step):
            part = slice(start, start + step)
            result[part] = np.einsum("lsij,sj->li", self(labels[part, None] - sources_labels), sources)
        return result

    def _convolved(
        self, labels: IntArray, sources_labels: IntArray, sources: Array, low: IntArray, shape: IntArray
    ) -> Array:
        """The same sum by Fourier transforms of all G(n), low ≤ n < low + shape; what wraps is not read."""
        size = [next_fast_len(int(n), real=True) for n in shape]
        grid = np.zeros((*size, sources.shape[1]))
        np.add.at(grid, tuple((sources_labels - sources_labels.min(axis=0)).T), sources)
        kernel = np.fft.rfft2(self(_box(low, low + shape - 1)), s=size, axes=(0, 1))
        product = (kernel @ np.fft.rfft2(grid, axes=(0, 1))[..., None])[..., 0]
        u = np.fft.irfft2(product, s=size, axes=(0, 1))
        return np.asarray(u[tuple((labels - sources_labels.min(axis=0) - low).T)])

    def elastic(self, x: Array) -> Array:
        """Green's function of linear elasticity, (..., 2) Å → (..., 3, 3) Å²/eV: what G is far away, for
        every pair of sublattices (3 is 1 in a scalar model)."""
        d = self.translations.shape[1]
        return self.series.elastic(x)[..., :d, :d]

    def _solve_near(self) -> tuple[Array, float]:
        """G inside the radius, zero outside, on the torus; and the mismatch."""
        constants, T, m = self.constants, self.translations, self.constants.blocks.shape[1]
        reach = constants.range
        x, shape = _torus(constants, self.radius + 2 * reach)
        r = np.hypot(x[..., 0], x[..., 1])
        far = (r > self.radius) & (r <= self.radius + 2 * reach)
        S = np.zeros((*shape, m, m))
        S[far] = self.series(x[far])
        shift = T @ (T.T @ S[far].mean(axis=0))  # a small S loses fewer digits
        S[far] -= shift
        H = np.zeros((*shape, m, m))
        H[constants.labels[:, 0], constants.labels[:, 1]] = constants.blocks
        H_hat = np.conj(np.fft.rfft2(H, axes=(0, 1)))
        source = -np.fft.irfft2(H_hat @ np.fft.rfft2(S, axes=(0, 1)), s=shape, axes=(0, 1))
        source[r > self.radius + reach] = 0.0
        source[0, 0] += np.eye(m)
        s_hat = np.fft.rfft2(source, axes=(0, 1))
        H_hat[0, 0] += abs(constants.blocks).max() * (T @ T.T)  # uniform motion: fixed below
        s_hat[0, 0] -= T @ (T.T @ s_hat[0, 0])
        w = np.fft.irfft2(np.linalg.solve(H_hat, s_hat), s=shape, axes=(0, 1))
        w -= T @ (T.T @ w[r > self.radius].mean(axis=0))
        mismatch = float(abs(w[r > self.radius]).max())
        w[r > self.radius] = 0.0
        w[r <= self.radius] += shift
        return w, mismatch


def _torus(constants: LineForceConstants, radius: float) -> tuple[Array, tuple[int, int]]:
    """Positions (N1, N2, 2) Å in the order of the discrete Fourier transform, and N1, N2: a disc fits in."""
    extent = np.ceil(radius * np.linalg.norm(np.linalg.inv(constants.plane), axis=0)).astype(int)
    shape = tuple(next_fast_len(int(2 * M + 1), real=True) for M in extent)
    if shape[0] * shape[1] > MAX_COLUMNS:
        raise UnstableCrystalError(
            f"the crystal is too close to an instability: its far field sets in only at {radius:.0f} Å"
        )
    n = np.stack(np.meshgrid(*[np.rint(np.fft.fftfreq(N) * N) for N in shape], indexing="ij"), axis=-1)
    return n @ constants.plane, (shape[0], shape[1])


def _box(low: Sequence[int] | IntArray, high: Sequence[int] | IntArray) -> IntArray:
    """All labels from low to high, both included, (…, …, 2)."""
    axes = [np.arange(a, b + 1) for a, b in zip(low, high, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def _kept_extent(extent: int) -> int:
    """The next power of √2: cells of similar radii share one table, at most twice as large as needed."""
    return next(K for K in (ceil(2 ** (k / 2)) for k in count()) if extent <= K)


def _translations(constants: LineForceConstants) -> Array:
    """(m, d) orthonormal columns: the uniform motions that cost nothing."""
    values, vectors = np.linalg.eigh(constants.blocks.sum(axis=0))
    free = abs(values) < NULL * abs(constants.blocks).max()
    if not free.any():
        raise InputError("the force constants hold the crystal in place: a translation must cost nothing")
    return np.asarray(vectors[:, free])


def _check_stability(constants: LineForceConstants) -> None:
    theta = np.pi * ((2 * np.arange(STABILITY_GRID) + 1) / STABILITY_GRID - 1)
    phases = np.stack(np.meshgrid(theta, theta[: STABILITY_GRID // 2], indexing="ij"), axis=-1).reshape(-1, 2)
    lowest = np.linalg.eigvalsh(constants.fourier(phases))[:, 0] / (4 * np.sin(phases / 2) ** 2).sum(axis=-1)
    if lowest.min() <= STABILITY_TOLERANCE * abs(constants.blocks).max():
        k = np.linalg.solve(constants.plane, phases[lowest.argmin()])
        raise UnstableCrystalError(
            f"the crystal is unstable against waves with k = ({k[0]:.3f}, {k[1]:.3f}) Å⁻¹ across the line"
        )
