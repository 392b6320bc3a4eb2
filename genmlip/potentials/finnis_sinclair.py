"""Finnis–Sinclair tungsten as modified by Ackland and Thetford; the built-in bcc reference (``fs:W``)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.potentials.embedded_pair import EmbeddedPair, Functions, embedded_pair_hessian


@dataclass(frozen=True)
class FinnisSinclairParameters:
    """E = ½ Σ V(r) − A Σ √ρ with ρ = Σ (r − d)² for r < d.

    V = (r − c)² (c0 + c1 r + c2 r²) for r < c, plus B (b0 − r)³ exp(−α r) for r < b0.
    Finnis & Sinclair, Phil. Mag. A 50, 45 (1984); Ackland & Thetford, Phil. Mag. A 56, 15 (1987).
    """

    symbol: str
    A: float
    d: float
    c: float
    c0: float
    c1: float
    c2: float
    B: float
    alpha: float
    b0: float


TUNGSTEN = FinnisSinclairParameters(
    symbol="W", A=1.896373, d=4.400224, c=3.25, c0=47.1346499, c1=-33.7665655, c2=6.2541999,
    B=90.3, alpha=1.2, b0=2.7411,
)  # fmt: skip


class FinnisSinclair(EmbeddedPair):
    """The Finnis–Sinclair potential of one element."""

    def __init__(self, parameters: FinnisSinclairParameters = TUNGSTEN) -> None:
        super().__init__()
        self.parameters = parameters
        self.symbols = (parameters.symbol,)
        self.cutoff = max(parameters.c, parameters.d)
        self.spec = f"fs:{parameters.symbol}"
        p = parameters
        self._constants = np.array([p.A, p.d, p.c, p.c0, p.c1, p.c2, p.B, p.alpha, p.b0])

    def radial(self, alpha: int, beta: int, squared: Array, out: Functions) -> None:
        radial_functions(self._constants, squared, *out)

    def embedding(self, alpha: int, density: Array) -> tuple[Array, Array]:
        root = np.sqrt(density)
        slope = np.divide(-0.5 * self.parameters.A, root, out=np.zeros_like(root), where=root > 0.0)
        return -self.parameters.A * root, slope

    def site_hessian(self, species: IntArray, vectors: Array) -> Array:
        x = self.parameters
        r = np.linalg.norm(vectors, axis=1)
        reach = np.minimum(r - x.d, 0.0)
        density = float(reach @ reach)
        if density == 0.0:  # √ρ has no derivatives at ρ = 0; no neighbour within d, and c < d
            return np.zeros((len(r), 3, len(r), 3))
        slope, curvature = _pair_derivatives(r, x)
        F1, F2 = -0.5 * x.A / density**0.5, 0.25 * x.A / density**1.5
        return embedded_pair_hessian(
            vectors,
            0.5 * slope + F1 * 2.0 * reach,
            0.5 * curvature + F1 * 2.0 * (reach < 0.0),
            2.0 * reach,
            F2,
        )


def _pair_derivatives(r: Array, x: FinnisSinclairParameters) -> tuple[Array, Array]:
    """V′ and V″ at distances r."""
    s, t = np.minimum(r - x.c, 0.0), np.maximum(x.b0 - r, 0.0)
    q, q1, q2 = x.c0 + x.c1 * r + x.c2 * r**2, x.c1 + 2.0 * x.c2 * r, 2.0 * x.c2
    core = x.B * np.exp(-x.alpha * r)
    slope = 2.0 * s * q + s**2 * q1 - core * t**2 * (3.0 + x.alpha * t)
    curvature = 2.0 * (s < 0.0) * q + 4.0 * s * q1 + s**2 * q2
    curvature += core * t * (6.0 + 6.0 * x.alpha * t + (x.alpha * t) ** 2)
    return slope, curvature


@njit(cache=True, nogil=True, error_model="numpy")
def radial_functions(constants, squared, f, phi, f1, phi1):  # type: ignore[no-untyped-def]
    """f = (r − d)², φ = V, f′/r and φ′/r; the exponential, which few pairs need, in a loop of its own."""
    _, d, c, c0, c1, c2, B, alpha, b0 = constants
    for q in range(len(squared)):
        r = np.sqrt(squared[q])
        inverse = 1.0 / r
        s, t = min(r - c, 0.0), min(r - d, 0.0)
        polynomial = c0 + r * (c1 + r * c2)
        f[q] = t * t
        phi[q] = s * s * polynomial
        f1[q] = 2.0 * t * inverse
        phi1[q] = s * (2.0 * polynomial + s * (c1 + 2.0 * c2 * r)) * inverse
    for q in range(len(squared)):
        if squared[q] < b0 * b0:
            r = np.sqrt(squared[q])
            t = b0 - r
            e = B * t * t * np.exp(-alpha * r)
            phi[q] += e * t
            phi1[q] -= e * (3.0 + alpha * t) / r
