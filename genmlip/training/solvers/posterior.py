"""The Gaussian posterior of the coefficients: how uncertain they are, and what is predicted from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genmlip._types import Array


@dataclass(frozen=True)
class Posterior:
    """Coefficients are normal with covariance F Fᵀ around those of the solution.

    factor : F, (K, r) with r ≤ K
    noise : standard deviation of one weighted equation, by kind of observation
    """

    factor: Array
    noise: Mapping[str, float]

    @property
    def covariance(self) -> Array:
        """(K, K)."""
        return self.factor @ self.factor.T

    @property
    def deviations(self) -> Array:
        """(K,) standard deviation of every coefficient."""
        return np.linalg.norm(self.factor, axis=1)

    def variance(self, rows: Array) -> Array:
        """Variance of ``rows @ c``, without noise: (m, K) design rows → (m,), a single row → ().

        That of forces and virials. Energies have E0 besides: where it was fitted along it is correlated with
        c and makes up for much of this, so that only rows of energy differences at one composition count.
        """
        return np.sum((rows @ self.factor) ** 2, axis=-1)

    def sample(self, n: int, rng: np.random.Generator) -> Array:
        """(n, K) random deviations of the coefficients from those of the solution."""
        return rng.standard_normal((n, self.factor.shape[1])) @ self.factor.T
