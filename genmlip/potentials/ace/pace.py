"""Potentials that are an expansion, as files .yace hold them, and what evaluates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.potentials.ace.expansion import Expansion, RepulsiveCore
from genmlip.potentials.ace.expansion_potential import ExpansionPotential
from genmlip.potentials.ace.yace_radial import smooth_step
from genmlip.potentials.base import hessian_by_differences, tangents_by_differences
from genmlip.potentials.neighbours import Neighbours


class PACEPotential(ExpansionPotential):
    """The potential of an :class:`Expansion`, as :func:`load_yace` makes it from a file."""

    def __init__(self, expansion: Expansion, spec: str = "") -> None:
        super().__init__()
        self.expansion = expansion
        self.symbols = expansion.symbols
        self.cutoff = expansion.cutoff
        self.spec = spec


class Handover(NamedTuple):
    """How a pair of species goes over to its repulsion.

    low, high : Å, r_in − d_in and r_in; below is the repulsion, above the expansion
    repulsion : φ of the pair
    """

    low: float
    high: float
    repulsion: RepulsiveCore


class NearestSwitchedPotential(PACEPotential):
    """An expansion that gives way to a repulsion by the nearest neighbour, the inner cutoff "zbl" of .yace:

        V_i = E0 + (1 − w) F(ρ) + w φ,     w = c(r_near),     φ = Σ_j φ_{z_i z_j}(r_ij),

    where c falls from one to zero over [r_in − d_in, r_in] and r_near is the distance of the neighbour with
    the smallest r − (r_in − d_in). The gradient jumps where two neighbours are equally near in this sense;
    only atoms with a neighbour inside r_in notice. Second derivatives are by differences.

    expansion : E0 + F; handovers by index of species (centre, neighbour)
    """

    def __init__(
        self, expansion: Expansion, handovers: Mapping[tuple[int, int], Handover], spec: str = ""
    ) -> None:
        super().__init__(expansion, spec)
        self.handovers = dict(handovers)
        species = range(len(self.symbols))
        self._low = np.array([[self.handovers[i, j].low for j in species] for i in species])
        self._high = np.array([[self.handovers[i, j].high for j in species] for i in species])

    def site_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        super().site_terms(species, neighbours, vectors, energies, gradients)
        first, r = neighbours.first, np.linalg.norm(vectors, axis=1)
        site = np.repeat(np.arange(len(energies)), np.diff(first))
        inside = r < self._high[species[neighbours.centre[site]], species[neighbours.index]]
        for m in np.unique(site[inside]).tolist():
            pairs = slice(first[m], first[m + 1])
            centre, others = int(species[neighbours.centre[m]]), species[neighbours.index[pairs]]
            energies[m], gradients[pairs] = self._handed_over(
                centre, others, vectors[pairs], energies[m], gradients[pairs]
            )

    def _handed_over(
        self, centre: int, others: IntArray, vectors: Array, energy: float, gradient: Array
    ) -> tuple[float, Array]:
        """V and its gradient of one site, from E0 + F and its gradient."""
        r = np.linalg.norm(vectors, axis=1)
        phi, dphi = np.zeros_like(r), np.zeros_like(r)
        for z in np.unique(others).tolist():
            repulsion = self.handovers[centre, z].repulsion
            mine = np.flatnonzero((others == z) & (r < repulsion.cutoff))
            phi[mine], dphi[mine] = repulsion(r[mine])
        nearest = int((r - self._low[centre, others]).argmin())
        pair = self.handovers[centre, int(others[nearest])]
        w, dw = (float(x[0]) for x in smooth_step(r[nearest : nearest + 1], pair.low, pair.high))
        E0 = self.expansion.centres[centre].E0
        excess = float(phi.sum()) - (energy - E0)
        radial = w * dphi
        radial[nearest] += dw * excess
        return energy + w * excess, (1 - w) * gradient + (radial / r)[:, None] * vectors

    def site_hessian(self, species: IntArray, vectors: Array) -> Array:
        return hessian_by_differences(self, species, vectors)

    def site_tangents(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, changes: Array, tangents: Array
    ) -> None:
        tangents_by_differences(self, species, neighbours, vectors, changes, tangents)
