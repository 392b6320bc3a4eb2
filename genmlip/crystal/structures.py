"""The cubic structures of the elements, and which of them a potential is meant for.

Everything is in units of the lattice parameter; lengths enter in :mod:`genmlip.crystal.crystal`.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, covalent_radii, reference_states

from genmlip._types import Array
from genmlip.errors import GenmlipWarning, InputError, UnknownNameError
from genmlip.potentials.base import Potential

BOND_TOLERANCE = 1.01
"""Nearest neighbours are closer than this times the shortest distance."""

FAR = 0.1
"""Relative deviation from the lattice parameter of the ground state that no good potential has."""
FAR_IN_OTHER_STRUCTURE = 0.25
"""The same where the lattice parameter is a guess: bonds of fcc Si are 16 % longer than those of diamond."""


class LatticeParameterWarning(GenmlipWarning):
    """A potential's crystal is far larger or smaller than the element's."""


@dataclass(frozen=True, eq=False)
class Structure:
    """A cubic structure with one element.

    primitive : (3, 3) rows, primitive vectors along cubic axes, in units of a0
    basis : (nb, 3) atoms of the primitive cell, in units of a0
    centring : (nc, 3) primitive lattice points inside the conventional cube, in units of a0
    neighbour_distance : distance of nearest neighbours, in units of a0
    """

    name: str
    primitive: Array
    basis: Array
    centring: Array
    neighbour_distance: float

    @property
    def conventional(self) -> Array:
        """Atoms of the conventional cube, (nc · nb, 3); the basis runs fastest."""
        return (self.centring[:, None, :] + self.basis[None, :, :]).reshape(-1, 3)


_FACE_CENTRES = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
_FCC = np.array([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
_BCC = np.array([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]])

STRUCTURES = {
    structure.name: structure
    for structure in (
        Structure("bcc", _BCC, np.zeros((1, 3)), np.array([[0, 0, 0], [0.5, 0.5, 0.5]]), np.sqrt(3) / 2),
        Structure("fcc", _FCC, np.zeros((1, 3)), _FACE_CENTRES, np.sqrt(2) / 2),
        Structure("diamond", _FCC, np.array([[0, 0, 0], [0.25, 0.25, 0.25]]), _FACE_CENTRES, np.sqrt(3) / 4),
    )
}


def choose_symbol(potential: Potential, symbol: str | None) -> str:
    """The element: the given one, or the only one of the potential; raises InputError otherwise."""
    name, known = potential.spec or type(potential).__name__, ", ".join(potential.symbols)
    if symbol is None:
        if len(potential.symbols) != 1:
            raise InputError(
                f"potential {name} describes several elements; choose one with --symbol ({known})"
            )
        return potential.symbols[0]
    if symbol not in potential.symbols:
        raise InputError(
            f"potential {name} has no element {symbol} (it describes: {', '.join(potential.symbols)})"
        )
    return symbol


def choose_structure(symbol: str, structure: str | None) -> Structure:
    """The structure: the given one, or the element's ground state where that is one of ``STRUCTURES``.

    Raises InputError naming the choices otherwise.
    """
    if structure is None:
        structure = _reference(symbol).get("symmetry", "unknown")
        if structure not in STRUCTURES:
            raise InputError(
                f"{symbol} is {structure} by nature; choose a --structure ({', '.join(STRUCTURES)})"
            )
    if structure not in STRUCTURES:
        raise UnknownNameError("structure", structure, STRUCTURES)
    return STRUCTURES[structure]


def expected_structure(symbol: str) -> Structure | None:
    """The structure of the element's ground state, None where it is not one of ``STRUCTURES``."""
    return STRUCTURES.get(_reference(symbol).get("symmetry", "unknown"))


def expected_lattice_parameter(symbol: str, structure: Structure) -> float:
    """A guess of a0 in Å: that of the element's reference state, at equal distance of nearest neighbours."""
    reference = _reference(symbol)
    symmetry, a = reference.get("symmetry"), reference.get("a")
    if symmetry == structure.name and a is not None:
        return float(a)
    if symmetry in STRUCTURES and a is not None:
        distance = a * STRUCTURES[symmetry].neighbour_distance
    elif symmetry == "hcp" and a is not None:
        distance = a
    else:
        distance = 2 * covalent_radii[atomic_numbers.get(symbol, 0)]
    return float(distance / structure.neighbour_distance)


def warn_if_far_from_expected(name: str, symbol: str, structure: Structure, a0: float) -> None:
    """A LatticeParameterWarning where ``a0`` (Å) is nothing like :func:`expected_lattice_parameter`.

    In another structure than the ground state's, bonds may well differ by a tenth in length.
    """
    expected = expected_lattice_parameter(symbol, structure)
    is_ground_state = expected_structure(symbol) is structure
    if abs(a0 / expected - 1.0) > (FAR if is_ground_state else FAR_IN_OTHER_STRUCTURE):
        known = f"{symbol} has {expected:.3f} Å" if is_ground_state else f"{expected:.3f} Å is to be expected"
        warnings.warn(
            f"the lattice parameter of {name} is {a0:.3f} Å, where {known}: the crystal "
            f"{'collapses' if a0 < expected else 'expands'}, or the potential is not meant for it",
            LatticeParameterWarning,
            stacklevel=3,
        )


def _reference(symbol: str) -> dict:
    """ASE's record of the element's ground state; empty where it has none."""
    number = atomic_numbers.get(symbol, 0)
    return (reference_states[number] if number < len(reference_states) else None) or {}


def primitive_cell(structure: Structure, symbol: str, a0: float) -> Atoms:
    """The primitive cell along cubic axes, periodic."""
    return Atoms(
        [symbol] * len(structure.basis), a0 * structure.basis, cell=a0 * structure.primitive, pbc=True
    )


def unit_cell(structure: Structure, symbol: str, a0: float) -> Atoms:
    """The conventional cube, periodic."""
    positions = a0 * structure.conventional
    return Atoms([symbol] * len(positions), positions, cell=a0 * np.eye(3), pbc=True)
