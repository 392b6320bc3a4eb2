"""The harmonic energy of chosen sites of a dislocated crystal: its matrix, and its value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from genmlip._types import Array, IntArray
from genmlip.crystal.site_hessians import SiteHessian
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.columns import SlippedTopology
from genmlip.statics.hessian import operator_from_blocks


def site_operator(cell: DefectCell, topology: SlippedTopology, sites: IntArray) -> csr_array:
    """Σ_ℓ ∂²V_ℓ/∂u∂u at the perfect crystal over the ``sites`` (s,), (3n, 3n) eV/Å², on slipped bonds."""
    parts: list[tuple[IntArray, IntArray, Array]] = []
    for ends, hessian in _stars(cell, topology, sites):
        c = ends.shape[1]
        blocks = np.tile(hessian.reshape(-1, 3, 3), (len(ends), 1, 1))
        parts.append((np.repeat(ends, c, axis=1).ravel(), np.tile(ends, c).ravel(), blocks))
    row, column, block = (np.concatenate(part) for part in zip(*parts, strict=True))
    return csr_array(operator_from_blocks(row, column, block, len(cell)))


def harmonic_energy(cell: DefectCell, topology: SlippedTopology, sites: IntArray, u: Array) -> float:
    """½ Σ_ℓ ⟨∂²V_ℓ/∂u∂u u, u⟩ over the ``sites``, eV, without their matrix; u (n, 3) Å."""
    total = 0.0
    for ends, hessian in _stars(cell, topology, sites):
        moved = u[ends].reshape(len(ends), -1)
        matrix = hessian.transpose(0, 2, 1, 3).reshape(moved.shape[1], -1)
        total += 0.5 * float(np.vdot(moved @ matrix, moved))
    return total


def _stars(cell: DefectCell, topology: SlippedTopology, sites: IntArray) -> Iterator[tuple[IntArray, Array]]:
    """Per sublattice: the atoms (k, c) that stand for the columns around each site, and a site's Hessian
    between these columns, (c, c, 3, 3).

    Where a site has lost a neighbour its own atom stands in; sites far from the core have lost none.
    """
    for kappa, site in enumerate(cell.defect.crystal.site_hessians):
        own = sites[cell.sublattice[sites] == kappa]
        difference, vectors, hessian = _by_columns(cell, topology, site)
        ends = np.stack(
            [topology.ends(own, d, v)[0] for d, v in zip(difference, vectors, strict=True)], axis=1
        )
        yield np.where(ends < 0, own[:, None], ends), hessian


def _by_columns(
    cell: DefectCell, topology: SlippedTopology, site: SiteHessian
) -> tuple[IntArray, Array, Array]:
    """A site's Hessian between columns instead of atoms: label differences (c, 3), vectors (c, 2) Å, in the
    dislocation's frame, and blocks (c, c, 3, 3)."""
    crystal, frame, lattice = cell.defect.crystal, cell.defect.frame, topology.lattice
    translations = site.translations @ crystal.primitive_vectors @ frame.T
    label = np.rint(translations @ np.linalg.inv(lattice.vectors)).astype(np.int64)
    label[:, 2] = site.sublattice
    difference, column = np.unique(label, axis=0, return_inverse=True)
    to_column = np.zeros((len(difference), len(label)))
    to_column[column.ravel(), np.arange(len(label))] = 1.0
    turned = np.einsum("ai,jkil,bl->jkab", frame, site.blocks, frame)
    blocks = np.einsum("cj,jkab,dk->cdab", to_column, turned, to_column, optimize=True)
    basis = lattice.basis[:, :2]
    vectors = (
        difference[:, :2] @ lattice.vectors[:2, :2] + basis[difference[:, 2]] - basis[site.sublattice[0]]
    )
    return difference, vectors, blocks
