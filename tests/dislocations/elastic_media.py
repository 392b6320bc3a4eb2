"""Crystals that are known by their lattice and elastic constants only: enough for geometry and far fields."""

from types import SimpleNamespace

import numpy as np
from ase import units
from matscipy.elasticity import coalesce_elastic_constants

from genmlip.crystal import STRUCTURES

CONSTANTS = {
    "bcc": (3.1652, 522.4, 204.4, 160.6),
    "fcc": (3.6, 169.0, 122.0, 75.4),
    "diamond": (5.43, 151.4, 76.4, 56.5),
}


def cubic_stiffness(C11, C12, C44):
    """(3, 3, 3, 3) eV/Å³ from GPa."""
    return units.GPa * coalesce_elastic_constants(C11, C12, C44, convention="Cijkl")


def medium(structure, constants=None, cutoff=4.4):
    """A crystal known by its lattice and elastic constants only; its sublattices do not shift."""
    a0, *C = constants or CONSTANTS[structure]
    kind = STRUCTURES[structure]
    return SimpleNamespace(
        structure=structure, symbol="X", a0=a0, primitive_vectors=a0 * kind.primitive, basis=a0 * kind.basis,
        stiffness=cubic_stiffness(*C), potential=SimpleNamespace(cutoff=cutoff),
        nearest_neighbour_distance=a0 * kind.neighbour_distance,
        internal_displacement=np.zeros((len(kind.basis), 3, 3, 3)),
    )  # fmt: skip
