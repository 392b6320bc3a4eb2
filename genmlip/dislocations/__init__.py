"""Dislocations and the vacancy: catalogue, far fields, cells, boundary conditions and core analysis."""

from __future__ import annotations

from genmlip.dislocations.barrier import PeierlsBarrier, peierls_barrier
from genmlip.dislocations.boundaries import Clamped, Flexible, Periodic, Sinclair
from genmlip.dislocations.catalogue import SYSTEMS, System
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.dislocations.core import column_differences, core_position, decay_exponent
from genmlip.dislocations.defects import check_defect, make_defect
from genmlip.dislocations.dislocation import Dislocation
from genmlip.dislocations.elastic_energy import core_energy
from genmlip.dislocations.equilibrate import equilibrate
from genmlip.dislocations.equilibrium import Equilibrium
from genmlip.dislocations.predictor import MappedPredictor, SelfConsistentPredictor
from genmlip.dislocations.stroh import StrohField
from genmlip.dislocations.vacancy import Vacancy

__all__ = [
    "SYSTEMS",
    "Clamped",
    "Defect",
    "DefectCell",
    "Dislocation",
    "Equilibrium",
    "Flexible",
    "MappedPredictor",
    "PeierlsBarrier",
    "Periodic",
    "SelfConsistentPredictor",
    "Sinclair",
    "StrohField",
    "System",
    "Vacancy",
    "check_defect",
    "column_differences",
    "core_energy",
    "core_position",
    "decay_exponent",
    "equilibrate",
    "make_defect",
    "peierls_barrier",
]
