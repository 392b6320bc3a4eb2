"""Derivatives of smooth functions by central differences of eighth order."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genmlip._types import Array

EIGHTH_ORDER = {1: 4 / 5, 2: -1 / 5, 3: 4 / 105, 4: -1 / 280}
"""Weights w_k of f′(0) ≈ Σ_k w_k (f(kh) − f(−kh)) / h, exact for polynomials of degree 8."""


def derivative(function: Callable[[float], Array], step: float) -> Array:
    """f′(0) of an array-valued function; it is evaluated at ±1 … ±4 steps."""
    terms = [w / step * (function(k * step) - function(-k * step)) for k, w in EIGHTH_ORDER.items()]
    return np.asarray(np.sum(terms, axis=0))
