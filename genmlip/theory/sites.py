"""Which sites of two cells are the same site of the lattice."""

from __future__ import annotations

from scipy.spatial import cKDTree

from genmlip._types import Array, IntArray

SAME_SITE = 1e-3
"""Å between a site's position in one cell and in the other; the lattices agree to rounding or to a fit."""


def same_sites(ours: Array, theirs: Array) -> tuple[IntArray, IntArray]:
    """Indices (k,) into the reference positions ``ours`` (n, 3) and ``theirs`` (m, 3) Å of sites in both."""
    distance, index = cKDTree(theirs).query(ours, distance_upper_bound=SAME_SITE)
    found = (distance < SAME_SITE).nonzero()[0]
    return found, index[found]
