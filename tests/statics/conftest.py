"""A dislocation without crystallography: anti-plane slip on the square lattice."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pytest
from scipy.sparse import coo_array, csc_array


@dataclass(frozen=True)
class AntiplaneScrew:
    """Scalar u on the sites of Z² within ``radius`` of an off-centre core; ψ(s) = sin²(πs) / 2π² on nearest
    bonds.

    u0 = arg(x − x̂) / 2π; sites outside the radius are held. ψ has period one, so no cut is visible to it.
    """

    radius: float
    core: tuple[float, float] = (0.40, 0.57)

    @cached_property
    def sites(self):
        n = int(self.radius) + 3
        grid = np.stack(np.meshgrid(*[np.arange(-n, n + 1)] * 2), axis=-1).reshape(-1, 2)
        return grid[np.linalg.norm(grid - np.array(self.core), axis=1) < self.radius + 1.5]

    @cached_property
    def free(self):
        return np.flatnonzero(np.linalg.norm(self.sites - np.array(self.core), axis=1) < self.radius)

    @cached_property
    def bonds(self):
        """(i, j) of every ordered nearest-neighbour pair."""
        number = {tuple(x): k for k, x in enumerate(self.sites)}
        steps = [(1, 0), (0, 1), (-1, 0), (0, -1)]
        pairs = [(k, number.get((x[0] + a, x[1] + b), -1)) for x, k in number.items() for a, b in steps]
        return np.array([p for p in pairs if p[1] >= 0]).T

    @cached_property
    def predictor(self):
        x = self.sites - np.array(self.core)
        return np.arctan2(x[:, 1], x[:, 0]) / (2.0 * np.pi)

    def __call__(self, x):
        i, j = self.bonds
        u = self.predictor.copy()
        u[self.free] += x
        s = u[j] - u[i]
        energies = np.bincount(i, np.sin(np.pi * s) ** 2 / (4.0 * np.pi**2), len(u))
        slope = np.sin(2.0 * np.pi * s) / (4.0 * np.pi)
        return energies, -2.0 * np.bincount(i, slope, len(u))[self.free]

    @cached_property
    def laplacian(self) -> csc_array:
        """ψ″(0) = 1 on every bond, restricted to the free sites."""
        i, j = self.bonds
        n = len(self.sites)
        full = coo_array((-np.ones(len(i)), (i, j)), shape=(n, n)).tolil()
        full.setdiag(4.0)
        return csc_array(full.tocsr()[self.free][:, self.free])


@pytest.fixture
def model_problem():
    return AntiplaneScrew
