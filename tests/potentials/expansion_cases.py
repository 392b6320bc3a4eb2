"""Expansions of every kind that a kernel must serve, and their energy by the definition."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.potentials.ace.basis import ACEBasis
from genmlip.potentials.ace.expansion import Centre, Embedding, Expansion
from genmlip.potentials.ace.harmonics import real_harmonics
from genmlip.potentials.ace.radial import RadialBasis


@dataclass(frozen=True)
class GaussianCore:
    """strength · exp(−λ r²) / r, times (1 − r/cutoff)⁹: smooth enough for differences across the cutoff."""

    cutoff: float = 4.0
    strength: float = 6e4

    def __call__(self, r: Array) -> tuple[Array, Array]:
        edge = np.maximum(1 - r / self.cutoff, 0.0)
        bare = self.strength * np.exp(-0.4 * r * r) / r
        return bare * edge**9, -bare * edge**8 * ((0.8 * r + 1 / r) * edge + 9 / self.cutoff)


def linear_tungsten(seed: int = 0) -> Expansion:
    """One species, one density."""
    basis = ACEBasis(("W",), 5.0, (8.0, 8.0, 7.0, 6.0), 1.0, 2.7)
    w = basis.coefficients.T @ random_coefficients(basis, 1, seed)
    centre = Centre(-3.0, basis.moments, basis.monomials, w)
    return Expansion(("W",), (centre,), ((basis.radial,),), ((None,),))


def embedded_alloy(seed: int = 0, kind: str = "FinnisSinclairShiftedScaled") -> Expansion:
    """Two species that differ in everything: radial functions, cutoffs, densities, embedding, cores."""
    basis = ACEBasis(("Ta", "W"), 4.6, (5.0, 5.0, 5.0), 1.0, 2.7)
    n_max = basis.radial.n_max
    exponents = ((1.0, 0.5, 0.7), (0.5, 1.0, 1.4))
    switches = ((5.0, 5.0), None)
    centres = tuple(
        Centre(
            -2.0 - z,
            basis.moments,
            basis.monomials,
            basis.coefficients.T @ random_coefficients(basis, 3, seed + z),
            Embedding((1.0, -0.8, 0.3), exponents[z], kind),
            switches[z],
        )
        for z in range(2)
    )
    radial = tuple(
        tuple(RadialBasis(4.2 + 0.2 * (i + j), 2.6 + 0.1 * j, n_max, core=4 + 2 * i) for j in range(2))
        for i in range(2)
    )
    cores = ((GaussianCore(), GaussianCore(4.1, 3e4)), (GaussianCore(4.1, 400.0), None))
    return Expansion(("Ta", "W"), centres, radial, cores)


def random_coefficients(basis: ACEBasis, n_densities: int, seed: int) -> Array:
    """(functions, densities), smaller the higher the degree, with some that vanish."""
    rng = np.random.default_rng(seed)
    c = 3.0 * rng.normal(size=(basis.n_functions, n_densities)) / np.sqrt(basis.smoothness_prior)[:, None]
    c[rng.random(c.shape) < 0.1] = 0.0
    return c


def without_embedding(expansion: Expansion) -> Expansion:
    """The same densities, each of them an energy."""
    plain = tuple(
        replace(c, embedding=Embedding(c.embedding.prefactors, (1.0,) * len(c.embedding.exponents)))
        for c in expansion.centres
    )
    return replace(expansion, centres=plain)


def site_densities(expansion: Expansion, species: IntArray, vectors: Array) -> tuple[Array, float]:
    """ρ (P,) and φ (eV) of one site by the definition; ``species`` (n + 1,), the centre first."""
    z = species[0]
    centre = expansion.centres[z]
    r = np.linalg.norm(vectors, axis=1)
    Y = real_harmonics(vectors, expansion.lmax)[0]
    A, phi = np.zeros(len(centre.moments) + 1), 0.0
    A[-1] = 1.0  # what the padding of monomials stands for
    for k in range(len(r)):
        functions, core = expansion.radial[z][species[k + 1]], expansion.cores[z][species[k + 1]]
        R = functions(r[k : k + 1])[0][:, 0] * (r[k] < functions.cutoff)
        mine = centre.moments[:, 0] == species[k + 1]
        A[:-1][mine] += R[centre.moments[mine, 1]] * Y[centre.moments[mine, 2], k]
        if core is not None:
            phi += float(core(r[k : k + 1])[0][0])
    return centre.weights.T @ A[centre.monomials].prod(axis=1), phi


def cluster(n_neighbours: int, n_species: int, seed: int = 0) -> tuple[IntArray, Array]:
    """Species (n + 1,) and vectors (n, 3) of a site whose neighbours lie at 1.9 to 5.2 Å."""
    rng = np.random.default_rng(seed)
    directions = rng.normal(size=(n_neighbours, 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    r = 1.9 + 3.3 * ((np.arange(n_neighbours) + rng.random(n_neighbours)) / n_neighbours) ** 0.7
    return rng.integers(0, n_species, n_neighbours + 1), directions * r[:, None]
