"""What the kernels need of a basis, as plain arrays: made once per basis, and scratch space per call."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.potentials.ace.basis import ACEBasis
from genmlip.potentials.ace.harmonics import recursion_table
from genmlip.potentials.neighbours import Neighbours


@dataclass(frozen=True)
class KernelTables:
    """Constant arrays of a basis, grouped as the kernels take them.

    radial : constants, exponents and recursion of the radial functions
    angular : lmax and recursion of the harmonics
    moments : (n_A, 3) species, radial index and harmonic of every density moment
    expansion : the functions as sums over monomials (compressed rows: first, monomial, coefficient), the
        monomials, and the density moments each function depends on (compressed rows)
    """

    radial: tuple[Array, IntArray, Array]
    angular: tuple[int, Array]
    moments: IntArray
    expansion: tuple[IntArray, IntArray, Array, IntArray, IntArray, IntArray]

    @classmethod
    @lru_cache(maxsize=16)
    def of(cls, basis: ACEBasis) -> KernelTables:
        """The tables of ``basis``; kept, since many potentials share a basis during a fit."""
        C, monomials = basis.coefficients, basis.monomials
        support = [
            np.unique(monomials[C.indices[a:b]]) for a, b in zip(C.indptr[:-1], C.indptr[1:], strict=True)
        ]
        support = [v[v >= 0] for v in support]
        return cls(
            (*basis.radial.parameters, basis.radial.recursion),
            (basis.lmax, recursion_table(basis.lmax)),
            basis.moments,
            (
                C.indptr.astype(np.int64),
                C.indices.astype(np.int64),
                C.data,
                monomials,
                np.cumsum([0, *(len(v) for v in support)]),
                np.concatenate(support),
            ),
        )

    def site_scratch(self, n_species: int, n_columns: int) -> tuple[Any, ...]:
        """For ``fill_site``: start, slot, distance, unit, (ρ, w), X, R, R′, Q, CS, Y, ∇̃Y."""
        n_radial, lmax = len(self.radial[2]), self.angular[0]
        n_lm = (lmax + 1) ** 2
        return (
            np.empty(n_species + 1, dtype=np.int64),
            np.empty(n_columns, dtype=np.int64),
            np.empty(n_columns),
            np.empty((3, n_columns)),
            np.empty((2, n_columns)),
            np.empty((2, n_columns)),
            np.empty((n_radial, n_columns)),
            np.empty((n_radial, n_columns)),
            np.empty((len(self.angular[1]), n_columns)),
            np.empty((lmax + 1, 2, n_columns)),
            np.empty((n_lm, n_columns)),
            np.empty((n_lm, 3, n_columns)),
        )

    def design_scratch(self, n_columns: int) -> tuple[Array, ...]:
        """For ``ace_design``: moments, slopes of a function, gradients of moments, gradient of a function."""
        n_A = len(self.moments)
        return np.empty(n_A), np.empty(n_A), np.empty((n_A, 3, n_columns)), np.empty((3, n_columns))


def most_neighbours(neighbours: Neighbours) -> int:
    """Largest number of listed neighbours of a site."""
    return int(np.diff(neighbours.first).max(initial=0))
