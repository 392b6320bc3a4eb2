"""Real spherical harmonics, their recursions and their invariant couplings, from what defines them.

A harmonic Y_{l,±m} is a homogeneous polynomial of degree l that solves Laplace's equation, turns about the z
axis like the real (imaginary) part of (x + iy)^m, has unit norm on the sphere, and is positive in front of
the highest power of z. A coupling is a tensor that rotations leave alone, so that their generators

    J_x = y ∂_z − z ∂_y,   J_y = z ∂_x − x ∂_z,   J_z = x ∂_y − y ∂_x

annihilate it when they act on all its indices at once. Legendre functions, 3j symbols and their phases do not
occur, which makes this a check of genmlip.potentials.ace.harmonics and .coupling.
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from functools import cache

import sympy as sp

x, y, z = sp.symbols("x y z", real=True)


@cache
def real_harmonic(l: int, m: int) -> sp.Expr:
    """Y_{l,m} as a polynomial in (x, y, z), the solid harmonic; orthonormal on the unit sphere."""
    polynomial = _solid_harmonic(l, m)
    return sp.expand(polynomial / sp.sqrt(_norm(l, m)))


@cache
def recursion(l: int, m: int) -> tuple[sp.Expr, sp.Expr, sp.Expr]:
    """α, β, δ of Q_l^m = α z Q_{l−1}^m − β Q_{l−2}^m (for l = m: Q_m^m = α) and dQ_l^m/dz = δ Q_l^{m+1}.

    Q_l^m(z) is Y_{l,m} on the unit sphere without the factor Re (x + iy)^m, m ≥ 0.
    """
    Q = _polar_factor(l, m)
    if l == m:
        return Q, sp.Integer(0), sp.Integer(0)
    before, second = _polar_factor(l - 1, m), _polar_factor(l - 2, m) if l - 2 >= m else sp.Integer(0)
    alpha, beta, delta = sp.symbols("alpha beta delta")
    rules = (Q - alpha * z * before + beta * second, sp.diff(Q, z) - delta * _polar_factor(l, m + 1))
    conditions = [c for rule in rules for c in sp.Poly(sp.expand(rule), z).coeffs()]
    solution = sp.solve(conditions, [alpha, beta, delta], dict=True)[0]
    return solution[alpha], solution.get(beta, sp.Integer(0)), solution[delta]


@cache
def generators(l: int) -> tuple[sp.Matrix, sp.Matrix, sp.Matrix]:
    """J_x, J_y, J_z on the solid harmonics of degree l that are not normalised: (J Y)_m' = Σ_m Y_m J_mm'.

    Rational, (2l + 1, 2l + 1) each, in the order m = −l … l.
    """
    basis = [_solid_harmonic(l, m) for m in range(-l, l + 1)]
    monomials = sorted({term for f in basis for term in sp.Poly(f, x, y, z).monoms()})
    values = _coefficients(basis, monomials)
    inverse = (values.T * values).inv() * values.T
    return tuple(
        inverse * _coefficients([sp.expand(p * sp.diff(f, q) - q * sp.diff(f, p)) for f in basis], monomials)
        for p, q in ((y, z), (z, x), (x, y))
    )


@cache
def invariants(ls: tuple[int, ...]) -> sp.Matrix:
    """Tensors that all rotations leave alone, between normalised harmonics; one a column, not orthonormal.

    The null space of Σ_i 1 ⊗ … J(l_i) … ⊗ 1 for two of the three generators, whose commutator is the third.
    Rows run over m_1, …, m_ν, the last one fastest.
    """
    total = [sp.zeros(1, 1), sp.zeros(1, 1)]
    scale, size = sp.ones(1, 1), 1
    for l in ls:
        total = [
            sp.kronecker_product(T, sp.eye(2 * l + 1)) + sp.kronecker_product(sp.eye(size), J)
            for T, J in zip(total, generators(l)[1:], strict=True)
        ]
        norms = sp.Matrix([sp.sqrt(_norm(l, m)) for m in range(-l, l + 1)])
        scale, size = sp.kronecker_product(scale, norms), size * (2 * l + 1)
    kernel = sp.polys.matrices.DomainMatrix.from_Matrix(sp.Matrix.vstack(*total)).to_field().nullspace()
    tensors = kernel.to_Matrix().T
    return sp.Matrix(tensors.rows, tensors.cols, lambda i, j: tensors[i, j] * scale[i])


@cache
def _solid_harmonic(l: int, m: int) -> sp.Expr:
    """(z^(l−|m|) + …) Re or Im (x + iy)^|m|, the coefficients from Laplace's equation."""
    turning = sp.expand((x + sp.I * y) ** abs(m))
    part = sp.re(turning) if m >= 0 else sp.im(turning)
    unknowns = sp.symbols(f"c1:{(l - abs(m)) // 2 + 1}")
    r_squared = x**2 + y**2
    along = z ** (l - abs(m)) + sum(
        c * r_squared**k * z ** (l - abs(m) - 2 * k) for k, c in enumerate(unknowns, start=1)
    )
    trial = sp.expand(part * along)
    laplace = sp.Poly(sum(sp.diff(trial, q, 2) for q in (x, y, z)), x, y, z)
    solution = sp.solve(laplace.coeffs(), unknowns, dict=True) if unknowns else [{}]
    return sp.expand(trial.subs(solution[0]))


@cache
def _norm(l: int, m: int) -> sp.Expr:
    """∫ f² over the unit sphere, of the solid harmonic that is not normalised."""
    return _mean_over_sphere(_solid_harmonic(l, m) ** 2) * 4 * sp.pi


def _mean_over_sphere(polynomial: sp.Expr) -> sp.Expr:
    """Σ of c (a−1)!! (b−1)!! (c−1)!! / (a+b+c+1)!! over the monomials with even powers."""
    total = sp.Integer(0)
    for powers, factor in sp.Poly(polynomial, x, y, z).terms():
        if not any(k % 2 for k in powers):
            weight = sp.Mul(*[sp.factorial2(k - 1) for k in powers])
            total += factor * weight / sp.factorial2(sum(powers) + 1)
    return total


def _polar_factor(l: int, m: int) -> sp.Expr:
    """Q_l^m(z): at y = 0, where (x + iy)^m = x^m, with x² = 1 − z²."""
    section = sp.Poly(real_harmonic(l, m).subs(y, 0), x)
    return sp.expand(sum(c * (1 - z**2) ** ((k - m) // 2) for (k,), c in section.terms()))


def _coefficients(polynomials: list[sp.Expr], monomials: list[tuple[int, ...]]) -> sp.Matrix:
    """(monomials, polynomials)."""
    columns = [sp.Poly(f, x, y, z).as_dict() for f in polynomials]
    return sp.Matrix([[column.get(powers, 0) for column in columns] for powers in monomials])
