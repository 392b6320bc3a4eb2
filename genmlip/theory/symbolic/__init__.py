"""Symbolic derivations: what the numerical code computes, derived once more with sympy and tested against it.

Nothing here is typed in that can be derived. One subject a file; docs/theory.md tells which equation each one
supports. The public names are imported on first use.

    far_field          order in 1/r of the force that a continuum predictor leaves in the lattice
    moments            moments of forces and the multipoles of their far field
    green_series       far field of the lattice Green's function, term by term
    elastic_moduli     elastic constants of second and third order from the Cauchy-Born energy
    estimates          growth and decay of the terms of the a-priori estimate, Hardy's inequality
    spherical_harmonics  real harmonics, their recursions, invariant couplings
    radial_functions   orthogonal polynomials and the distance transform
"""

from __future__ import annotations

from typing import Any

from genmlip._lazy import lazy_attribute

_PUBLIC = {
    "SQUARE": "plane_lattice",
    "TRIANGULAR": "plane_lattice",
    "evaluate": "plane_lattice",
    "residual_force": "far_field",
    "continuum_predictor": "far_field",
    "far_field": "moments",
    "green_series": "green_series",
    "embedded_pair_modulus": "elastic_moduli",
    "stillinger_weber_modulus": "elastic_moduli",
    "kleinman_parameter": "elastic_moduli",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    return lazy_attribute(__name__, _PUBLIC, name)
