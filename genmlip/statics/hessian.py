"""Second derivatives of the energy: the harmonic operator of a crystal on a defect's bonds, and the
potential's own Hessian at a configuration.

The harmonic operator is what preconditions a minimisation and what closes a cell harmonically; it comes from
force constants and the topology alone and never looks at the atoms' actual positions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import coo_array, csc_array

from genmlip._types import Array, IntArray
from genmlip.errors import InputError

if TYPE_CHECKING:
    from ase import Atoms

    from genmlip.crystal import Crystal
    from genmlip.crystal.pairs import Pairs
    from genmlip.potentials.base import Evaluator, Potential, SitePotential


def bond_blocks(crystal: Crystal, pairs: Pairs, sublattice: IntArray, frame: Array) -> Array:
    """Force-constant block of every pair, (p, 3, 3) eV/Å² in the frame; zero beyond the crystal's range.

    H_ij = ∂²E/∂u_i∂u_j between two sites joined by the perfect-lattice vector of the pair. ``frame`` (3, 3):
    its unit vectors in cubic axes, as rows.
    """
    constants = crystal.force_constants
    ki, kj = sublattice[pairs.i], sublattice[pairs.j]
    to_lattice = np.linalg.inv(crystal.primitive_vectors)
    wanted = (pairs.vector @ frame - crystal.basis[kj] + crystal.basis[ki]) @ to_lattice
    known = np.rint(constants.vectors @ to_lattice).astype(np.int64)
    row = _rows_of(known, np.rint(wanted).astype(np.int64))
    off_lattice = np.abs(wanted - np.rint(wanted)).max(initial=0.0)
    if off_lattice > 1e-3:
        raise InputError(
            f"a bond of the cell is no vector of the crystal's lattice (off by {off_lattice:.1e})"
        )
    blocks = np.einsum("ai,pij,bj->pab", frame, constants.blocks[row, ki, kj], frame)
    blocks[row < 0] = 0.0
    return blocks


def _rows_of(known: IntArray, wanted: IntArray) -> IntArray:
    """For every integer vector of ``wanted`` its row in ``known``, or −1."""
    reach = np.abs(known).max(initial=0)
    side = 2 * reach + 1
    table = np.full((side, side, side), -1, dtype=np.int64)
    table[tuple((known + reach).T)] = np.arange(len(known))
    inside = (np.abs(wanted) <= reach).all(axis=1)
    row = np.full(len(wanted), -1, dtype=np.int64)
    row[inside] = table[tuple((wanted[inside] + reach).T)]
    return row


def bond_operator(blocks: Array, pairs: Pairs, n: int, unknowns: IntArray) -> csc_array:
    """The Hessian of ½ Σ_bonds (u_i − u_j)ᵀ (−H_ij) (u_i − u_j) on the unknown atoms, the others held.

    The diagonal is the acoustic sum rule over the pairs present, H_ii = −Σ_j ½ (H_ij + H_ijᵀ), so that
    translations cost nothing. The result is symmetric if H_ji = H_ijᵀ.

    blocks : (p, 3, 3) eV/Å², one per ordered pair; n : number of atoms; result (3m, 3m), m unknown atoms
    """
    number = np.full(n, -1, dtype=np.int64)
    number[unknowns] = np.arange(len(unknowns))
    a, b = number[pairs.i], number[pairs.j]
    coupled = (a >= 0) & (b >= 0) & blocks.any(axis=(1, 2))
    own = np.arange(len(unknowns))
    on_site = np.empty((len(unknowns), 3, 3))
    moving = a >= 0
    for row, column in np.ndindex(3, 3):
        weights = -0.5 * (blocks[moving, row, column] + blocks[moving, column, row])
        on_site[:, row, column] = np.bincount(a[moving], weights, len(unknowns))
    return operator_from_blocks(
        np.concatenate([a[coupled], own]),
        np.concatenate([b[coupled], own]),
        np.concatenate([blocks[coupled], on_site]),
        len(unknowns),
    )


def positive_part(blocks: Array) -> Array:
    """−K, K the positive semidefinite part of the symmetrised −H_ij: bonds that only resist, (p, 3, 3)."""
    values, vectors = np.linalg.eigh(-0.5 * (blocks + blocks.transpose(0, 2, 1)))
    return -np.einsum("pia,pa,pja->pij", vectors, np.maximum(values, 0.0), vectors)


def assemble_hessian(
    potential: Potential, atoms: Atoms, centres: IntArray | None = None, unknowns: IntArray | None = None
) -> csc_array:
    """∂²E/∂x_i∂x_j of the potential at ``atoms``, (3m, 3m) eV/Å² on the unknown atoms (default: all).

    With ``centres`` only the energies of those sites are summed. Site potentials are assembled from their
    site Hessians; others by central differences of forces, which takes 6m evaluations.
    """
    from genmlip.potentials.base import SitePotential

    unknowns = np.arange(len(atoms)) if unknowns is None else np.asarray(unknowns)
    if isinstance(potential, SitePotential):
        return _from_site_hessians(potential, atoms, centres, unknowns)
    return _from_force_differences(potential.bind(atoms, centres), atoms.positions, unknowns)


SITES_AT_ONCE = 64  # duplicates are summed after so many sites, which bounds the memory


def _from_site_hessians(
    potential: SitePotential, atoms: Atoms, centres: IntArray | None, unknowns: IntArray
) -> csc_array:
    """Σ over sites of ∂²V_i, pulled back from bond vectors r_ij = x_j − x_i to positions."""
    from genmlip.potentials.base import in_positions
    from genmlip.potentials.neighbours import Neighbours

    species = potential.species_of(atoms)
    sites = Neighbours.of(atoms, potential.cutoff, centres)
    vectors = sites.vectors(atoms.positions)
    number = np.full(len(atoms), -1, dtype=np.int64)
    number[unknowns] = np.arange(len(unknowns))
    total = csc_array((3 * len(unknowns), 3 * len(unknowns)))
    waiting: list[tuple[IntArray, IntArray, Array]] = []
    for m, i in enumerate(sites.centre):
        of_site = slice(sites.first[m], sites.first[m + 1])
        members = np.concatenate([[i], sites.index[of_site]])
        seen = number[members] >= 0
        if seen.any():
            blocks = in_positions(potential.site_hessian(species[members], vectors[of_site]))
            blocks = blocks[np.ix_(seen, seen)]
            k = number[members[seen]]
            waiting.append((np.repeat(k, len(k)), np.tile(k, len(k)), blocks.reshape(-1, 3, 3)))
        if waiting and (len(waiting) == SITES_AT_ONCE or m == len(sites.centre) - 1):
            row, column, values = (np.concatenate(part) for part in zip(*waiting, strict=True))
            total = total + operator_from_blocks(row, column, values, len(unknowns))
            waiting.clear()
    return csc_array(total)


def _from_force_differences(evaluate: Evaluator, positions: Array, unknowns: IntArray) -> csc_array:
    step = 1e-4
    columns = np.empty((3 * len(unknowns), 3 * len(unknowns)))
    moved = np.array(positions, dtype=float)
    for k, (i, a) in enumerate((i, a) for i in unknowns for a in range(3)):
        here = moved[i, a]
        moved[i, a] = here + step
        ahead = evaluate(moved).forces[unknowns]
        moved[i, a] = here - step
        columns[:, k] = ((evaluate(moved).forces[unknowns] - ahead) / (2.0 * step)).ravel()
        moved[i, a] = here
    return csc_array(0.5 * (columns + columns.T))


def operator_from_blocks(row: IntArray, column: IntArray, blocks: Array, size: int) -> csc_array:
    """Blocks (p, 3, 3) at (row, column) of ``size`` points, repeated ones summed, (3 size, 3 size)."""
    k = np.arange(3, dtype=np.int32)
    rows = np.broadcast_to(3 * row.astype(np.int32)[:, None, None] + k[:, None], blocks.shape)
    columns = np.broadcast_to(3 * column.astype(np.int32)[:, None, None] + k, blocks.shape)
    entries = (blocks.ravel(), (rows.ravel(), columns.ravel()))
    return csc_array(coo_array(entries, shape=(3 * size, 3 * size)))
