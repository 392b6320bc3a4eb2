"""A nonlinear core in an infinite harmonic crystal: one energy for both, and its gradient.

    E(u) = Σ_{ℓ ∈ I} [V_ℓ(Du0 + Du) − V_ℓ(Du0)] + Σ_{ℓ ∉ I} [⟨δV_ℓ(Du0), Du⟩ + ½ ⟨δ²V_ℓ(0) Du, Du⟩].

The sites I are all whose energy the free atoms can change. Outside, a site's energy is expanded to second
order about the predictor, with the perfect crystal's Hessian: what is neglected is of third order,
C3[∇u0, Du, Du]. The first-order terms together are the predictor's own forces f0. Site by site, the two parts
of the crystal meet without ghost forces: the gradient at u = 0 is −f0 everywhere, and the second variation
about the perfect crystal is its own. Stationary points solve H u = f0 outside.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array, diags_array

from genmlip._types import Array, BoolArray
from genmlip.dislocations.boundaries.base import Domain
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.dislocations.exterior import HarmonicCrystal, SlippedGreen
from genmlip.dislocations.site_operator import site_operator
from genmlip.errors import InputError
from genmlip.potentials.base import Potential


def far_cell(defect: Defect, radius: float, cutoff: float, source_radius: float) -> DefectCell:
    """Atoms as in a clamped cell, and others out to ``source_radius`` (Å) and an interface layer beyond."""
    near = defect.cell(radius, cutoff)
    if near.line_period is None:
        raise InputError(f"a harmonic far field needs a straight dislocation; a {defect.name} is none")
    return defect.cell(radius, cutoff, source_radius + float(near.r.max()) - radius)


def coupled_domain(cell: DefectCell, potential: Potential, source_radius: float, kept: float) -> Domain:
    """The energy above on a ``far_cell``; the predictor's forces act as sources out to ``kept`` (Å).

    The unknowns are the displacements of all atoms. Those beyond the source radius follow: there the crystal
    is harmonic, free of sources, and goes on to infinity.
    Raises InputError where the potential hides its sites, is not the crystal's own, or reaches too far.
    """
    if potential is not cell.defect.crystal.potential:
        raise InputError("a harmonic far field is that of the potential itself: make the crystal with it")
    harmonic = HarmonicCrystal(cell, source_radius)
    exterior = _Exterior(exterior_operator(harmonic), _linear_forces(cell, potential, kept), harmonic.carries)
    green = SlippedGreen(harmonic)
    return Domain(
        cell,
        extend=lambda u: u,
        restrict=lambda u: green.solve(_product(harmonic.operator, u)),
        residual=exterior.residual,
        precondition=lambda: green,
        exterior_energies=exterior.energies,
    )


@dataclass
class _Exterior:
    """½ ⟨Bu, u⟩ + ⟨linear, u⟩ and its derivative, (n, 3) each; atoms that carry no source only follow."""

    operator: csr_array
    linear: Array
    carries: BoolArray
    _latest: tuple[Array, Array] | None = None

    def residual(self, u: Array, forces: Array) -> Array:
        return np.where(self.carries[:, None], self._harmonic(u) + self.linear - forces, 0.0)

    def energies(self, u: Array) -> Array:
        """Shared among the atoms, (n,) eV."""
        shared: Array = np.sum(u * (0.5 * self._harmonic(u) + self.linear), axis=1)
        return shared

    def _harmonic(self, u: Array) -> Array:
        """B u; energies and residual ask for the same u one after the other."""
        if self._latest is None or self._latest[0] is not u:
            self._latest = (u, _product(self.operator, u))
        return self._latest[1]


def exterior_operator(harmonic: HarmonicCrystal) -> csr_array:
    """Σ_{ℓ ∉ I} δ²V_ℓ(0), (3n, 3n): far outside all sites count, next to I their sum is taken one by one.

    Raises InputError where the interactions of I reach beyond the source radius.
    """
    cell, topology = harmonic.cell, harmonic.topology
    reach = cell.defect.crystal.potential.cutoff + abs(float(topology.lattice.burgers[0])) + 1e-6
    inner = float(cell.r[cell.centres].max())
    if inner + 2 * reach > harmonic.source_radius:
        raise InputError(
            f"source radius {harmonic.source_radius:.4g} Å is too small: the interface layer around the free "
            f"atoms of radius {cell.radius:g} Å reaches to {inner + 2 * reach:.4g} Å"
        )
    outer = np.setdiff1d(np.flatnonzero(cell.r < inner + 2 * reach), cell.centres)
    near = np.repeat(cell.r <= inner + reach, 3)
    return csr_array(
        diags_array(near.astype(float)) @ site_operator(cell, topology, outer)
        + diags_array((~near).astype(float)) @ harmonic.operator
    )


def _linear_forces(cell: DefectCell, potential: Potential, kept: float) -> Array:
    """Forces of the sites I at u = 0 minus the kept f0, (n, 3) eV/Å."""
    home = cell.positions
    complete = np.flatnonzero(cell.r < float(cell.r.max()) - potential.cutoff)
    f0 = potential.bind(cell.atoms, complete)(home).forces
    sources = balanced(np.where((cell.r < kept)[:, None], f0, 0.0), cell.r, kept)
    return potential.bind(cell.atoms, cell.centres)(home).forces - sources


def balanced(sources: Array, r: Array, kept: float) -> Array:
    """Without the net force that cutting them off at ``kept`` has left, which the outer half takes up.

    All of f0 is balanced; the net force of what lies beyond ``kept`` falls off like its inverse square.
    """
    outer = (r < kept) & (r >= 0.5 * kept)
    return np.where(outer[:, None], sources - sources.sum(axis=0) / outer.sum(), sources)


def _product(operator: csr_array, u: Array) -> Array:
    return np.asarray(operator @ u.ravel()).reshape(-1, 3)
