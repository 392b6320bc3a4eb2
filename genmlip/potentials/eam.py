"""Embedded-atom potentials from setfl tables (``eam:FILE``): the same function as in LAMMPS.

The tables are interpolated by LAMMPS' cubic Hermite polynomials, with slopes from five-point differences.
They are continuous with their first derivative; second derivatives jump at the knots, by little where the
tables are fine.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.potentials.embedded_pair import EmbeddedPair, Functions, embedded_pair_hessian
from genmlip.potentials.setfl import Tables, read_setfl


class EmbeddedAtom(EmbeddedPair):
    """V_i = F_α(ρ_i) + ½ Σ_j φ_αβ(r_ij) with ρ_i = Σ_j f_αβ(r_ij); α, β the elements of i and j.

    Daw & Baskes, Phys. Rev. B 29, 6443 (1984). Where f depends on α too (eam/fs) this is the alloy form of
    Finnis and Sinclair. Beyond the table F continues along its last slope, as in LAMMPS.
    """

    def __init__(self, tables: Tables, spec: str = "eam") -> None:
        super().__init__()
        self.tables, self.spec = tables, spec
        self.symbols, self.cutoff = tables.symbols, tables.cutoff
        self._embedding = hermite_coefficients(tables.embedding)
        # density and pair function side by side: one knot is one line of the processor's cache
        self._radial = np.concatenate(
            [hermite_coefficients(tables.density), hermite_coefficients(tables.pair)], axis=-1
        )

    @classmethod
    def from_file(cls, path: str | Path) -> EmbeddedAtom:
        """From a setfl file; raises InputError, FileFormatError."""
        return cls(read_setfl(path), spec=f"eam:{path}")

    def radial(self, alpha: int, beta: int, squared: Array, out: Functions) -> None:
        radial_functions(self._radial[alpha, beta], self.tables.delta_r, self.cutoff, squared, *out)

    def embedding(self, alpha: int, density: Array) -> tuple[Array, Array]:
        F, slope, _ = evaluate_table(self._embedding[alpha], self.tables.delta_rho, density)
        return F, slope

    def site_hessian(self, species: IntArray, vectors: Array) -> Array:
        t = self.tables
        r = np.linalg.norm(vectors, axis=1)
        f, f1, f2, z, z1, z2 = np.where(r < t.cutoff, self._radial_functions(species, r), 0.0)
        slope = 0.5 * (z1 - z / r) / r  # z = r φ
        curvature = 0.5 * (z2 - 2.0 * z1 / r + 2.0 * z / r**2) / r
        _, F1, F2 = evaluate_table(self._embedding[species[0]], t.delta_rho, f.sum(keepdims=True))
        return embedded_pair_hessian(vectors, slope + F1 * f1, curvature + F1 * f2, f1, float(F2[0]))

    def _radial_functions(self, species: IntArray, r: Array) -> Array:
        """f, f′, f″, z, z′, z″ of each neighbour of a site of element ``species[0]``, (6, n)."""
        result = np.empty((6, len(r)))
        for beta in np.unique(species[1:]):
            of_beta = species[1:] == beta
            table = self._radial[species[0], beta]
            result[:3, of_beta] = evaluate_table(table[:, :4], self.tables.delta_r, r[of_beta])
            result[3:, of_beta] = evaluate_table(table[:, 4:], self.tables.delta_r, r[of_beta])
        return result


def hermite_coefficients(values: Array) -> Array:
    """LAMMPS' interpolation: (..., n) values at the knots → (..., n − 1, 4), the cubics between them.

    On interval k, with p = x/Δ − k in [0, 1], the function is ((c0 p + c1) p + c2) p + c3. The slopes at the
    knots are five-point central differences; three points next to the ends, one-sided at the ends themselves.
    """
    slope = np.empty_like(values)
    near, far = values[..., 3:-1] - values[..., 1:-3], values[..., 4:] - values[..., :-4]
    slope[..., 2:-2] = (8.0 * near - far) / 12.0
    slope[..., 1] = 0.5 * (values[..., 2] - values[..., 0])
    slope[..., -2] = 0.5 * (values[..., -1] - values[..., -3])
    slope[..., 0] = values[..., 1] - values[..., 0]
    slope[..., -1] = values[..., -1] - values[..., -2]
    rise = np.diff(values)
    left, right = slope[..., :-1], slope[..., 1:]
    cubic, quadratic = left + right - 2.0 * rise, 3.0 * rise - 2.0 * left - right
    return np.stack([cubic, quadratic, left, values[..., :-1]], axis=-1)


def evaluate_table(coefficients: Array, delta: float, x: Array) -> tuple[Array, Array, Array]:
    """Value and first two derivatives of one table (n − 1, 4) at ``x`` (m,), for the site Hessian.

    Beyond its end the table continues linearly.
    """
    last = len(coefficients)
    k = np.clip(np.floor(x / delta).astype(np.int64), 0, last - 1)
    p = np.minimum(x / delta - k, 1.0)
    c0, c1, c2, c3 = coefficients[k].T
    beyond = np.maximum(x - last * delta, 0.0)
    slope = ((3.0 * c0 * p + 2.0 * c1) * p + c2) / delta
    curvature = np.where(beyond > 0.0, 0.0, (6.0 * c0 * p + 2.0 * c1) / delta**2)
    return ((c0 * p + c1) * p + c2) * p + c3 + slope * beyond, slope, curvature


@njit(cache=True, nogil=True, error_model="numpy")
def radial_functions(table, delta, cutoff, squared, f, phi, f1, phi1):  # type: ignore[no-untyped-def]
    """f, φ, f′/r and φ′/r from a row of eight coefficients per interval, those of f and of z = rφ.

    Roots and quotients come first, in a loop without branches, which runs on several pairs at a time.
    """
    last, per = len(table) - 1, 1.0 / delta
    for q in range(len(squared)):
        r = np.sqrt(squared[q])
        f1[q], phi1[q] = r * per, 1.0 / r
    for q in range(len(squared)):
        if squared[q] >= cutoff * cutoff:
            f[q], phi[q], f1[q], phi1[q] = 0.0, 0.0, 0.0, 0.0
            continue
        p, inverse = f1[q], phi1[q]
        k = np.uint32(min(p, last))
        p = min(p - k, 1.0)
        c = table[k]
        pair = (((c[4] * p + c[5]) * p + c[6]) * p + c[7]) * inverse
        f[q] = ((c[0] * p + c[1]) * p + c[2]) * p + c[3]
        phi[q] = pair
        f1[q] = ((3.0 * c[0] * p + 2.0 * c[1]) * p + c[2]) * per * inverse
        phi1[q] = (((3.0 * c[4] * p + 2.0 * c[5]) * p + c[6]) * per - pair) * inverse * inverse
