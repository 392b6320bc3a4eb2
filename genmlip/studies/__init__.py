"""Declarative studies: parameters → runs → one tidy table; killed studies resume, runs go in parallel.

A study is a list of parameter sets for one kind of run (a frozen dataclass, by default
:class:`~genmlip.studies.generalisation.Generalisation`, which fits a potential and assesses it; others are
:class:`BoundaryCondition` and :class:`Accuracy`); everything else (workers, resume, the table) is the
engine's business. See the files in ``experiments/``.
"""

from genmlip.studies.accuracy import Accuracy
from genmlip.studies.boundary import BoundaryCondition
from genmlip.studies.cache import Cache
from genmlip.studies.parameters import grid
from genmlip.studies.study import Study
from genmlip.studies.table import read_table

__all__ = ["Accuracy", "BoundaryCondition", "Cache", "Study", "grid", "read_table"]
