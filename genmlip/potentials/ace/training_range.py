"""How close the atoms of a potential's training data came, and whether others come closer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.closest import Pair, pair_of
from genmlip.potentials.neighbours import Neighbours

SLACK = 1e-9
"""By how much less the distances of the data are, relatively, that the data themselves are not reported."""

CLOSE = 0.85
"""Over the smallest distance of the data: a good deal closer."""


@dataclass(frozen=True, eq=False)
class TrainingRange:
    """The smallest distances of the training data, by species.

    symbols : elements, in the order of the species index
    smallest : (n_species, n_species) Å, infinite for pairs that were not in the data
    inner : (n_species, n_species) Å, where the cores of the potential begin, zero without
    cutoff : Å; pairs farther apart do not interact and are in no range
    """

    symbols: tuple[str, ...]
    smallest: Array
    inner: Array
    cutoff: float

    @classmethod
    def of(
        cls, symbols: tuple[str, ...], distances: Mapping[Pair, float], inner: Array, cutoff: float
    ) -> TrainingRange:
        """``distances`` in Å by pairs of elements; pairs that are not named were not in the data.

        Raises InputError for elements that are not among ``symbols`` and distances that are not positive.
        """
        smallest = np.full((len(symbols), len(symbols)), np.inf)
        for pair, distance in distances.items():
            check_elements(pair, symbols, "smallest distance")
            if not distance > 0.0:
                raise InputError(f"smallest distance of {'-'.join(pair)} must be positive, not {distance}")
            i, j = (symbols.index(symbol) for symbol in pair)
            smallest[i, j] = smallest[j, i] = distance
        return cls(symbols, smallest, inner, cutoff)

    def as_dict(self) -> dict[Pair, float]:
        """Å of every pair of elements, in alphabetical order."""
        pairs = ((i, j) for i in range(len(self.symbols)) for j in range(i, len(self.symbols)))
        return {pair_of(self.symbols[i], self.symbols[j]): float(self.smallest[i, j]) for i, j in pairs}

    @cached_property
    def limits(self) -> Array:
        """(n_species, n_species) Å: atoms that are closer have left the range.

        Where there is a core it has to act as well, or they are a good deal closer: in the little that lies
        between, a crystal that is bent has its atoms, and a fit does not fail at once.
        """
        somewhat = np.clip(self.inner, CLOSE * self.smallest, self.smallest)
        with_core = np.where(self.inner > 0.0, somewhat, self.smallest)
        return np.where(np.isfinite(self.smallest), with_core, self.cutoff) * (1.0 - SLACK)

    def is_left(self, species: IntArray, neighbours: Neighbours, vectors: Array) -> bool:
        """Whether two atoms are closer than :attr:`limits`; ``vectors`` (p, 3) Å."""
        centre = species[neighbours.centre]
        return bool(any_closer(neighbours.first, neighbours.index, centre, species, vectors, self.limits))

    def farthest_outside(self, species: IntArray, neighbours: Neighbours, vectors: Array) -> str:
        """The pair of atoms that is closest for its elements, what the data had, and what to expect."""
        centre = np.repeat(neighbours.centre, np.diff(neighbours.first))
        pairs = species[centre], species[neighbours.index]
        r = np.sqrt(np.einsum("pa,pa->p", vectors, vectors))
        p = int(np.argmin(r / self.limits[pairs]))
        i, j = int(centre[p]), int(neighbours.index[p])
        smallest, inner = float(self.smallest[pairs][p]), float(self.inner[pairs][p])
        data = f"{smallest:.3f} Å at the least" if smallest < np.inf else "no such pair"
        expected = "guesses, and close atoms may attract"
        if inner > 0.0:
            expected = f"only repels below {inner:.3f} Å" + (" and guesses above" if r[p] > inner else "")
        name = "-".join(pair_of(self.symbols[species[i]], self.symbols[species[j]]))
        return (
            f"atoms {i} and {j} ({name}) are {r[p]:.3f} Å apart, but the training data had {data}; "
            f"the potential {expected}"
        )


def check_elements(pair: Pair, symbols: tuple[str, ...], what: str) -> None:
    """Raise InputError unless both elements of ``pair`` are among ``symbols``."""
    if not set(pair) <= set(symbols):
        raise InputError(f"{what} of {'-'.join(pair)} given; the potential describes {', '.join(symbols)}")


@njit(cache=True, nogil=True)
def any_closer(first, index, centre_species, species, vectors, limits):  # type: ignore[no-untyped-def]
    """Whether any pair is closer than ``limits`` (n_species, n_species) says."""
    for m in range(first.size - 1):
        row = limits[centre_species[m]]
        for p in range(first[m], first[m + 1]):
            limit = row[species[index[p]]]
            if vectors[p, 0] ** 2 + vectors[p, 1] ** 2 + vectors[p, 2] ** 2 < limit * limit:
                return True
    return False
