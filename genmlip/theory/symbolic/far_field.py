"""The order in 1/r of the force that a continuum predictor leaves in the lattice.

Anti-plane model (docs/theory.md, section 9): rigid columns at the sites of a plane lattice with the energy
Σ_bonds ψ_ρ(D_ρ u), ψ_ρ(s) = s²/2 + Σ_{k≥3} ψ_k(ρ) s^k / k!, and the force Σ_ρ ψ_ρ′(D_ρ u) on a column. A term
of the predictor that is homogeneous of degree −k enters D_ρ u = (exp(ρ·∇) − 1) u from the order r^(−k−1) on,
one order for each further gradient; collecting orders sorts the force like (7) of docs/theory.md:

    Δ u0 (zero)  +  div C3[∇u0, ∇u0] ~ r⁻³  +  ∇⁴u0, C4[∇u0, ∇u0, ∇u0] ~ r⁻⁴  +  …

A bond seen from its other end has ψ_k(−ρ) = (−1)^k ψ_k(ρ): on a lattice with inversion the cubic terms are
odd in ρ, and symmetry decides which of them exist.

Assumptions: n-fold harmonic force constants, b = 1 Å, core at z = 0. With the first p continuum correctors
the force is r^(−3−p) (Braun, Hudson & Ortner, Arch. Ration. Mech. Anal. 245, 1437 (2022)).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sympy as sp

from genmlip.theory.symbolic.plane_lattice import (
    ANGLE,
    PlaneLattice,
    along_bond,
    coefficient,
    inverse_laplacian,
    rho,
)

SCREW = ANGLE / (2 * sp.pi)
"""u0 = arg z / 2π, the continuum solution."""

Anharmonicity = Mapping[int, sp.Expr]
"""k → ψ_k(ρ) for k ≥ 3, Laurent polynomials in ρ; eV Å^(−k)."""


def slip_potential(order: int) -> dict[int, sp.Expr]:
    """ψ_k of ψ(s) = sin²(πs) / 2π², the potential (28), for 3 ≤ k ≤ order."""
    s = sp.Symbol("s")
    psi = sp.sin(sp.pi * s) ** 2 / (2 * sp.pi**2)
    return {k: sp.diff(psi, s, k).subs(s, 0) for k in range(3, order + 1)}


def threefold_potential() -> dict[int, sp.Expr]:
    """ψ_3 = c ρ³ = ±c, alternating from bond to bond: what a threefold axis of the triangular lattice allows,
    as along a ⟨111⟩ column of a bcc crystal."""
    return {3: sp.Symbol("c") * rho**3}


def general_potential() -> dict[int, sp.Expr]:
    """ψ_3 = c ρ³ + g (ρ + ρ̄): a cubic term without a threefold axis."""
    return {3: sp.Symbol("c") * rho**3 + sp.Symbol("g") * (rho + 1 / rho)}


def residual_force(
    lattice: PlaneLattice, potential: Anharmonicity, predictor: Sequence[sp.Expr], order: int
) -> list[sp.Expr]:
    """Terms r⁻¹, …, r^−order of the force that the lattice exerts on a column, eV/Å.

    predictor : u0, u1, …, homogeneous of degree 0, −1, … up to logarithms
    """
    strain = _bond_strain(predictor, order)
    force, power = list(strain), strain
    for k in range(3, max(potential, default=2) + 1):
        power = _product(power, strain)
        if k in potential:
            weight = potential[k] / sp.factorial(k - 1)
            force = [f + weight * p for f, p in zip(force, power, strict=True)]
    return [lattice.sum_over_neighbours(f) for f in force[1:]]


def continuum_predictor(lattice: PlaneLattice, potential: Anharmonicity, order: int) -> list[sp.Expr]:
    """u0, …, u_order with a force r^(−3−order): each u_k solves (n/4) Δu_k = −force of its predecessors.

    The equation is that of the continuum, Σ_ρ ½ (ρ·∇)² = (n/4) Δ, with a source of degree −k − 2.
    """
    predictor = [SCREW]
    for k in range(1, order + 1):
        source = residual_force(lattice, potential, predictor, k + 2)[-1]
        predictor.append(inverse_laplacian(-source * 4 / lattice.n))
    return predictor


def logarithm_of_the_first_moment(force: Sequence[sp.Expr]) -> sp.Expr:
    """Coefficient of log R in the first moment ∫_{r<R} z f d²x of the force: the origin of the log r of (9).

    Only the term r⁻³ has one, from the part that turns with the angle like z̄: ∫ z · z⁻² z̄⁻¹ d²x = 2π log R.
    """
    return 2 * sp.pi * coefficient(force[2], -2, -1)


def _bond_strain(predictor: Sequence[sp.Expr], order: int) -> list[sp.Expr]:
    """D_ρ u by orders 0 … order of 1/r (the zeroth vanishes)."""
    strain = [sp.Integer(0)] * (order + 1)
    for k, field in enumerate(predictor):
        term = field
        for p in range(1, order + 1 - k):
            term = along_bond(term) / p
            strain[k + p] += term
    return strain


def _product(f: Sequence[sp.Expr], g: Sequence[sp.Expr]) -> list[sp.Expr]:
    """Of two series in 1/r, to the same order."""
    return [sp.expand(sp.Add(*[f[j] * g[m - j] for j in range(m + 1)])) for m in range(len(f))]
