"""A nonlinear core in an infinite harmonic crystal: one energy for both, and its gradient.

    E(u) = Σ_{ℓ ∈ I} [V_ℓ(Du0 + Du) − V_ℓ(Du0)] + Σ_{ℓ ∉ I} [⟨δV_ℓ(Du0), Du⟩ + ½ ⟨δ²V_ℓ(0) Du, Du⟩].

The sites I are all whose energy the free atoms can change. Outside, a site's energy is expanded to second
order about the predictor, with the perfect crystal's Hessian: what is neglected is of third order,
C3[∇u0, Du, Du]. The first-order terms together are the predictor's own forces f0. Site by site, the two parts
of the crystal meet without ghost forces: the gradient at u = 0 is −f0 everywhere, and the second variation
about the perfect crystal is its own. Stationary points solve H u = f0 outside. (docs/theory.md, section 6.)
"""

from __future__ import annotations

from functools import cached_property
from math import fsum

import numpy as np
from scipy.sparse import csr_array, diags_array

from genmlip._types import Array, BoolArray
from genmlip.dislocations.boundaries.base import Completed, Domain
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.dislocations.exterior import HarmonicCrystal, SlippedGreen
from genmlip.dislocations.site_operator import harmonic_energy, site_operator
from genmlip.errors import InputError
from genmlip.potentials.base import Evaluation, Potential


def far_cell(defect: Defect, radius: float, cutoff: float, source_radius: float) -> DefectCell:
    """Atoms as in a clamped cell, and others out to ``source_radius`` (Å) and an interface layer beyond."""
    near = defect.cell(radius, cutoff)
    if near.line_period is None:
        raise InputError(f"a harmonic far field needs a straight dislocation; a {defect.name} is none")
    return defect.cell(radius, cutoff, source_radius + float(near.r.max()) - radius)


def coupled_domain(
    cell: DefectCell,
    potential: Potential,
    source_radius: float,
    kept: float,
    to_infinity: bool = False,
) -> Domain:
    """The energy above on a ``far_cell``; the predictor's forces act as sources out to ``kept`` (Å).

    The unknowns are the displacements next to the sites I. Everything outside is eliminated exactly: there
    u = u_f + G p with u_f = G f0 and forces p that act in the interface only.

    to_infinity : the outermost kept sources stand in for those beyond; at the end the outer sites' energies
        replace their expansions, and the energy beyond the sources is extrapolated (``Completed.remainder``)

    Raises InputError where the potential hides its sites, is not the crystal's own, or reaches too far.
    """
    if potential is not cell.defect.crystal.potential:
        raise InputError("a harmonic far field is that of the potential itself: make the crystal with it")
    if not potential.knows_sites:
        name = potential.spec or type(potential).__name__
        raise InputError(
            f"a harmonic far field needs forces of single sites, which {name} does not tell; use 'clamped'"
        )
    coupling = _Coupling(HarmonicCrystal(cell, source_radius), potential, kept, to_infinity)
    return Domain(
        cell,
        extend=coupling.extend,
        restrict=coupling.restrict,
        residual=coupling.residual,
        precondition=lambda: coupling.green,
        exterior_energies=coupling.energies,
        complete=coupling.completed_to_infinity if to_infinity else coupling.completed,
    )


FADE = 0.2
"""Width, in units of its radius, over which a cut-off of the sources fades out."""
CORE_FORCE = 0.1
"""eV/Å; a good harmonic far field leaves ten times less and better, a core ten times more."""
RINGS = np.array([1.0, np.sqrt(0.5), 0.5])
"""Radii, in units of the source radius, between which far sources are compared."""
INNERMOST = (1.0 - FADE) * RINGS[-1]
"""In the same units; within this nothing is done to sources but to keep them."""


class _Coupling:
    """Exterior and interface as functions of the displacements x (m, 3) Å of the ``near`` atoms.

    near : atoms on which H is needed, the interface and the neighbours of its atoms
    acts : (m,) whether p may act on a near atom; the others follow
    """

    def __init__(
        self, harmonic: HarmonicCrystal, potential: Potential, kept: float, to_infinity: bool
    ) -> None:
        cell = harmonic.cell
        self.harmonic, self.kept = harmonic, kept
        self.interface = interface = interface_radius(harmonic)
        self.near = np.flatnonzero(cell.r < interface + harmonic.constants.range + harmonic.b1)
        self.acts = cell.r[self.near] < interface
        self.farthest = _farthest_in_cell(harmonic)
        self.complete_sites = np.flatnonzero(cell.r < float(cell.r.max()) - potential.cutoff)
        self.evaluate = potential.bind(cell.atoms, self.complete_sites)
        self.predictor = self.evaluate(cell.positions)
        self.sources = self._stand_in() if to_infinity and self._has_room else self._sources(kept)
        self.green = SlippedGreen(harmonic, self.near)
        self.field = self.everywhere.solve(self.sources)
        self.inner = potential.bind(cell.atoms, cell.centres)(cell.positions)
        self.inner_forces = self.inner.forces[self.near]
        operator = harmonic.operator(self.near[self.acts])
        missing = operator - exterior_operator(harmonic, operator)
        own = (3 * self.near[:, None] + np.arange(3)).ravel()
        self.operator = csr_array(operator[own][:, own])
        self.missing = csr_array(missing[own][:, own])
        self._latest: tuple[Array, Array, Array] | None = None

    @cached_property
    def everywhere(self) -> SlippedGreen:
        return SlippedGreen(self.harmonic, np.arange(len(self.harmonic.cell)))

    def extend(self, x: Array) -> Array:
        """(n, 3) Å, zero on atoms that no site in I has to do with."""
        u = np.zeros((len(self.harmonic.cell), 3))
        u[self.near] = x
        return u

    def completed(self, x: Array) -> Completed:
        """What the infinite crystal makes of the sources that x has."""
        return Completed(self.everywhere.solve(self._all_sources(_product(self.operator, x))))

    def completed_to_infinity(self, x: Array) -> Completed:
        """With the third-order energy of the sites outside I, and the energy of f0 beyond the sources."""
        u = self.completed(x).displacement
        at = self.evaluate(self.harmonic.cell.positions + u)
        return Completed(u, self._third_order(u, at) + self._beyond(u), self._objection(at))

    def restrict(self, u: Array) -> Array:
        """x with the sources of ``u`` (n, 3) Å in the interface, f0 outside; u decides nothing else."""
        found = _product(self.operator, u[self.near])
        return self.everywhere.solve(self._all_sources(found))[self.near]

    def residual(self, x: Array, forces: Array) -> Array:
        """∂E/∂x (m, 3) eV/Å; zero on atoms that follow."""
        p, lost = self._interface(x)
        gradient = p + self.inner_forces - lost - forces[self.near]
        return np.where(self.acts[:, None], gradient, 0.0)

    def energies(self, x: Array) -> Array:
        """The exterior's energy: shared among the near atoms, and what f0 gains by itself, (m + 1,) eV."""
        p, lost = self._interface(x)
        shared = np.sum(x * (self.inner_forces - 0.5 * lost) + 0.5 * p * (x - self.field[self.near]), axis=1)
        return np.append(shared, -0.5 * np.vdot(self.sources, self.field))

    def _objection(self, at: Evaluation) -> str:
        """A core that has run out of the free region leaves forces there that the predictor has not."""
        cell = self.harmonic.cell
        layer = ~cell.free & (cell.r < self.interface)
        left, before = (np.linalg.norm(f[layer], axis=1) for f in (at.forces, self.predictor.forces))
        if left.max() <= CORE_FORCE or np.linalg.norm(left) <= np.linalg.norm(before):
            return ""
        return (
            f"the core reaches beyond radius {cell.radius:g} Å: the harmonic far field leaves forces of "
            f"{left.max():.2g} eV/Å next to it; take a larger radius"
        )

    def _third_order(self, u: Array, at: Evaluation) -> float:
        """Σ_{ℓ ∉ I} [V_ℓ(Du0 + Du) − V_ℓ(Du0) − ⟨δV_ℓ(Du0), Du⟩ − ½ ⟨δ²V_ℓ(0) Du, Du⟩]."""
        cell = self.harmonic.cell
        outer = ~np.isin(self.complete_sites, cell.centres)
        change = at.energies - self.predictor.energies
        first = -np.vdot(self.predictor.forces - self.inner.forces, u)
        second = harmonic_energy(cell, self.harmonic.topology, self.complete_sites[outer], u)
        return fsum(change[outer]) - float(first) - second

    def _beyond(self, u: Array) -> float:
        """E(∞) − E, from E(s) = E(∞) + (α + β log s) / s² for sources that end at s = S, S/√2 and S/2.

        E(s) − E follows from the equilibrium at hand: with the sources δf taken away the harmonic crystal
        gains ⟨δf, u⟩ − ½ ⟨δf, G δf⟩. Zero where S/2 lies in the interface.
        """
        if not self._has_room:
            return 0.0
        radii = self.kept * RINGS
        gains = []
        for radius in radii:
            lost = self.sources - self._sources(radius)
            gains.append(np.vdot(lost, u) - 0.5 * np.vdot(lost, self.everywhere.solve(lost)))
        laws = np.column_stack([np.ones(3), radii**-2, np.log(radii) / radii**2])
        return float(np.linalg.solve(laws, gains)[0])

    @property
    def _has_room(self) -> bool:
        """Whether all that is done to far sources happens outside the interface."""
        return bool(INNERMOST * self.kept >= self.interface)

    def _stand_in(self) -> Array:
        """f0 with weights on its two outer rings for which the core feels what it does of all of f0, (n, 3).

        Sources ~ r⁻³ h(θ) in a ring displace atoms far inside it by a uniform strain, like the moment
        ∫ r⁻³ dr, and by terms of second and third degree, like ∫ r⁻⁵ dr. The rings have these moments of what
        lies beyond them.
        """
        inner = RINGS[1:] ** -np.array([[2.0], [4.0]]) - RINGS[:-1] ** -np.array([[2.0], [4.0]])
        weights = np.linalg.solve(inner, np.ones(2))
        forces = [self._sources(radius) for radius in self.kept * RINGS]
        total = forces[0].copy()
        for weight, outer, within in zip(weights, forces[:-1], forces[1:], strict=True):
            total += weight * (outer - within)
        return total

    def _sources(self, kept: float) -> Array:
        """f0 on the free atoms and, fading out, within ``kept``; balanced, (n, 3) eV/Å.

        With a sharp edge the energy would jump with every column that it crosses; the columns of a primitive
        cell fade together, because f0 on them cancels to leading order.
        """
        cell = self.harmonic.cell
        weight = np.clip((kept - self.farthest) / (FADE * kept), 0.0, 1.0)
        weight[cell.free] = 1.0
        layer = ~cell.free & (cell.r >= 0.5 * kept) & (cell.r < max(kept, self.interface))
        return balanced(weight[:, None] * self.predictor.forces, layer)

    def _interface(self, x: Array) -> tuple[Array, Array]:
        """p = H x − f0, and the inner sites' share of H x; asked for twice in a row with the same x."""
        if self._latest is None or self._latest[0] is not x:
            p = np.where(self.acts[:, None], _product(self.operator, x) - self.sources[self.near], 0.0)
            self._latest = (x, p, _product(self.missing, x))
        return self._latest[1:]

    def _all_sources(self, interface: Array) -> Array:
        """f0 with the sources of the interface (m, 3) in place of its own, balanced there."""
        sources = self.sources.copy()
        own = self.near[self.acts]
        sources[own] = interface[self.acts]
        sources[own] -= sources.sum(axis=0) / len(own)
        return sources


def interface_radius(harmonic: HarmonicCrystal) -> float:
    """Å; beyond it the exterior's operator is the crystal's. Raises InputError beyond the source radius."""
    cell = harmonic.cell
    interface = float(cell.r[cell.centres].max()) + 2 * _site_reach(harmonic)
    if interface > harmonic.source_radius:
        raise InputError(
            f"source radius {harmonic.source_radius:.4g} Å is too small: the interface layer around the free "
            f"atoms of radius {cell.radius:g} Å reaches to {interface:.4g} Å"
        )
    return interface


def exterior_operator(harmonic: HarmonicCrystal, crystal: csr_array) -> csr_array:
    """Σ_{ℓ ∉ I} δ²V_ℓ(0), (3n, 3n): far outside all sites count, next to I their sum is taken one by one.

    crystal : H, which is Σ_ℓ δ²V_ℓ(0) over all sites; its rows are taken far outside
    """
    cell = harmonic.cell
    interface = interface_radius(harmonic)
    outer = np.setdiff1d(np.flatnonzero(cell.r < interface), cell.centres)
    near = np.repeat(cell.r <= interface - _site_reach(harmonic), 3)
    return csr_array(
        diags_array(near.astype(float)) @ site_operator(cell, harmonic.topology, outer)
        + diags_array((~near).astype(float)) @ crystal
    )


def _site_reach(harmonic: HarmonicCrystal) -> float:
    """Å in the reference, across which a site's energy depends on other atoms."""
    return harmonic.cell.defect.crystal.potential.cutoff + harmonic.b1 + 1e-6


def _farthest_in_cell(harmonic: HarmonicCrystal) -> Array:
    """Of the columns in each atom's primitive cell the largest r, (n,) Å."""
    _, own = np.unique(harmonic.topology.label[:, :2], axis=0, return_inverse=True)
    farthest = np.zeros(own.max() + 1)
    np.maximum.at(farthest, own.ravel(), harmonic.cell.r)
    return farthest[own.ravel()]


def balanced(sources: Array, layer: BoolArray) -> Array:
    """Without the net force that cutting them off has left, which the atoms of the ``layer`` (n,) take up.

    All of f0 is balanced; the net force of what lies beyond a radius falls off like its inverse square. On a
    free atom the sources must stay f0, or the atom does not come to rest.
    """
    return np.where(layer[:, None], sources - sources.sum(axis=0) / layer.sum(), sources)


def _product(operator: csr_array, u: Array) -> Array:
    return np.asarray(operator @ u.ravel()).reshape(-1, 3)
