"""Equilibrium of a defect: its cell, a boundary condition and a potential put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from math import fsum

import numpy as np

from genmlip._types import Array
from genmlip.dislocations.boundaries import (
    Boundary,
    Domain,
    default_boundary,
    find_boundary,
    joint_cutoff,
)
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.dislocations.equilibrium import Equilibrium, EquilibriumInterrupted
from genmlip.errors import InputError, UnstableCrystalError
from genmlip.potentials.base import Potential
from genmlip.statics.minimise import (
    MinimiseInterrupted,
    MinimiseResult,
    Progress,
    energy_change,
    minimise,
)

DISTURBANCE = np.array([5e-4, 3e-4, 0.5])
"""Å; mostly along the line, by about what the middle of a degenerate bcc screw core moves, and hardly along
the soft glide direction."""


def equilibrate(
    defect: Defect,
    potential: Potential,
    radius: float,
    boundary: str | Boundary | None = None,
    fmax: float = 1e-6,
    start: Array | None = None,
    max_calls: int = 1000,
    callback: Callable[[Progress], None] | None = None,
) -> Equilibrium:
    """Minimise the energy of ``defect`` under ``potential`` over the corrector ū.

    potential : may be another than the one of ``defect.crystal``, which supplies lattice and predictor
    radius : Å
    boundary : a name, an object with parameters, or None for the best that exists for the defect
    fmax : eV/Å, the longest force that may remain
    start : (n, 3) Å displacement relative to the predictor, one row per atom of the cell; by default the
        ``core_disturbance``

    A run that does not converge is returned and says so; see ``Equilibrium.require_convergence``.
    Raises InputError (radius, boundary, elements, fmax), UnstableCrystalError before any minimisation, and
    EquilibriumInterrupted, which carries what was reached, on Ctrl-C.
    """
    if not (np.isfinite(fmax) and fmax > 0.0):
        raise InputError(f"fmax must be a positive number of eV/Å, got {fmax!r}")
    boundary = _chosen(boundary, defect, potential)
    boundary.cell(defect, radius, joint_cutoff(defect, potential))  # complains before any work is done
    if not defect.crystal.is_stable:
        raise UnstableCrystalError(_unstable(defect))
    warm_up = defect.crystal.primitive_cell()
    potential.bind(warm_up)(warm_up.positions)  # compiles what is yet to compile
    began = time.perf_counter()
    domain = boundary.domain(defect, radius, potential)
    objective = BoundObjective(domain, potential)
    guess = domain.restrict(core_disturbance(domain.cell) if start is None else _checked(start, domain.cell))
    offset = objective.above_predictor(guess)

    def packed(result: MinimiseResult) -> Equilibrium:
        state = domain.completed(result.x)
        energy = offset + result.energy_difference + state.remainder
        objection = state.objection or domain.cell.objection(domain.cell.positions + state.displacement)
        return Equilibrium(
            cell=domain.cell,
            corrector=state.displacement,
            energy=energy / (1 + len(domain.cell.inverted_cores)),
            fmax=result.fmax,
            converged=result.converged and not objection,
            n_force_calls=result.n_calls,
            wall_s=time.perf_counter() - began,
            boundary=boundary,
            n_free=int(domain.cell.free.sum()),
            cutoff=joint_cutoff(defect, potential),
            message=objection or result.message,
            potential=potential.spec,
        )

    try:
        return packed(minimise(objective, guess, domain.precondition(), fmax, max_calls, callback=callback))
    except MinimiseInterrupted as interruption:
        raise EquilibriumInterrupted(packed(interruption.result)) from None


def core_disturbance(cell: DefectCell) -> Array:
    """A displacement (n, 3) Å of the innermost atoms along no direction of symmetry, the same in every cell.

    The predictor has all symmetries of the system, which forces never break; yet where a core has fewer (the
    degenerate bcc screw, a Jahn–Teller distorted vacancy) the symmetric state is a saddle. As the disturbance
    does not depend on the cell, radii and potentials mostly fall into the same one of equivalent minima. Wide
    edge cores have several: where it matters start one run from the equilibrium of the other.
    """
    width = cell.defect.crystal.nearest_neighbour_distance
    weight = np.exp(-0.5 * (cell.r / width) ** 2)
    for core in cell.inverted_cores:
        weight -= np.exp(-0.5 * np.sum(((cell.reference[:, :2] - core) / width) ** 2, axis=1))
    return weight[:, None] * DISTURBANCE


class BoundObjective:
    """x → (site energies, gradient), through the boundary condition; the latest is remembered."""

    def __init__(self, domain: Domain, potential: Potential) -> None:
        self.domain = domain
        self._evaluate = potential.bind(domain.cell.atoms, domain.cell.centres)
        self._home = domain.cell.positions
        self._latest: tuple[Array, tuple[Array, Array]] | None = None

    def __call__(self, x: Array) -> tuple[Array, Array]:
        if self._latest is None or not np.array_equal(self._latest[0], x):
            at = self._evaluate(self._home + self.domain.extend(x))
            exterior = self.domain.exterior_energies(x)
            energies = np.concatenate([at.energies, exterior]) if len(exterior) else at.energies
            self._latest = (x.copy(), (energies, self.domain.residual(x, at.forces)))
        return self._latest[1]

    def above_predictor(self, x: Array) -> float:
        """E(x) − E(predictor), eV; exterior terms vanish there."""
        predictor, energies = self._evaluate(self._home).energies, self(x)[0]
        return energy_change(energies[: len(predictor)], predictor) + fsum(energies[len(predictor) :])


def _chosen(boundary: str | Boundary | None, defect: Defect, potential: Potential) -> Boundary:
    if boundary is None:
        return default_boundary(defect, potential)
    return find_boundary(boundary) if isinstance(boundary, str) else boundary


def _checked(start: Array, cell: DefectCell) -> Array:
    n = len(cell)
    try:
        start = np.asarray(start, dtype=float)
    except ValueError:
        raise InputError(f"start must be {n} finite displacements, shape ({n}, 3)") from None
    if start.shape != (n, 3):
        raise InputError(f"start must be {n} finite displacements, shape ({n}, 3); got shape {start.shape}")
    if not np.isfinite(start).all():
        raise InputError(f"start must be {n} finite displacements; it holds NaN or infinity")
    return start


def _unstable(defect: Defect) -> str:
    crystal = defect.crystal
    potential = crystal.potential.spec or type(crystal.potential).__name__
    return (
        f"{crystal.structure} {crystal.symbol} with {potential} is unstable at a0 = {crystal.a0:.4f} Å; "
        f"a {defect.name} in it has no equilibrium"
    )
