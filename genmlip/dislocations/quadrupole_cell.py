"""The quadrupole as a defect cell: reference, predictor and the neighbours across its two ends of the cut."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genmlip._types import Array, BoolArray, IntArray
from genmlip.crystal.pairs import Pairs
from genmlip.crystal.structures import BOND_TOLERANCE
from genmlip.dislocations.cell import DefectCell, check_radius
from genmlip.dislocations.dislocation import Dislocation
from genmlip.dislocations.quadrupole import Quadrupole
from genmlip.errors import InputError

_TIE = 1e-6  # Å: a bond that meets a core exactly counts as passing between the cores, from both its ends


def quadrupole_cell(dislocation: Dislocation, radius: float, cutoff: float) -> DefectCell:
    """All atoms of a quadrupole with opposite cores 2 ``radius`` (Å) apart; +b at the origin.

    The reference is the undeformed crystal with its own periods. The predictor, the periodic superposition of
    the elastic fields, takes these periods to the cell vectors of ``atoms``; correctors are periodic.
    Raises InputError if the radius is not finite or smaller than the cutoff or 2 b.
    """
    b = dislocation.b
    check_radius(radius, max(cutoff, 2 * b), f"cutoff {cutoff:.4g} Å, core 2 b = {2 * b:.4g} Å")
    quadrupole = Quadrupole.of(dislocation, 2 * radius)
    label, x = quadrupole.sites
    atoms = quadrupole.atoms()
    origin = np.array([*quadrupole.cores[0], 0.0])
    reference, predictor = x - origin, atoms.positions - x
    atoms.positions -= origin
    topology = QuadrupoleTopology(quadrupole)
    return DefectCell(
        defect=dislocation, radius=float(radius), atoms=atoms, reference=reference, sublattice=label[:, 2],
        predictor=predictor, free=np.ones(len(x), dtype=bool), centres=np.arange(len(x)),
        line_period=dislocation.line_period, topology=topology,
        inverted_cores=quadrupole.dipole[None], objection=topology.objection,
    )  # fmt: skip


@dataclass(frozen=True, eq=False)
class QuadrupoleTopology:
    """Neighbours in the slipped periodic crystal.

    A bond that crosses the cut between the cores from above to below leads from x to x + ρ − b, in the other
    direction to x + ρ + b. On the side under tension every site keeps all its bonds. The side with the extra
    half-plane loses those at the ends of the half-planes, within ∣b1∣ of the cores: they have no partner.
    """

    quadrupole: Quadrupole

    def pairs(self, cutoff: float) -> Pairs:
        """All ordered pairs whose perfect-lattice vector is no longer than ``cutoff`` (Å).

        Raises InputError where a bond could cross two glide planes.
        """
        cell, lattice = self.quadrupole.cell, self.quadrupole.dislocation.lattice
        if cutoff >= cell[1, 1]:
            raise InputError(f"bonds of {cutoff:.4g} Å do not fit into a cell {cell[1, 1]:.4g} Å high")
        label, x = self.quadrupole.sites
        found: list[tuple[IntArray, IntArray, IntArray, IntArray]] = []
        rho: list[Array] = []
        for kappa in range(len(lattice.basis)):
            own = np.flatnonzero(label[:, 2] == kappa)
            for difference, vector in zip(*lattice.bonds(kappa, cutoff), strict=True):
                slip, exists = self._slip(x[own], vector)
                target = label[own, :2] + difference[:2] + slip[:, None] * lattice.burgers_label[:2]
                j, translation = self._find(target[exists], int(difference[2]))
                found.append((own[exists], j, slip[exists], translation))
                rho.append(np.broadcast_to(vector, (len(j), 3)))
        i, j, slip, translation = (np.concatenate(a) for a in zip(*found, strict=True))
        vectors, period = np.concatenate(rho), lattice.line_period
        end = x[i] + vectors + slip[:, None] * lattice.burgers - translation @ cell[:2]
        steps = np.c_[translation, np.rint((end - x[j])[:, 2] / period)]
        return Pairs(i, j, vectors, steps @ self.quadrupole.deformed_cell)

    def objection(self, positions: Array) -> str:
        """Says so where the cores have met, at positions (n, 3) Å.

        Half-way between them, on the one side the cut is undone or on the other the crystal has slipped.
        """
        quadrupole, half = self.quadrupole, 0.5 * self.quadrupole.cell[0, 0]
        dislocation, length = quadrupole.dislocation, float(np.linalg.norm(quadrupole.dipole))
        nearest = BOND_TOLERANCE * dislocation.crystal.nearest_neighbour_distance
        bonds = self.pairs(nearest)
        torn = np.linalg.norm(bonds.deformed(positions) - bonds.vector, axis=1) > 0.75 * dislocation.b
        offset = quadrupole.sites[1][:, :2] - quadrupole.cores.mean(axis=0)
        offset[:, 0] -= half * np.rint(offset[:, 0] / half)
        half_way = np.linalg.norm(offset, axis=1) < max(0.15 * length, nearest)
        if not torn[half_way[bonds.i]].any():
            return ""
        return f"the cores +b and −b, {length:.3g} Å apart at first, have met; they need a larger radius"

    def _slip(self, x: Array, vector: Array) -> tuple[IntArray, BoolArray]:
        """How many b to add to x + ρ (n,), and whether the bond exists at all (n,)."""
        cell, (d1, d2) = self.quadrupole.cell, self.quadrupole.opposite
        b1 = float(self.quadrupole.dislocation.burgers[0])
        level = np.floor(np.stack([x[:, 1], x[:, 1] + vector[1]]) / cell[1, 1])
        changes_side = level[0] != level[1]
        if not changes_side.any():
            return np.zeros(len(x), dtype=np.int64), np.ones(len(x), dtype=bool)
        glide_plane = level.max(axis=0)
        above = level[0] > level[1]
        height = x[:, 1] - glide_plane * cell[1, 1]
        slope = vector[0] / (vector[1] or 1.0)
        crossing = x[:, 0] - glide_plane * cell[1, 0] - height * slope
        crossing -= cell[0, 0] * np.rint((crossing - 0.5 * d1) / cell[0, 0])
        beyond = crossing + d2 * slope - d1  # the same at the height of the core −b, relative to it
        unslipped = ~changes_side | (crossing < min(b1, 0.0) - _TIE) | (beyond > -min(b1, 0.0) + _TIE)
        inner = np.where(above, b1, 0.0)
        slipped = ~unslipped & (crossing >= inner - _TIE) & (beyond <= inner - b1 + _TIE)
        return np.where(slipped, np.where(above, -1, 1), 0), unslipped | slipped

    def _find(self, label: IntArray, sublattice: int) -> tuple[IntArray, IntArray]:
        """The atoms of which the sites (k, 2) on a sublattice are images, and the translations (k, 2)."""
        table, origin, home = self._table
        canonical, translation = self.quadrupole.canonical(label)
        at = canonical - origin
        j = table[at[:, 0], at[:, 1], sublattice]
        return j, translation - home[j]

    @cached_property
    def _table(self) -> tuple[IntArray, IntArray, IntArray]:
        """Map from a canonical label, counted from ``origin`` (2,), to the atom, and every atom's own
        translation (n, 2)."""
        label, _ = self.quadrupole.sites
        canonical, home = self.quadrupole.canonical(label[:, :2])
        origin = canonical.min(axis=0)
        shape = (*(canonical.max(axis=0) - origin + 1), label[:, 2].max() + 1)
        table = np.full(shape, -1, dtype=np.int64)
        at = canonical - origin
        table[at[:, 0], at[:, 1], label[:, 2]] = np.arange(len(label))
        return table, origin, home
