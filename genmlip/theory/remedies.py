"""What an assessment means, in words: what dominates the error and what to add to the training set."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation
from genmlip.theory.attribution import CORE_RADIUS

if TYPE_CHECKING:
    from genmlip.theory.assessment import Assessment

RELIABLE = 0.5
"""Contraction Θ from which on Newton's method need not converge: the estimate is an order of magnitude."""

NEGLIGIBLE = 1e-3
"""Å; a geometry error below which nothing needs to be added."""

LATTICE = 1e-3
"""Relative error of the lattice parameter that is worth a word."""


def advice(assessment: Assessment) -> list[str]:
    """Sentences, the most important first; what cannot be said of this candidate is left out."""
    return list(_sentences(assessment))


def _sentences(at: Assessment) -> Iterator[str]:
    estimate, crystal = at.estimate, at.candidate_crystal
    core = f"the forces within {CORE_RADIUS:g} Å of it are off by {_number(at.force_rmse_core)} eV/Å (rms)"
    if not crystal.is_stable:
        yield (
            f"The candidate's {crystal.structure} {crystal.symbol} is unstable: add rattled and strained "
            "cells of the perfect crystal, with forces and virials, before any defect."
        )
        return
    if estimate is not None and estimate.value is None:
        yield (
            "At the reference's equilibrium the candidate is unstable, so that its core is another one: "
            f"{core}; {_core_cells(at)}."
        )
    elif estimate is not None and estimate.value is not None:
        yield f"Predicted error of the geometry: {_number(estimate.value)} Å."
        if estimate.contraction is not None and estimate.contraction >= RELIABLE:
            yield (
                f"The candidate is too far from the reference for more than the order of magnitude of it "
                f"(contraction {estimate.contraction:.2f})."
            )
    if estimate is not None and estimate.value is not None and estimate.value < NEGLIGIBLE:
        yield "That is as good as the reference: nothing needs to be added for this defect."
    elif at.attribution is not None:
        name = at.attribution.dominant
        share = f"{at.attribution.shares[name]:.0%} of it comes from"
        if name == "core":
            yield f"{share} the core: {core}; {_core_cells(at)}."
        elif name == "elastic":
            yield (
                f"{share} the elastic constants, which are off by {at.delta_C_rel:.1%} "
                f"({_moduli(at.reference.cell.defect.crystal, crystal)}): add virials, or strained cells if "
                "there are virials already."
            )
        else:
            yield f"{share} the far field beyond its elastic constants: {_higher(at)}."
    if abs(at.a0_error_rel) >= LATTICE:
        yield (
            f"The lattice parameter is off by {at.a0_error_rel:+.2%}, which these errors do not contain: add "
            "virials, or energies of cells of several volumes."
        )


def _core_cells(at: Assessment) -> str:
    defect = at.reference.cell.defect
    if isinstance(defect, Dislocation):
        return (
            f"add cells with such a core (--cells quadrupole:{defect.name}), or a larger basis if these "
            "forces are no worse than those of the training set"
        )
    return (
        f"add cells with a {defect.name}, or a larger basis if these forces are no worse than those of the "
        "training set"
    )


def _higher(at: Assessment) -> str:
    nonlinear = f"the third-order elastic constants are off by {at.delta_C3_rel:.0%}"
    dispersion = f"the dispersion by {at.delta_mu_rel:.0%}"
    return (
        f"{nonlinear}, {dispersion}; add cells strained by several per cent for the former, forces of larger "
        "rattled cells for the latter"
    )


def _moduli(reference: Crystal, candidate: Crystal) -> str:
    """Errors of C11, C12 and C44."""
    ours, theirs = reference.elastic_constants, candidate.elastic_constants
    return ", ".join(f"{name} {theirs[name] / ours[name] - 1:+.1%}" for name in ours)


def _number(value: float) -> str:
    return f"{value:.2g}"
