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
from ase import Atoms

from genmlip._files import create_atomically
from genmlip._types import Array, IntArray
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace.expansion import Expansion
from genmlip.potentials.base import Evaluator

RADIAL, DIMER = "radial.csv", "dimer.csv"
NEAREST, PER_ANGSTROM = 0.2, 100  # Å and points per Å, of the distances in the files


class ACEPotential(Protocol):
    """What the curves need of a potential; :class:`LinearACE` and :class:`PACEPotential` have it."""

    cutoff: float
    symbols: tuple[str, ...]

    @property
    def expansion(self) -> Expansion: ...

    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> Evaluator: ...


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
    r = _distances(r)
    if len(symbols) != 2:
        raise InputError(f"a pair has two elements, not {len(symbols)}: {', '.join(symbols)}")
    for symbol in symbols:
        if symbol not in potential.symbols:
            raise UnknownNameError("element of the potential", symbol, potential.symbols)
    n, apart = len(r), 2 * potential.cutoff
    positions = np.zeros((2, n + 1, 3))  # all the pairs at once, too far from each other to interact
    positions[..., 1] = 2 * apart * np.arange(n + 1)
    positions[1, :, 0] = [*r, apart]
    atoms = Atoms(np.repeat(list(symbols), n + 1), positions=positions.reshape(-1, 3))
    result = potential.bind(atoms)(atoms.positions)
    energy = result.energies.reshape(2, n + 1).sum(axis=0)
    force = result.forces.reshape(2, n + 1, 3)[1, :-1, 0]
    return pd.DataFrame({"r": r, "energy": energy[:-1] - energy[-1], "force": force})


def save_curves(potential: ACEPotential, folder: str | Path) -> tuple[Path, Path]:
    """Write radial.csv and dimer.csv, distances from 0.2 Å to the cutoff in steps of 0.01 Å; their paths.

    dimer.csv has two more columns in front, the elements ``first`` and ``second`` of every pair.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    r: Array = np.arange(NEAREST * PER_ANGSTROM, potential.cutoff * PER_ANGSTROM + 1e-9) / PER_ANGSTROM
    dimers = []
    for first, second in combinations_with_replacement(potential.symbols, 2):
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
