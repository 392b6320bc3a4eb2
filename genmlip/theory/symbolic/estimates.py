"""Integrals behind the a-priori estimate: how its terms grow or decay, and Hardy's constant.

docs/theory.md, sections 3 to 8 and 12. Far from the core sums over sites are integrals over the plane, and
fields are homogeneous up to logarithms. u0 = b θ / 2π stands for every predictor: others differ by a function
of the angle, which changes constants and no exponent.
"""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import sympy as sp

from genmlip.theory.symbolic.plane_lattice import PlaneLattice, rho

b, r, L, R = sp.symbols("b r L R", positive=True)


class Law(NamedTuple):
    """R^power log^log_power R."""

    power: sp.Expr
    log_power: sp.Expr


def gradient_norm(order: int, degree: int = 1, outer: sp.Expr = R) -> sp.Expr:
    """‖ |∇^order u0|^degree ‖ in L² of the annulus L < r < outer, with u0 = b θ / 2π.

    In section 12 |δC| multiplies (order, degree) = (1, 1), which is the b (log(R/L) / 2π)^½ of (35); |δC3|
    multiplies (1, 2) and δμ (3, 1), both outside L with ``outer`` = ∞.
    """
    x, y = sp.symbols("x y", positive=True)
    u0 = b * sp.atan2(y, x) / (2 * sp.pi)
    square = sum(sp.diff(u0, *indices) ** 2 for indices in product((x, y), repeat=order))
    on_the_axis = sp.simplify(sp.simplify(square).subs({x: r, y: 0}))  # it does not depend on θ
    return sp.sqrt(sp.integrate(2 * sp.pi * r * on_the_axis**degree, (r, L, outer)))


def mismatch_slope() -> sp.Expr:
    """d‖∇w‖² / d log R of w = ũ_lin − u_lin, the elastic error (35) of a common predictor, in c and b.

    For a screw. The reference is isotropic, u_lin = b θ / 2π; the candidate is c² times as stiff along x2 as
    along x1, so that ∂_1²u + c² ∂_2²u = 0 and ũ_lin = b arg(x1 + i x2/c) / 2π. w depends on the angle alone;
    the slope is ∫ (dw/dθ)² dθ. It vanishes for c = 1, whatever the stiffness along x1: δC ∝ C does no harm.
    """
    c, t = sp.symbols("c t", positive=True)  # t = tan θ
    turn = sp.diff(sp.atan(t / c), t) * (1 + t**2)  # d arg(x1 + i x2/c) / dθ
    integrand = sp.together((b * (turn - 1) / (2 * sp.pi)) ** 2 / (1 + t**2))
    return sp.factor(4 * sp.integrate(sp.apart(integrand, t), (t, 0, sp.oo)))


def tail_norm(power: sp.Expr, log_power: sp.Expr) -> Law:
    """Law of ( ∫_{r>R} (r^power log^log_power r)² d²x )^½: a strain or a stress that is left out."""
    law = tail_sum(2 * power, 2 * log_power)
    return Law(law.power / 2, law.log_power / 2)


def tail_sum(power: sp.Expr, log_power: sp.Expr) -> Law:
    """Law of ∫_{r>R} r^power log^log_power r d²x: an energy that is left out."""
    logarithm = sp.Symbol("log", positive=True)  # log r = log R + s, dr = r ds
    s = sp.Symbol("s", positive=True)
    integrand = (logarithm + s) ** sp.Integer(log_power) * sp.exp((power + 2) * s)
    polynomial = sp.Poly(sp.integrate(sp.expand(integrand), (s, 0, sp.oo)), logarithm)
    return Law(sp.sympify(power + 2), sp.Integer(polynomial.degree()))


def hardy_constant() -> sp.Expr:
    """The best constant of ‖v / (r t)‖ ≤ constant · ‖∇v‖ for v = 0 at r = r0, t = |log(r / r0)|.

    In the variables t, θ both norms lose their weights, and ∂v/∂θ only helps: what remains is ∫ v²/t² dt
    against ∫ (∂v/∂t)² dt. For every σ

        v′² − (σ − σ²) v²/t² = (v′ − σ v/t)² + (σ v²/t)′,

    and the largest σ − σ² gives the constant. It is the best one: see :func:`hardy_quotient`. By duality
    ‖f‖ ≤ 2 ‖r t f‖ in the norm dual to ‖∇v‖: the core term of section 12.
    """
    t, sigma = sp.symbols("t sigma", positive=True)
    v = sp.Function("v")(t)
    gain = sp.Symbol("gain")
    rest = sp.diff(v, t) ** 2 - gain * v**2 / t**2
    completed = (sp.diff(v, t) - sigma * v / t) ** 2 + sp.diff(sigma * v**2 / t, t)
    gain_of_sigma = sp.solve(sp.expand(rest - completed), gain)[0]
    best = sp.solve(sp.diff(gain_of_sigma, sigma), sigma)[0]
    return 1 / sp.sqrt(gain_of_sigma.subs(sigma, best))


def hardy_quotient(T: sp.Expr) -> sp.Expr:
    """∫ v′² dt / ∫ v²/t² dt of v = √t sin(π log t / log T) on 1 < t < T, where −v″ = quotient · v / t²."""
    t = sp.Symbol("t", positive=True)
    v = hardy_function(t, T)
    return sp.simplify(-sp.diff(v, t, 2) * t**2 / v)


def hardy_function(t: sp.Expr, T: sp.Expr) -> sp.Expr:
    """√t sin(π log t / log T)."""
    return sp.sqrt(t) * sp.sin(sp.pi * sp.log(t) / sp.log(T))


def energy_norm_factor(lattice: PlaneLattice) -> sp.Expr:
    """κ in ‖Dv‖² = κ ∫ |∇v|² d²x for slowly varying v: Σ_ρ (ρ·∇v)² = ½ n |∇v|² per cell; Å⁻²."""
    slope = sp.Symbol("slope")  # along x1, where ρ·∇v is the real part of ρ times the slope
    return sp.simplify(
        lattice.sum_over_neighbours((slope * (rho + 1 / rho) / 2) ** 2) / slope**2 / lattice.area
    )
