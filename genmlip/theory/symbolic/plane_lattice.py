"""Calculus on the square and the triangular lattice in complex coordinates z = x1 + i x2.

The neighbours of a site are the n-th roots of unity, n = 4 or 6, at a distance of 1 Å. Then ρ̄ = 1/ρ, a
quantity that depends on a bond is a Laurent polynomial in ρ, and what a sum over the bonds does to it,

    Σ_ρ ρ^k = n if n divides k, else 0,

is all there is to know about the lattice. Fields far from the core are sums of z^−a z̄^−b log^c(z z̄).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from genmlip._types import Array
from genmlip.errors import InputError

z, z_bar, rho = sp.symbols("z zbar rho", nonzero=True)
LOG = sp.log(z * z_bar)
ANGLE = (sp.log(z) - sp.log(z_bar)) / (2 * sp.I)
"""arg z."""


@dataclass(frozen=True)
class PlaneLattice:
    """The lattice in which every site has n neighbours: 4 (square) or 6 (triangular), else InputError."""

    n: int

    def __post_init__(self) -> None:
        if self.n not in {4, 6}:
            raise InputError(
                f"no plane lattice has {self.n} neighbours in all directions alike (allowed: 4, 6)"
            )

    @property
    def area(self) -> sp.Expr:
        """Of a cell, Å²."""
        return {4: sp.Integer(1), 6: sp.sqrt(3) / 2}[self.n]

    @property
    def neighbours(self) -> Array:
        """(n, 2) Å."""
        angle = 2 * np.pi * np.arange(self.n) / self.n
        return np.stack([np.cos(angle), np.sin(angle)], axis=-1)

    def sum_over_neighbours(self, bond: sp.Expr) -> sp.Expr:
        """Σ_ρ of a Laurent polynomial in ρ: n times what stands at the powers that n divides."""
        powers = [term.as_coeff_exponent(rho) for term in sp.Add.make_args(sp.expand(bond))]
        return self.n * sp.Add(*[factor for factor, k in powers if k % self.n == 0])


SQUARE, TRIANGULAR = PlaneLattice(4), PlaneLattice(6)


def along_bond(field: sp.Expr) -> sp.Expr:
    """(ρ·∇) field = (ρ ∂ + ρ̄ ∂̄) field, so that the field at the neighbour is exp(ρ·∇) field."""
    return sp.expand(rho * sp.diff(field, z) + sp.diff(field, z_bar) / rho)


def decay_order(terms: Sequence[sp.Expr]) -> int:
    """p if the sum of terms r⁻¹, r⁻², … decays like r^−p. Raises InputError if all of them vanish."""
    for p, term in enumerate(terms, start=1):
        if sp.simplify(term) != 0:
            return p
    raise InputError(f"all terms up to the order {len(terms)} in 1/r vanish; ask for more of them")


def coefficient(field: sp.Expr, a: int, b: int) -> sp.Expr:
    """Of z^a z̄^b in a Laurent polynomial."""
    powers = [term.as_coeff_exponent(z) for term in sp.Add.make_args(sp.expand(field))]
    factors = [rest.as_coeff_exponent(z_bar) for rest, k in powers if k == a]
    return sp.Add(*[factor for factor, k in factors if k == b])


def laplacian(field: sp.Expr) -> sp.Expr:
    """Δ = 4 ∂ ∂̄."""
    return sp.expand(4 * sp.diff(field, z, z_bar))


def inverse_laplacian(source: sp.Expr) -> sp.Expr:
    """A solution of Δu = source, term by term, homogeneous up to logarithms.

    ∂∂̄ (z^α z̄^β L^c) is z^(α−1) z̄^(β−1) times αβ L^c + c (α + β) L^(c−1) + c (c − 1) L^(c−2), L = log z z̄.
    Where α or β vanishes the source is in resonance with a harmonic field; the solution gains a logarithm.
    """
    return sp.expand(
        sp.Add(*[_solve_term(term) for term in sp.Add.make_args(sp.expand(source)) if term != 0])
    )


def _solve_term(source: sp.Expr) -> sp.Expr:
    rest, c = source.as_coeff_exponent(LOG)
    rest, alpha = rest.as_coeff_exponent(z)
    factor, beta = rest.as_coeff_exponent(z_bar)
    alpha, beta = alpha + 1, beta + 1
    monomial = factor * z**alpha * z_bar**beta / 4
    if alpha * beta != 0:
        leading = monomial * LOG**c / (alpha * beta)
    elif alpha + beta != 0:
        leading = monomial * LOG ** (c + 1) / ((c + 1) * (alpha + beta))
    else:
        leading = monomial * LOG ** (c + 2) / ((c + 2) * (c + 1))
    rest = sp.expand(source - laplacian(leading))
    return leading if rest == 0 else leading + inverse_laplacian(rest)


def evaluate(field: sp.Expr, points: Array) -> Array:
    """A real field at points (..., 2) Å; arg z is that between −π and π."""
    w = points[..., 0] + 1j * points[..., 1]
    values = sp.lambdify((z, z_bar), field, "numpy")(w, w.conj())
    return np.asarray(np.broadcast_to(values, w.shape).real)
