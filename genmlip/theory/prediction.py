"""The error of a dislocation, predicted where no reference is at hand.

The estimate of docs/theory.md, section 11, asks for the candidate's forces at the reference's equilibrium,
which nobody has who has only data. To first order the same is the other way round: the reference's forces f
at the candidate's equilibrium w̄, scaled to its own lattice parameter and moved by the candidate's Hessian,

    ū − w̄ ≈ u = H̃⁻¹f,    ‖D(w̄ − ū)‖ ≈ ‖Du‖.

Potentials that agree with the data (:mod:`genmlip.training.plausible`) stand for the reference, so that there
is one such error for each of them. Their root mean square is the prediction.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from ase import Atoms

from genmlip._types import Array
from genmlip.crystal import Crystal
from genmlip.dislocations import Equilibrium
from genmlip.potentials.base import Potential
from genmlip.statics.norms import energy_norm, local_strain
from genmlip.theory.attribution import CORE_RADIUS
from genmlip.theory.goal import GoalFunctional
from genmlip.theory.remedies import RELIABLE

RANGE = (0.05, 0.95)
"""Quantiles over the plausible references that are told."""

LARGE_MISMATCH = 0.01
"""Of lattice parameters; a perfect crystal that is so wrong about itself says little about a dislocation."""

STRAIN = 1e-4
"""Of the differences by which references are put into their own lattices."""

TRUST = (
    "This is what the data tell a richer basis. For 18 fits of a smooth reference, in three dislocations "
    "each, it was 1.2 times the true error, within a factor of 1.4 (standard deviation); of a reference with "
    "a kink, which no such basis can express, within 1.3 where the contraction is below ½, within 1.9 "
    "elsewhere, and in other tests 0.6 of the error and in no order. The range is that of the draws and no "
    "confidence interval: it held half of the true errors of the former and a third of those of the latter."
)
"""Numbers of docs/training.md."""


class References(Protocol):
    """Potentials any of which may be the truth, as :class:`genmlip.training.PlausibleReferences` has them."""

    def forces(self, atoms: Atoms) -> Array:
        """(3 n, s) eV/Å, of each of them on ``atoms``."""
        ...

    def virials(self, atoms: Atoms) -> Array:
        """(6, s) eV, −∂E/∂ε in the order xx, yy, zz, yz, xz, xy."""
        ...


@dataclass(frozen=True, eq=False)
class Prediction:
    """How wrong a candidate is about one dislocation, as far as its data tell.

    equilibrium : w̄, the candidate's
    errors : (s,) ‖Du‖ by plausible reference, Å
    local : (n,) ∣Du∣(ℓ) of every atom, root mean square over the references, Å
    displacement : (n,) ∣u(ℓ)∣, likewise: how far an atom is from where it should be, Å
    contraction : Θ = ‖DH̃⁻¹f(w̄ + u)‖ / ‖Du‖ for the mean reference: of a next step to this one. The error of
        the prediction is about this fraction of it, and from ½ on it is an order of magnitude
    is_minimum : whether H̃ is positive definite; if not, the harmonic operator of the crystal took its place
    lattice_mismatch : largest ∣a_j / a − 1∣ of the references; they are put into their own lattices to first
        order in it
    """

    equilibrium: Equilibrium
    errors: Array
    local: Array
    displacement: Array
    contraction: float
    is_minimum: bool
    lattice_mismatch: float

    @property
    def value(self) -> float:
        """The predicted ‖D(w̄ − ū)‖, Å: root mean square over the plausible references."""
        return float(np.sqrt(np.mean(self.errors**2)))

    @property
    def low(self) -> float:
        """Å; of the plausible references, 5 % are closer than this. No confidence interval."""
        return float(np.quantile(self.errors, RANGE[0]))

    @property
    def high(self) -> float:
        """Å; of the plausible references, 5 % are farther away than this."""
        return float(np.quantile(self.errors, RANGE[1]))

    @cached_property
    def corrector_norm(self) -> float:
        """‖Dw̄‖, Å: how much the dislocation relaxes from its predictor."""
        return energy_norm(self.equilibrium.corrector, self.equilibrium.cell.bonds)

    @property
    def core_share(self) -> float:
        """The part of ``value``², between 0 and 1, within ``CORE_RADIUS`` of the line."""
        squares = self.local**2
        core = self.equilibrium.cell.r < CORE_RADIUS
        return float(squares[core].sum() / squares.sum()) if squares.any() else 1.0

    def summary(self) -> dict[str, Any]:
        """The keys of ``genmlip assess --data … --json``, Å; None where a quantity does not exist."""
        size = self.corrector_norm
        return {
            "predicted_error": self.value,
            "predicted_low": self.low,
            "predicted_high": self.high,
            "relative_error": self.value / size if size > 0.0 else None,
            "corrector_norm": size,
            "largest_displacement": float(self.displacement.max()),
            "core_share": self.core_share,
            "contraction": self.contraction,
            "is_minimum": self.is_minimum,
            "lattice_mismatch": self.lattice_mismatch,
        }

    def sentences(self) -> list[str]:
        """What the numbers mean, the most important first."""
        return list(_sentences(self))


def predict_error(equilibrium: Equilibrium, candidate: Potential, references: References) -> Prediction:
    """The error of ``candidate`` in ``equilibrium``, its own, if one of ``references`` is the truth.

    equilibrium : of a dislocation in the crystal of ``candidate``, relaxed in a closed boundary (``clamped``)
    references : mostly :class:`genmlip.training.PlausibleReferences`

    Raises InputError for a periodic cell, NotConvergedError for an equilibrium that is none.
    """
    goal, is_minimum = GoalFunctional.of(equilibrium.require_convergence(), candidate)
    mismatch = _lattice_mismatch(references, equilibrium.cell.defect.crystal)
    ours = candidate.evaluate(goal.atoms).forces.reshape(-1, 1)
    u = goal.displacements(_forces_at_own_lattice(references, goal.atoms, mismatch) - ours)
    local = np.stack([local_strain(u[:, :, j], goal.bonds) for j in range(u.shape[2])], axis=1)
    mean, moved = u.mean(axis=2), goal.atoms.copy()
    moved.positions += mean
    left = _forces_at_own_lattice(references, moved, mismatch).mean(axis=1, keepdims=True)
    second, first = energy_norm(goal.displacements(left)[:, :, 0], goal.bonds), energy_norm(mean, goal.bonds)
    return Prediction(
        equilibrium,
        errors=np.linalg.norm(local, axis=0),
        local=np.sqrt(np.mean(local**2, axis=1)),
        displacement=np.sqrt(np.mean(np.sum(u**2, axis=1), axis=1)),
        contraction=second / first if first > 0.0 else 0.0,
        is_minimum=is_minimum,
        lattice_mismatch=float(np.abs(mismatch).max()),
    )


def _lattice_mismatch(references: References, crystal: Crystal) -> Array:
    """(s,) a_j / a − 1 of every reference, to first order: where the virial of its crystal has no trace."""
    cell = crystal.primitive_cell()
    less, trace, more = (
        references.virials(_enlarged(cell, strain))[:3].sum(axis=0) for strain in (-STRAIN, 0.0, STRAIN)
    )
    return np.asarray(-2.0 * STRAIN * trace / (more - less))


def _forces_at_own_lattice(references: References, atoms: Atoms, mismatch: Array) -> Array:
    """(3 n, s) eV/Å on ``atoms``, enlarged to every reference's lattice, to first order in the mismatch."""
    here, there = references.forces(atoms), references.forces(_enlarged(atoms, STRAIN))
    return here + mismatch / STRAIN * (there - here)


def _enlarged(atoms: Atoms, strain: float) -> Atoms:
    larger = atoms.copy()
    larger.set_cell((1.0 + strain) * atoms.cell.array, scale_atoms=False)
    larger.positions *= 1.0 + strain
    return larger


def _sentences(at: Prediction) -> Iterator[str]:
    relative = at.value / at.corrector_norm if at.corrector_norm > 0.0 else 0.0
    yield (
        f"Predicted error of the geometry: {at.value:.2g} Å, for nine tenths of the plausible references "
        f"from {at.low:.2g} to {at.high:.2g} Å. That is {relative:.1%} of how much the dislocation relaxes "
        f"({at.corrector_norm:.3g} Å); the atom that is most in error is {at.displacement.max():.1g} Å from "
        f"its place. {at.core_share:.0%} of the square lies within {CORE_RADIUS:g} Å of the line."
    )
    if not at.is_minimum:
        yield (
            "The candidate's equilibrium is a saddle and no minimum; the stiffness of its perfect crystal "
            "took the place of its own, blind to how soft the core is."
        )
    if at.contraction >= RELIABLE:
        yield (
            "So large an error is no matter of first order: take it for an order of magnitude (contraction "
            f"{at.contraction:.2f})."
        )
    if at.lattice_mismatch > LARGE_MISMATCH:
        yield (
            f"Plausible references differ from the candidate by up to {at.lattice_mismatch:.1%} in the "
            "lattice parameter, which is no matter of first order either: label strained cells, or more."
        )
    yield TRUST
