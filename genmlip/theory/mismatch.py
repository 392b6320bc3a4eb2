"""How far a candidate's perfect crystal is from the reference's, term by term of the a-priori estimate.

docs/theory.md, sections 12 and 14: the lattice mismatch ε_a, the elastic mismatches δC and δC₃ and the
dispersion mismatch δμ.
"""

from __future__ import annotations

import numpy as np

from genmlip._types import Array
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


def nonlinear_mismatch(reference: Crystal, candidate: Crystal) -> float:
    """‖C̃₃ − C₃‖ / ‖C₃‖ in the Frobenius norm, each at its own lattice parameter."""
    _check_same_lattice(reference, candidate)
    difference = candidate.third_order - reference.third_order
    return float(np.linalg.norm(difference) / np.linalg.norm(reference.third_order))


def dispersion_mismatch(reference: Crystal, candidate: Crystal) -> float:
    """δμ = Σ_ρ ∣ρ∣⁴ ∣H̃(ρ) − H(ρ)∣ / Σ_ρ ∣ρ∣⁴ ∣H(ρ)∣ with lengths in units of each model's lattice parameter.

    ρ runs over the vectors between sites, those of the two sublattices of a multilattice included.
    """
    _check_same_lattice(reference, candidate)
    difference: dict[tuple[int, ...], Array] = {}
    for crystal, sign in ((reference, -1.0), (candidate, 1.0)):
        constants = crystal.force_constants
        labels = np.rint(constants.vectors @ np.linalg.inv(crystal.primitive_vectors)).astype(int)
        for label, block in zip(labels, constants.blocks, strict=True):
            key = tuple(label)
            difference[key] = difference.get(key, 0.0) + sign * block
    vectors = np.array(list(difference)) @ reference.primitive_vectors
    own = reference.force_constants
    return _fourth_moment(reference, vectors, np.array(list(difference.values()))) / _fourth_moment(
        reference, own.vectors, own.blocks
    )


def _fourth_moment(crystal: Crystal, translations: Array, blocks: Array) -> float:
    """Σ ∣ρ∣⁴ ∣H_κκ'(R)∣ over translations R (m, 3) Å and sublattices, ρ = R + x_κ' − x_κ; eV Å²."""
    rho = translations[:, None, None] + crystal.basis[None, None, :] - crystal.basis[None, :, None]
    sizes = np.linalg.norm(blocks, axis=(-2, -1))
    return float(np.sum(np.linalg.norm(rho, axis=-1) ** 4 * sizes))


def _check_same_lattice(reference: Crystal, candidate: Crystal) -> None:
    if reference.structure != candidate.structure:
        raise InputError(
            f"reference ({reference.structure}) and candidate ({candidate.structure}) differ in structure"
        )
