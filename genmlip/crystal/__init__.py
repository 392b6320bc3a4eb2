"""The perfect crystal of a potential: lattice parameter, elastic tensors, force constants, phonons, Green's
function."""

from __future__ import annotations

from genmlip.crystal.crystal import Crystal
from genmlip.crystal.force_constants import ForceConstants
from genmlip.crystal.lattice_green import LatticeGreen
from genmlip.crystal.line_constants import LineForceConstants
from genmlip.crystal.pairs import Pairs
from genmlip.crystal.structures import STRUCTURES, Structure
from genmlip.crystal.tensors import rotate

__all__ = [
    "STRUCTURES",
    "Crystal",
    "ForceConstants",
    "LatticeGreen",
    "LineForceConstants",
    "Pairs",
    "Structure",
    "rotate",
]
