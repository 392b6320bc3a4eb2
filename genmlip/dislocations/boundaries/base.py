"""What a boundary condition is: the algebra that closes a finite cell.

A boundary condition chooses the atoms, maps the unknowns x to the displacement u of all atoms, maps the
forces on all atoms back to the residual that must vanish, and brings the operator that preconditions this
residual. Minimiser and ``equilibrate`` know nothing else about it. A new one is a file with one small frozen
dataclass, whose fields are its parameters, and a line in the registry.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from genmlip._types import Array
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.potentials.base import Potential
from genmlip.statics.preconditioner import Preconditioner

NO_ENERGIES = np.empty(0)


def no_energies(x: Array) -> Array:
    """For boundary conditions whose exterior carries no energy of its own."""
    return NO_ENERGIES


@dataclass(frozen=True, eq=False)
class Completed:
    """What an equilibrium is once that which the minimisation did not need has been put back.

    displacement : (n, 3) Å, of all atoms relative to the predictor
    remainder : eV, what the minimised energy left out, where it is worth adding
    objection : why this is no state to trust, or nothing
    """

    displacement: Array
    remainder: float = 0.0
    objection: str = ""


@dataclass(frozen=True)
class Domain:
    """A cell and how it is closed.

    extend : x (m, 3) → displacement relative to the predictor of all atoms (n, 3), Å
    restrict : (n, 3) → x (m, 3): the unknowns among such a displacement
    residual : x (m, 3), forces on all atoms (n, 3) eV/Å → gradient of the energy in x (m, 3) eV/Å
    precondition : builds the preconditioner; called once, when its cost is to be paid
    exterior_energies : x → (k,) eV, energy terms beyond those of the cell's sites, zero for the predictor
    complete : x → the equilibrium with all that there is to say about it; by default ``extend``, which needs
        to be right only on the neighbours of the cell's centres
    """

    cell: DefectCell
    extend: Callable[[Array], Array]
    restrict: Callable[[Array], Array]
    residual: Callable[[Array, Array], Array]
    precondition: Callable[[], Preconditioner]
    exterior_energies: Callable[[Array], Array] = no_energies
    complete: Callable[[Array], Completed] | None = None

    def completed(self, x: Array) -> Completed:
        """The state of all atoms."""
        return Completed(self.extend(x)) if self.complete is None else self.complete(x)


class Boundary(Protocol):
    """A boundary condition with its parameters, before it meets a defect."""

    name: ClassVar[str]

    def cell(self, defect: Defect, radius: float, cutoff: float) -> DefectCell:
        """The atoms: those free within ``radius`` (Å) and all that a potential of this ``cutoff`` (Å) needs.

        Raises InputError.
        """
        ...

    def domain(self, defect: Defect, radius: float, potential: Potential) -> Domain:
        """The cell and how it is closed for this potential. Raises InputError."""
        ...


def joint_cutoff(defect: Defect, potential: Potential) -> float:
    """Å, for cells in which both ``potential`` and that of the defect's crystal have all neighbours."""
    return max(potential.cutoff, defect.crystal.potential.cutoff)
