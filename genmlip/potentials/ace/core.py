"""Close atoms repel: what takes over from the expansion where the data of its fit end.

A neighbour nearer than r_in is seen by the expansion at a distance ρ > r, and a core φ acts on it:

    V_i(…, R_n(ρ(r_ij)) Y_lm(r̂_ij), …) + Σ_j (1 − w(r_ij)) φ(r_ij),        dρ/dr = w,   w = 1 for r ≥ r_in,

with a smoothstep w that is zero within r_in − Δ. There ρ rests at r_in − Δ/2: polynomials are never asked
what they would say at a distance that no data have told them of, the energy they give stays what it is near
r_in, and the core alone says how it changes with the distance. Where no two atoms are closer than r_in
nothing changes at all. (To fade the functions themselves, w R_n, would be simpler and is dangerous:
contributions of different correlation order, hundreds of eV that cancel, fade at different rates.)

φ is half of the universal repulsion of Ziegler, Biersack & Littmark (Stopping and Range of Ions in Solids,
Pergamon, 1985), since both ends of a pair count it; at keV it is nearly all of the energy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from ase import units

from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.potentials.ace.expansion import RadialFunctions
from genmlip.potentials.ace.kernels import fill_seen

COULOMB = units.Hartree * units.Bohr
"""e² / 4πε₀, eV Å."""
SCREENING = np.array([[0.18175, 3.19980], [0.50986, 0.94229], [0.28022, 0.40290], [0.02817, 0.20162]])
"""Rows (a_k, b_k) of ZBL's screening function Σ_k a_k exp(−b_k r / a)."""


@dataclass(frozen=True)
class ShortRange:
    """How a pair of elements behaves at close range.

    numbers : charges of the two nuclei, the smaller first
    inner, width : r_in and Δ, Å

    Raises InputError unless 0 < width ≤ inner.
    """

    numbers: tuple[int, int]
    inner: float
    width: float

    def __post_init__(self) -> None:
        if not (np.isfinite(self.inner) and 0.0 < self.width <= self.inner):
            raise InputError(
                f"short range: 0 < width ≤ inner wanted, not width {self.width} and inner {self.inner}"
            )
        object.__setattr__(self, "numbers", tuple(sorted(self.numbers)))

    def seen(self, r: Array) -> tuple[Array, Array]:
        """ρ(r) in Å, five times continuously differentiable, and w = dρ/dr."""
        r = np.ascontiguousarray(r, dtype=float)
        rho, w = np.empty_like(r), np.empty_like(r)
        fill_seen(len(r), r, self.inner, self.width, rho, w)
        return rho, w

    def core(self, r: Array) -> tuple[Array, Array]:
        """(1 − w) φ in eV and its derivative in eV/Å."""
        phi, slope = zbl(*self.numbers, r)
        s = np.clip((self.inner - r) / self.width, 0.0, 1.0)
        inside = s**5 * (126.0 + s * (-420.0 + s * (540.0 + s * (-315.0 + 70.0 * s))))  # w(1 − s) = 1 − w(s)
        change = -630.0 * (s * (1.0 - s)) ** 4 / self.width
        return 0.5 * inside * phi, 0.5 * (inside * slope + change * phi)

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, where the fifth derivative of w jumps."""
        edges = (self.inner - self.width, self.inner)
        return tuple(r for r in edges if r > 0.0)


@dataclass(frozen=True)
class FrozenRadial:
    """Radial functions R_n(ρ(r))."""

    functions: RadialFunctions
    short_range: ShortRange

    @property
    def cutoff(self) -> float:
        """Å"""
        return self.functions.cutoff

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, where a high derivative jumps."""
        return self.short_range.breakpoints

    def __call__(self, r: Array) -> tuple[Array, Array]:
        return self._at(r, self.functions)

    @property
    def extended(self) -> Callable[[Array], tuple[Array, Array]]:
        """As when called, in extended precision; AttributeError where ``functions`` cannot."""
        return partial(self._at, functions=self.functions.extended)  # type: ignore[attr-defined]

    def _at(self, r: Array, functions: Callable[[Array], tuple[Array, Array]]) -> tuple[Array, Array]:
        rho, w = self.short_range.seen(r)
        R, dR = functions(rho)
        return R, w * dR


@dataclass(frozen=True)
class ZBLCore:
    """The core (1 − w) φ of a pair, as the expansion takes it."""

    short_range: ShortRange

    @property
    def cutoff(self) -> float:
        """Å; four derivatives vanish there."""
        return self.short_range.inner

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, where a high derivative jumps."""
        return self.short_range.breakpoints[:-1]

    def __call__(self, r: Array) -> tuple[Array, Array]:
        return self.short_range.core(np.asarray(r, dtype=float))


def zbl(Zi: int, Zj: int, r: Array) -> tuple[Array, Array]:
    """Energy (eV) and slope (eV/Å) of two nuclei at the distances ``r`` (Å), after Ziegler et al."""
    length = 0.46850 / (Zi**0.23 + Zj**0.23)
    amplitude, rate = SCREENING[:, :1], SCREENING[:, 1:] / length
    terms = amplitude * np.exp(-rate * r)
    screening, slope = terms.sum(axis=0), -(rate * terms).sum(axis=0)
    charge = COULOMB * Zi * Zj
    return charge * screening / r, charge * (slope - screening / r) / r
