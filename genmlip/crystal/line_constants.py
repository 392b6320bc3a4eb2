"""Force constants of a crystal in which all atoms of a column along x3 move alike.

Displacements that do not depend on x3 see a lattice of columns in the plane; H of that lattice is a sum
along the line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from genmlip._types import Array, ComplexArray, IntArray
from genmlip.crystal.force_constants import ForceConstants
from genmlip.errors import InputError


@dataclass(frozen=True, eq=False)
class LineForceConstants:
    """H_n = Σ_n3 H(n1 t1 + n2 t2 + n3 t3), so that E = ½ Σ_nn' u(n) · H_{n'−n} u(n') per line period.

    plane : (2, 2) Å rows: projections (x1, x2) of t1, t2
    labels : (p, 2) n = (n1, n2), each once, −n with n
    blocks : (p, m, m) eV/Å², m = 3 nb with the sublattice slowest, in the frame (any m: a scalar model has 1)

    Raises InputError unless H_{−n} = H_nᵀ.
    """

    plane: Array
    labels: IntArray
    blocks: Array

    def __post_init__(self) -> None:
        table = {tuple(label): block for label, block in zip(self.labels.tolist(), self.blocks, strict=True)}
        size = abs(self.blocks).max()
        for (n1, n2), block in table.items():
            opposite = table.get((-n1, -n2))
            if opposite is None or abs(opposite - block.T).max() > 1e-9 * size:
                raise InputError(
                    f"the force constants at n = ({n1}, {n2}) and −n are not each other's transpose"
                )

    @classmethod
    def of(cls, constants: ForceConstants, frame: Array, vectors: Array) -> LineForceConstants:
        """Sums along t3.

        frame : (3, 3) rows x1, x2, x3 in cubic axes
        vectors : (3, 3) Å rows t1, t2, t3 in the frame, a basis of the lattice with t3 along x3

        Raises InputError if a translation of ``constants`` is not a lattice vector.
        """
        coordinates = constants.vectors @ frame.T @ np.linalg.inv(vectors)
        whole = np.rint(coordinates).astype(np.int64)
        if abs(coordinates - whole).max() > 1e-6:
            raise InputError("the force constants belong to another lattice than the vectors t1, t2, t3")
        labels, inverse = np.unique(whole[:, :2], axis=0, return_inverse=True)
        m = 3 * constants.blocks.shape[1]
        turned = np.einsum("ai,pklij,bj->pkalb", frame, constants.blocks, frame, optimize=True)
        blocks = np.zeros((len(labels), m, m))
        np.add.at(blocks, inverse.ravel(), turned.reshape(-1, m, m))
        return cls(np.array(vectors[:2, :2], dtype=float), labels, blocks)

    def fourier(self, phases: Array) -> ComplexArray:
        """Ĥ(θ) = Σ_n H_n exp(i θ · n), (..., 2) rad with θ_a = k · t_a → (..., m, m), Hermitian."""
        phase = np.exp(1j * (np.asarray(phases, dtype=float) @ self.labels.T))
        return np.tensordot(phase, self.blocks.astype(complex), axes=(-1, 0))

    @property
    def positions(self) -> Array:
        """n1 t1 + n2 t2 in the plane, (p, 2) Å."""
        return self.labels @ self.plane

    @property
    def area(self) -> float:
        """Of a cell of the plane lattice, Å²."""
        return float(abs(np.linalg.det(self.plane)))

    @property
    def range(self) -> float:
        """Length of the longest translation in the plane, Å."""
        return float(np.linalg.norm(self.positions, axis=1).max())
