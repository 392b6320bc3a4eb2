"""Do close atoms repel? The energy of pairs that approach each other, and the cores that make it rise.

Below the smallest distance of the training data an expansion may say anything: a fit of 230 functions to
molecular dynamics of silicon gains 100 eV where two atoms merge. Here pairs are brought together, all other
atoms at rest, in the surroundings in which the data have them closest, and alone. Their *attraction* is the
energy gained on the way in, in all, from the smallest distance of the data. Cores are chosen to make it
vanish.

A pair that is alone is judged where the core acts only, below r_in: its own bond may be shorter than any
distance in a crystal, and then it does attract (W₂ of Ackland & Thetford by 0.2 eV, from 2.70 to 2.55 Å).
Cores also keep out of the way where they can: the atoms of a dislocation come closer than those of rattled
cells at low temperature, and what they feel there should be the fit.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement, product
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii

from genmlip._types import Array, IntArray
from genmlip.potentials.ace.core import ShortRange
from genmlip.potentials.ace.linear import LinearACE
from genmlip.potentials.closest import ExtrapolationWarning, Pair, smallest_distances
from genmlip.potentials.neighbours import Neighbours

INNER = (0.85, 0.9, 0.95, 0.975, 0.999)
"""r_in over the smallest distance of the data: as far below as the expansion repels."""
WIDTH = (0.2, 0.15, 0.1, 0.05)
"""Δ over r_in: the core is as soft as it may be."""
TOLERATED = 0.02
"""eV of attraction, that need no other core."""
ALARMING = 0.5
"""eV of attraction, that the user hears of."""
SURROUNDINGS = 3
"""Configurations in which a pair of elements is looked at, those that have it closest."""
STEPS = np.linspace(0.3, 1.0, 281)
"""Distances of an approach, over the smallest distance of the data."""
UNSEEN = 0.8
"""Over the sum of covalent radii: what counts as smallest distance of a pair that is not in the data."""
APART = 1.3
"""Over the sum of covalent radii: from there on a pair is not in the data as one of neighbours."""


@dataclass(frozen=True)
class End:
    """What one atom of a pair sees: its species and its neighbours', Å from it; the partner is the last."""

    species: IntArray
    vectors: Array

    def energies(self, potential: LinearACE, r: Array) -> Array:
        """V in eV with the partner at the distances ``r`` (Å), in its direction."""
        n, m = len(self.vectors), len(r)
        vectors = np.tile(self.vectors, (m, 1, 1))
        vectors[:, -1] *= (r / np.linalg.norm(self.vectors[-1]))[:, None]
        vectors = vectors.reshape(-1, 3)
        sites = Neighbours(
            np.zeros(m, dtype=np.int64),
            np.arange(m + 1) * n,
            np.tile(np.arange(1, n + 1), m),
            np.zeros_like(vectors),
        )
        energies, gradients = np.empty(m), np.empty_like(vectors)
        potential.site_terms(self.species, sites, vectors, energies, gradients)
        return energies


Approach = tuple[End, End]
"""A pair of atoms, seen from both."""


def repel_close_atoms(potential: LinearACE, configurations: Sequence[Atoms]) -> LinearACE:
    """``potential`` with a core for every pair of elements and the range of its data, ``configurations``.

    The cores lie within the smallest distances of the data, so what a fit has determined stays as it is. Of
    the settings INNER × WIDTH the first is taken that leaves no attraction to speak of, else the one that
    leaves least; an ExtrapolationWarning says so if it is alarming. ``metadata["short_range"]`` records it.
    Cores that the potential has already, and was fitted with, are kept.
    """
    closest = [smallest_distances(atoms) for atoms in configurations]
    cores, record, known = dict(potential.short_range), {}, {}
    bare = LinearACE.from_basis(
        potential.basis, potential.coefficients, potential.E0, short_range=potential.short_range
    )
    for pair in combinations_with_replacement(sorted(potential.symbols), 2):
        having = sorted((d[pair], k) for k, d in enumerate(closest) if d.get(pair, np.inf) < potential.cutoff)
        if having:
            known[pair] = having[0][0]
        shortest = min(_shortest(pair, known.get(pair, np.inf)), potential.cutoff)
        surroundings = [configurations[k] for _, k in having[:SURROUNDINGS]]
        if pair not in cores:
            approaches = [dimer(bare, pair), *(closest_pair(bare, atoms, pair) for atoms in surroundings)]
            cores[pair], record["-".join(pair)] = choose_core(bare, pair, approaches, shortest)
    metadata = {**potential.metadata, "short_range": record}
    named = LinearACE.from_basis(potential.basis, potential.coefficients, potential.E0, metadata)
    return named.with_short_range(cores).with_training_range(known)


def choose_core(
    bare: LinearACE, pair: Pair, approaches: Sequence[Approach], shortest: float
) -> tuple[ShortRange, dict[str, Any]]:
    """The core of ``pair`` for a potential without cores, and a record of why.

    shortest : Å, smallest distance of the pair in the data
    """
    best, least = None, np.inf
    for core in _candidates(pair, shortest):
        found = max(_attraction_with(core, bare, approach, shortest) for approach in approaches)
        if best is None or found < least:
            best, least = core, found
        if least <= TOLERATED:
            break
    assert best is not None
    without = max(
        attraction(_energies(bare, approach, _distances(approach, best, shortest))) for approach in approaches
    )
    if least > ALARMING:
        warnings.warn(
            f"atoms {'-'.join(pair)} closer than in the training data, {shortest:.3f} Å, attract each other "
            f"before the core repels them: they gain {least:.3g} eV ({without:.3g} eV without a core)",
            ExtrapolationWarning,
            stacklevel=3,
        )
    record = {"smallest_distance": shortest, "inner": best.inner, "width": best.width}
    return best, record | {"attraction": least, "attraction_without": without}


def attraction(energies: Array) -> float:
    """eV that are gained on the way in, for energies in the order of growing distance."""
    return float(np.maximum(np.diff(energies), 0.0).sum())


def dimer(potential: LinearACE, pair: Pair) -> Approach:
    """Two atoms alone."""
    a, b = (potential.symbols.index(symbol) for symbol in pair)
    along = np.array([[0.0, 0.0, 1.0]])
    return End(np.array([a, b]), along), End(np.array([b, a]), -along)


def closest_pair(potential: LinearACE, atoms: Atoms, pair: Pair) -> Approach:
    """The closest atoms of ``pair`` in ``atoms``, which must hold some within the cutoff."""
    species = potential.species_of(atoms)
    neighbours = Neighbours.of(atoms, potential.cutoff)
    vectors = neighbours.vectors(atoms.positions)
    centre = np.repeat(neighbours.centre, np.diff(neighbours.first))
    a, b = (potential.symbols.index(symbol) for symbol in pair)
    candidates = np.flatnonzero((species[centre] == a) & (species[neighbours.index] == b))
    r = np.linalg.norm(vectors[candidates], axis=1)
    p = candidates[r.argmin()]

    def end(atom: int, partner: Array) -> End:
        entries = slice(neighbours.first[atom], neighbours.first[atom + 1])
        seen, around = species[neighbours.index[entries]], vectors[entries]
        is_partner = np.linalg.norm(around - partner, axis=1) < 1e-6
        order = np.concatenate([np.flatnonzero(~is_partner), np.flatnonzero(is_partner)])
        return End(np.concatenate([[species[atom]], seen[order]]), around[order])

    return end(centre[p], vectors[p]), end(int(neighbours.index[p]), -vectors[p])


def _attraction_with(core: ShortRange, bare: LinearACE, approach: Approach, shortest: float) -> float:
    """The attraction, eV, of the pair with ``core``."""
    r = _distances(approach, core, shortest)
    return attraction(_energies(bare, approach, core.seen(r)[0]) + 2.0 * core.core(r)[0])


def _distances(approach: Approach, core: ShortRange, shortest: float) -> Array:
    """Å, at which the pair should repel: up to the smallest of the data, or to r_in where it is alone."""
    is_alone = len(approach[0].vectors) == 1
    return STEPS * (core.inner if is_alone else shortest)


def _energies(potential: LinearACE, approach: Approach, r: Array) -> Array:
    return approach[0].energies(potential, r) + approach[1].energies(potential, r)


def _candidates(pair: Pair, shortest: float) -> Iterator[ShortRange]:
    numbers = atomic_numbers[pair[0]], atomic_numbers[pair[1]]
    for inner, width in product(INNER, WIDTH):
        yield ShortRange(numbers, inner * shortest, width * inner * shortest)


def _shortest(pair: Pair, known: float) -> float:
    """Å, below which the core may begin: ``known`` from the data, unless these hold no such neighbours.

    Two solutes that are nowhere closer than 4 Å may well become neighbours, and the core has no say in that.
    """
    radii = float(sum(covalent_radii[atomic_numbers[symbol]] for symbol in pair))
    return known if known <= APART * radii else UNSEEN * radii
