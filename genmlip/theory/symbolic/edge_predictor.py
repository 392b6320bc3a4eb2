"""The residual force of an edge dislocation in the plane, and what the slip map ξ does to it.

Triangular lattice with springs κ (d − 1)² / 2 between neighbours, as in the plane of the model potential. In
complex notation a displacement w = w1 + i w2 turns a bond ρ into ρ (1 + s), s = ρ̄ D_ρw, and the force is

    f = κ Σ_ρ ρ [1 + s − ((1 + s) / (1 + s̄))^½].

The medium is isotropic with λ = μ: to first order in s, with two gradients, f = 0 reads 2 ∂∂̄w + ∂̄²w̄ = 0. The
predictor (6) of docs/theory.md is u0 = u_lin ∘ ξ⁻¹ = u_lin + δ ∂_1 u_lin + … with δ = b θ / 2π.

- Across the cut a site at x above has its neighbour at x + ρ + b below. For u0 that is a smooth continuation,
  u0(x, θ + 2π) = u0(x + b, θ) + b; without ξ the bond errs by b ∂_1 u_lin ~ r⁻¹, and so does its force.
- ∂_1 u_lin solves the equations of elasticity, so that in the force of δ ∂_1 u_lin a gradient has to act on
  δ: it is of order r⁻³ and has no branch cut. It stands beside div C3[∇u, ∇u], as part of the r⁻³ in (7).
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp

from genmlip.theory.symbolic.plane_lattice import ANGLE, TRIANGULAR, along_bond, coefficient, rho, z, z_bar

kappa = sp.Symbol("kappa", positive=True)
"""Spring constant, eV/Å²; b = 1 Å."""


def conjugate(field: sp.Expr) -> sp.Expr:
    """w̄ of a field with z and z̄ as independent symbols; ρ̄ = 1/ρ."""
    swapped = field.subs({z: z_bar, z_bar: z, rho: 1 / rho, sp.I: -sp.I}, simultaneous=True)
    return sp.expand(swapped)


def linear_edge() -> sp.Expr:
    """u_lin = A log z + B log z̄ + C z/z̄ with the jump b = 1 Å and no net force on the core.

    The stress is σ11 + σ22 ∝ P = ∂w + ∂̄w̄ and σ11 − σ22 + 2iσ12 ∝ Q = ∂̄w, and the force on a disc is that of
    ∮ P dz − ∮ Q dz̄: 2πi times the coefficient of 1/z in P plus that of 1/z̄ in Q.
    """
    A, B, C = sp.symbols("A B C")
    conjugates = sp.symbols("A_ B_ C_")
    w = A * sp.log(z) + B * sp.log(z_bar) + C * z / z_bar
    w_bar = conjugates[0] * sp.log(z_bar) + conjugates[1] * sp.log(z) + conjugates[2] * z_bar / z
    elastic = 2 * sp.diff(w, z, z_bar) + sp.diff(w_bar, z_bar, 2)
    P, Q = sp.diff(w, z) + sp.diff(w_bar, z_bar), sp.diff(w, z_bar)
    net_force = sp.expand(P).coeff(z, -1) + sp.expand(Q).coeff(z_bar, -1).subs(z, 0)
    jump = 2 * sp.pi * sp.I * (A - B) - 1
    equations = [sp.expand(elastic * z_bar**2), jump, net_force]
    imaginary = dict(zip(conjugates, (-A, -B, -C), strict=True))  # w(z̄) = −conj w(z): the field's mirror line
    (solution,) = sp.solve([e.subs(imaginary) for e in equations], [A, B, C], dict=True)
    return sp.expand(w.subs(solution))


def slipped(u_lin: sp.Expr) -> list[sp.Expr]:
    """u_lin ∘ ξ⁻¹ by degrees 0 and −1 in r: u_lin and δ ∂_1 u_lin, δ = θ / 2π."""
    along_1 = sp.diff(u_lin, z) + sp.diff(u_lin, z_bar)
    return [u_lin, sp.expand(ANGLE / (2 * sp.pi) * along_1)]


def edge_force(predictor: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Terms r⁻¹, r⁻², r⁻³ of the force f1 + i f2 on a site, eV/Å."""
    s = [sp.Integer(0)] * 4
    for k, field in enumerate(predictor):
        term = field
        for p in range(1, 4 - k):
            term = sp.expand(along_bond(term) / p)
            s[k + p] += sp.expand(term / rho)
    s_bar = [conjugate(term) for term in s]
    scale, x, y = sp.symbols("scale x y")
    bond = sp.series(1 + x * scale - sp.sqrt((1 + x * scale) / (1 + y * scale)), scale, 0, 4).removeO()
    exact = sp.Poly(bond.subs(scale, 1), x, y)
    force = [sp.Integer(0)] * 4
    for (i, j), factor in exact.terms():
        power = _truncated_power(s, i, s_bar, j)
        force = [f + factor * rho * p for f, p in zip(force, power, strict=True)]
    return [sp.simplify(kappa * TRIANGULAR.sum_over_neighbours(f)) for f in force[1:]]


def logarithms_of_the_first_moments(force: Sequence[sp.Expr]) -> tuple[sp.Expr, sp.Expr]:
    """Coefficients of log R in ∫_{r<R} z f d²x and ∫_{r<R} z̄ f d²x, f = f1 + i f2, whence the log r of (9).

    The imaginary part of the second is the torque.
    """
    return 2 * sp.pi * coefficient(force[2], -2, -1), 2 * sp.pi * coefficient(force[2], -1, -2)


def _truncated_power(s: Sequence[sp.Expr], i: int, s_bar: Sequence[sp.Expr], j: int) -> list[sp.Expr]:
    """s^i s̄^j by orders 0 … 3 of 1/r."""
    result = [sp.Integer(1), *[sp.Integer(0)] * 3]
    for factor in [s] * i + [s_bar] * j:
        result = [sp.expand(sum(result[n] * factor[m - n] for n in range(m + 1))) for m in range(4)]
    return result
