"""Defects by name: the dislocations of the catalogue and the vacancy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genmlip.dislocations.catalogue import SYSTEMS
from genmlip.dislocations.cell import Defect
from genmlip.dislocations.dislocation import Dislocation
from genmlip.dislocations.vacancy import Vacancy
from genmlip.errors import UnknownNameError

if TYPE_CHECKING:
    from genmlip.crystal import Crystal

VACANCY = "vacancy"


def check_defect(name: str) -> None:
    """Raise UnknownNameError for a name that is neither a dislocation of the catalogue nor ``vacancy``."""
    if name not in (VACANCY, *SYSTEMS):
        raise UnknownNameError("dislocation", name, (VACANCY, *SYSTEMS))


def make_defect(crystal: Crystal, name: str) -> Defect:
    """The dislocation of that name in ``crystal``, or its vacancy.

    Raises UnknownNameError, and InputError where the dislocation belongs to another structure.
    """
    check_defect(name)
    return Vacancy(crystal) if name == VACANCY else Dislocation(crystal, name)
