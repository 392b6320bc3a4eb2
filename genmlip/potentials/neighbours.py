"""Neighbour lists in compressed form, and the two loops that every site potential shares.

Lists are built by sorting atoms into bins, once with a skin, and are reused while the atoms move. Full lists
serve potentials of any form, half lists (each pair once) those whose forces act along bonds.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from ase import Atoms
from numba import njit

from genmlip._types import AnyArray, Array, BoolArray, IntArray
from genmlip.errors import InputError


@dataclass(frozen=True)
class Neighbours:
    """Neighbours of the sites ``centre``: those of site m are the entries ``first[m]:first[m + 1]``.

    centre : (m,) index of the atom that each site sits on
    first : (m + 1,) offsets
    index : (p,) atom j of each pair
    shift : (p, 3) Å, translation of the periodic image, so that r_ij = x_j + shift − x_i
    """

    centre: IntArray
    first: IntArray
    index: IntArray
    shift: Array

    @classmethod
    def of(cls, atoms: Atoms, cutoff: float, centres: IntArray | None = None) -> Neighbours:
        """All pairs closer than ``cutoff`` (Å); with ``centres`` only the sites on those atoms."""
        n = len(atoms)
        centres = np.arange(n, dtype=np.int64) if centres is None else np.asarray(centres, dtype=np.int64)
        bins = Bins.of(atoms, cutoff)
        first, index, image = bins.pairs(centres, np.ones(n, dtype=bool), half=False)
        site = np.repeat(centres, np.diff(first))
        shift = bins.translations[image] + (bins.home[site] - bins.home[index])
        return cls(centres, first, index.astype(np.int64), shift)

    @classmethod
    def of_one_site(cls, vectors: Array) -> Neighbours:
        """The list of a single site, atom 0, whose neighbours are the atoms 1 … n at ``vectors`` (n, 3)."""
        n = len(vectors)
        return cls(np.zeros(1, dtype=np.int64), np.array([0, n]), np.arange(1, n + 1), np.zeros_like(vectors))

    def vectors(self, positions: Array, out: Array | None = None) -> Array:
        """r_ij of every pair, (p, 3) Å; raises InputError where two atoms are at the same place."""
        out = np.empty_like(self.shift) if out is None else out
        clash = pair_vectors(self.centre, self.first, self.index, self.shift, positions, out)
        if clash >= 0:
            i = self.centre[np.searchsorted(self.first, clash, side="right") - 1]
            raise InputError(f"atoms {i} and {self.index[clash]} are at the same place")
        return out


@dataclass(frozen=True)
class HalfList:
    """Each pair once, in the entries ``first[i]:first[i + 1]`` of either of its atoms i.

    Pairs of which neither atom is a centre are left out.

    index, image : (p,) unsigned: atom j and the row of ``translations`` (Å) that takes it to its image:
        r_ij = (x_j − home_j) + translation − (x_i − home_i)
    home : (n, 3) Å, translations that bring the atoms into the cell
    """

    first: IntArray
    index: AnyArray
    image: AnyArray
    translations: Array
    home: Array

    @classmethod
    def of(cls, atoms: Atoms, cutoff: float, is_centre: BoolArray) -> HalfList:
        """All pairs closer than ``cutoff`` (Å) with a centre; ``is_centre`` (n,)."""
        bins = Bins.of(atoms, cutoff)
        first, index, image = bins.pairs(np.arange(len(atoms)), is_centre, half=True)
        return cls(first, index, image, bins.translations, bins.home)


BINS_PER_CUTOFF = 2
MOST_BINS = 10  # times the number of atoms, however dilute
ROOM = 2.0  # times the pairs that there would be if atoms were spread evenly; memory not used costs nothing


@dataclass(frozen=True)
class Bins:
    """Atoms sorted into the bins of a grid, which turns the search for neighbours into one of linear cost.

    positions, home : (n, 3) Å: the atoms brought into the cell, and the translations that did it
    grid : (3,) number of bins along each edge of the cell
    reach, turns : (3,) how many bins away a neighbour may be, and how many turns around the cell that takes
    start, member : the atoms of bin b are ``member[start[b]:start[b + 1]]``
    place : (n, 3) bin of each atom
    translations : (t, 3) Å, those that may lead to a neighbour
    volume : Å³, of the cell
    """

    cutoff: float
    volume: float
    positions: Array
    home: Array
    grid: IntArray
    reach: IntArray
    turns: IntArray
    start: IntArray
    member: IntArray
    place: IntArray
    translations: Array

    @classmethod
    def of(cls, atoms: Atoms, cutoff: float) -> Bins:
        """Raises InputError for a cell that is not finite or flat."""
        check_finite(atoms.positions)
        n = len(atoms)
        cell, origin = bounding_cell(atoms)
        if n == 0:
            cell = np.eye(3)
        to_cell = np.linalg.inv(cell)
        heights = 1.0 / np.linalg.norm(to_cell, axis=0)
        scaled = (atoms.positions - origin) @ to_cell
        wraps = np.where(atoms.pbc, np.floor(scaled), 0.0)
        grid = np.maximum(1, BINS_PER_CUTOFF * heights / cutoff)
        grid *= min(1.0, (MOST_BINS * max(n, 1) / grid.prod()) ** (1 / 3))
        grid = np.maximum(1, grid).astype(np.int64)
        place = np.clip(((scaled - wraps) * grid).astype(np.int64), 0, grid - 1)
        number = (place[:, 0] * grid[1] + place[:, 1]) * grid[2] + place[:, 2]
        start = np.concatenate([[0], np.cumsum(np.bincount(number, minlength=int(grid.prod())))])
        reach = np.ceil(cutoff / heights * grid).astype(np.int64)
        turns = np.where(atoms.pbc, (reach + grid - 1) // grid, 0)
        steps = np.stack(np.meshgrid(*[np.arange(-m, m + 1.0) for m in turns], indexing="ij"), axis=-1)
        home = wraps @ cell
        return cls(
            cutoff, float(abs(np.linalg.det(cell))), atoms.positions - home, home, grid, reach, turns, start,
            np.argsort(number, kind="stable"), place, steps.reshape(-1, 3) @ cell,
        )  # fmt: skip

    def pairs(self, centres: IntArray, wanted: BoolArray, half: bool) -> tuple[IntArray, AnyArray, AnyArray]:
        """(first, index, image) of the neighbours of ``centres``, as in :class:`HalfList`; in bins' order.

        ``half`` keeps of each pair one direction, and only those with an atom that is ``wanted`` (n,).
        """
        n, first = len(self.member), np.empty(len(centres) + 1, dtype=np.int64)
        rank = np.empty_like(self.member)
        rank[self.member] = np.arange(n)
        capacity = int(ROOM * n / self.volume * 4.2 * self.cutoff**3 * len(centres)) + 1
        while True:
            index: AnyArray = np.empty(capacity, dtype=np.uint32)
            image: AnyArray = np.empty(capacity, dtype=np.uint32)
            find_pairs(
                centres, wanted, half, self.cutoff, self.positions[self.member], self.grid, self.reach,
                self.turns, self.start, self.member, rank, self.place, self.translations,
                first, index, image,
            )  # fmt: skip
            if first[-1] <= capacity:
                return first, index[: first[-1]], image[: first[-1]]
            capacity = int(first[-1])


def periodic_images(atoms: Atoms, reach: float, centres: IntArray | None = None) -> tuple[IntArray, Array]:
    """The periodic images within ``reach`` (Å) of the box that holds the atoms ``centres`` (by default all).

    Returns (k,) the atom that each image is of, and (k, 3) Å, its translation. Together with the atoms
    themselves they surround every centre as the infinite crystal does.
    """
    cell, origin = bounding_cell(atoms)
    scaled = np.linalg.solve(cell.T, (atoms.positions - origin).T).T
    inner = scaled if centres is None else scaled[centres]
    if len(inner) == 0:
        return np.empty(0, dtype=np.int64), np.empty((0, 3))
    margin = reach * np.linalg.norm(np.linalg.inv(cell), axis=0)  # over the heights of the cell
    low, high = inner.min(axis=0) - margin, inner.max(axis=0) + margin
    span = np.where(atoms.pbc, np.ceil(np.maximum(high - scaled.min(0), scaled.max(0) - low)), 0.0).astype(
        int
    )
    indices, shifts = [], []
    for steps in product(*(range(-m, m + 1) for m in span)):
        if any(steps):
            inside = ((scaled + steps >= low) & (scaled + steps <= high)).all(axis=1)
            indices.append(np.flatnonzero(inside))
            shifts.append(np.tile(np.asarray(steps, dtype=float) @ cell, (len(indices[-1]), 1)))
    if not indices:
        return np.empty(0, dtype=np.int64), np.empty((0, 3))
    return np.concatenate(indices), np.concatenate(shifts)


def check_finite(positions: Array) -> None:
    """Raise InputError where positions hold NaN or infinity."""
    if not np.isfinite(positions).all():
        raise InputError("positions of the atoms hold NaN or infinity")


def check_centres(centres: IntArray | None, n: int) -> IntArray | None:
    """``centres`` as integers, each an atom and none twice; InputError otherwise."""
    if centres is None:
        return None
    centres = np.asarray(centres, dtype=np.int64)
    if len(centres) and (centres.min() < 0 or centres.max() >= n or len(np.unique(centres)) < len(centres)):
        raise InputError(f"centres must be distinct indices of the {n} atoms")
    return centres


def has_left_skin(positions: Array, built_at: Array, skin: float) -> bool:
    """Whether a list built with ``skin`` (Å) at ``built_at`` may miss pairs at ``positions``; yes for NaN.

    No two atoms have come closer by more than the skin while all displacements lie in a ball of that width,
    wherever its middle is.
    """
    return bool(spread_farther_than(0.5 * skin, positions, built_at))


def bounding_cell(atoms: Atoms) -> tuple[Array, Array]:
    """The cell, with directions that are not periodic replaced by a box around the atoms; and its origin."""
    cell = np.array(atoms.cell)
    if not np.isfinite(cell).all():
        raise InputError("the cell holds NaN or infinity")
    if atoms.pbc.any() and np.linalg.matrix_rank(cell[atoms.pbc]) < atoms.pbc.sum():
        raise InputError("the cell has no extent along a direction that is periodic")
    if atoms.pbc.all() or len(atoms) == 0:
        return cell, np.zeros(3)
    box = cell.copy()
    for k in np.flatnonzero(~atoms.pbc):
        box[k] = 0.0
    free = np.flatnonzero(~atoms.pbc)
    _, _, vt = np.linalg.svd(box)
    box[free] = vt[3 - len(free) :]  # unit vectors orthogonal to the periodic directions
    scaled = np.linalg.solve(box.T, atoms.positions.T).T
    origin = np.zeros(3)
    for k in free:
        low, high = scaled[:, k].min(), scaled[:, k].max()
        origin += (low - 1.0) * box[k]
        box[k] *= high - low + 2.0
    return box, origin


@njit(cache=True, nogil=True)
def spread_farther_than(distance, x, y):  # type: ignore[no-untyped-def]
    """Whether a displacement x − y (n, 3) is farther than ``distance`` from their mid-range, or undefined."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for i in range(len(x)):
        for a in range(3):
            u = x[i, a] - y[i, a]
            low[a], high[a] = min(low[a], u), max(high[a], u)
    c0, c1, c2 = 0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]), 0.5 * (low[2] + high[2])
    for i in range(len(x)):
        u0, u1, u2 = x[i, 0] - y[i, 0] - c0, x[i, 1] - y[i, 1] - c1, x[i, 2] - y[i, 2] - c2
        if not u0 * u0 + u1 * u1 + u2 * u2 <= distance * distance:
            return True
    return False


@njit(cache=True, nogil=True)
def find_pairs(  # type: ignore[no-untyped-def]
    centres, wanted, half, cutoff, x, grid, reach, turns, start, member, rank, place, translations,
    first, index, image,
):  # fmt: skip
    """Neighbours of the centres, bin by bin around each; those without room in ``index`` are only counted.

    Bins along the third axis follow each other in ``member``, so that one run of atoms serves all bins that
    are reached by the same number of turns. x : (n, 3) in the order of ``member``.
    """
    w1, w2 = 2 * turns[1] + 1, 2 * turns[2] + 1
    home = (turns[0] * w1 + turns[1]) * w2 + turns[2]
    room, found = len(index), 0
    for m in range(len(centres)):
        first[m] = found
        i = centres[m]
        here = rank[i]
        for a in range(place[i, 0] - reach[0], place[i, 0] + reach[0] + 1):
            turn0 = a // grid[0]
            if abs(turn0) > turns[0]:
                continue
            for b in range(place[i, 1] - reach[1], place[i, 1] + reach[1] + 1):
                turn1 = b // grid[1]
                if abs(turn1) > turns[1]:
                    continue
                row = ((a - turn0 * grid[0]) * grid[1] + b - turn1 * grid[1]) * grid[2]
                for turn2 in range(-turns[2], turns[2] + 1):
                    low = max(0, place[i, 2] - reach[2] - turn2 * grid[2])
                    high = min(grid[2] - 1, place[i, 2] + reach[2] - turn2 * grid[2])
                    if low > high:
                        continue
                    t = ((turn0 + turns[0]) * w1 + turn1 + turns[1]) * w2 + turn2 + turns[2]
                    begin, end = start[row + low], start[row + high + 1]
                    if half:
                        begin = max(begin, here if t > home else here + 1)
                    for e in range(begin, end):
                        d0 = x[e, 0] - x[here, 0] + translations[t, 0]
                        d1 = x[e, 1] - x[here, 1] + translations[t, 1]
                        d2 = x[e, 2] - x[here, 2] + translations[t, 2]
                        if d0 * d0 + d1 * d1 + d2 * d2 < cutoff * cutoff:
                            j = member[e]
                            if (e == here and t == home) or not (wanted[i] or wanted[j]):
                                continue
                            if found < room:
                                index[found], image[found] = j, t
                            found += 1
    first[len(centres)] = found


@njit(cache=True, nogil=True)
def pair_vectors(centre, first, index, shift, positions, out):  # type: ignore[no-untyped-def]
    """r_ij = x_j + shift − x_i; returns a pair at distance zero, or −1."""
    clash = -1
    for m in range(centre.size):
        i = centre[m]
        for p in range(first[m], first[m + 1]):
            j = index[p]
            squared = 0.0
            for a in range(3):
                x = positions[j, a] + shift[p, a] - positions[i, a]
                out[p, a] = x
                squared += x * x
            if squared == 0.0:
                clash = p
    return clash


@njit(cache=True, nogil=True)
def gather_forces(centre, first, index, vectors, gradients, forces, virial):  # type: ignore[no-untyped-def]
    """f_i = Σ_j g_ij − Σ_j g_ji and the virial −Σ r_ij ⊗ g_ij, with g_ij = ∂V_i/∂r_ij."""
    forces[:] = 0.0
    virial[:] = 0.0
    for m in range(centre.size):
        i = centre[m]
        for p in range(first[m], first[m + 1]):
            j = index[p]
            for a in range(3):
                g = gradients[p, a]
                forces[i, a] += g
                forces[j, a] -= g
                for b in range(3):
                    virial[b, a] -= vectors[p, b] * g
