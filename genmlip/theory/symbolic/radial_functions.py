"""The distance transform and the orthogonal polynomials of radial functions, from what is asked of them.

genmlip.potentials.ace.radial states a, c_k0, c_k1, c_k2 in closed form; here they follow from their purpose.
"""

from __future__ import annotations

import sympy as sp

x = sp.Symbol("x", real=True)


def agnesi_parameter(p: sp.Expr, q: sp.Expr) -> sp.Expr:
    """a in y(u) = 1 / (1 + a u^q / (1 + u^(q−p))) such that y″ = 0 at u = 1: there |dy/du| is largest."""
    u, a = sp.symbols("u a", positive=True)
    y = 1 / (1 + a * u**q / (1 + u ** (q - p)))
    curvature = sp.numer(sp.together(sp.diff(y, u, 2).subs(u, 1)))
    roots = [root for root in sp.solve(curvature, a) if root != 0]
    return sp.factor(roots[0])


def jacobi_recursion(envelope: int, n_max: int) -> list[tuple[sp.Expr, sp.Expr, sp.Expr]]:
    """(c_k0, c_k1, c_k2) of p_0 = c_00 and p_k = (c_k0 x + c_k1) p_{k−1} − c_k2 p_{k−2}, k < n_max.

    The p_k are orthonormal on −1 ≤ x ≤ 1 with the weight ((1 + x)/2)^2s, s = envelope, and positive at x = 1.
    Stieltjes' procedure: project x p_{k−1} off p_{k−1} and p_{k−2}, then normalise.
    """
    polynomials = [1 / sp.sqrt(_product(sp.Integer(1), sp.Integer(1), envelope))]
    table = [(polynomials[0], sp.Integer(0), sp.Integer(0))]
    for k in range(1, n_max):
        before = polynomials[-1]
        onto_itself = _product(x * before, before, envelope)
        second = polynomials[-2] if k > 1 else sp.Integer(0)
        onto_second = _product(x * before, second, envelope)
        rest = sp.expand((x - onto_itself) * before - onto_second * second)
        size = sp.sqrt(_product(rest, rest, envelope))
        polynomials.append(sp.expand(rest / size))
        table.append((1 / size, -onto_itself / size, onto_second / size))
    return table


def _product(f: sp.Expr, g: sp.Expr, envelope: int) -> sp.Expr:
    """∫ f g ((1 + x)/2)^2s dx over −1 ≤ x ≤ 1."""
    integrand = sp.Poly(sp.expand(f * g * ((1 + x) / 2) ** (2 * envelope)), x)
    return sp.simplify(sum(2 * c / (k + 1) for (k,), c in integrand.terms() if k % 2 == 0))
