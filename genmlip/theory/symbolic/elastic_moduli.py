"""Elastic constants of second and third order as derivatives of the Cauchy-Born energy, in closed form.

A homogeneous strain η enters a bond R through r² = R·(1 + 2η)R alone, so that along Voigt's η_4 = 2 η_23

    r² = R² + 2 Σ_I η_I R_I,      R_1 = X², …, R_4 = YZ, …,      ∂/∂η_I = R_I (r⁻¹ d/dr)

on a function of r (Born & Huang, Dynamical Theory of Crystal Lattices (1954), ch. III). Results hold for the
undeformed crystal at zero stress, C_IJ… = V0⁻¹ ∂^nW/∂η_I∂η_J… (Brugger), in eV/Å³. They contain the radial
functions of the potential by their derivatives at the distances of the shells: V″ in the first shell is V1_2.
These are C and C3 of docs/theory.md, (7) and section 12; genmlip.crystal.elastic takes them from Hessians.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from itertools import combinations, product

import sympy as sp

from genmlip.crystal.tensors import VOIGT
from genmlip.errors import UnknownNameError

SECOND_ORDER = ("C11", "C12", "C44")
THIRD_ORDER = ("C111", "C112", "C123", "C144", "C155", "C456")

a, r = sp.symbols("a r", positive=True)
"""Lattice parameter of bcc and bond length of diamond, Å."""

_half = sp.Rational(1, 2)
BCC_SHELLS = (
    tuple(product((-_half, _half), repeat=3)),
    tuple(tuple(sign * (i == j) for j in range(3)) for i in range(3) for sign in (-1, 1)),
)
"""Vectors to the first and second neighbours of a bcc crystal in units of a."""

DIAMOND_BONDS = ((1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1))
"""From an atom of one sublattice to its neighbours of the other, in units of a/4."""


Bond = Sequence[sp.Expr]


def taylor_symbols(name: str, order: int = 3) -> tuple[sp.Symbol, ...]:
    """name_0 … name_order: a function's value and derivatives at the undeformed distance."""
    return tuple(sp.Symbol(f"{name}_{k}") for k in range(order + 1))


@cache
def born_derivative(derivatives: tuple[sp.Expr, ...], distance: sp.Expr, n: int) -> sp.Expr:
    """(r⁻¹ d/dr)^n of a function with the given derivatives at r = distance."""
    x, f = sp.Symbol("x", positive=True), sp.Function("f")
    value = f(x)
    for _ in range(n):
        value = sp.diff(value, x) / x
    value = value.doit()
    for k in range(n, 0, -1):
        value = value.subs(sp.Derivative(f(x), (x, k)), derivatives[k])
    return value.subs(x, distance)


def embedded_pair_modulus(
    name: str, shells: Sequence[Sequence[Bond]] = BCC_SHELLS, volume: sp.Expr = a**3 / 2
) -> sp.Expr:
    """C11 … C456 of E = Σ_i [½ Σ_j V(r_ij) + F(Σ_j f(r_ij))] in a Bravais lattice; pair potentials: F = 0.

    name : one of SECOND_ORDER or THIRD_ORDER, else UnknownNameError
    shells : vectors to the neighbours, in units of a; those of shell i bring the symbols Vi_k and fi_k
    volume : of an atom, Å³
    """
    strains = _strain_symbols(name)
    pair, density = sp.Integer(0), sp.Integer(0)
    for number, shell in enumerate(shells, start=1):
        distance = a * sp.sqrt(sum(x**2 for x in shell[0]))
        V, f = (_tower(taylor_symbols(f"{letter}{number}"), distance) for letter in "Vf")
        for bond in shell:
            stretch = a**2 * sum(t * bond[i] * bond[j] for t, (i, j) in strains.items())
            pair += _taylor(V, (stretch, stretch**2, stretch**3))
            density += _taylor(f, (stretch, stretch**2, stretch**3))
    embedding = _taylor(taylor_symbols("F")[1:], (density, density**2, density**3))
    return _mixed_derivative(pair / 2 + embedding, strains) / volume


def stillinger_weber_modulus(name: str, relaxed: bool = True) -> sp.Expr:
    """C11 … C456 of diamond with V_i = ½ Σ_j φ(r_ij) + Σ_{j<k} g(r_ij) g(r_ik) (cos θ_jik + ⅓)².

    Nearest neighbours only; the symbols are r, phi_k and g_k, and g contains √(ελ) of the published form. The
    angles are at their best, so that the cell is free of stress where phi_1 = 0, which is used.

    name : one of SECOND_ORDER or THIRD_ORDER, else UnknownNameError
    relaxed : with the atoms of the basis in equilibrium under the strain, else carried along
    """
    strains, xi, shift = _strain_symbols(name), sp.Symbol("xi"), sp.zeros(3, 1)
    for t, (i, j) in strains.items():
        if relaxed and i != j:  # to first order, which is enough for third derivatives (2n + 1 theorem)
            shift[3 - i - j] += xi * t
    derivative = _mixed_derivative(_diamond_energy(strains, shift), strains)
    return sp.factor(derivative.subs(xi, kleinman_parameter())) / (16 * r**3 / sp.sqrt(27))


@cache
def kleinman_parameter() -> sp.Expr:
    """ξ of diamond: a shear 2 η_23 = t shifts the sublattices by ξ t a/4 along x1 against each other.

    ξ = −W_ζt / W_ζζ. The other shears do the same along the other axes; strains along the axes shift nothing
    (Kleinman, Phys. Rev. 128, 2614 (1962); the sign is that of DIAMOND_BONDS).
    """
    t, zeta = sp.symbols("t zeta")
    energy = _diamond_energy({t: (1, 2)}, sp.Matrix([zeta, 0, 0]))
    force = sp.diff(energy, zeta).subs(zeta, 0)
    stiffness = sp.diff(sp.diff(energy.subs(t, 0), zeta), zeta).subs(zeta, 0)
    shift = -sp.diff(force, t).subs(t, 0) / stiffness
    return sp.factor(shift)


def _diamond_energy(strains: Mapping[sp.Symbol, tuple[int, int]], shift: sp.Matrix) -> sp.Expr:
    """W of the primitive cell to third order in strains and shift, a polynomial.

    Of the bonds F (R + ζ) only scalar products matter; in units of a/4 they are rational, R·R being 3.
    """
    metric = sp.eye(3)
    for t, (i, j) in strains.items():
        metric[i, j] += t
        metric[j, i] += t
    bonds = [sp.Matrix(bond) + shift for bond in DIAMOND_BONDS]

    def times(*factors: sp.Expr) -> sp.Expr:
        return _multilinear(sp.Mul(*factors), strains)

    def dot(j: int, k: int) -> sp.Expr:
        return times((bonds[j].T * metric * bonds[k])[0] / 3)

    x = [dot(j, j) - 1 for j in range(4)]  # r² = r0² (1 + x)
    squares = [times(y, y) for y in x]
    powers = [(y, square, times(y, square)) for y, square in zip(x, squares, strict=True)]
    phi, g = ([symbols[0], *_tower(symbols, r)] for symbols in map(taylor_symbols, ("phi", "g")))
    stretches = [tuple((r**2 / 2) ** n * power for n, power in enumerate(each, start=1)) for each in powers]
    energy = sum(_taylor(phi[1:], stretch) for stretch in stretches).subs(taylor_symbols("phi")[1], 0)
    strength = [g[0] + _taylor(g[1:], stretch) for stretch in stretches]
    scale = [1 - y / 2 + sp.Rational(3, 8) * square for y, square in zip(x, squares, strict=True)]  # r0 / r
    for j, k in combinations(range(4), 2):
        angle = times(dot(j, k), times(scale[j], scale[k])) + sp.Rational(1, 3)
        energy += 2 * strength[j] * strength[k] * times(angle, angle)  # at either of the two atoms
    return energy


def _strain_symbols(name: str) -> dict[sp.Symbol, tuple[int, int]]:
    """One symbol per index of C_IJ…, with its Voigt pair; equal indices get symbols of their own."""
    if name not in SECOND_ORDER + THIRD_ORDER:
        raise UnknownNameError("elastic constant", name, SECOND_ORDER + THIRD_ORDER)
    return {sp.Symbol(f"t{n}"): VOIGT[int(digit) - 1] for n, digit in enumerate(name[1:])}


def _tower(symbols: Sequence[sp.Symbol], distance: sp.Expr) -> list[sp.Expr]:
    """Derivatives of first to third order with respect to r²/2."""
    return [born_derivative(tuple(symbols), distance, n) for n in (1, 2, 3)]


def _taylor(derivatives: Sequence[sp.Expr], powers: Sequence[sp.Expr]) -> sp.Expr:
    """f_1 x + f_2 x²/2 + f_3 x³/6."""
    return sum(
        f * x / sp.factorial(n) for n, (f, x) in enumerate(zip(derivatives, powers, strict=True), start=1)
    )


def _mixed_derivative(energy: sp.Expr, strains: Iterable[sp.Symbol]) -> sp.Expr:
    for t in strains:
        energy = sp.diff(energy, t).subs(t, 0)
    return sp.expand(energy)


def _multilinear(polynomial: sp.Expr, strains: Iterable[sp.Symbol]) -> sp.Expr:
    """Without the squares of strain symbols, which a mixed derivative does not see."""
    terms = sp.Poly(polynomial, *strains).as_dict()
    kept = {powers: factor for powers, factor in terms.items() if max(powers) < 2}
    return sp.Poly.from_dict(kept, *strains).as_expr()
