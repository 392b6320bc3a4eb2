"""Derivatives of smooth functions by central differences of eighth order."""

from __future__ import annotations

from collections.abc import Callable

from genmlip._types import Array

EIGHTH_ORDER = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
"""Weights w_k of f′(0) ≈ Σ_k w_k (f(kh) − f(−kh)) / h, exact for polynomials of degree 8."""


def derivative(function: Callable[[float], Array], step: float) -> Array:
    """f′(0) of an array-valued function; it is evaluated at ±1 … ±4 steps."""
    total = 0.0
    for k, weight in EIGHTH_ORDER.items():
        total = total + weight / step * (function(k * step) - function(-k * step))
    return total  # type: ignore[return-value]
