"""Second derivatives of the site energies of an :class:`Expansion`, in closed form."""

from __future__ import annotations

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.ace.curvature_kernels import TangentScratch, site_curvature, site_tangents
from genmlip.potentials.ace.engine import Engine
from genmlip.potentials.ace.engine_kernels import CentreTables
from genmlip.potentials.ace.expansion import Expansion
from genmlip.potentials.ace.lanes import WIDTH
from genmlip.potentials.neighbours import Neighbours


def hessian_vectors(
    expansion: Expansion,
    species: IntArray,
    neighbours: Neighbours,
    vectors: Array,
    changes: Array,
    tangents: Array,
) -> None:
    """Write Σ_k ∂²V_i/∂r_ij∂r_ik · δr_ik (eV/Å) of every pair into ``tangents`` (p, 3).

    species : (n,) index of every atom
    vectors, changes : (p, 3) Å, r_ij and δr_ij; pairs beyond their cutoff get zero

    Raises InputError naming the atom where a neighbour is at distance zero.
    """
    centre_species = species[neighbours.centre]
    longest = int(np.diff(neighbours.first).max(initial=0))
    for z, tables in enumerate(Engine.of(expansion).centres):
        sites = np.flatnonzero(centre_species == z)
        failed = site_tangents(
            sites, neighbours.first, neighbours.index, species, vectors, changes,
            tables, _scratch(tables, longest), tangents,
        )  # fmt: skip
        if failed >= 0:
            atom = neighbours.centre[failed]
            raise InputError(
                f"atom {atom} has a neighbour at distance zero, or a position that is not a number"
            )


def site_hessian(expansion: Expansion, species: IntArray, vectors: Array) -> Array:
    """∂²V/∂r_j∂r_k of one site, (n, 3, n, 3) eV/Å².

    ``species`` (n + 1,), the centre first; ``vectors`` (n, 3) Å, from the centre to its neighbours.

    Raises InputError where a neighbour is at distance zero.
    """
    n = len(vectors)
    tables = Engine.of(expansion).centres[species[0]]
    first, index = n * np.arange(4), np.tile(np.arange(1, n + 1), 3)
    shape = (len(tables.moments.channel) + 1, 3 * n)
    gradients, responses, own = np.zeros(shape), np.empty(shape), np.empty((3 * n, 3))
    failed = site_curvature(
        first, index, species, np.tile(vectors, (3, 1)), np.repeat(np.eye(3), n, axis=0),
        tables, _scratch(tables, n), gradients, responses, own,
    )  # fmt: skip
    if failed >= 0:
        raise InputError("atom 0 has a neighbour at distance zero, or a position that is not a number")
    hessian = (gradients.T @ responses).reshape(n, 3, n, 3)
    neighbour = np.arange(n)
    hessian[neighbour, :, neighbour] += own.reshape(3, n, 3).transpose(1, 0, 2)
    return 0.5 * (hessian + hessian.transpose(2, 3, 0, 1))


def _scratch(tables: CentreTables, longest: int) -> TangentScratch:
    """Room for four sites of at most ``longest`` neighbours each."""
    n_species, n_densities, n_P = len(tables.reach), *tables.products.linear.shape
    n_blocks = WIDTH * (longest // WIDTH + n_species)
    n_lm, n_Q = (tables.lmax + 1) ** 2, len(tables.recursion)
    n_c = WIDTH * tables.radial.coefficients.shape[1]
    of_blocks = ((9,), (2,), (2, n_c), (2, n_c), (2, n_Q), (2, 2 * (tables.lmax + 1)), (2, n_lm))
    of_products = ((1, 2, n_P), (n_densities, 2, n_P), (1, 2, n_P))
    of_sites = ((1, 2, n_lm), (3,), (2,), (1, 2, n_densities), (1, 2, n_densities))
    shapes: list[tuple[int, ...]] = [(n_blocks, *shape, WIDTH) for shape in of_blocks]
    shapes.append((2, len(tables.moments.channel) + WIDTH))
    shapes += [(*shape, WIDTH) for shape in (*of_products, *of_sites)]
    return TangentScratch(
        np.empty(n_species, dtype=np.int64),
        np.empty((WIDTH, n_species + 1), dtype=np.int64),
        np.empty(n_blocks * WIDTH, dtype=np.int64),
        *(np.empty(shape) for shape in shapes),
    )
