"""A site potential that is an expansion: the engine evaluates it, closed forms differentiate it twice."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar

from genmlip._types import Array, IntArray
from genmlip.potentials.ace import curvature
from genmlip.potentials.ace.engine import Engine
from genmlip.potentials.ace.expansion import Expansion
from genmlip.potentials.base import SitePotential
from genmlip.potentials.neighbours import Neighbours


class ExpansionPotential(SitePotential):
    """Subclasses provide ``expansion``; those that make it on demand name it among the ``derived``."""

    expansion: Expansion
    derived: ClassVar[tuple[str, ...]] = ("_engine", "_bound")

    def site_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        self._engine.site_terms(species, neighbours, vectors, energies, gradients)

    def site_hessian(self, species: IntArray, vectors: Array) -> Array:
        return curvature.site_hessian(self.expansion, species, vectors)

    def site_tangents(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, changes: Array, tangents: Array
    ) -> None:
        curvature.hessian_vectors(self.expansion, species, neighbours, vectors, changes, tangents)

    @cached_property
    def _engine(self) -> Engine:
        return Engine.of(self.expansion)

    def __getstate__(self) -> dict[str, Any]:
        """Without what is made again on demand."""
        kept = {name: value for name, value in vars(self).items() if name not in self.derived}
        return kept | {"_bound": None}
