"""Far field of the scalar lattice Green's function: the series (14) of docs/theory.md, term by term.

With springs of 1 eV/Å² to the neighbours the force constants are Σ_ρ (1 − cosh ρ·∇) as an operator on smooth
fields. In the commuting symbols ∂, ∂̄ this is −n ∂∂̄ and higher terms, so that its inverse is a Laurent series
in ∂ and ∂̄. It acts on δ by 1/(∂∂̄) δ = log(z z̄) / π and Pompeiu's formula 1/∂̄ δ = 1/(πz),

    ∂^i ∂̄^−j δ = (−1)^i i! / (π (j − 1)!) · z̄^(j−1) / z^(i+1),        i ≥ 0, j ≥ 1,

while ∂^i ∂̄^j δ with i, j ≥ 0 does not reach any r > 0. No integral over k is needed, unlike in
genmlip.crystal.green_series (Martinsson & Rodin, Proc. R. Soc. A 458, 2609 (2002)), which this checks. The
constant of G is zero: G ∝ log r + 0 + O(r⁻²), as there.
"""

from __future__ import annotations

import sympy as sp

from genmlip.theory.symbolic.plane_lattice import LOG, PlaneLattice, rho, z, z_bar

d, d_bar = sp.symbols("d dbar", nonzero=True)
"""∂ and ∂̄ as symbols."""


def force_constant_symbol(lattice: PlaneLattice, order: int) -> list[sp.Expr]:
    """−Σ_ρ (ρ∂ + ρ̄∂̄)^2p / (2p)! for p = 1 … order: terms of degree 2p of the force constants, eV/Å²."""
    gradient = rho * d + d_bar / rho
    terms = [gradient ** (2 * p) / sp.factorial(2 * p) for p in range(1, order + 1)]
    return [-lattice.sum_over_neighbours(term) for term in terms]


def inverse_symbol(lattice: PlaneLattice, order: int) -> list[sp.Expr]:
    """Terms of degree −2, 0, …, 2 order − 2 in ∂, ∂̄ of the inverse of the force constants.

    X_0 = 1/H_1, X_p = −X_0 Σ_q H_{q+1} X_{p−q}.
    """
    H = force_constant_symbol(lattice, order + 1)
    X = [1 / H[0]]
    for p in range(1, order + 1):
        X.append(sp.expand(-X[0] * sp.Add(*[H[q] * X[p - q] for q in range(1, p + 1)])))
    return X


def lattice_green_series(lattice: PlaneLattice, order: int) -> list[sp.Expr]:
    """Terms log r, r⁻², …, r^(−2 order) of G, Å²/eV."""
    return [sp.expand(lattice.area * _on_delta(term)) for term in inverse_symbol(lattice, order)]


def _on_delta(operator: sp.Expr) -> sp.Expr:
    """A Laurent polynomial in ∂, ∂̄ applied to δ, for r > 0."""
    total = sp.Integer(0)
    for term in sp.Add.make_args(sp.expand(operator)):
        rest, i = term.as_coeff_exponent(d)
        factor, j = rest.as_coeff_exponent(d_bar)
        total += factor * _power_on_delta(int(i), int(j))
    return total


def _power_on_delta(i: int, j: int) -> sp.Expr:
    if (i, j) == (-1, -1):
        return LOG / sp.pi
    if i < 0:
        return _power_on_delta(j, i).subs({z: z_bar, z_bar: z}, simultaneous=True)
    if j >= 0:
        return sp.Integer(0)
    factor = (-1) ** i * sp.factorial(i) / (sp.pi * sp.factorial(-j - 1))
    return factor * z_bar ** (-j - 1) / z ** (i + 1)
