"""How close atoms of two elements come to each other in a configuration."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from genmlip.errors import GenmlipWarning
from genmlip.potentials.neighbours import Neighbours

Pair = tuple[str, str]
"""Two elements in alphabetical order, see :func:`pair_of`."""

REACHES = (2.0, 4.0, 8.0, 16.0)
"""Å, of the lists that are searched one after the other, until every pair of elements has been met."""


class ExtrapolationWarning(GenmlipWarning):
    """Atoms are closer than any that the potential was fitted to."""


def pair_of(a: str, b: str) -> Pair:
    """The name of a pair of elements, whichever comes first."""
    return (a, b) if a <= b else (b, a)


def smallest_distances(atoms: Atoms) -> dict[Pair, float]:
    """Å, of every pair of elements that is found within 16 Å, periodic images included.

    Raises InputError for atoms at the same place and for cells that are not finite or flat.
    """
    numbers, kind, count = np.unique(atoms.numbers, return_inverse=True, return_counts=True)
    rarer = np.minimum.outer(count, count) == count[:, None]
    shortest = np.full((len(numbers), len(numbers)), np.inf)
    possible = ~np.diag((count < 2) & (not atoms.pbc.any()))
    for reach in REACHES:
        missing = possible & np.isinf(shortest)
        centres = np.flatnonzero((missing & rarer).any(axis=1)[kind])
        if len(centres) == 0:
            break
        neighbours = Neighbours.of(atoms, reach, centres)
        vectors = neighbours.vectors(atoms.positions)
        centre = kind[np.repeat(neighbours.centre, np.diff(neighbours.first))]
        r = np.sqrt(np.einsum("pa,pa->p", vectors, vectors))
        np.minimum.at(shortest, (centre, kind[neighbours.index]), r)
        shortest = np.minimum(shortest, shortest.T)
    symbols = [chemical_symbols[number] for number in numbers]
    return {
        pair_of(symbols[i], symbols[j]): float(shortest[i, j])
        for i, j in zip(*np.nonzero(np.isfinite(shortest)), strict=True)
    }
