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
    Objective,
    Progress,
    energy_change,
    minimise,
)

DISTURBANCE = np.array([5e-4, 3e-4, 5e-2])
"""Å; mostly along the line, as bcc screw cores degenerate, and hardly along the soft glide direction."""


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
    objective = objective_of(domain, potential)
    guess = domain.restrict(core_disturbance(domain.cell) if start is None else _checked(start, domain.cell))
    offset = energy_above_predictor(domain, potential, objective(guess)[0])

    def packed(result: MinimiseResult) -> Equilibrium:
        energy = offset + result.energy_difference + domain.remainder(result.x)
        corrector = domain.displacement(result.x)
        objection = domain.cell.objection(domain.cell.positions + corrector)
        return Equilibrium(
            cell=domain.cell,
            corrector=corrector,
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
    does not depend on the cell, all radii and potentials fall into the same one of the equivalent minima.
    """
    width = cell.defect.crystal.nearest_neighbour_distance
    weight = np.exp(-0.5 * (cell.r / width) ** 2)
    for core in cell.inverted_cores:
        weight -= np.exp(-0.5 * np.sum(((cell.reference[:, :2] - core) / width) ** 2, axis=1))
    return weight[:, None] * DISTURBANCE


def energy_above_predictor(domain: Domain, potential: Potential, energies: Array) -> float:
    """E − E(predictor), eV, for the terms that the objective has given; exterior terms vanish there."""
    predictor = potential.bind(domain.cell.atoms, domain.cell.centres)(domain.cell.positions).energies
    return energy_change(energies[: len(predictor)], predictor) + fsum(energies[len(predictor) :])


def objective_of(domain: Domain, potential: Potential) -> Objective:
    """x → (site energies, gradient), through the boundary condition."""
    home = domain.cell.positions
    evaluate = potential.bind(domain.cell.atoms, domain.cell.centres)

    def objective(x: Array) -> tuple[Array, Array]:
        at = evaluate(home + domain.extend(x))
        exterior = domain.exterior_energies(x)
        energies = np.concatenate([at.energies, exterior]) if len(exterior) else at.energies
        return energies, domain.residual(x, at.forces)

    return objective


def _chosen(boundary: str | Boundary | None, defect: Defect, potential: Potential) -> Boundary:
    if boundary is None:
        return default_boundary(defect, potential)
    return find_boundary(boundary) if isinstance(boundary, str) else boundary


def _checked(start: Array, cell: DefectCell) -> Array:
    start, n = np.asarray(start, dtype=float), len(cell)
    if start.shape != (n, 3) or not np.isfinite(start).all():
        raise InputError(f"start must be {n} finite displacements, shape ({n}, 3); got shape {start.shape}")
    return start


def _unstable(defect: Defect) -> str:
    crystal = defect.crystal
    potential = crystal.potential.spec or type(crystal.potential).__name__
    return (
        f"{crystal.structure} {crystal.symbol} with {potential} is unstable at a0 = {crystal.a0:.4f} Å; "
        f"a {defect.name} in it has no equilibrium"
    )
