"""Displacement, stress and energy of a straight dislocation in an anisotropic linear elastic medium.

The field is written in the real integral form of the sextic formalism: angular averages of the fundamental
matrix instead of its eigenvectors. It holds for every positive definite stiffness, the isotropic and all
other degenerate media included, where the eigenvectors of the sextic problem do not span.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from genmlip._types import Array, ComplexArray
from genmlip.errors import InputError

MAX_ANGLES = 1 << 14


@dataclass(frozen=True, eq=False)
class StrohField:
    """Field of a straight dislocation on the line x1 = x2 = 0, with its branch cut along −x1.

    In polar coordinates, with e_r, e_θ the unit vectors,

        u = −S b log(r) / 2π + ∫₀^θ w,    ∇u = (−S b / 2π ⊗ e_r + w ⊗ e_θ) / r,
        w(θ) = (N₂(θ) L − N₁(θ) S) b / 2π,

    where N₁, N₂, N₃ are the blocks of the fundamental matrix for the directions (e_r, e_θ), and S = ⟨N₁⟩,
    H = ⟨N₂⟩, L = −⟨N₃⟩ the Barnett–Lothe tensors, their averages over θ. The gauge is u = 0 at r = 1 Å,
    θ = 0; the sign of b is that u(θ = π) − u(θ = −π) = b. On the line itself the field is singular.

    stiffness : (3, 3, 3, 3) eV/Å³, in the frame x1 = glide direction, x2 = plane normal, x3 = line
    burgers : (3,) Å, same frame

    Stroh, Phil. Mag. 3, 625 (1958); Barnett & Lothe, Phys. Norv. 7, 13 (1973); Ting, Anisotropic Elasticity
    (1996), ch. 7. Raises InputError if the stiffness is not positive definite.
    """

    stiffness: Array
    burgers: Array

    def __post_init__(self) -> None:
        C, b = np.asarray(self.stiffness, dtype=float), np.asarray(self.burgers, dtype=float)
        if C.shape != (3, 3, 3, 3) or not np.isfinite(C).all():
            raise InputError(f"stiffness must be a finite (3, 3, 3, 3) array, got shape {C.shape}")
        if b.shape != (3,) or not np.isfinite(b).all() or not b.any():
            raise InputError(f"Burgers vector must be three finite numbers, not all zero, got {b}")
        if (moduli := np.linalg.eigvalsh(_kelvin_matrix(C)))[0] <= 1e-12 * abs(moduli[-1]):
            raise InputError(f"stiffness is not positive definite (smallest modulus {moduli[0]:.4g} eV/Å³)")
        object.__setattr__(self, "stiffness", C)
        object.__setattr__(self, "burgers", b)

    def fundamental_blocks(self, theta: Array) -> tuple[Array, Array, Array]:
        """N₁, N₂, N₃ (..., 3, 3) at the angles θ (...): −T⁻¹Rᵀ, T⁻¹ and RT⁻¹Rᵀ − Q (Ting, eq. 7.1-5)."""
        theta = np.asarray(theta, dtype=float)
        zero = np.zeros_like(theta)
        n = np.stack([np.cos(theta), np.sin(theta), zero], axis=-1)
        m = np.stack([-np.sin(theta), np.cos(theta), zero], axis=-1)
        Q, R, T = (
            np.einsum("...j,ijkl,...l->...ik", p, self.stiffness, q) for p, q in ((n, n), (n, m), (m, m))
        )
        N2 = np.linalg.inv(T)
        N1 = -N2 @ np.swapaxes(R, -1, -2)
        return N1, N2, -R @ N1 - Q

    @cached_property
    def barnett_lothe(self) -> tuple[Array, Array, Array]:
        """S (dimensionless), H (Å³/eV) and L (eV/Å³), (3, 3) each."""
        return self._averages_and_series[0]

    @cached_property
    def energy_factor(self) -> float:
        """K = b·L b / b² of the energy K b² / 4π · log(R / r_c) per unit length, eV/Å³."""
        b = self.burgers
        return float(b @ self.barnett_lothe[2] @ b / (b @ b))

    @cached_property
    def energy_prefactor(self) -> float:
        """K b² / 4π, eV/Å."""
        return self.energy_factor * float(self.burgers @ self.burgers) / (4 * np.pi)

    def displacement(self, x: Array) -> Array:
        """(..., 2) Å → (..., 3) Å; the branch cut lies along −x1, θ = π belongs to the upper side."""
        return self.displacement_on_sheet(*_polar(x))

    def displacement_on_sheet(self, r: Array, theta: Array) -> Array:
        """u (..., 3) Å at r (...) Å and any real θ (...): u(r, θ + 2π) = u(r, θ) + b, no branch cut."""
        series = self._averages_and_series[1]
        order = np.arange(1, len(series))
        integrated = np.concatenate([np.zeros((1, 3)), series[1:] / (2j * order[:, None])])
        integrated[0] = -integrated.sum(axis=0)  # the gauge: zero at θ = 0
        radial = np.multiply.outer(np.log(r), self._radial_slope)
        return radial + np.multiply.outer(theta, series[0].real) + _polynomial(integrated, theta)

    def distortion(self, x: Array) -> Array:
        """∂u_i/∂x_j, (..., 2) Å → (..., 3, 3); the last column, along the line, vanishes."""
        r, theta = _polar(x)
        angular = _polynomial(self._averages_and_series[1], theta)
        zero = np.zeros_like(theta)
        e_r = np.stack([np.cos(theta), np.sin(theta), zero], axis=-1) / r[..., None]
        e_theta = np.stack([-np.sin(theta), np.cos(theta), zero], axis=-1) / r[..., None]
        return self._radial_slope[:, None] * e_r[..., None, :] + angular[..., None] * e_theta[..., None, :]

    def second_gradient(self, x: Array) -> Array:
        """∂²u_i/∂x_j∂x_k, (..., 2) Å → (..., 3, 3, 3) Å⁻¹; it is symmetric in j, k and C : ∇∇u = 0."""
        r, theta = _polar(x)
        series = self._averages_and_series[1]
        w, slope = (
            _polynomial(series, theta),
            _polynomial(2j * np.arange(len(series))[:, None] * series, theta),
        )
        zero = np.zeros_like(theta)
        e_r = np.stack([np.cos(theta), np.sin(theta), zero], axis=-1) / r[..., None]
        e_theta = np.stack([-np.sin(theta), np.cos(theta), zero], axis=-1) / r[..., None]

        def outer(v: Array, p: Array, q: Array) -> Array:
            return np.asarray(v[..., :, None, None] * p[..., None, :, None] * q[..., None, None, :])

        radial = np.broadcast_to(self._radial_slope, w.shape)
        return (
            outer(radial + slope, e_theta, e_theta)
            - outer(radial, e_r, e_r)
            - outer(w, e_r, e_theta)
            - outer(w, e_theta, e_r)
        )

    def strain(self, x: Array) -> Array:
        """Symmetric part of the distortion, (..., 2) Å → (..., 3, 3)."""
        gradient = self.distortion(x)
        return 0.5 * (gradient + np.swapaxes(gradient, -1, -2))

    def stress(self, x: Array) -> Array:
        """C ∇u, (..., 2) Å → (..., 3, 3) eV/Å³."""
        return np.einsum("ijkl,...kl->...ij", self.stiffness, self.distortion(x))

    @cached_property
    def _radial_slope(self) -> Array:
        """r ∂u/∂r = −S b / 2π, the same in all directions, (3,) Å."""
        return -self.barnett_lothe[0] @ self.burgers / (2 * np.pi)

    @cached_property
    def _averages_and_series(self) -> tuple[tuple[Array, Array, Array], ComplexArray]:
        """The Barnett–Lothe tensors and the coefficients of w(θ) = Re Σ_k c_k e^{2ikθ}, (K, 3) Å.

        The blocks are analytic and π-periodic, so the trapezoidal rule and the discrete Fourier transform
        converge geometrically; the number of angles doubles until the tail of the series is round-off.
        """
        n_angles = 64
        while True:
            N1, N2, N3 = self.fundamental_blocks(np.arange(n_angles) * np.pi / n_angles)
            S, H, L = N1.mean(axis=0), N2.mean(axis=0), -N3.mean(axis=0)
            w = (N2 @ L - N1 @ S) @ self.burgers / (2 * np.pi)
            series = np.fft.rfft(w, axis=0)[:-1] / n_angles
            series[1:] *= 2.0
            size = np.abs(series).max(axis=1)
            if size[n_angles // 4 :].max() < 1e-15 * size.max():
                break
            if n_angles >= MAX_ANGLES:
                raise InputError("stiffness is too close to singular for an elastic dislocation field")
            n_angles *= 2
        return (S, H, L), series[: 1 + np.flatnonzero(size > 2e-16 * size.max())[-1]]


def _polar(x: Array) -> tuple[Array, Array]:
    x = np.asarray(x, dtype=float)
    return np.hypot(x[..., 0], x[..., 1]), np.arctan2(x[..., 1], x[..., 0])


def _polynomial(coefficients: ComplexArray, theta: Array) -> Array:
    """Re Σ_k c_k e^{2ikθ} by Horner's rule, (..., 3)."""
    z = np.exp(2j * np.asarray(theta, dtype=float))[..., None]
    total = np.zeros((*z.shape[:-1], 3), dtype=complex)
    for c in coefficients[::-1]:
        total *= z
        total += c
    return total.real


def _kelvin_matrix(C: Array) -> Array:
    """The stiffness as a symmetric (6, 6) matrix whose eigenvalues are its own."""
    rows, columns = np.array([0, 1, 2, 1, 0, 0]), np.array([0, 1, 2, 2, 2, 1])
    weight = np.sqrt([1, 1, 1, 2, 2, 2])
    matrix = weight[:, None] * weight * C[rows[:, None], columns[:, None], rows, columns]
    return 0.5 * (matrix + matrix.T)
