"""Symbolic derivations: what the numerical code computes, derived once more with sympy and tested against it.

Nothing here is typed in that can be derived. One subject a file; docs/theory.md tells which equation each one
supports. The public names are imported on first use.

    plane_lattice        calculus on the square and the triangular lattice in complex coordinates
    far_field            force that a screw's continuum predictors leave in the lattice, by orders of 1/r
    edge_predictor       the same for an edge in the plane, and what the slip map ξ is for
    moments              moments of forces and the multipoles of their far field
    green_series         far field of the lattice Green's function, term by term
    elastic_moduli       elastic constants of second and third order from the Cauchy-Born energy
    estimates            growth and decay of the terms of the a-priori estimate, Hardy's inequality
    spherical_harmonics  real harmonics, their recursions, invariant couplings
    radial_functions     orthogonal polynomials and the distance transform
"""

from __future__ import annotations

from typing import Any

from genmlip._lazy import lazy_attribute

_PUBLIC = {
    "SQUARE": "plane_lattice",
    "TRIANGULAR": "plane_lattice",
    "agnesi_parameter": "radial_functions",
    "continuum_predictor": "far_field",
    "edge_force": "edge_predictor",
    "embedded_pair_modulus": "elastic_moduli",
    "evaluate": "plane_lattice",
    "gradient_norm": "estimates",
    "lattice_green_series": "green_series",
    "hardy_constant": "estimates",
    "invariants": "spherical_harmonics",
    "jacobi_recursion": "radial_functions",
    "kleinman_parameter": "elastic_moduli",
    "linear_edge": "edge_predictor",
    "mismatch_slope": "estimates",
    "multipole_series": "moments",
    "real_harmonic": "spherical_harmonics",
    "residual_force": "far_field",
    "stillinger_weber_modulus": "elastic_moduli",
    "tail_norm": "estimates",
    "tail_sum": "estimates",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)
