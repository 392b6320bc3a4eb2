"""Reference and candidate energies as site potentials: built in, from files, from OpenKIM and ASE."""

from genmlip.potentials.base import Evaluation, Evaluator, Potential, SitePotential
from genmlip.potentials.registry import as_potential, available_potentials, load_potential

__all__ = [
    "Evaluation",
    "Evaluator",
    "Potential",
    "SitePotential",
    "as_potential",
    "available_potentials",
    "load_potential",
]
