"""How far does the interaction of a black-box calculator reach? Measured, since calculators need not say."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator
from ase.data import atomic_numbers, covalent_radii
from ase.geometry import find_mic
from ase.lattice.cubic import FaceCenteredCubic

from genmlip._types import Array
from genmlip.errors import InputError

LONGEST_CUTOFF = 12.0  # Å, that is looked for with site energies
LONGEST_FORCE_RANGE = 18.0  # Å, without: forces reach twice as far as site energies
_RESPONSE = 1e-12  # smallest change that counts, relative to the largest value (at least 1 eV, 1 eV/Å)
_FORCE_MARGIN = 1.15  # two cutoffs are only felt through a third atom half-way; there may be none
_PROBES = 4


def interaction_range(calculator: BaseCalculator, symbols: tuple[str, ...], site_resolved: bool) -> float:
    """Cutoff (Å) of ``calculator`` in the sense of a site potential, for the elements ``symbols``.

    Atoms of a disordered dense packing of all elements are moved, one after the other. With site energies
    the cutoff is the distance beyond which no site feels it. Where there are only forces, it is half the
    distance beyond which no force changes, and 15 % more; so forces are exact in a cell that holds all atoms
    within two cutoffs, as for the forces of site potentials.

    Raises InputError where something still changes at the longest distance that is tried: long-range
    interactions, or a calculator in single precision.
    """
    longest = LONGEST_CUTOFF if site_resolved else LONGEST_FORCE_RANGE
    atoms = _packing(symbols, longest)

    def observe(configuration: Atoms) -> Array:
        configuration.calc = calculator
        observed = configuration.get_potential_energies() if site_resolved else configuration.get_forces()
        return np.array(observed).reshape(len(atoms), -1)

    before = observe(atoms)
    tolerance = _RESPONSE * max(1.0, float(abs(before).max()))
    felt, silent = [], []  # distances at which the move of an atom changes something, and at which nothing
    elements = atoms.get_chemical_symbols()
    for probe in range(max(_PROBES, len(symbols))):
        k = [i for i, s in enumerate(elements) if s == symbols[probe % len(symbols)]][probe]
        moved = atoms.copy()
        moved.positions[k] += [0.11, -0.07, 0.05]
        changed = abs(observe(moved) - before).max(axis=1) > tolerance
        nearest = np.minimum(_distances(atoms, k), _distances(moved, k))
        felt.append(nearest[changed].max())
        silent.append(nearest[~changed])
    reach = max(felt)
    if reach >= longest:
        raise InputError(
            f"moving an atom changes something {longest:g} Å away (long-ranged, or in single precision?): "
            "give the cutoff, as in ?cutoff=6.0 (Å)"
        )
    beyond = np.concatenate(silent)
    reach = float(beyond[beyond > reach].min())  # the nearest atom that felt nothing: a bound from above
    return reach if site_resolved else 0.5 * _FORCE_MARGIN * reach


def _packing(symbols: tuple[str, ...], longest: float) -> Atoms:
    """A strongly disordered face-centred packing of all ``symbols``, wider than twice ``longest``."""
    spacing = 2.0 * max(covalent_radii[atomic_numbers[s]] for s in symbols)
    a = spacing * np.sqrt(2.0)
    repeat = int(np.ceil((2.0 * longest + 2.0) / a))
    atoms = Atoms(FaceCenteredCubic("Cu", latticeconstant=a, size=(repeat,) * 3))
    rng = np.random.default_rng(0)
    atoms.symbols = [symbols[k % len(symbols)] for k in rng.permutation(len(atoms))]
    atoms.positions += rng.uniform(-0.12, 0.12, (len(atoms), 3)) * spacing
    return atoms


def _distances(atoms: Atoms, k: int) -> Array:
    """Distance of every atom from atom k, nearest image, (n,) Å."""
    distances: Array = find_mic(atoms.positions - atoms.positions[k], atoms.cell, atoms.pbc)[1]
    return distances
