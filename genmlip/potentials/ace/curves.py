"""The functions of distance in an ACE potential as tables, to plot or to use elsewhere.

Nothing here is needed to evaluate a potential.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd

from genmlip._files import create_atomically
from genmlip._types import Array
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace.engine import Engine
from genmlip.potentials.ace.expansion import Expansion
from genmlip.potentials.neighbours import Neighbours

RADIAL, DIMER = "radial.csv", "dimer.csv"
NEAREST, PER_ANGSTROM = 0.2, 100  # Å and points per Å, of the distances in the files


class ACEPotential(Protocol):
    """What the curves need of a potential; :class:`LinearACE` and :class:`PACEPotential` have it."""

    @property
    def expansion(self) -> Expansion: ...


def radial_curves(potential: ACEPotential, r: Array) -> pd.DataFrame:
    """The radial functions at the distances ``r`` (n,), Å.

    Columns: centre, neighbour (elements), r, R1, R2, … (the channels of the expansion); n rows for every
    ordered pair of elements.
    """
    r = _distances(r)
    expansion = potential.expansion
    tables = []
    for centre, row in zip(expansion.symbols, expansion.radial, strict=True):
        for neighbour, radial in zip(expansion.symbols, row, strict=True):
            columns = {f"R{c}": values for c, values in enumerate(radial(r)[0], start=1)}
            tables.append(pd.DataFrame({"centre": centre, "neighbour": neighbour, "r": r, **columns}))
    return pd.concat(tables, ignore_index=True)


def pair_curve(potential: ACEPotential, symbols: Sequence[str], r: Array) -> pd.DataFrame:
    """Energy of two atoms at the distances ``r`` (n,), Å, and the force that drives them apart.

    symbols : the two elements

    Columns: r, energy (eV, relative to the two atoms far apart), force (eV/Å, −dE/dr: positive is repulsion).
    """
    r, expansion = _distances(r), potential.expansion
    if len(symbols) != 2:
        raise InputError(f"a pair has two elements, not {len(symbols)}: {', '.join(symbols)}")
    for symbol in symbols:
        if symbol not in expansion.symbols:
            raise UnknownNameError("element of the potential", symbol, expansion.symbols)
    pair = [expansion.symbols.index(symbol) for symbol in symbols]
    at = np.append(r, 2 * expansion.cutoff)  # far apart at last
    (V, dV), (W, dW) = _one_neighbour(expansion, pair, at), _one_neighbour(expansion, pair[::-1], at)
    energy, slope = V + W, dV + dW
    return pd.DataFrame({"r": r, "energy": energy[:-1] - energy[-1], "force": -slope[:-1]})


def _one_neighbour(expansion: Expansion, pair: Sequence[int], r: Array) -> tuple[Array, Array]:
    """V and dV/dr of sites of species pair[0] that have one neighbour, of species pair[1], at ``r`` (n,)."""
    n = len(r)
    vectors = np.zeros((n, 3))
    vectors[:, 0] = r
    sites = Neighbours(
        np.zeros(n, dtype=np.int64), np.arange(n + 1), np.ones(n, dtype=np.int64), np.zeros((n, 3))
    )
    energies, gradients = np.empty(n), np.empty((n, 3))
    Engine.of(expansion).site_terms(np.array(pair), sites, vectors, energies, gradients)
    return energies, gradients[:, 0]


def save_curves(potential: ACEPotential, folder: str | Path) -> tuple[Path, Path]:
    """Write radial.csv and dimer.csv, distances from 0.2 Å to the cutoff in steps of 0.01 Å; their paths.

    dimer.csv has two more columns in front, the elements ``first`` and ``second`` of every pair.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    expansion = potential.expansion
    r: Array = np.arange(NEAREST * PER_ANGSTROM, expansion.cutoff * PER_ANGSTROM + 1e-9) / PER_ANGSTROM
    dimers = []
    for first, second in combinations_with_replacement(expansion.symbols, 2):
        curve = pair_curve(potential, (first, second), r)
        dimers.append(pd.DataFrame({"first": first, "second": second, **curve}))
    for name, table in ((RADIAL, radial_curves(potential, r)), (DIMER, pd.concat(dimers, ignore_index=True))):
        _write(table, folder / name)
    return folder / RADIAL, folder / DIMER


def _write(table: pd.DataFrame, path: Path) -> None:
    create_atomically(path, lambda temporary: table.to_csv(temporary, index=False))


def _distances(r: Array) -> Array:
    r = np.atleast_1d(np.asarray(r, dtype=float))
    if r.ndim != 1 or not (np.isfinite(r).all() and (r > 0).all()):
        raise InputError("distances must be positive numbers")
    return r
