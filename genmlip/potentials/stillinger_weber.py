"""Stillinger–Weber silicon and germanium; the built-in diamond references (``sw:Si``, ``sw:Ge``)."""

from __future__ import annotations

from dataclasses import astuple, dataclass

import numpy as np
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.potentials.base import SitePotential
from genmlip.potentials.neighbours import Neighbours


@dataclass(frozen=True)
class StillingerWeberParameters:
    """E = Σ_{i<j} φ2(r_ij) + Σ_i Σ_{j<k} φ3(r_ij, r_ik, θ_jik), both zero beyond a σ:

    φ2 = ε A [B (σ/r)^p − (σ/r)^q] exp(σ / (r − aσ)),
    φ3 = ε λ (cos θ − cos θ0)² exp(γσ / (r_ij − aσ)) exp(γσ / (r_ik − aσ)).
    """

    epsilon: float  # eV
    sigma: float  # Å
    lam: float
    A: float = 7.049556277
    B: float = 0.6022245584
    p: float = 4.0
    q: float = 0.0
    a: float = 1.80
    gamma: float = 1.20
    cos_theta0: float = -1.0 / 3.0


SILICON = StillingerWeberParameters(epsilon=2.1683, sigma=2.0951, lam=21.0)
"""Stillinger & Weber, Phys. Rev. B 31, 5262 (1985)."""

GERMANIUM = StillingerWeberParameters(epsilon=1.93, sigma=2.181, lam=31.0)
"""Ding & Andersen, Phys. Rev. B 34, 6987 (1986)."""


class StillingerWeber(SitePotential):
    """The Stillinger–Weber potential of one element.

    Site energies: V_i = ½ Σ_j φ2(r_ij) + Σ_{j<k} φ3(r_ij, r_ik, θ_jik), a triple belongs to its apex.
    """

    def __init__(self, symbol: str = "Si", parameters: StillingerWeberParameters = SILICON) -> None:
        super().__init__()
        self.parameters = parameters
        self.symbols = (symbol,)
        self.cutoff = parameters.a * parameters.sigma
        self.spec = f"sw:{symbol}"
        self._constants = np.array(astuple(parameters))

    def site_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        stillinger_weber_sites(neighbours.first, vectors, self._constants, energies, gradients)

    def site_hessian(self, species: IntArray, vectors: Array) -> Array:
        """Closed form of :meth:`SitePotential.site_hessian`.

        With unit vectors n_j, P_j = ∂n_j/∂r_j = (1 − n_j⊗n_j)/r_j, c = n_j·n_k, d_jk = ∂c/∂r_j = P_j n_k and
        φ3 = Λ g_j g_k s², s = c − c0, all follows from ∂d_jk/∂r_j = −(n_j⊗d_jk + d_jk⊗n_j + c P_j)/r_j and
        ∂d_jk/∂r_k = P_j P_k.
        """
        x = self.parameters
        r = np.linalg.norm(vectors, axis=1)
        hessian = np.zeros((len(r), 3, len(r), 3))
        inside = np.flatnonzero(r < self.cutoff)
        r, n = r[inside], vectors[inside] / r[inside, None]
        nn = np.einsum("ja,jb->jab", n, n)
        P = (np.eye(3) - nn) / r[:, None, None]
        g, g1, g2 = _screening(r - self.cutoff, x.gamma * x.sigma)
        c = n @ n.T
        s = c - x.cos_theta0
        np.fill_diagonal(s, 0.0)  # no triple (j, j)
        triple = 1.0 - np.eye(len(r))
        d = np.einsum("jab,kb->jka", P, n)
        L = x.epsilon * x.lam
        pair_slope, pair_curvature = _pair_derivatives(r, x)

        # ∂²/∂r_j∂r_k, j ≠ k
        block = L * (
            np.einsum("j,k,jk,ja,kb->jakb", g1, g1, s**2, n, n)
            + 2.0 * np.einsum("j,k,jk,ja,kjb->jakb", g1, g, s, n, d)
            + 2.0 * np.einsum("j,k,jk,jka,kb->jakb", g, g1, s, d, n)
            + 2.0 * np.einsum("j,k,jk,jka,kjb->jakb", g, g, triple, d, d)
            + 2.0 * np.einsum("j,k,jk,jac,kcb->jakb", g, g, s, P, P)
        )
        # ∂²/∂r_j∂r_j
        nd = np.einsum("ja,jkb->jkab", n, d)
        nd = nd + nd.transpose(0, 1, 3, 2)
        dd_dr = -(nd + np.einsum("jk,jab->jkab", c, P)) / r[:, None, None, None]
        diagonal = (
            np.einsum("j,jab->jab", 0.5 * pair_curvature + L * g2 * (s**2 @ g), nn)
            + np.einsum("j,jab->jab", 0.5 * pair_slope + L * g1 * (s**2 @ g), P)
            + 2.0 * L * np.einsum("j,k,jk,jkab->jab", g1, g, s, nd)
            + 2.0 * L * np.einsum("j,k,jk,jka,jkb->jab", g, g, triple, d, d)
            + 2.0 * L * np.einsum("j,k,jk,jkab->jab", g, g, s, dd_dr)
        )
        j = np.arange(len(r))
        block[j, :, j, :] += diagonal
        hessian[inside[:, None], :, inside, :] = block.transpose(0, 2, 1, 3)
        return hessian


def _screening(x: Array, width: float) -> tuple[Array, Array, Array]:
    """g = exp(width / x) with its first two derivatives; x = r − aσ < 0."""
    g = np.exp(width / x)
    return g, -width / x**2 * g, (width**2 / x**4 + 2.0 * width / x**3) * g


def _pair_derivatives(r: Array, x: StillingerWeberParameters) -> tuple[Array, Array]:
    """φ2′ and φ2″ at distances r < aσ."""
    g, g1, g2 = _screening(r - x.a * x.sigma, x.sigma)
    repulsion, attraction = x.B * (x.sigma / r) ** x.p, (x.sigma / r) ** x.q
    h = repulsion - attraction
    h1 = -(x.p * repulsion - x.q * attraction) / r
    h2 = (x.p * (x.p + 1.0) * repulsion - x.q * (x.q + 1.0) * attraction) / r**2
    scale = x.epsilon * x.A
    return scale * (h1 * g + h * g1), scale * (h2 * g + 2.0 * h1 * g1 + h * g2)


@njit(cache=True, nogil=True)
def stillinger_weber_sites(first, vectors, constants, energies, gradients):  # type: ignore[no-untyped-def]
    """V_i and ∂V_i/∂r_ij: first the pairs, keeping those inside the cutoff, then the triples among these."""
    epsilon, sigma, lam, A, B, p, q, a, gamma, cos_theta0 = constants
    cutoff, width = a * sigma, gamma * sigma
    widest = 0
    for m in range(first.size - 1):
        widest = max(widest, first[m + 1] - first[m])
    inside = np.empty(widest, np.int64)
    n, inverse = np.empty((widest, 3)), np.empty(widest)  # unit vectors, 1 / r
    g, slope = np.empty(widest), np.empty(widest)  # screening exp(γσ / (r − aσ)) and its derivative
    for m in range(first.size - 1):
        energy, count = 0.0, 0
        for e in range(first[m], first[m + 1]):
            x, y, z = vectors[e, 0], vectors[e, 1], vectors[e, 2]
            r = np.sqrt(x * x + y * y + z * z)
            pair_slope = 0.0
            if r < cutoff:
                t = 1.0 / (r - cutoff)
                decay = 0.5 * epsilon * A * np.exp(sigma * t)
                repulsion, attraction = B * (sigma / r) ** p, (sigma / r) ** q
                energy += (repulsion - attraction) * decay
                pair_slope = -decay * (
                    (p * repulsion - q * attraction) / r + (repulsion - attraction) * sigma * t * t
                )
                inside[count], inverse[count] = e, 1.0 / r
                n[count, 0], n[count, 1], n[count, 2] = x / r, y / r, z / r
                g[count] = np.exp(width * t)
                slope[count] = -width * t * t * g[count]
                count += 1
            for k in range(3):
                gradients[e, k] = pair_slope * vectors[e, k] / r
        for j in range(count):
            for k in range(j):
                c = n[j, 0] * n[k, 0] + n[j, 1] * n[k, 1] + n[j, 2] * n[k, 2]
                s = c - cos_theta0
                strength = epsilon * lam * s
                energy += strength * s * g[j] * g[k]
                bend = 2.0 * strength * g[j] * g[k]  # ∂φ3/∂c
                stretch_j, stretch_k = strength * s * slope[j] * g[k], strength * s * g[j] * slope[k]
                bend_j, bend_k = bend * inverse[j], bend * inverse[k]
                for b in range(3):
                    gradients[inside[j], b] += stretch_j * n[j, b] + bend_j * (n[k, b] - c * n[j, b])
                    gradients[inside[k], b] += stretch_k * n[k, b] + bend_k * (n[j, b] - c * n[k, b])
        energies[m] = energy
