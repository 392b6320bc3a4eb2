"""Elastic tensors of second and third order, with the atoms of the basis relaxed.

The relaxed energy of a cell is W̄(F) = min_ζ W(F, ζ). With the second Piola–Kirchhoff stress S = F⁻¹ ∂W̄/∂F/V0
and the Green–Lagrange strain η = (FᵀF − 1)/2, its second derivative is, by the implicit function theorem,

    A = W_FF − W_Fζ (W_ζζ)⁻¹ W_ζF,

at the relaxed ζ(F). Since W̄ depends on F through η alone, A_iJkL = V0 (δ_ik S_JL + F_iM F_kN C_MJNL) with the
stiffness C(η) = ∂S/∂η (Wallace, Thermodynamics of Crystals (1972), ch. 1–2; for the internal shifts Born &
Huang, Dynamical Theory of Crystal Lattices (1954), ch. III).
"""

from __future__ import annotations

from functools import partial
from itertools import permutations

import numpy as np

from genmlip._types import Array
from genmlip.crystal.differences import derivative
from genmlip.crystal.homogeneous import HomogeneousCrystal
from genmlip.crystal.tensors import THIRD_ORDER_CLASSES, VOIGT, from_voigt, to_voigt
from genmlip.errors import NotConvergedError

STRAIN_STEP = 5e-3
"""Of the differences of C(η). Strains reach ±2 %, wide enough to average over the knots of tabulated
potentials, whose third derivative at a point is that of the spline."""


def clamped_stiffness(crystal: HomogeneousCrystal) -> Array:
    """∂²W/∂F∂F / V0 at fixed shifts, (3, 3, 3, 3) eV/Å³; the elastic tensor of an unstressed crystal."""
    hessian = crystal.hessian(crystal.state())[:3, :, :3, :]
    return _symmetrised(hessian.transpose(1, 0, 3, 2) / crystal.volume)


def relaxed_stiffness(crystal: HomogeneousCrystal) -> Array:
    """C of the undeformed crystal with its basis relaxed, (3, 3, 3, 3) eV/Å³."""
    return tangent_stiffness(crystal, crystal.state())


def internal_displacement(crystal: HomogeneousCrystal) -> Array:
    """Γ_κijk = ∂ζ_κi/∂F_jk of the relaxed shifts, (nb, 3, 3, 3) Å, relative to the mean over the basis.

    Γ = −(W_ζζ)⁻¹ W_ζF. Symmetric in jk where the basis is in equilibrium: rotations do not shift it then.
    """
    hessian = crystal.hessian(crystal.state())
    return -_optical_solve(hessian, hessian[3:, :, :3, :].transpose(0, 1, 3, 2))


def relax_shifts(crystal: HomogeneousCrystal, y: Array, tolerance: float = 1e-10, steps: int = 50) -> Array:
    """y with the shifts at the minimum of W for its F, to a force below ``tolerance`` (eV/Å).

    Chord method: Newton's with the Hessian of the start, which costs as much as many gradients; under small
    strains every step gains about two digits. Raises NotConvergedError.
    """
    if crystal.n_basis == 1:
        return y
    y, hessian = y.copy(), crystal.hessian(y)
    for _ in range(steps):
        gradient = crystal.gradient(y)[3:]
        if abs(gradient).max() < tolerance:
            return y
        y[3:] -= _optical_solve(hessian, gradient)
    raise NotConvergedError(f"internal relaxation stopped at a force of {abs(gradient).max():.1e} eV/Å", y)


def tangent_stiffness(crystal: HomogeneousCrystal, y: Array) -> Array:
    """C(η) = ∂S/∂η at the relaxed state y, (3, 3, 3, 3) eV/Å³ of undeformed volume."""
    hessian, inverse = crystal.hessian(y), np.linalg.inv(y[:3].T)
    coupling = hessian[3:, :, :3, :]
    response = np.einsum("maJi,maLk->JiLk", coupling, _optical_solve(hessian, coupling))
    stress = np.einsum("Mi,Ji->MJ", inverse, crystal.gradient(y)[:3])
    material = hessian[:3, :, :3, :] - response - np.einsum("ik,JL->JiLk", np.eye(3), stress)
    tangent = np.einsum("Mi,Nk,JiLk->MJNL", inverse, inverse, material, optimize=True)
    return _symmetrised(tangent / crystal.volume)


def strained_stiffness(crystal: HomogeneousCrystal, strain: Array) -> Array:
    """C(η) of the relaxed crystal under the Green–Lagrange strain η (3, 3), at F = √(1 + 2η)."""
    return tangent_stiffness(crystal, relax_shifts(crystal, crystal.state(_stretch(strain))))


def secant_stiffness(crystal: HomogeneousCrystal, amplitude: float) -> Array:
    """[S(η) − S(−η)] / 2 for η = ``amplitude`` along each component in turn, over it: (3, 3, 3, 3) eV/Å³.

    The elastic constants that strains of this size feel; the third-order ones drop out. It tends to C as the
    amplitude goes to zero, and differs from it where the potential's second derivative has a kink.
    """
    voigt = np.empty((6, 6))
    for number, (i, j) in enumerate(VOIGT):
        strain = np.zeros((3, 3))
        strain[i, j] += 0.5 * amplitude
        strain[j, i] += 0.5 * amplitude
        stress = (relaxed_stress(crystal, strain) - relaxed_stress(crystal, -strain)) / (2 * amplitude)
        voigt[:, number] = [stress[k] for k in VOIGT]
    return from_voigt(0.5 * (voigt + voigt.T))


def relaxed_stress(crystal: HomogeneousCrystal, strain: Array) -> Array:
    """S = F⁻¹ ∂W̄/∂F / V0 under the Green–Lagrange strain η (3, 3), at F = √(1 + 2η); (3, 3) eV/Å³."""
    F = _stretch(strain)
    y = relax_shifts(crystal, crystal.state(F))
    return np.asarray(np.linalg.solve(F, crystal.gradient(y)[:3].T) / crystal.volume, dtype=float)


def third_order_constants(crystal: HomogeneousCrystal, step: float = STRAIN_STEP) -> dict[str, float]:
    """The six C_IJK = ∂³W̄/∂η_I∂η_J∂η_K / V0 of a cubic crystal, eV/Å³ (Brugger's definition).

    dC/dη_11 holds five of them, dC/dη_23 the sixth and two again; each is the mean over the components found
    that symmetry makes equal. Where the second derivative of the potential has a kink within the strains of
    the stencil (±4 steps), this is a mean slope; a kink at the crystal itself gives the mean of both sides.
    """
    voigt = np.full((6, 6, 6), np.nan)
    for number in (0, 3):
        i, j = VOIGT[number]
        strain = np.zeros((3, 3))
        strain[i, j] = strain[j, i] = 1.0 if i == j else 0.5
        voigt[number] = to_voigt(derivative(partial(_along, crystal, strain), step))
    return {
        name: float(np.nanmean([voigt[order] for triple in members for order in permutations(triple)]))
        for name, members in THIRD_ORDER_CLASSES.items()
    }


def _along(crystal: HomogeneousCrystal, strain: Array, t: float) -> Array:
    return strained_stiffness(crystal, t * strain)


def _stretch(strain: Array) -> Array:
    """√(1 + 2η), (3, 3): the deformation gradient without rotation."""
    values, vectors = np.linalg.eigh(np.eye(3) + 2 * strain)
    return np.asarray((vectors * np.sqrt(values)) @ vectors.T)


def is_elastically_stable(stiffness: Array, tolerance: float = 1e-6) -> bool:
    """Born's criteria: the elastic energy is positive for every strain.

    All eigenvalues of C on symmetric strains exceed ``tolerance`` times the largest; for cubic crystals they
    are C11 + 2 C12, C11 − C12 (twice) and 2 C44 (three times).
    """
    values = np.linalg.eigvalsh(stiffness.reshape(9, 9))
    return bool(values[3] > tolerance * abs(values).max())  # the three zeros of the rotations sort below


def _optical_solve(hessian: Array, right: Array) -> Array:
    """(W_ζζ)⁻¹ on shifts with zero mean over the basis; ``right`` (nb, 3, …).

    W_ζζ is singular for rigid translations only; adding their projector makes it invertible without touching
    the solution, whose mean stays zero.
    """
    n = right.shape[0]
    if n == 1:
        return np.zeros_like(right)
    block = hessian[3:, :, 3:, :].reshape(3 * n, 3 * n)
    scale = abs(block).max()
    translations = np.tile(np.eye(3), (n, 1)) / np.sqrt(n)
    full = block + scale * translations @ translations.T
    return np.linalg.solve(full, right.reshape(3 * n, -1)).reshape(right.shape)


def _symmetrised(tensor: Array) -> Array:
    """Mean over ij ↔ ji, kl ↔ lk and ij ↔ kl, which hold up to rounding."""
    tensor = tensor + tensor.transpose(1, 0, 2, 3)
    tensor = tensor + tensor.transpose(0, 1, 3, 2)
    return (tensor + tensor.transpose(2, 3, 0, 1)) / 8
