"""An expansion with as little to evaluate as it can have, and the same energy.

Terms of order one are pair potentials. Those of one density and one pair of species are summed once, as
radial functions, instead of for every atom: Σ_c w_c R_c(r) is one channel. Terms of weight zero go, and with
them the moments and the radial channels that only they used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from genmlip._types import Array, BoolArray, IntArray
from genmlip.potentials.ace.expansion import Centre, Expansion, RadialFunctions


@dataclass(frozen=True, eq=False)
class CombinedRadial:
    """Radial functions Σ_c matrix[k, c] R_c(r), k = 0, 1, …"""

    functions: RadialFunctions
    matrix: Array

    @property
    def cutoff(self) -> float:
        """Å."""
        return self.functions.cutoff

    @property
    def breakpoints(self) -> tuple[float, ...]:
        """Å, where third or lower derivatives jump."""
        return tuple(getattr(self.functions, "breakpoints", ()))

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """Values and slopes, each (k, len(r))."""
        R, dR = self.functions(r)
        return self.matrix @ R, self.matrix @ dR

    @property
    def extended(self) -> Callable[[Array], tuple[Array, Array]]:
        """As when called, in extended precision; AttributeError where ``functions`` cannot."""
        exact = self.functions.extended  # type: ignore[attr-defined]

        def sums(r: Array) -> tuple[Array, Array]:
            R, dR = exact(r)
            return self.matrix @ R, self.matrix @ dR

        return sums

    def combined(self, matrix: Array) -> CombinedRadial:
        """Σ_k matrix[·, k] of these."""
        return CombinedRadial(self.functions, matrix @ self.matrix)


def condensed(expansion: Expansion) -> Expansion:
    """``expansion`` with its pair terms summed, without what contributes nothing; equal but for rounding."""
    centres, radial = [], []
    for centre, row in zip(expansion.centres, expansion.radial, strict=True):
        condensed_centre, matrices = _condensed(centre, len(row), _n_channels(row))
        centres.append(condensed_centre)
        radial.append(tuple(_combined(*pair) for pair in zip(row, matrices, strict=True)))
    return replace(expansion, centres=tuple(centres), radial=tuple(radial))


def _combined(functions: RadialFunctions, matrix: Array) -> RadialFunctions:
    """Σ_c matrix[·, c] R_c(r), by the functions' own ``combined`` where they are sums themselves."""
    own = getattr(functions, "combined", None)
    return CombinedRadial(functions, matrix) if own is None else own(matrix)


def _n_channels(row: tuple[RadialFunctions, ...]) -> int:
    return len(row[0](np.array([0.5 * row[0].cutoff]))[0])


def _condensed(centre: Centre, n_species: int, n_channels: int) -> tuple[Centre, Array]:
    """A centre and, for neighbours of every species, the matrix (new channels, channels) that it needs."""
    used = (centre.weights != 0.0).any(axis=1)
    if not used.any():
        return centre, np.tile(np.eye(n_channels), (n_species, 1, 1))
    is_pair = used & ((centre.monomials >= 0).sum(axis=1) == 1)
    first = centre.moments[centre.monomials.max(axis=1)]
    is_pair &= first[:, 2] == 0
    many = used & ~is_pair

    densities = np.flatnonzero((centre.weights[is_pair] != 0.0).any(axis=0))
    sums = np.zeros((n_species, len(densities), n_channels))
    species, channel, _ = first[is_pair].T
    for k, p in enumerate(densities):
        np.add.at(sums[:, k], (species, channel), centre.weights[is_pair, p])
    paired = [(z, k) for z in range(n_species) for k in range(len(densities)) if sums[z, k].any()]

    moments = np.unique(centre.monomials[many])
    moments = moments[moments >= 0]
    channels, new_channel = np.unique(centre.moments[moments, 1], return_inverse=True)
    kept = np.column_stack([centre.moments[moments, 0], new_channel, centre.moments[moments, 2]])
    pairs = np.array([(z, len(channels) + k, 0) for z, k in paired], dtype=np.int64).reshape(-1, 3)
    renamed = np.full(len(centre.moments) + 1, -1, dtype=np.int64)  # the last entry stands for the padding
    renamed[moments] = np.arange(len(moments))
    return _assemble(centre, many, renamed, kept, pairs, densities[[k for _, k in paired]]), np.stack(
        [np.vstack([np.eye(n_channels)[channels], sums[z]]) for z in range(n_species)]
    )


def _assemble(
    centre: Centre, many: BoolArray, renamed: IntArray, kept: IntArray, pairs: IntArray, density: IntArray
) -> Centre:
    """The centre of the ``kept`` moments and their terms, and of ``pairs`` that each add to a ``density``."""
    moments = np.vstack([kept, pairs])
    order = np.argsort(moments[:, 0], kind="stable")
    place = np.append(np.argsort(order), -1)
    width = max(1, centre.monomials.shape[1])
    alone = np.full((len(pairs), width), -1, dtype=np.int64)
    alone[:, 0] = len(kept) + np.arange(len(pairs))
    monomials = place[np.vstack([renamed[centre.monomials[many]], alone])]
    weights = np.zeros((len(pairs), centre.weights.shape[1]))
    weights[np.arange(len(pairs)), density] = 1.0
    return replace(
        centre,
        moments=moments[order],
        monomials=monomials,
        weights=np.vstack([centre.weights[many], weights]),
    )
