"""Phonons of the perfect crystal and its dynamical stability."""

from __future__ import annotations

import numpy as np
from ase import units

from genmlip._types import Array, ComplexArray
from genmlip.crystal.force_constants import ForceConstants

THZ = 2 * np.pi * 1e12 / units.s
"""Angular frequency of 1 THz in units of √(eV/Å²/u)."""


def modes(force_constants: ForceConstants, mass: float, q: Array) -> tuple[Array, ComplexArray]:
    """Frequencies (..., 3 nb) THz, ascending, and polarisations (..., nb, 3, 3 nb) at q (..., 3) Å⁻¹.

    They solve M ω² e = Ĥ(q) e (Born & Huang, §24); an imaginary frequency is returned as a negative number.
    mass : atomic mass units
    """
    values, vectors = np.linalg.eigh(force_constants.matrix(q))
    frequencies = np.sign(values) * np.sqrt(abs(values) / mass) / THZ
    return frequencies, vectors.reshape(*vectors.shape[:-2], -1, 3, vectors.shape[-1])


def stability_constant(force_constants: ForceConstants, primitive: Array, grid: int = 8) -> float:
    """min over q of λ_min(Ĥ(q)) / m(q), eV/Å², with m(q) = Σ_ρ 4 sin²(q·ρ/2) over the primitive vectors ρ.

    m vanishes at the reciprocal lattice only, like the acoustic branches, so the quotient stays away from
    zero for a stable crystal and its sign is that of the worst mode anywhere, long waves included (Ehrlacher,
    Ortner & Shapeev, ARMA 222, 1217 (2016)). q runs over a shifted grid³ mesh of the Brillouin zone, and over
    the directions ⟨100⟩, ⟨110⟩, ⟨111⟩ through it.
    primitive : (3, 3) Å, rows
    """
    q = sample_zone(primitive, grid)
    lowest = np.linalg.eigvalsh(force_constants.matrix(q))[:, 0]
    return float((lowest / (4 * np.sin(q @ primitive.T / 2) ** 2).sum(axis=1)).min())


def sample_zone(primitive: Array, grid: int) -> Array:
    """Wave vectors (nq, 3) Å⁻¹ off Γ: a mesh of the Brillouin zone and the directions of high symmetry."""
    reciprocal = 2 * np.pi * np.linalg.inv(primitive).T
    scaled = (
        np.stack(np.meshgrid(*[np.arange(grid)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 0.5
    ) / grid
    edge = abs(reciprocal).max()
    lengths = np.linspace(0, 1, 4 * grid + 2)[1:-1] * 1.01  # never exactly on the reciprocal lattice
    directions = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]])
    lines = (edge * lengths[:, None, None] * directions[None]).reshape(-1, 3)
    return np.vstack([scaled @ reciprocal, lines])
