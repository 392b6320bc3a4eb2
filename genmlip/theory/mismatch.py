"""How far a candidate's perfect crystal is from the reference's, term by term of the a-priori estimate.

theory.md, section 3: the lattice mismatch ε_a, the elastic mismatch δC and the dispersion mismatch δμ.
"""

from __future__ import annotations

import numpy as np

from genmlip.crystal import Crystal
from genmlip.errors import InputError


def lattice_mismatch(reference: Crystal, candidate: Crystal) -> float:
    """ε_a = (ã − a) / a."""
    return candidate.a0 / reference.a0 - 1.0


def elastic_mismatch(reference: Crystal, candidate: Crystal) -> float:
    """‖C̃ − C‖ / ‖C‖ in the Frobenius norm of the relaxed-ion tensors, each at its own lattice parameter."""
    _check_same_lattice(reference, candidate)
    difference = candidate.stiffness - reference.stiffness
    return float(np.linalg.norm(difference) / np.linalg.norm(reference.stiffness))


def dispersion_mismatch(reference: Crystal, candidate: Crystal) -> float:
    """δμ = Σ_ρ ∣ρ∣⁴ ∣H̃(ρ) − H(ρ)∣ / Σ_ρ ∣ρ∣⁴ ∣H(ρ)∣ with lengths in units of each model's lattice parameter.

    The norm is Frobenius' over all sublattice pairs.
    """
    _check_same_lattice(reference, candidate)
    difference: dict[tuple[int, ...], np.ndarray] = {}
    for crystal, sign in ((reference, -1.0), (candidate, 1.0)):
        constants = crystal.force_constants
        labels = np.rint(constants.vectors @ np.linalg.inv(crystal.primitive_vectors)).astype(int)
        for label, block in zip(labels, constants.blocks, strict=True):
            key = tuple(label)
            difference[key] = difference.get(key, 0.0) + sign * block
    own = reference.force_constants
    weight = np.linalg.norm(own.vectors, axis=1) ** 4
    scale = float(weight @ np.linalg.norm(own.blocks.reshape(len(own.blocks), -1), axis=1))
    total = sum(
        np.linalg.norm(np.array(label) @ reference.primitive_vectors) ** 4 * np.linalg.norm(block)
        for label, block in difference.items()
    )
    return float(total / scale)


def _check_same_lattice(reference: Crystal, candidate: Crystal) -> None:
    if reference.structure != candidate.structure:
        raise InputError(
            f"reference ({reference.structure}) and candidate ({candidate.structure}) differ in structure"
        )
