"""Moments of a force distribution and the multipoles of its far field.

Forces f_s that balance, at sites y_s near the origin, displace the lattice by u = Σ_s f_s G(· − y_s). The
Taylor series of G about the field point sorts u by moments, of which (8) of docs/theory.md is the first
(Braun, Hudson & Ortner, Arch. Ration. Mech. Anal. 245, 1437 (2022), section 3),

    u = Σ_{a,b} (−1)^(a+b) / (a! b!) · M_ab ∂^a ∂̄^b G,        M_ab = Σ_s f_s y_s^a ȳ_s^b,

with y = y1 + i y2. Since ∂∂̄ log(z z̄) = 0 off the source, M_ab with a, b ≥ 1 reaches the far field by
the lattice's own terms of G only, at least two orders later. The **harmonic** moments M_a0 decide the decay:
the first one that does not vanish is of order p and gives u ~ r^−p, |Du| ~ r^(−p−1). Two distributions with
the same moments up to order p have the same far field up to r^−p; a multipole may use any differences.
"""

from __future__ import annotations

from collections.abc import Mapping

import sympy as sp

from genmlip.theory.symbolic.green_series import lattice_green_series
from genmlip.theory.symbolic.plane_lattice import PlaneLattice, rho, z, z_bar

Moments = Mapping[tuple[int, int], sp.Expr]
"""(a, b) → M_ab, eV/Å · Å^(a+b); M_ba is the complex conjugate."""


def multipole_series(lattice: PlaneLattice, moments: Moments, order: int) -> list[sp.Expr]:
    """Terms r⁻¹, …, r^−order of the displacement, Å. M_00 is taken to vanish."""
    terms = [sp.Integer(0)] * order
    for q, G in enumerate(lattice_green_series(lattice, (order + 1) // 2)):
        for (a, b), moment in moments.items():
            p = a + b + 2 * q
            if a + b > 0 and p <= order:
                weight = sp.Integer(-1) ** (a + b) / (sp.factorial(a) * sp.factorial(b))
                terms[p - 1] += weight * moment * sp.diff(G, z, a, z_bar, b)
    return [sp.expand(term) for term in terms]


def symmetric_moments(fold: int, order: int) -> dict[tuple[int, int], sp.Expr]:
    """Moments up to ``order`` that an m-fold axis leaves: those with a − b divisible by m, as free symbols.

    A rotation by 2π/m multiplies M_ab with e^{2πi(a−b)/m}.
    """
    moments: dict[tuple[int, int], sp.Expr] = {}
    for a in range(order + 1):
        for b in range(order + 1 - a):
            if a + b > 0 and (a - b) % fold == 0:
                name, real = f"M{max(a, b)}{min(a, b)}", a == b
                symbol = sp.Symbol(name, real=True) if real else sp.Symbol(name, complex=True)
                moments[a, b] = symbol if a >= b else sp.conjugate(symbol)
    return moments


def point_force_moments(lattice: PlaneLattice, order: int) -> dict[tuple[int, int], sp.Expr]:
    """Of the forces H δ that hold one column at 1 Å and all others at rest: 1 − Σ of n neighbours, per eV/Å.

    They move nothing but this column, so that their far field vanishes to every order: this is H G = δ.
    """
    moments = {
        (a, b): -lattice.sum_over_neighbours(rho ** (a - b))
        for a in range(order + 1)
        for b in range(order + 1 - a)
        if a + b > 0
    }
    return {powers: moment for powers, moment in moments.items() if moment != 0}
