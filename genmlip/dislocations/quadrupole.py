"""Periodic cells with two dislocations of opposite Burgers vector (quadrupoles).

The two cores of a cell lie on one glide plane, half a period apart, so the cut between them is a slip and no
atoms are added or removed. Above and below a screw are opposite ones: in this checkerboard four surround each
core. With edge character they would glide together there, and each has its like above and below: such walls
hold their places. An inversion of the crystal takes the cell to itself and one core to the other, so both are
the same core.

The displacement is the lattice sum of the elastic fields. That sum converges only up to a linear field, which
is fixed by the condition that the mean elastic strain vanishes: u(x + c) − u(x) = βᵖ c with the plastic
distortion βᵖ = −b ⊗ (d × e3) / area of a dipole d, by which the cell vectors c are changed as well. Cai,
Bulatov, Chang, Li & Yip, Phil. Mag. 83, 539 (2003); Lehto & Öberg, Phys. Rev. Lett. 80, 5568 (1998).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np
from ase import Atoms
from scipy.special import erfc

from genmlip._types import Array, IntArray
from genmlip.dislocations.dislocation import Dislocation
from genmlip.errors import InputError

Field = Callable[[Array, Array], Array]
"""r (...), θ (...) → values (..., any shape) of the field of one dislocation."""
WINDOW_RADIUS, WINDOW_WIDTH, WINDOW_END = 7.0, 1.2, 11.5
"""Smooth end of the lattice sum, in units of √area. With a sharp end the error falls like the inverse square
of its radius; here the images fade so slowly that what is left is linear in the cell but for 1e-6 b."""
AT_ONCE = 20_000
"""Points times images, which bounds the memory."""
FAR, INTERPOLATION_NODES = 3.5, 12
"""Images farther than 3.5 times the size of the region are a polynomial there but for 1e-10."""


@dataclass(frozen=True, eq=False)
class Quadrupole:
    """The perfect periodic cell and the elastic field of its two cores.

    cell : (3, 3) Å, rows c1 ∥ x1, c2 in the plane, c3 ∥ x3: lattice vectors of the undeformed crystal
    opposite : (2,) Å, where an inversion of the crystal takes the dislocation's own place, the origin
    """

    dislocation: Dislocation
    cell: Array
    opposite: Array

    @classmethod
    def of(cls, dislocation: Dislocation, spacing: float) -> Quadrupole:
        """The smallest cell whose half-periods are at least ``spacing`` (Å) in both directions.

        The distance of opposite cores is that but for the shift, at most b, to an equivalent place.
        """
        primitive = dislocation.crystal.primitive_vectors @ dislocation.frame.T
        periods = [_shortest_period(primitive, axis) for axis in range(3)]
        m, n = (int(np.ceil(spacing / period - 1e-9)) for period in periods[:2])
        half, height = m * periods[0], n * periods[1]
        b1 = float(dislocation.burgers[0])
        offset = 0.0 if abs(b1) > 1e-6 * dislocation.b else half
        cell = np.array([[2 * half, 0.0, 0.0], [offset, height, 0.0], [0.0, 0.0, periods[2]]])
        return cls(dislocation, cell, _inverted_origin(dislocation, half + b1))

    @property
    def cores(self) -> Array:
        """(2, 2) Å, the centres of the fields of +b and −b.

        Perfect crystal lies on the outer side of both, so that an edge component brings them half its
        length closer to each other, each, than the sites whose neighbours change.
        """
        towards = np.array([0.5 * self.dislocation.burgers[0], 0.0])
        return np.array([towards, self.opposite - towards])

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

    @property
    def deformed_cell(self) -> Array:
        """(3, 3) Å, rows (1 + βᵖ) c."""
        return self.cell + self.cell @ self.plastic_distortion.T

    @cached_property
    def sites(self) -> tuple[IntArray, Array]:
        """Labels (n, 3) and perfect-lattice positions (n, 3) Å of the columns, as of ``ColumnLattice.sites``.

        Every site is the periodic image that is nearest to one of the two cores.
        """
        corners = np.array(list(product((0.0, 1.0), repeat=2))) @ self.cell[:2, :2]
        extent = float(np.linalg.norm(corners, axis=1).max())
        label, x = self.dislocation.lattice.sites(extent)
        distance = np.linalg.norm(x[:, None, :2] - self.cores, axis=2).min(axis=1)
        order = np.lexsort([*label.T, np.round(distance, 6)])
        canonical = np.c_[self.canonical(label[order, :2])[0], label[order, 2]]
        chosen = np.sort(order[np.unique(canonical, axis=0, return_index=True)[1]])
        return label[chosen], x[chosen]

    def canonical(self, label: IntArray) -> tuple[IntArray, IntArray]:
        """The image of the labels (n, 2) in the cell at the lattice origin, and n1, n2 of the translation
        n1 c1 + n2 c2 (n, 2) from there."""
        (a, b), (c, d) = self._periods
        translation = label @ np.array([[d, -b], [-c, a]]) * np.sign(a * d - b * c) // abs(a * d - b * c)
        return label - translation @ self._periods, translation

    def atoms(self) -> Atoms:
        """The deformed cell of one line period."""
        label, x = self.sites
        positions = x + self.displacement(x, label[:, 2])
        symbols = [self.dislocation.crystal.symbol] * len(x)
        return Atoms(symbols, positions=positions, cell=self.deformed_cell, pbc=True)

    def displacement(self, x: Array, sublattice: IntArray | None = None) -> Array:
        """(n, 2 or 3) Å → (n, 3) Å; jumps by −b on the segment between the cores.

        The elastic field is read at y with y − b1 ω(y) e1 = x, as ``MappedPredictor`` does. With
        ``sublattice`` (n,) every atom of a multilattice also gets its own shift under the local strain.
        """
        y = self.field_points(x)
        elastic, mean = self.dislocation.field, self._mean_gradient
        u = self._sum(elastic.displacement_on_sheet, y) + y @ mean.T
        internal = getattr(self.dislocation.far_field, "internal", None)
        if internal is not None and sublattice is not None:
            gradient = self.distortion(y)
            u += np.einsum("nijk,njk->ni", internal[sublattice], gradient)  # Γ is symmetric in j, k
        return u

    def distortion(self, y: Array) -> Array:
        """Elastic ∇u at the points y (n, 2) Å where the field is read, (n, 3, 3)."""
        gradient = self._sum(self._own_distortion, y)
        gradient[..., :2] += self._mean_gradient
        return gradient

    def field_points(self, x: Array) -> Array:
        """y (n, 2) with y − b1 ω(y) e1 = x and ω the slip angle, on the side of the cut that x is on.

        Newton's method, bisecting where it leaves the bracket ∣y1 − x1∣ ≤ ∣b1∣ / 2 (a little wider: ω comes
        from a truncated sum).
        """
        b1, y = float(self.dislocation.burgers[0]), np.array(x[:, :2], dtype=float)
        if b1 == 0.0:
            return y
        low, high = y[:, 0] - 0.501 * abs(b1), y[:, 0] + 0.501 * abs(b1)
        y[:, 0] += b1 * self.slip(y)
        active = np.arange(len(y))
        for _ in range(60):
            here, target = y[active], x[active, 0]
            residual = here[:, 0] - b1 * self.slip(here) - target
            low[active] = np.where(residual <= 0, here[:, 0], low[active])
            high[active] = np.where(residual >= 0, here[:, 0], high[active])
            new = here[:, 0] - residual / (1 - b1 * (self._sum(_turns_slope, here) + self._mean_turns[0]))
            inside = (new >= low[active]) & (new <= high[active])
            y[active, 0] = np.where(inside, new, 0.5 * (low[active] + high[active]))
            active = active[np.abs(residual) > 1e-12 * abs(b1)]
            if len(active) == 0:
                break
        return y

    def slip(self, y: Array) -> Array:
        """ω (n,) at y (n, 2): angles about +b less those about −b over 2π, made periodic; ∓½ on the cut."""
        return self._sum(_turns, y) + y @ self._mean_turns

    def _own_distortion(self, r: Array, theta: Array) -> Array:
        x = np.stack([r * np.cos(theta), r * np.sin(theta)], axis=-1)
        return self.dislocation.field.distortion(x)

    @cached_property
    def _periods(self) -> IntArray:
        """c1 and c2 in the lattice coordinates t1, t2, (2, 2)."""
        return np.rint(self.cell[:2, :2] @ np.linalg.inv(self.dislocation.lattice.vectors[:2, :2])).astype(
            np.int64
        )

    @cached_property
    def _mean_gradient(self) -> Array:
        """(3, 2): the linear field that makes ∇u have the mean βᵖ."""
        return self._linear(self.dislocation.field.displacement_on_sheet, self.plastic_distortion[:, :2])

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
        """Σ over the images of field(x − core of +b) − field(x − core of −b).

        Of many points only the near images are summed at each; the others' smooth sum is interpolated.
        """
        images, weights = self._images
        low, high = plane.min(axis=0), plane.max(axis=0)
        middle, half = 0.5 * (low + high), 0.5 * (high - low) + 1e-6
        ahead = np.broadcast_to([1.0, 0.0], images.shape)
        if len(plane) <= 2 * INTERPOLATION_NODES**2:
            return self._add(field, plane, images, weights, ahead)
        from_image = middle - images - self.cores.mean(axis=0)
        reach = FAR * np.linalg.norm(half) + 0.5 * np.linalg.norm(self.dipole)
        far = np.linalg.norm(from_image, axis=1) > reach
        node = np.cos(np.pi * (np.arange(INTERPOLATION_NODES) + 0.5) / INTERPOLATION_NODES)
        grid = middle + half * np.stack(np.meshgrid(node, node, indexing="ij"), axis=-1).reshape(-1, 2)
        values = self._add(field, grid, images[far], weights[far], from_image[far])
        total = self._add(field, plane, images[~far], weights[~far], ahead[~far])
        return total + _interpolate(node, values, (plane - middle) / half)

    def _add(self, field: Field, plane: Array, images: Array, weights: Array, ahead: Array) -> Array:
        """The sum over some images; angles are counted from the direction ``ahead`` (m, 2) of each image, so
        that no cut is met within a right angle of it."""
        total = np.zeros(())
        for part in np.array_split(np.arange(len(images)), 1 + len(images) * len(plane) // AT_ONCE):
            relative, start = plane - images[part, None], ahead[part, None]
            dipole = field(*_polar(relative - self.cores[0], start)) - field(
                *_polar(relative - self.cores[1], start)
            )
            total = total + np.tensordot(weights[part], dipole, axes=1)
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


def _turns(r: Array, theta: Array) -> Array:
    """Polar angle over 2π."""
    return theta / (2 * np.pi)


def _turns_slope(r: Array, theta: Array) -> Array:
    """∂/∂x1 of the polar angle over 2π."""
    return np.asarray(-np.sin(theta) / (2 * np.pi * r))


def _polar(x: Array, ahead: Array) -> tuple[Array, Array]:
    """r and θ of x (..., 2), with θ on the sheet within ±π of the direction ``ahead`` (..., 2)."""
    along = x[..., 0] * ahead[..., 0] + x[..., 1] * ahead[..., 1]
    across = x[..., 1] * ahead[..., 0] - x[..., 0] * ahead[..., 1]
    theta = np.arctan2(ahead[..., 1], ahead[..., 0]) + np.arctan2(across, along)
    return np.hypot(x[..., 0], x[..., 1]), theta


def _interpolate(node: Array, values: Array, t: Array) -> Array:
    """Values (k², ...) on the product of Chebyshev nodes (k,) → at the points t (n, 2) in the unit square."""
    k = len(node)
    to_coefficients = np.linalg.inv(np.polynomial.chebyshev.chebvander(node, k - 1))
    along, across = (np.polynomial.chebyshev.chebvander(x, k - 1) @ to_coefficients for x in t.T)
    weights = (along[:, :, None] * across[:, None, :]).reshape(len(t), k * k)
    return (weights @ values.reshape(k * k, -1)).reshape(len(t), *values.shape[1:])


def _shortest_period(vectors: Array, axis: int) -> float:
    """Å, of the lattice along a coordinate axis."""
    n = np.array(list(product(range(-6, 7), repeat=3)))
    points = n @ vectors
    across = np.linalg.norm(np.delete(points, axis, axis=1), axis=1)
    along = points[(across < 1e-6) & (points[:, axis] > 1e-6), axis]
    if len(along) == 0:
        raise InputError(f"the crystal has no short period along axis x{axis + 1} of the dislocation's frame")
    return float(along.min())


def _inverted_origin(dislocation: Dislocation, distance: float) -> Array:
    """The place nearest to (distance, 0) that an inversion of the crystal takes to the origin, (2,) Å.

    A centre of inversion is the middle of the basis (an atom, or the middle of a bond). Both cores must lie
    between the same two atomic planes, so that the cut between them meets no atom.
    """
    lattice = dislocation.lattice
    plane = lattice.vectors[:2, :2]
    start = (lattice.basis[0] + lattice.basis[-1])[:2]
    nearest = np.round(([distance, 0.0] - start) @ np.linalg.inv(plane))
    shifts = nearest + np.array(list(product(range(-3, 4), repeat=2)))
    candidates = start + shifts @ plane
    heights = (shifts @ plane)[:, None, 1] + lattice.basis[:, 1]
    below, above = heights[heights < 0].max(), heights[heights > 0].min()
    candidates = candidates[(below < candidates[:, 1]) & (candidates[:, 1] < above)]
    offset = np.linalg.norm(candidates - [distance, 0.0], axis=1)
    return np.asarray(candidates[offset.argmin()])
