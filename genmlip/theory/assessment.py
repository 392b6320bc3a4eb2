"""A candidate potential against a reference, in one defect: the true errors, and what predicts them.

docs/theory.md, section 14. Both potentials are compared at their own lattice parameters: positions of the
candidate's crystal are divided by ã / a before anything is subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from genmlip._types import Array
from genmlip.crystal import Crystal
from genmlip.dislocations import Defect, Dislocation, Equilibrium, equilibrate, make_defect
from genmlip.dislocations.boundaries import Boundary, closed_boundary
from genmlip.dislocations.cell import DefectCell
from genmlip.errors import GenmlipError, InputError, NotConvergedError, UnstableCrystalError
from genmlip.potentials.base import Potential
from genmlip.statics.norms import energy_norm, local_strain
from genmlip.statics.preconditioner import NotPositiveDefiniteError
from genmlip.theory.attribution import CORE_RADIUS, Attribution, attribute
from genmlip.theory.estimates import ErrorEstimate, Residual, estimate_error
from genmlip.theory.mismatch import (
    dispersion_mismatch,
    elastic_mismatch,
    lattice_mismatch,
    nonlinear_mismatch,
)
from genmlip.theory.sites import same_sites

MAX_CALLS = 300
"""Force calls after which the candidate counts as having no equilibrium near the reference's."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """The equilibria of both potentials, each relative to the predictor that its cell has.

    reference, candidate : equilibria; ``scale`` = ã / a
    """

    reference: Equilibrium
    candidate: Equilibrium
    scale: float

    @cached_property
    def corrector_error(self) -> Array:
        """w̄ / scale − ū on the reference's sites, (n, 3) Å; zero on sites outside the candidate's cell."""
        ours, theirs = same_sites(self.reference.cell.reference, self.candidate.cell.reference / self.scale)
        error = np.zeros_like(self.reference.corrector)
        error[ours] = self.candidate.corrector[theirs] / self.scale - self.reference.corrector[ours]
        return error

    @property
    def geometry_error(self) -> float:
        """‖D(w̄ − ū)‖, Å."""
        return energy_norm(self.corrector_error, self.reference.cell.bonds)

    @property
    def geometry_error_far(self) -> float:
        """The part of ‖D(w̄ − ū)‖ outside ``CORE_RADIUS``, Å: what elasticity is responsible for."""
        return float(np.linalg.norm(self.local_error[self.reference.cell.r >= CORE_RADIUS]))

    @property
    def local_error(self) -> Array:
        """∣D(w̄ − ū)∣(ℓ) of every atom, (n,) Å."""
        return local_strain(self.corrector_error, self.reference.cell.bonds)

    @property
    def energy_error(self) -> float:
        """∣Ẽ(w̄) − E(ū)∣, eV per line period."""
        return abs(self.candidate.energy - self.reference.energy)


@dataclass(frozen=True, eq=False)
class Assessment:
    """How wrong the candidate is about one defect.

    common : both potentials in the reference's predictor
    own : each in its own predictor
    estimate : predicted ‖D(w̄ − ū)‖ in the common predictor, and bounds on it, without relaxing the candidate
    failure : why the candidate has no equilibrium, or no estimate; what it was for is None then
    attribution : which part of the residual the estimate comes from
    a0_error_rel : (ã − a) / a;  delta_C_rel : ‖δC‖ / ‖C‖;  delta_C3_rel : ‖δC₃‖ / ‖C₃‖
    delta_mu_rel : mismatch of dispersion
    force_rmse_core : eV/Å, of the candidate's forces on the reference's equilibrium within ``CORE_RADIUS``
    """

    reference: Equilibrium
    candidate_crystal: Crystal
    a0_error_rel: float
    delta_C_rel: float
    delta_C3_rel: float
    delta_mu_rel: float
    force_rmse_core: float
    common: Comparison | None = None
    own: Comparison | None = None
    estimate: ErrorEstimate | None = None
    attribution: Attribution | None = None
    failure: GenmlipError | None = None

    @property
    def effectivity(self) -> float | None:
        """Predicted over true error."""
        predicted = None if self.estimate is None else self.estimate.value
        if predicted is None or self.common is None or self.common.geometry_error == 0.0:
            return None
        return predicted / self.common.geometry_error

    def summary(self) -> dict[str, Any]:
        """The keys of ``genmlip assess --json``, Å and eV; None where a quantity does not exist."""
        common, own, estimate = self.common, self.own, self.estimate
        shares = {} if self.attribution is None else self.attribution.shares
        return {
            "geometry_error": None if common is None else common.geometry_error,
            "energy_error": None if common is None else common.energy_error,
            "delta_C_rel": self.delta_C_rel,
            "force_rmse_core": self.force_rmse_core,
            "estimate": None if estimate is None else estimate.value,
            "effectivity": self.effectivity,
            "a0_error_rel": self.a0_error_rel,
            "geometry_error_far": None if common is None else common.geometry_error_far,
            "geometry_error_own": None if own is None else own.geometry_error,
            "energy_error_own": None if own is None else own.energy_error,
            "estimate_bound": None if estimate is None else estimate.bound,
            "estimate_dual": None if estimate is None else estimate.dual,
            "estimate_crystal": None if estimate is None else estimate.crystal,
            "estimate_contraction": None if estimate is None else estimate.contraction,
            "stability": None if estimate is None else estimate.stability,
            "delta_C3_rel": self.delta_C3_rel,
            "delta_mu_rel": self.delta_mu_rel,
            "share_core": shares.get("core"),
            "share_elastic": shares.get("elastic"),
            "share_higher": shares.get("higher"),
            "candidate_stable": self.candidate_crystal.is_stable,
            "failure": None if self.failure is None else str(self.failure),
        }


def assess(
    reference: Potential,
    candidate: Potential,
    defect: Defect | str,
    radius: float,
    boundary: str | Boundary | None = None,
    fmax: float = 1e-6,
    equilibrium: Equilibrium | None = None,
    estimate_only: bool = False,
) -> Assessment:
    """Errors of ``candidate`` against ``reference`` in ``defect``, and their estimate.

    defect : one made of the reference's crystal, or a name of the catalogue
    radius : Å, in units of the reference's crystal; the candidate's cell is scaled by ã / a
    boundary : by default the one that has all of the deformation inside the cell: with a common predictor the
        candidate's forces fall off like r⁻² only, and its error in infinite crystal is infinite
    equilibrium : of the reference, if it is known already
    estimate_only : nothing is relaxed with the candidate

    Raises InputError for bad input and NotConvergedError where the reference finds no equilibrium. Where the
    candidate finds none, or its crystal is unstable, ``failure`` says so.
    """
    if isinstance(defect, str):
        defect = make_defect(Crystal.from_potential(reference), defect)
    if boundary is None:
        boundary = closed_boundary(defect) if equilibrium is None else equilibrium.boundary
    if equilibrium is None:
        equilibrium = equilibrate(defect, reference, radius, boundary, fmax)
    equilibrium.require_convergence()
    crystal = Crystal.from_potential(candidate, defect.crystal.structure, defect.crystal.symbol)
    scale = crystal.a0 / defect.crystal.a0
    in_common = _with_crystal(defect, crystal, medium=defect.crystal)
    residual = residual_of(candidate, in_common, equilibrium)
    assessment = Assessment(
        reference=equilibrium,
        candidate_crystal=crystal,
        a0_error_rel=lattice_mismatch(defect.crystal, crystal),
        delta_C_rel=elastic_mismatch(defect.crystal, crystal),
        delta_C3_rel=nonlinear_mismatch(defect.crystal, crystal),
        delta_mu_rel=dispersion_mismatch(defect.crystal, crystal),
        force_rmse_core=_core_rmse(residual),
    )
    if not crystal.is_stable:
        reason = (
            f"the candidate's {crystal.structure} {crystal.symbol} is unstable at a0 = {crystal.a0:.4f} Å"
        )
        return replace(assessment, failure=UnstableCrystalError(reason))
    try:
        assessment = replace(assessment, estimate=estimate_error(residual))
        assessment = replace(assessment, attribution=_attributed(assessment, residual))
    except NotConvergedError as failure:  # the errors themselves can still be measured
        assessment = replace(assessment, failure=failure)
    if estimate_only:
        return assessment
    try:
        relaxed = _relaxed(in_common, candidate, equilibrium, boundary, fmax)
        assessment = replace(assessment, common=Comparison(equilibrium, relaxed, scale))
        relaxed = _relaxed(_with_crystal(defect, crystal), candidate, equilibrium, boundary, fmax)
        return replace(assessment, own=Comparison(equilibrium, relaxed, scale))
    except (UnstableCrystalError, NotConvergedError) as failure:
        return replace(assessment, failure=failure)


def _relaxed(
    defect: Defect,
    candidate: Potential,
    known: Equilibrium,
    boundary: str | Boundary | None,
    fmax: float,
) -> Equilibrium:
    """The candidate's equilibrium next to the reference's, from which the search starts.

    The theory is about this one. From the predictor, far from all training data in the core, a fitted
    potential may find no equilibrium at all, or another one.
    """
    cell, start = _transferred(candidate, defect, known)
    result = equilibrate(defect, candidate, cell.radius, boundary, fmax, start, max_calls=MAX_CALLS)
    return result.require_convergence()


def residual_of(candidate: Potential, defect: Defect, known: Equilibrium) -> Residual:
    """The candidate on the reference's equilibrium; ``defect`` is the reference's in the candidate's crystal.

    Its forces are exact on the free atoms; on the others, which are held, zero is returned.
    """
    cell, corrector = _transferred(candidate, defect, known)
    positions = cell.positions + corrector
    evaluate = candidate.bind(cell.atoms, cell.centres)
    forces = np.where(cell.free[:, None], evaluate(positions).forces, 0.0)
    return Residual(cell, evaluate, positions, forces, defect.crystal.a0 / known.cell.defect.crystal.a0)


def _transferred(candidate: Potential, defect: Defect, known: Equilibrium) -> tuple[DefectCell, Array]:
    """The candidate's cell and the reference's corrector on its sites, (n, 3) Å, both scaled by ã / a."""
    scale = defect.crystal.a0 / known.cell.defect.crystal.a0
    cutoff = max(candidate.cutoff, defect.crystal.potential.cutoff)
    cell = known.boundary.cell(defect, scale * known.cell.radius, cutoff)
    ours, theirs = same_sites(known.cell.reference, cell.reference / scale)
    corrector = np.zeros_like(cell.reference)
    corrector[theirs] = scale * known.corrector[ours]
    return cell, corrector


def _attributed(assessment: Assessment, residual: Residual) -> Attribution | None:
    """Where there is a prediction, what it is made of."""
    if assessment.estimate is None or assessment.estimate.value is None:
        return None
    try:
        return attribute(residual, assessment.reference)
    except NotPositiveDefiniteError:  # as in the estimate: zero within the error of the differences
        return None


def _core_rmse(residual: Residual) -> float:
    core = residual.cell.free & (residual.cell.r < CORE_RADIUS)
    return float(np.sqrt(np.mean(residual.forces[core] ** 2)))


def _with_crystal(defect: Defect, crystal: Crystal, medium: Crystal | None = None) -> Defect:
    """The same defect in another crystal; ``medium`` sets the far field of a dislocation."""
    if crystal.structure != defect.crystal.structure:
        raise InputError(
            f"a {defect.name} of {defect.crystal.structure} cannot be put into {crystal.structure}"
        )
    if isinstance(defect, Dislocation):
        return replace(defect, crystal=crystal, medium=medium)
    return type(defect)(crystal)  # type: ignore[call-arg]
