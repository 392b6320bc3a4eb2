"""The form every ACE potential takes before it is evaluated.

    A_v = Σ_j R_c^{z_i z_j}(r_ij) Y_lm(r̂_ij),  v = (z, c, l m),  over the neighbours j of species z,
    ρ_p = Σ_t w_tp A_{v_1(t)} A_{v_2(t)} …,      p = 1 … P densities,
    φ   = Σ_j φ^{z_i z_j}(r_ij),                 repulsive cores,
    E_i = E0_{z_i} + s(φ) F(ρ_1, …, ρ_P) + φ.

Y are the real harmonics of :mod:`harmonics`. A radial channel c is any function of the distance, so that
bases with R_n and with R_nl, and cores that switch them off, look alike here. F is the embedding, F = ρ_1 for
a linear expansion; s switches the expansion off where the cores overlap (s = 1 without).

Drautz, Phys. Rev. B 99, 014104 (2019); Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from genmlip._types import Array, IntArray


class RadialFunctions(Protocol):
    """The radial channels of an ordered pair of species (centre, neighbour)."""

    @property
    def cutoff(self) -> float:
        """Å; all channels and the core vanish, with two derivatives, from here on."""
        ...

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """R_c(r) and dR_c/dr, each (channels, len(r))."""
        ...


class RepulsiveCore(Protocol):
    """The repulsion φ of an ordered pair of species; a pair of atoms counts it at both of its ends."""

    @property
    def cutoff(self) -> float:
        """Å; φ vanishes, with its slope, from here on."""
        ...

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """φ(r) eV and dφ/dr eV/Å, each (len(r),), for r > 0; may diverge as r → 0."""
        ...


@dataclass(frozen=True)
class Embedding:
    """F(ρ_1 … ρ_P) = Σ_p w_p f(ρ_p; m_p).

    f(ρ; 1) = ρ; otherwise ``kind`` says which function of the power m: "FinnisSinclair" or
    "FinnisSinclairShiftedScaled", both as the format .yace means them.
    """

    prefactors: tuple[float, ...] = (1.0,)
    exponents: tuple[float, ...] = (1.0,)
    kind: str = "FinnisSinclairShiftedScaled"


@dataclass(frozen=True, eq=False)
class Centre:
    """The expansion about atoms of one species.

    E0 : eV, energy of the free atom
    moments : (n_A, 3) species of the neighbours, radial channel, harmonic l² + l + m; sorted by species
    monomials : (T, order) density moments of every product, sorted, padded with −1
    weights : (T, P) of every product in every density
    embedding : F
    core_switch : (φ_cut, Δφ) eV of s(φ): 1 below φ_cut − Δφ, 0 above φ_cut; None for s = 1
    """

    E0: float
    moments: IntArray
    monomials: IntArray
    weights: Array
    embedding: Embedding = Embedding()
    core_switch: tuple[float, float] | None = None


@dataclass(frozen=True, eq=False)
class Expansion:
    """A complete potential.

    symbols : elements, in the order of the species index
    centres : one per species
    radial : radial[z_i][z_j]; the number of channels is the same for all neighbours of a centre
    cores : cores[z_i][z_j], None where there is none
    """

    symbols: tuple[str, ...]
    centres: tuple[Centre, ...]
    radial: tuple[tuple[RadialFunctions, ...], ...]
    cores: tuple[tuple[RepulsiveCore | None, ...], ...]

    @property
    def cutoff(self) -> float:
        """Å, the largest of all pairs."""
        pairs = [functions.cutoff for row in self.radial for functions in row]
        return max(pairs + [core.cutoff for row in self.cores for core in row if core is not None])

    @property
    def lmax(self) -> int:
        """Largest angular momentum in use."""
        return max(int(np.sqrt(centre.moments[:, 2].max(initial=0))) for centre in self.centres)
