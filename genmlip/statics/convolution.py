"""Convolution with a lattice function on the sites of a plane lattice, by fast Fourier transform."""

from __future__ import annotations

import numpy as np
from scipy.fft import irfft2, next_fast_len, rfft2

from genmlip._types import Array, IntArray


class LatticeConvolution:
    """u_i = Σ_j G(n_i − n_j) q_j over sites that are given by their lattice coordinates.

    The grid is padded so far that nothing wraps around: the sum is that of the infinite lattice.

    table : (2 M1 + 1, 2 M2 + 1, m, m), G(n) for n from −M to M, m = 3 × number of sublattices, the sublattice
        slowest; M at least the extent of the sites
    label : (n, 3) lattice coordinates and sublattice of every site
    """

    def __init__(self, table: Array, label: IntArray) -> None:
        m = table.shape[-1]
        low = label[:, :2].min(axis=0)
        extent = label[:, :2].max(axis=0) - low
        reach = (np.array(table.shape[:2]) - 1) // 2
        if (extent > reach).any():
            raise ValueError(f"the table reaches {reach}, the sites lie up to {extent} apart")
        self._shape = tuple(int(next_fast_len(int(2 * k + 1), real=True)) for k in extent)
        self._at = tuple((label[:, :2] - low).T)
        self._component = 3 * label[:, 2][:, None] + np.arange(3)
        wrapped = np.zeros((m, m, *self._shape))
        n1, n2 = (np.arange(-k, k + 1) for k in extent)
        kernel = table[n1[:, None] + reach[0], n2[None, :] + reach[1]]
        wrapped[:, :, n1[:, None] % self._shape[0], n2[None, :] % self._shape[1]] = np.moveaxis(
            kernel, (0, 1), (2, 3)
        )
        self._kernel = rfft2(wrapped)

    def __call__(self, q: Array) -> Array:
        """(n, 3) → (n, 3)."""
        n1, n2 = (a[:, None] for a in self._at)
        grid = np.zeros((len(self._kernel), *self._shape))
        grid[self._component, n1, n2] = q
        spread = np.einsum("abxy,bxy->axy", self._kernel, rfft2(grid))
        u = irfft2(spread, s=self._shape)
        return np.ascontiguousarray(u[self._component, n1, n2])
