"""A straight dislocation of the catalogue in a crystal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from genmlip._types import Array, IntArray
from genmlip.crystal.tensors import rotate
from genmlip.dislocations.catalogue import System, find_system
from genmlip.dislocations.cell import DefectCell, check_radius
from genmlip.dislocations.columns import ColumnLattice, SlippedTopology
from genmlip.dislocations.predictor import MappedPredictor, Predictor
from genmlip.dislocations.stroh import StrohField

if TYPE_CHECKING:
    from genmlip.crystal import Crystal

SLACK = 0.5  # Å by which neighbours may come closer than in the predictor while the core relaxes


@dataclass(frozen=True)
class Dislocation:
    """One straight dislocation, its far field and its cells.

    crystal : supplies the lattice, the stiffness and the potential's cutoff
    name : an entry of ``SYSTEMS``
    predictor_type : how the elastic field is made consistent with the slipped lattice
    medium : the crystal whose linear elasticity sets the far field, by default ``crystal`` itself. With
        another one two potentials can be compared in a common predictor, scaled to the a0 of ``crystal``.
    core_offset : (x1, x2) Å from the catalogue's place of the core to where the predictor has its centre

    Vectors are in the frame x1 = glide direction, x2 = glide-plane normal, x3 = line, the core at the origin.
    Raises UnknownNameError or, for a crystal of another structure, InputError.
    """

    crystal: Crystal
    name: str
    predictor_type: Callable[[StrohField, Array | None], Predictor] = MappedPredictor
    medium: Crystal | None = None
    core_offset: tuple[float, float] = (0.0, 0.0)

    def __post_init__(self) -> None:
        find_system(self.name, self.crystal.structure)
        if self.medium is not None:
            find_system(self.name, self.medium.structure)

    @property
    def system(self) -> System:
        """The entry of the catalogue."""
        return find_system(self.name)

    @cached_property
    def frame(self) -> Array:
        """(3, 3) rows x1, x2, x3: unit vectors in cubic axes."""
        return self.system.frame

    @cached_property
    def burgers(self) -> Array:
        """Burgers vector in the frame, (3,) Å."""
        return self.crystal.a0 * self.system.burgers

    @property
    def b(self) -> float:
        """Length of the Burgers vector, Å."""
        return float(np.linalg.norm(self.burgers))

    @cached_property
    def centre(self) -> Array:
        """(2,) Å position of the core in the frame, relative to the atom at the lattice origin."""
        return self.crystal.a0 * np.array(self.system.core) + self.core_offset

    @property
    def line_period(self) -> float:
        """Period of the crystal along the line, Å."""
        return self.lattice.line_period

    @cached_property
    def stiffness(self) -> Array:
        """(3, 3, 3, 3) eV/Å³ in the frame."""
        return rotate(self._medium.stiffness, self.frame)

    @cached_property
    def field(self) -> StrohField:
        """The linear elastic field."""
        return StrohField(self.stiffness, self.burgers)

    @cached_property
    def lattice(self) -> ColumnLattice:
        """The crystal's columns."""
        basis = np.asarray(self.crystal.basis) @ self.frame.T - [*self.centre, 0.0]
        return ColumnLattice.of(self.crystal.primitive_vectors @ self.frame.T, basis, self.burgers)

    @cached_property
    def far_field(self) -> Predictor:
        """The predictor as an object."""
        return self.predictor_type(self.field, self._internal_displacement)

    def predictor(self, positions: Array, sublattice: IntArray | None = None) -> Array:
        """Displacements (n, 3) Å of atoms at the reference positions (n, 3) Å relative to the core.

        In a multilattice ``sublattice`` (n,) gives each atom its own shift under the local strain; without
        it the elastic field alone is returned.
        """
        return self.far_field(np.asarray(positions, dtype=float), sublattice)

    def cell(self, radius: float, cutoff: float | None = None, extent: float | None = None) -> DefectCell:
        """A cylinder whose free atoms lie within ``radius`` (Å) of the line.

        ``cutoff`` replaces that of the crystal's potential where another one will be used. The two shells
        beyond the free atoms are one cutoff wide each, plus |b1|, by which the slip can bring atoms closer,
        and some slack. ``extent`` (Å) asks for atoms farther out than that.
        Raises InputError if the radius is not finite or smaller than the cutoff or 2 b.
        """
        cutoff = self.crystal.potential.cutoff if cutoff is None else cutoff
        check_radius(radius, max(cutoff, 2 * self.b), f"cutoff {cutoff:.4g} Å, core 2 b = {2 * self.b:.4g} Å")
        reach = cutoff + abs(self.burgers[0]) + SLACK
        extent = max(radius + 2 * reach, extent or 0.0)
        label, reference = self.lattice.sites(extent)
        sublattice = label[:, 2]
        displacement = self.predictor(reference, sublattice)
        r = np.hypot(reference[:, 0], reference[:, 1])
        width = 2 * (extent + 5.0)
        atoms = Atoms(
            numbers=np.full(len(reference), atomic_numbers[self.crystal.symbol]),
            positions=reference + displacement,
            cell=[width, width, self.line_period],
            pbc=[False, False, True],
        )
        return DefectCell(
            defect=self, radius=float(radius), atoms=atoms, reference=reference, sublattice=sublattice,
            predictor=displacement, free=r < radius, centres=np.flatnonzero(r < radius + reach),
            line_period=self.line_period, topology=SlippedTopology(self.lattice, label, reference),
        )  # fmt: skip

    @property
    def _medium(self) -> Crystal:
        return self.crystal if self.medium is None else self.medium

    @cached_property
    def _internal_displacement(self) -> Array | None:
        if len(self.crystal.basis) == 1:
            return None
        scale = self.crystal.a0 / self._medium.a0
        return scale * np.array([rotate(shift, self.frame) for shift in self._medium.internal_displacement])
