"""Does a fitted potential keep the crystal of its data at the volume of its data?

Where cells are not strained, a fit may put a deeper minimum at a volume that no configuration has: then the
crystal collapses, or flies apart, as soon as something relaxes. The energy is followed under homogeneous
dilation of what the data hold that is bound best, for every element alone and for the elements together.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from ase import Atoms

from genmlip._types import Array
from genmlip.crystal.structures import expected_structure, primitive_cell
from genmlip.errors import GenmlipWarning
from genmlip.potentials.ace import LinearACE
from genmlip.potentials.neighbours import Neighbours
from genmlip.training.dataset import Configuration, Dataset

STRETCHES = np.linspace(0.85, 1.15, 21)
"""Lengths over those in the data: from 0.6 of the volume to one and a half times. Fits to DFT data that are
used with success do collapse farther inside, behind barriers of the order of 1 eV per atom."""
NEAR = 0.031
"""Stretches within 1 ± this count as those of the data."""
GAIN = 0.05
"""eV per atom below the crystal of the data, of which the user hears; tungsten has as much at 2 % strain."""
CRYSTALLINE = (0.85, 1.03)
"""Mean distance of nearest neighbours over that in the crystal of equal volume; 0.89 if rattled by 0.15 Å."""


class CollapseWarning(GenmlipWarning):
    """A potential gains energy when the crystal of its data is brought to another volume."""


def warn_of_collapse(potential: LinearACE, dataset: Dataset) -> None:
    """A :class:`CollapseWarning` for every crystal of ``dataset`` that is not the deepest under dilation.

    Nothing is said about data without energies or without periodic configurations.
    """
    for name, atoms in best_bound(potential, dataset):
        stretch, gain = deepest(energies_under_dilation(potential, atoms))
        if gain > GAIN:
            change, fate = ("shrinks", "collapses") if stretch < 1.0 else ("expands", "falls apart")
            warnings.warn(
                f"the crystal of {name} gains {gain:.3g} eV per atom when it {change} to {stretch:.3g} of "
                f"its lengths in the data: the fit {fate}; add cells under strain with energies and virials, "
                "and larger cells",
                CollapseWarning,
                stacklevel=3,
            )


def deepest(energies: Array) -> tuple[float, float]:
    """The stretch with the lowest of the ``energies`` at STRETCHES, and how far it lies below the data's."""
    k = int(energies.argmin())
    return float(STRETCHES[k]), float(energies[abs(STRETCHES - 1.0) < NEAR].min() - energies[k])


def best_bound(potential: LinearACE, dataset: Dataset) -> Iterator[tuple[str, Atoms]]:
    """Name and cell of what has the lowest energy per atom, for every element alone and for mixtures.

    Of an element whose ground state is bcc, fcc or diamond that is the perfect crystal of equal volume, if
    neighbours are about as far apart as there. The energies of mixtures count from E0.
    """
    periodic = [c for c in dataset if c.energy is not None and c.atoms.pbc.all()]
    for symbol in (*potential.symbols, None):
        group = [c for c in periodic if _only_element(c) == symbol]
        if group:
            best = min(group, key=lambda c: _binding(potential, c))
            name = best.atoms.get_chemical_formula(empirical=True)
            yield name, best.atoms if symbol is None else _perfect(symbol, best.atoms)


def energies_under_dilation(potential: LinearACE, atoms: Atoms) -> Array:
    """eV per atom at all STRETCHES of the cell with its atoms.

    From the design rows: they do not say that atoms are close, which is what is wanted here.
    """
    energies = np.empty(len(STRETCHES))
    for k, stretch in enumerate(STRETCHES):
        dilated = atoms.copy()
        dilated.set_cell(stretch * atoms.cell.array, scale_atoms=True)
        of_functions = potential.design(dilated).energy @ potential.coefficients
        energies[k] = (of_functions + potential.baseline(dilated).energy) / len(atoms)
    return energies


def _only_element(configuration: Configuration) -> str | None:
    """The element, None where there are several."""
    symbols = set(configuration.atoms.get_chemical_symbols())
    return symbols.pop() if len(symbols) == 1 else None


def _binding(potential: LinearACE, configuration: Configuration) -> float:
    """eV per atom, from free atoms."""
    symbols = configuration.atoms.get_chemical_symbols()
    free = sum(potential.E0[symbol] for symbol in symbols)
    return (float(configuration.energy or 0.0) - free) / len(symbols)


def _perfect(symbol: str, atoms: Atoms) -> Atoms:
    """The perfect crystal at the volume per atom of ``atoms``, or these if they are nothing like it."""
    structure = expected_structure(symbol)
    if structure is None:
        return atoms
    cube = len(structure.conventional) * atoms.get_volume() / len(atoms)
    a0 = float(np.cbrt(cube))
    distance = a0 * structure.neighbour_distance
    neighbours = Neighbours.of(atoms, 1.3 * distance)
    r = np.linalg.norm(neighbours.vectors(atoms.positions), axis=1)
    nearest = np.full(len(atoms), np.inf)
    np.minimum.at(nearest, np.repeat(neighbours.centre, np.diff(neighbours.first)), r)
    low, high = CRYSTALLINE
    is_crystalline = low * distance <= nearest.mean() <= high * distance
    return primitive_cell(structure, symbol, a0) if is_crystalline else atoms
