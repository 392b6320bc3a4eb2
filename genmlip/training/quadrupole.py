"""Periodic cells with two dislocations of opposite Burgers vector, arranged as a checkerboard (quadrupole).

The two cores of a cell lie on one glide plane, half a period apart, so the cut between them is a slip and no
atoms are added or removed; the second cell vector is offset by half the first, so each core has four opposite
ones around it. The displacement is the lattice sum of the elastic fields. That sum converges only up to a
linear field, which is fixed by the condition that the mean elastic strain vanishes: u(x + c) − u(x) = βᵖ c
with the plastic distortion βᵖ = −b ⊗ (d × e3) / area of a dipole d, by which the cell vectors c are changed
as well. Cai, Bulatov, Chang, Li & Yip, Phil. Mag. 83, 539 (2003); Lehto & Öberg, Phys. Rev. Lett. 80, 5568
(1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms
from scipy.special import erfc

from genmlip._types import Array, IntArray
from genmlip.dislocations import Dislocation
from genmlip.errors import InputError
from genmlip.training.cells import check_settings, disturbed

if TYPE_CHECKING:
    from genmlip.crystal import Crystal

Field = Callable[[Array], Array]
WINDOW_RADIUS, WINDOW_WIDTH, WINDOW_END = 7.0, 1.2, 11.5
"""Smooth end of the lattice sum, in units of √area. With a sharp end the error falls like the inverse square
of its radius; here the images fade so slowly that what is left is linear in the cell but for 1e-6 b."""


def dislocation_quadrupole(
    crystal: Crystal,
    name: str,
    n: int = 1,
    spacing: float = 20.0,
    repeat: int = 1,
    displacement: float = 0.0,
    strain: float = 0.0,
    seed: int = 0,
    group: str = "quadrupole",
) -> list[Atoms]:
    """``n`` periodic cells with cores +b and −b of the dislocation ``name``, at least ``spacing`` Å apart.

    repeat : line periods along the dislocation
    displacement, strain, seed : random disturbance as in :func:`genmlip.training.bulk_cells`

    Axes are those of the dislocation's frame. ``info`` holds the settings, and in ``cores`` the (x1, x2) of
    +b and −b in the undeformed crystal. Raises InputError for a spacing that leaves no room between the
    cores.
    """
    check_settings(size=repeat, n=n, displacement=displacement, strain=strain, seed=seed)
    dislocation = Dislocation(crystal, name)
    if not (np.isfinite(spacing) and spacing >= 2 * dislocation.b):
        raise InputError(
            f"spacing of the cores must be at least 2 b = {2 * dislocation.b:.4g} Å, got {spacing}"
        )
    quadrupole = Quadrupole.of(dislocation, spacing)
    settings = {
        "dislocation": name, "spacing": spacing, "repeat": repeat, "displacement": displacement,
        "strain": strain, "cores": quadrupole.cores.ravel(),
    }  # fmt: skip
    atoms = quadrupole.atoms(repeat)
    return [disturbed(atoms, group, index, seed, settings) for index in range(n)]


@dataclass(frozen=True, eq=False)
class Quadrupole:
    """The perfect periodic cell and the elastic field of its two cores.

    cell : (3, 3) Å, rows c1 ∥ x1, c2 in the plane, c3 ∥ x3: lattice vectors of the undeformed crystal
    cores : (2, 2) Å, positions of +b (the origin) and −b
    """

    dislocation: Dislocation
    cell: Array
    cores: Array

    @classmethod
    def of(cls, dislocation: Dislocation, spacing: float) -> Quadrupole:
        """The smallest cell whose opposite cores are at least ``spacing`` apart in both directions."""
        primitive = dislocation.crystal.primitive_vectors @ dislocation.frame.T
        periods = [_shortest_period(primitive, axis) for axis in range(3)]
        m, n = (int(np.ceil(spacing / period - 1e-9)) for period in periods[:2])
        half, height = m * periods[0], n * periods[1]
        cell = np.array([[2 * half, 0.0, 0.0], [half, height, 0.0], [0.0, 0.0, periods[2]]])
        return cls(dislocation, cell, np.array([[0.0, 0.0], _inverted_core(dislocation, half)]))

    @property
    def dipole(self) -> Array:
        """From the core +b to the core −b, (2,) Å."""
        return self.cores[1] - self.cores[0]

    @property
    def area(self) -> float:
        """Å², of the cell seen along the line."""
        return float(self.cell[0, 0] * self.cell[1, 1])

    @cached_property
    def plastic_distortion(self) -> Array:
        """βᵖ, (3, 3): the mean of ∇u when the mean elastic strain vanishes."""
        d1, d2 = self.dipole
        return -np.outer(self.dislocation.burgers, [-d2, d1, 0.0]) / self.area

    def atoms(self, repeat: int = 1) -> Atoms:
        """The deformed cell of ``repeat`` line periods."""
        x, sublattice = self.sites(repeat)
        cell = np.diag([1.0, 1.0, repeat]) @ self.cell
        atoms = Atoms(
            [self.dislocation.crystal.symbol] * len(x),
            positions=x + self.displacement(x, sublattice),
            cell=cell + cell @ self.plastic_distortion.T,
            pbc=True,
        )
        atoms.wrap()
        return atoms

    def sites(self, repeat: int = 1) -> tuple[Array, IntArray]:
        """Perfect-lattice positions (n, 3) Å in a cell of ``repeat`` line periods; their sublattices (n,).

        The cell has the two cores in its middle.
        """
        lattice = self.dislocation.lattice
        cell = np.diag([1.0, 1.0, repeat]) @ self.cell
        corner = np.array([*self.cores.mean(axis=0), 0.0]) - 0.5 * cell.sum(axis=0)
        corners = (np.array(list(product((0, 1), repeat=3))) @ cell + corner) @ np.linalg.inv(lattice.vectors)
        low, high = np.floor(corners.min(axis=0)) - 2, np.ceil(corners.max(axis=0)) + 2
        n = np.stack(np.meshgrid(*map(np.arange, low, high), indexing="ij"), axis=-1).reshape(-1, 3)
        positions, sublattice = [], []
        for kappa, offset in enumerate(lattice.basis):
            x = n @ lattice.vectors + offset
            inside = np.floor((x - corner) @ np.linalg.inv(cell) + 1e-9)
            keep = (inside == 0).all(axis=1)
            positions.append(x[keep])
            sublattice.append(np.full(keep.sum(), kappa, dtype=np.int64))
        return np.concatenate(positions), np.concatenate(sublattice)

    def displacement(self, x: Array, sublattice: IntArray | None = None) -> Array:
        """(n, 2 or 3) Å → (n, 3) Å; jumps by −b on the segment between the cores.

        The elastic field is read at y = x + b1 ω e1, with ω the slip angle (see :meth:`slip`): sites that
        face each other across the cut after the slip then have the same y. With ``sublattice`` (n,) every
        atom of a multilattice also gets its own shift under the local strain.
        """
        y = np.array(x[:, :2], dtype=float)
        y[:, 0] += self.dislocation.burgers[0] * self.slip(y)
        elastic, mean = self.dislocation.field, self._mean_gradient
        u = self._sum(elastic.displacement, y) + y @ mean.T
        internal = getattr(self.dislocation.far_field, "internal", None)
        if internal is not None and sublattice is not None:
            gradient = self._sum(elastic.distortion, y)
            gradient[:, :, :2] += mean
            u += np.einsum("nijk,njk->ni", internal[sublattice], gradient)  # Γ is symmetric in j, k
        return u

    def slip(self, x: Array) -> Array:
        """ω (n,) at x (n, 2): angles about +b less those about −b over 2π, made periodic; ∓½ on the cut."""
        return self._sum(_turns, x) + x @ self._mean_turns

    @cached_property
    def _mean_gradient(self) -> Array:
        """(3, 2): the linear field that makes ∇u have the mean βᵖ."""
        return self._linear(self.dislocation.field.displacement, self.plastic_distortion[:, :2])

    @cached_property
    def _mean_turns(self) -> Array:
        """(2,): the linear field that makes ω periodic."""
        return self._linear(_turns, np.zeros(2))

    def _linear(self, field: Field, mean: Array) -> Array:
        """The gradient to add to the lattice sum of ``field`` for a mean gradient of ``mean``, (..., 2)."""
        c = self.cell[:2, :2]
        middle = self.cores.mean(axis=0) + np.array([0.0, 0.25]) * self.cell[1, 1]  # ends away from the cores
        values = self._sum(field, np.concatenate([middle + 0.5 * c, middle - 0.5 * c]))
        return mean - np.linalg.solve(c, values[:2] - values[2:]).T

    def _sum(self, field: Field, plane: Array) -> Array:
        """Σ over the images of field(x − core of +b) − field(x − core of −b)."""
        total = np.zeros(())
        for image, weight in zip(*self._images, strict=True):
            dipole = field(plane - self.cores[0] - image) - field(plane - self.cores[1] - image)
            total = total + weight * dipole
        return total

    @cached_property
    def _images(self) -> tuple[Array, Array]:
        """Translations (m, 2) Å of the periodic images, and their weights (m,)."""
        c, unit = self.cell[:2, :2], np.sqrt(self.area)
        extent = np.ceil(WINDOW_END * unit * np.linalg.norm(np.linalg.inv(c), axis=0)).astype(int)
        images = np.array(list(product(*(range(-m, m + 1) for m in extent)))) @ c
        distance = np.linalg.norm(images, axis=1) / unit
        near = distance < WINDOW_END
        return images[near], 0.5 * erfc((distance[near] - WINDOW_RADIUS) / WINDOW_WIDTH)


def _turns(x: Array) -> Array:
    """Polar angle over 2π."""
    return np.asarray(np.arctan2(x[..., 1], x[..., 0]) / (2 * np.pi))


def _shortest_period(vectors: Array, axis: int) -> float:
    """Å, of the lattice along a coordinate axis."""
    n = np.array(list(product(range(-6, 7), repeat=3)))
    points = n @ vectors
    across = np.linalg.norm(np.delete(points, axis, axis=1), axis=1)
    along = points[(across < 1e-6) & (points[:, axis] > 1e-6), axis]
    if len(along) == 0:
        raise InputError(f"the crystal has no short period along axis x{axis + 1} of the dislocation's frame")
    return float(along.min())


def _inverted_core(dislocation: Dislocation, half: float) -> Array:
    """Where the core −b belongs: an inversion of the crystal takes it to +b. The place nearest to (half, 0).

    A centre of inversion is the middle of the basis (an atom, or the middle of a bond). Both cores must lie
    between the same two atomic planes, so that the cut between them meets no atom.
    """
    lattice = dislocation.lattice
    plane = lattice.vectors[:2, :2]
    start = (lattice.basis[0] + lattice.basis[-1])[:2]
    nearest = np.round(([half, 0.0] - start) @ np.linalg.inv(plane))
    shifts = nearest + np.array(list(product(range(-3, 4), repeat=2)))
    candidates = start + shifts @ plane
    heights = (shifts @ plane)[:, None, 1] + lattice.basis[:, 1]
    below, above = heights[heights < 0].max(), heights[heights > 0].min()
    candidates = candidates[(below < candidates[:, 1]) & (candidates[:, 1] < above)]
    distance = np.linalg.norm(candidates - [half, 0.0], axis=1)
    return np.asarray(candidates[distance.argmin()])
