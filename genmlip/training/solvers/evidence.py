"""Probability of the labels when the coefficients are integrated out, as a function of the variances.

The model, for every kind of observation t (energies, forces, virials) with its own noise:

    y_t = A_t c + σ_t ε,   Γ_k c_k = α_k^{−1/2} ε′,   ε, ε′ independent standard normal.

MacKay, Neural Computation 4, 415 (1992); Bishop, Pattern Recognition and Machine Learning, sec. 3.5. There
AᵀA is formed; here all follows from one triangle T, with B_t = R_t Γ⁻¹ and d = Γ c:

    [B_t / σ_t, z_t / σ_t; diag(√α), 0] = Q [T q; 0 e]

T d̂ = q is the posterior mean, T⁻¹T⁻ᵀ its covariance and e² the smallest value of the penalised loss.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.linalg.blas import dtrmm
from scipy.linalg.lapack import dtrtri, dtrtrs

from genmlip._types import Array, BoolArray
from genmlip.errors import InputError
from genmlip.training.solvers.spectrum import check_prior
from genmlip.training.streamed_qr import ReducedSystem, fold, stacked


@dataclass(frozen=True)
class Evidence:
    """The evidence of a reduced system, to be evaluated at given variances.

    triangles : by kind of observation, [B_t z_t; 0 ρ_t], (K + 1, K + 1)
    n_rows : equations of every kind, in the same order
    """

    triangles: Mapping[str, Array]
    n_rows: Array

    @classmethod
    def of(cls, system: ReducedSystem, prior: Array, separate_noise: bool) -> Evidence:
        """One noise for each part of ``system`` that holds equations, or a single one for all of it.

        Raises InputError for a system without equations, and as :func:`check_prior` does.
        """
        if system.n_rows < 1:
            raise InputError(
                "no equation is left to estimate the noise from: add configurations or use Ridge"
            )
        scale = np.append(check_prior(system, prior), 1.0)
        parts = {name: part for name, part in system.parts.items() if part.n_rows > 0}
        if not (separate_noise and parts):
            parts = {"all": system}
        n_rows = np.array([part.n_rows for part in parts.values()], dtype=float)
        return cls({name: part.triangle / scale for name, part in parts.items()}, n_rows)

    @property
    def n_columns(self) -> int:
        """K."""
        return len(next(iter(self.triangles.values()))) - 1

    def residuals(self, d: Array) -> Array:
        """Root mean square residual of every kind at d = Γ c, (K,)."""
        norms = [np.linalg.norm(triangle @ np.append(d, -1.0)) for triangle in self.triangles.values()]
        return np.array(norms) / np.sqrt(self.n_rows)

    def restricted(self, columns: BoolArray) -> Evidence:
        """The same with the functions where ``columns`` (K,) is true; the others' coefficients are zero."""
        keep = np.append(columns, True)
        smaller = {}
        for name, triangle in self.triangles.items():
            smaller[name] = np.zeros((int(keep.sum()),) * 2, order="F")
            fold(smaller[name], np.asfortranarray(triangle[:, keep]))
        return Evidence(smaller, self.n_rows)

    def at(self, noise: Array, precision: Array) -> Marginal:
        """``noise``: σ_t in the order of the kinds; ``precision``: α, (K,)."""
        K = self.n_columns
        prior = np.zeros((K + 1, K + 1), order="F")
        np.fill_diagonal(prior[:-1, :-1], np.sqrt(precision))
        whole = stacked([prior, *(t / s for t, s in zip(self.triangles.values(), noise, strict=True))])
        T, q = whole[:-1, :-1], whole[:-1, -1]
        logarithm = -0.5 * (
            float(self.n_rows @ np.log(2.0 * np.pi * noise**2))
            + 2.0 * float(np.log(np.abs(np.diag(T))).sum())
            - float(np.log(precision).sum())
            + float(whole[-1, -1]) ** 2
        )
        mean, _ = dtrtrs(T, q)
        inverse, _ = dtrtri(T)
        return Marginal(self, noise, precision, logarithm, mean, np.triu(inverse))


@dataclass(frozen=True)
class Marginal:
    """Evidence and posterior at one set of variances.

    logarithm : ln p(y); where E0 was eliminated, of what E0 cannot explain
    mean : d̂, (K,)
    factor : T⁻¹, (K, K) upper triangular; the covariance of d is T⁻¹T⁻ᵀ
    """

    evidence: Evidence
    noise: Array
    precision: Array
    logarithm: float
    mean: Array
    factor: Array

    @property
    def variances(self) -> Array:
        """(K,) posterior variances of d."""
        return np.einsum("kj,kj->k", self.factor, self.factor)

    @property
    def determined(self) -> Array:
        """(K,) γ_k between 0 and 1: how far the data determine d_k; their sum is the degrees of freedom."""
        return 1.0 - self.precision * self.variances

    @property
    def best_precision(self) -> Array:
        """(K,) where the evidence is largest as a function of one α_k alone: γ² / (d̂² − γ Σ_kk), or infinite.

        Faul & Tipping, Adv. Neural Inf. Process. Syst. 14, 383 (2002), in the quantities of all functions.
        """
        gamma, excess = self.determined, self.mean**2 - self.determined * self.variances
        return np.divide(gamma**2, excess, out=np.full_like(gamma, np.inf), where=excess > 0.0)

    @property
    def gain(self) -> Array:
        """(K,) by how much ln p would rise if one α_k alone were moved to its best value."""
        ratio = self.mean**2 / np.maximum(self.determined * self.variances, np.finfo(float).tiny)
        best = np.where(ratio > 1.0, ratio - 1.0 - np.log(np.maximum(ratio, 1.0)), 0.0)
        return 0.5 * (best - np.log(self.precision * self.variances) - self.mean**2 / self.variances)

    @property
    def slope_of_noise(self) -> Array:
        """∂ ln p / ∂ ln σ_t."""
        squares = [self._expected_square(triangle) for triangle in self.evidence.triangles.values()]
        return np.array(squares) / self.noise**2 - self.evidence.n_rows

    @property
    def slope_of_precision(self) -> Array:
        """∂ ln p / ∂ ln α_k, (K,)."""
        return 0.5 * (1.0 - self.precision * (self.mean**2 + self.variances))

    def _expected_square(self, triangle: Array) -> float:
        """Posterior mean of ‖A_t c − y_t‖²."""
        misfit = triangle @ np.append(self.mean, -1.0)
        spread = dtrmm(1.0, triangle[:-1, :-1], self.factor)
        return float(misfit @ misfit) + float(np.einsum("ij,ij->", spread, spread))
