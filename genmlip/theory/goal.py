"""From errors of forces in a defect to the error of its geometry: the quantity that training cells are for.

docs/theory.md, section 11. To first order, forces f on a candidate's equilibrium that should not be there
move the atoms by H⁻¹f, so that the geometry error is ‖DH⁻¹f‖, H the Hessian at that equilibrium. A linear
model's forces are f = Gc with the force rows G of its design; hence

    FᵀF = Gᵀ H⁻ᵀ DᵀD H⁻¹ G,        ‖DH⁻¹Gδc‖ = ‖Fδc‖

is what errors δc of the coefficients cost: the goal of goal-oriented experimental design (Attia, Alexanderian
& Saibaba, Inverse Problems 34, 095009, 2018). The reference enters nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from scipy.linalg import qr
from scipy.sparse import csc_array

from genmlip._types import Array, IntArray
from genmlip.crystal.pairs import Pairs
from genmlip.dislocations import Equilibrium
from genmlip.dislocations.harmonic import harmonic_operator
from genmlip.errors import InputError
from genmlip.potentials.base import Potential
from genmlip.statics.hessian import assemble_hessian
from genmlip.statics.preconditioner import NotPositiveDefiniteError, Preconditioner, SparseFactor


@dataclass(frozen=True, eq=False)
class GoalFunctional:
    """δf ↦ DH⁻¹δf in one defect.

    atoms : at the equilibrium where designs are evaluated
    free : (m,) atoms that move; the others are held
    bonds : over which D takes differences
    inverse : H⁻¹ on the free atoms
    """

    atoms: Atoms
    free: IntArray
    bonds: Pairs
    inverse: Preconditioner

    @classmethod
    def of(cls, equilibrium: Equilibrium, potential: Potential) -> tuple[GoalFunctional, bool]:
        """As :meth:`at_equilibrium` and True; where that is no minimum, as :meth:`harmonic` and False."""
        try:
            return cls.at_equilibrium(equilibrium, potential), True
        except NotPositiveDefiniteError:
            return cls.harmonic(equilibrium), False

    @classmethod
    def at_equilibrium(cls, equilibrium: Equilibrium, potential: Potential) -> GoalFunctional:
        """With the Hessian of ``potential`` at its own equilibrium, which knows how soft the core is.

        Raises NotPositiveDefiniteError where that is no minimum, and InputError as :meth:`harmonic`.
        """
        atoms, free = _configuration(equilibrium)
        hessian = assemble_hessian(potential, atoms, equilibrium.cell.centres, free)
        return cls._with(equilibrium, atoms, free, hessian)

    @classmethod
    def harmonic(cls, equilibrium: Equilibrium) -> GoalFunctional:
        """With the harmonic operator of the cell's crystal: always there, and blind to the core's softness.

        Raises InputError for a periodic cell, in which no atom is held.
        """
        atoms, free = _configuration(equilibrium)
        return cls._with(equilibrium, atoms, free, harmonic_operator(equilibrium.cell, free))

    @classmethod
    def _with(
        cls, equilibrium: Equilibrium, atoms: Atoms, free: IntArray, hessian: csc_array
    ) -> GoalFunctional:
        cell = equilibrium.cell
        dimension = 3 if cell.line_period is None else 2
        return cls(atoms, free, cell.bonds, SparseFactor(hessian, cell.reference[free, :dimension]))

    def displacements(self, force_rows: Array) -> Array:
        """H⁻¹G: force rows (3 n, k) eV/Å of all atoms → (n, 3, k) Å, zero on those that are held."""
        n, k = len(self.atoms), force_rows.shape[1]
        moved = np.zeros((n, 3, k))
        free_rows = force_rows.reshape(n, 3, k)[self.free]
        for column in range(k):
            moved[self.free, :, column] = self.inverse.solve(np.ascontiguousarray(free_rows[:, :, column]))
        return moved

    def factor(self, force_rows: Array) -> Array:
        """F with ‖Fc‖ = ‖DH⁻¹Gc‖ (Å) for every c: force rows G (3 n, k) → (min(k, ·), k).

        Rows of several models that are to be subtracted from one another go in side by side.
        """
        u = self.displacements(force_rows)
        differences = (u[self.bonds.j] - u[self.bonds.i]).reshape(-1, force_rows.shape[1])
        return np.asarray(qr(differences, mode="r", overwrite_a=True, check_finite=False)[0])[
            : force_rows.shape[1]
        ]


def _configuration(equilibrium: Equilibrium) -> tuple[Atoms, IntArray]:
    """The atoms at the equilibrium, and which of them are free."""
    cell = equilibrium.cell
    if cell.free.all():
        raise InputError(
            f"a goal needs a cell in which atoms are held; that of the {cell.defect.name} has none"
        )
    atoms = cell.atoms.copy()
    atoms.positions = cell.positions + equilibrium.corrector
    return atoms, np.flatnonzero(cell.free)
