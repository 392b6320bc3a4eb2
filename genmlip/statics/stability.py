"""Stability constants: the largest c0 with ⟨Hv, v⟩ ≥ c0 ‖Dv‖² for all displacements v, in eV/Å².

Of a configuration, as the smallest eigenvalue of Hv = λ DᵀD v; of the perfect crystal, as a minimum over wave
vectors (Hudson & Ortner, ESAIM: M2AN 46:81, 2012).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csc_array, eye_array, kron
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh

from genmlip._types import Array, ComplexArray, IntArray
from genmlip.crystal.structures import BOND_TOLERANCE
from genmlip.errors import NotConvergedError
from genmlip.statics.preconditioner import NotPositiveDefiniteError, SparseFactor

if TYPE_CHECKING:
    from genmlip.crystal import Crystal
    from genmlip.potentials.base import Evaluator

SHORTEST = 1e-2
"""Of the longest reciprocal vector; at shorter ones numerator and denominator drown in rounding."""


def stability_constant(
    hessian: csc_array | LinearOperator,
    gram: csc_array,
    points: Array,
    tolerance: float = 1e-6,
    seed: int = 0,
) -> float:
    """Smallest λ of Hv = λ DᵀD v on the unknown atoms, eV/Å²; negative where the configuration is unstable.

    Lanczos in the inner product of DᵀD: inverted where H is a positive definite matrix, otherwise by
    products Hv, whose spectrum is O(1) wide whatever the number of atoms.

    hessian : (3m, 3m) sparse, or an operator such as ``hessian_products``
    gram : (m, m), ``gradient_gram`` with some atoms held (otherwise it is singular); points : (m, 2 or 3) Å
    Raises NotConvergedError.
    """
    size = hessian.shape[0]
    start = np.random.default_rng(seed).normal(size=size)
    mass = csc_array(kron(gram, eye_array(3)))
    try:
        if isinstance(hessian, LinearOperator):
            return _lowest_by_products(hessian, mass, SparseFactor(gram, points), start, tolerance)
        try:
            factor = SparseFactor(hessian, points)
        except NotPositiveDefiniteError:  # the lowest eigenvalue stands apart, and products find it quickly
            return _lowest_by_products(hessian, mass, SparseFactor(gram, points), start, tolerance)
        inverse = LinearOperator((size, size), matvec=factor.solve, dtype=float)
        values = eigsh(
            hessian, k=1, M=mass, sigma=0.0, OPinv=inverse, which="LM", tol=tolerance, v0=start,
            return_eigenvectors=False,
        )  # fmt: skip
        return float(values[0])
    except ArpackNoConvergence as error:
        raise NotConvergedError("Lanczos iteration for the stability constant did not converge") from error


def _lowest_by_products(
    hessian: csc_array | LinearOperator,
    mass: csc_array,
    inverse: SparseFactor,
    start: Array,
    tolerance: float,
) -> float:
    """Lanczos with Hv and (DᵀD)⁻¹ only."""

    def solve(v: Array) -> Array:
        columns = v.reshape(-1, 3)
        return np.stack([inverse.solve(np.ascontiguousarray(c)) for c in columns.T], axis=1).ravel()

    values = eigsh(
        hessian, k=1, M=mass, Minv=LinearOperator(hessian.shape, matvec=solve, dtype=float), which="SA",
        tol=tolerance, maxiter=20 * len(start), v0=start, return_eigenvectors=False,
    )  # fmt: skip
    return float(values[0])


def hessian_products(evaluate: Evaluator, positions: Array, unknowns: IntArray) -> LinearOperator:
    """v ↦ Hv (3m,) eV/Å: in closed form where the potential has one, else by differences of forces."""
    if not getattr(evaluate, "is_curvature_closed", False):
        return force_difference_hessian(evaluate, positions, unknowns)

    def apply(v: Array) -> Array:
        direction = np.zeros_like(positions)
        direction[unknowns] = v.reshape(-1, 3)
        product: Array = evaluate.hessian_vector(positions, direction)[unknowns]  # type: ignore[attr-defined]
        return product.ravel()

    size = 3 * len(unknowns)
    return LinearOperator((size, size), matvec=apply, dtype=float)


def force_difference_hessian(
    evaluate: Evaluator, positions: Array, unknowns: IntArray, step: float = 1e-4
) -> LinearOperator:
    """v ↦ Hv (3m,) eV/Å by central differences of forces, for potentials without site Hessians.

    step : Å, the farthest that an atom is moved
    """

    def apply(v: Array) -> Array:
        direction = v.reshape(-1, 3)
        scale = step / max(float(np.linalg.norm(direction, axis=1).max()), 1e-300)
        ahead, behind = np.array(positions, dtype=float), np.array(positions, dtype=float)
        ahead[unknowns] += scale * direction
        behind[unknowns] -= scale * direction
        change = evaluate(behind).forces[unknowns] - evaluate(ahead).forces[unknowns]
        return (change / (2.0 * scale)).ravel()

    size = 3 * len(unknowns)
    return LinearOperator((size, size), matvec=apply, dtype=float)


def crystal_stability(crystal: Crystal, line: Array | None = None, grid: int = 24) -> float:
    """c0 = min over k of λ_min(Ĥ(k), D̂(k)) of the perfect crystal, eV/Å², D̂ the symbol of DᵀD.

    line : (3,) lattice direction in cubic axes; then only displacements that do not vary along it, k ⟂ line
    grid : points per direction, in the plane twice as many, before the minimum is refined locally
    """
    from scipy.optimize import minimize

    bonds = _bond_stars(crystal)
    axes = np.eye(3) if line is None else _normal_plane(np.asarray(line, dtype=float))
    reciprocal = _reciprocal_basis(crystal, axes)
    reach = float(np.linalg.norm(reciprocal, axis=1).max())

    def quotient(q: Array) -> Array:
        """At wave vectors q (n, d) in units of ``reach``; those too short for rounding are lengthened."""
        length = np.linalg.norm(q, axis=1, keepdims=True)
        return _lowest_quotient(crystal, bonds, reach * q * np.maximum(1.0, SHORTEST / length) @ axes)

    mesh = _mesh(len(axes), grid if line is None else 2 * grid) @ reciprocal / reach
    points = np.vstack([SHORTEST * _directions(len(axes), grid), mesh])
    values = quotient(points)
    refined = [
        minimize(
            lambda q: float(quotient(q[None])[0]), q, method="Nelder-Mead",
            options={"xatol": 1e-6, "fatol": 1e-10, "initial_simplex": _simplex(q, 0.5 / grid)},
        )
        for q in points[np.argsort(values)[:4]]
    ]  # fmt: skip
    return float(min(values.min(), *(fit.fun for fit in refined)))


def _simplex(q: Array, size: float) -> Array:
    return np.vstack([q, q + size * np.linalg.norm(q) * np.eye(len(q))])


def _normal_plane(line: Array) -> Array:
    """Two orthonormal rows orthogonal to ``line``."""
    _, _, vt = np.linalg.svd(line[None])
    return vt[1:]


def _reciprocal_basis(crystal: Crystal, axes: Array) -> Array:
    """Short basis (d, d) Å⁻¹ of the reciprocal lattice within the span of ``axes`` (d, 3), in these axes.

    Of a plane it is the reciprocal lattice of the columns, whose zone may be longer than the crystal's own:
    for a ⟨112⟩ line in bcc it reaches twice as far.
    """
    basis = 2.0 * np.pi * np.asarray(np.linalg.inv(crystal.primitive_vectors).T, dtype=np.float64)
    if len(axes) == 3:
        return basis
    n = np.stack(np.meshgrid(*[np.arange(-4, 5)] * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    vectors = n @ basis
    length = np.linalg.norm(vectors, axis=1)
    unit = length.max()
    within = np.linalg.norm(vectors - vectors @ axes.T @ axes, axis=1) < 1e-8 * unit
    order = np.argsort(length, kind="stable")
    flat = (vectors @ axes.T)[order[(within & (length > 1e-8 * unit))[order]]]
    area = np.abs(flat[0, 0] * flat[:, 1] - flat[0, 1] * flat[:, 0])
    return flat[[0, int(np.flatnonzero(area > 1e-8 * unit**2)[0])]]


def _mesh(dim: int, grid: int) -> Array:
    """Points (n, d) of the unit cell around the origin, which is not among them; of ±t only one."""
    t = (np.arange(grid) + 0.5) / grid - 0.5
    points = np.stack(np.meshgrid(*[t] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    return points[points[:, 0] > 0.0]


def _directions(dim: int, grid: int) -> Array:
    """Unit vectors (n, d), of ±e only one: the quotient's limit as k → 0 depends on the direction."""
    if dim == 2:
        angle = np.pi * np.arange(4 * grid) / (4 * grid)
        return np.stack([np.cos(angle), np.sin(angle)], axis=1)
    n = 12 * grid  # Fibonacci lattice on the half-sphere
    z = (np.arange(n) + 0.5) / n
    angle = np.pi * (3.0 - np.sqrt(5.0)) * np.arange(n)
    s = np.sqrt(1.0 - z**2)
    symmetric = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 1]]) / np.sqrt([[1], [2], [3]])
    return np.vstack([symmetric, np.stack([s * np.cos(angle), s * np.sin(angle), z], axis=1)])


def _bond_stars(crystal: Crystal) -> list[tuple[int, int, Array]]:
    """Nearest neighbours (κ, κ', lattice translations (m, 3) Å)."""
    basis = crystal.basis
    translations = crystal.force_constants.vectors
    reach = BOND_TOLERANCE * crystal.nearest_neighbour_distance
    stars = []
    for a, b in np.ndindex(len(basis), len(basis)):
        length = np.linalg.norm(translations + basis[b] - basis[a], axis=1)
        near = (length < reach) & (length > 1e-6)
        if near.any():
            stars.append((a, b, translations[near]))
    return stars


def _lowest_quotient(crystal: Crystal, bonds: list[tuple[int, int, Array]], k: Array) -> Array:
    """λ_min(Ĥ(k), D̂(k)) at the wave vectors k (q, 3) Å⁻¹, (q,)."""
    nb = len(crystal.basis)
    H = crystal.force_constants.matrix(k)
    D: ComplexArray = np.zeros((len(k), nb, nb), dtype=complex)
    for a, b, translations in bonds:
        phase = np.exp(1j * k @ translations.T).sum(axis=1)
        D[:, a, a] += len(translations)
        D[:, b, b] += len(translations)
        D[:, a, b] -= phase
        D[:, b, a] -= phase.conj()
    inverse_root = np.linalg.inv(np.linalg.cholesky(D))
    scale = np.kron(inverse_root, np.eye(3))
    return np.linalg.eigvalsh(scale @ H @ scale.conj().transpose(0, 2, 1))[:, 0]
