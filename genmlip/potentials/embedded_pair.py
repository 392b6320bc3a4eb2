"""What all embedded pair functionals share: V_i = ½ Σ_j φ(r_ij) + F(ρ_i) with ρ_i = Σ_j f(r_ij).

Their forces act along bonds, f_i = Σ_j [F′(ρ_i) f′_ij + F′(ρ_j) f′_ji + φ′_ij] r_ij / r, so that each pair is
visited once. A potential supplies its radial functions and its embedding, as arrays; the loops over atoms are
here.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TypeAlias

import numpy as np
from ase import Atoms
from numba import njit

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.base import DEFAULT_SKIN, Evaluation, Evaluator, SitePotential
from genmlip.potentials.neighbours import HalfList, Neighbours, check_centres, check_finite, has_left_skin

BLOCK = 32768
"""Pairs whose distances and radial functions are at hand at a time, in the processor's cache."""


Functions: TypeAlias = tuple[Array, Array, Array, Array]
"""f, φ, f′/r and φ′/r of pairs."""


class EmbeddedPair(SitePotential):
    """Subclasses provide φ, f and F for elements α, β by their index into ``symbols``."""

    @abstractmethod
    def radial(self, alpha: int, beta: int, squared: Array, out: Functions) -> None:
        """Write f, φ, f′/r, φ′/r at the squared distances (p,) into ``out``; zero beyond the cutoff.

        f is the density that an atom β brings to an atom α.
        """

    @abstractmethod
    def embedding(self, alpha: int, density: Array) -> tuple[Array, Array]:
        """F and F′ at the densities (m,)."""

    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> Evaluator:  # type: ignore[override]
        return PairEvaluator(self, atoms, centres)

    def site_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        nb, own = neighbours, species[neighbours.centre]
        site = np.repeat(np.arange(len(own)), np.diff(nb.first))
        f, phi, f1, phi1 = (np.empty(len(vectors)) for _ in range(4))
        squared = np.einsum("pa,pa->p", vectors, vectors)
        self.radial_of_elements(own[site], species[nb.index], squared, (f, phi, f1, phi1))
        density, pair = (np.bincount(site, term, len(own)).astype(float) for term in (f, phi))
        embedded, slope = self.embedding_of_elements(own, density)
        energies[:] = embedded + 0.5 * pair
        gradients[:] = (slope[site] * f1 + 0.5 * phi1)[:, None] * vectors

    def radial_of_elements(self, own: IntArray, other: IntArray, squared: Array, out: Functions) -> None:
        """``radial`` for pairs (p,) of any elements: f is what ``other`` brings to ``own``."""
        kind = own * len(self.symbols) + other
        for k in np.unique(kind):
            which = np.flatnonzero(kind == k)
            found = (np.empty(len(which)), np.empty(len(which)), np.empty(len(which)), np.empty(len(which)))
            self.radial(*divmod(int(k), len(self.symbols)), squared[which], found)
            for all_pairs, of_kind in zip(out, found, strict=True):
                all_pairs[which] = of_kind

    def embedding_of_elements(self, species: IntArray, density: Array) -> tuple[Array, Array]:
        """F and F′ of sites (m,) of any elements."""
        energies, slopes = np.empty_like(density), np.empty_like(density)
        for alpha in np.unique(species):
            which = species == alpha
            energies[which], slopes[which] = self.embedding(int(alpha), density[which])
        return energies, slopes


class PairEvaluator:
    """Repeated evaluation of an embedded pair functional; the half list is rebuilt when atoms left the skin.

    A site that is no centre has neither embedding energy nor its half of the bonds' energies.
    """

    def __init__(
        self,
        potential: EmbeddedPair,
        atoms: Atoms,
        centres: IntArray | None = None,
        skin: float = DEFAULT_SKIN,
    ) -> None:
        self.potential, self.skin = potential, skin
        self.species = potential.species_of(atoms)
        self.n_calls = 0
        self._atoms = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        self._centres = check_centres(centres, len(atoms))
        self._share = np.ones(len(atoms))  # of each site in the sum: one, or zero for those left out
        if self._centres is not None:
            self._share[:] = 0.0
            self._share[self._centres] = 1.0
        elements = np.unique(self.species)
        self._element = int(elements[0]) if len(elements) == 1 else None
        self._rebuild(atoms.positions)

    def _rebuild(self, positions: Array) -> None:
        check_finite(positions)
        self._atoms.positions = positions
        self._built_at = np.array(positions, dtype=float)
        self.pairs = HalfList.of(self._atoms, self.potential.cutoff + self.skin, self._share > 0.0)
        first = self.pairs.first
        ends = np.searchsorted(first, np.arange(BLOCK, first[-1] + BLOCK, BLOCK))  # of blocks of whole rows
        self._blocks = np.unique(np.concatenate([[0], np.minimum(ends, len(first) - 1), [len(first) - 1]]))
        self._largest = int(np.diff(first[self._blocks]).max(initial=0))
        # f′/r at either end, which are one array where all atoms are of one element, and φ′/r
        self._own = np.empty(first[-1])
        self._other = self._own if self._element is not None else np.empty(first[-1])
        self._pair = np.empty(first[-1])

    def __call__(self, positions: Array) -> Evaluation:
        positions = np.ascontiguousarray(positions, dtype=float)
        if has_left_skin(positions, self._built_at, self.skin):
            self._rebuild(positions)
        self.n_calls += 1
        nb, x = self.pairs, positions - self.pairs.home
        density, pair_energy = self._sum_over_pairs(x)
        if self._element is None:
            embedded, slope = self.potential.embedding_of_elements(self.species, density)
        else:
            embedded, slope = self.potential.embedding(self._element, density)
        slope *= self._share
        forces, virial = np.zeros_like(x), np.zeros((3, 3))
        bond_forces(
            nb.first, nb.index, nb.image, nb.translations, x, self._own, self._other, self._pair, slope,
            self._share, forces, virial,
        )  # fmt: skip
        energies = embedded + 0.5 * pair_energy
        return Evaluation(energies if self._centres is None else energies[self._centres], forces, virial)

    def _sum_over_pairs(self, x: Array) -> tuple[Array, Array]:
        """Σ_j f_ij and Σ_j φ_ij of every atom, (n,); the slopes are kept for the forces."""
        nb = self.pairs
        density, pair_energy = np.zeros(len(x)), np.zeros(len(x))
        squared, f, phi = (np.empty(self._largest) for _ in range(3))
        f_other, unused = (f, f) if self._element is not None else (np.empty_like(f), np.empty_like(f))
        for low, high in zip(self._blocks[:-1], self._blocks[1:], strict=True):
            pairs, n = slice(nb.first[low], nb.first[high]), int(nb.first[high] - nb.first[low])
            clash = squared_distances(low, high, nb.first, nb.index, nb.image, nb.translations, x, squared)
            if clash >= 0:
                self._refuse(clash)
            forward = (f[:n], phi[:n], self._own[pairs], self._pair[pairs])
            if self._element is not None:
                self.potential.radial(self._element, self._element, squared[:n], forward)
            else:
                i = np.repeat(self.species[low:high], np.diff(nb.first[low : high + 1]))
                j = self.species[nb.index[pairs]]
                backward = (f_other[:n], unused[:n], self._other[pairs], unused[:n])
                self.potential.radial_of_elements(i, j, squared[:n], forward)
                self.potential.radial_of_elements(j, i, squared[:n], backward)
            sum_over_pairs(low, high, nb.first, nb.index, f, f_other, phi, density, pair_energy)
        return density, pair_energy

    def _refuse(self, clash: int) -> None:
        i = int(np.searchsorted(self.pairs.first, clash, side="right")) - 1
        j = int(self.pairs.index[clash])
        raise InputError(f"atoms {max(i, j)} and {min(i, j)} are at the same place")


def embedded_pair_hessian(
    vectors: Array,
    radial_slope: Array,
    radial_curvature: Array,
    density_slope: Array,
    embedding_curvature: float,
) -> Array:
    """∂²V/∂r_j∂r_k of one site, (n, 3, n, 3) eV/Å²; the neighbours couple through the embedding only.

    With h = ½φ + F′(ρ) f the radial function seen by neighbour j and n_j its unit vector,

        ∂²V/∂r_j∂r_k = δ_jk [h″ n_j⊗n_j + (h′/r_j) (1 − n_j⊗n_j)] + F″(ρ) f′_j f′_k n_j⊗n_k.

    vectors : (n, 3) Å
    radial_slope, radial_curvature : (n,) h′ (eV/Å) and h″ (eV/Å²) at fixed F′
    density_slope : (n,) f′
    embedding_curvature : F″
    """
    r = np.linalg.norm(vectors, axis=1)
    n = vectors / r[:, None]
    pull = density_slope[:, None] * n
    hessian: Array = embedding_curvature * np.einsum("ja,kb->jakb", pull, pull)
    nn = np.einsum("ja,jb->jab", n, n)
    j = np.arange(len(r))
    hessian[j, :, j, :] += radial_curvature[:, None, None] * nn + (radial_slope / r)[:, None, None] * (
        np.eye(3) - nn
    )
    return hessian


@njit(cache=True, nogil=True)
def squared_distances(low, high, first, index, image, translations, x, squared):  # type: ignore[no-untyped-def]
    """r² of the pairs of the atoms low … high − 1; returns a pair at distance zero, or −1."""
    clash = -1
    for i in range(low, high):
        x0, x1, x2 = x[i, 0], x[i, 1], x[i, 2]
        for p in range(first[i], first[i + 1]):
            j, t = index[p], image[p]
            d0 = x[j, 0] - x0 + translations[t, 0]
            d1 = x[j, 1] - x1 + translations[t, 1]
            d2 = x[j, 2] - x2 + translations[t, 2]
            r2 = d0 * d0 + d1 * d1 + d2 * d2
            squared[p - first[low]] = r2
            if r2 == 0.0:
                clash = p
    return clash


@njit(cache=True, nogil=True)
def sum_over_pairs(low, high, first, index, f_own, f_other, phi, density, pair_energy):  # type: ignore[no-untyped-def]
    """Adds Σ_j f_ij and Σ_j φ_ij of the pairs of the atoms low … high − 1, at both of their ends."""
    for i in range(low, high):
        rho, energy = 0.0, 0.0
        for p in range(first[i], first[i + 1]):
            j, q = index[p], p - first[low]
            rho += f_own[q]
            energy += phi[q]
            density[j] += f_other[q]
            pair_energy[j] += phi[q]
        density[i] += rho
        pair_energy[i] += energy


@njit(cache=True, nogil=True)
def bond_forces(  # type: ignore[no-untyped-def]
    first, index, image, translations, x, f1_own, f1_other, phi1, slope, share, forces, virial
):
    """Adds f_i = Σ_j T_ij r_ij, f_j = −f_i of each pair and the virial −Σ T_ij r_ij ⊗ r_ij, where
    T_ij = F′_i f′_ij/r + F′_j f′_ji/r + ½ (w_i + w_j) φ′_ij/r and w is the ``share`` of a site."""
    v00, v01, v02, v11, v12, v22 = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for i in range(len(x)):
        x0, x1, x2 = x[i, 0], x[i, 1], x[i, 2]
        slope_i, share_i = slope[i], share[i]
        f0, f1, f2 = 0.0, 0.0, 0.0
        for p in range(first[i], first[i + 1]):
            j, t = index[p], image[p]
            tension = slope_i * f1_own[p] + slope[j] * f1_other[p] + 0.5 * (share_i + share[j]) * phi1[p]
            d0 = x[j, 0] - x0 + translations[t, 0]
            d1 = x[j, 1] - x1 + translations[t, 1]
            d2 = x[j, 2] - x2 + translations[t, 2]
            g0, g1, g2 = tension * d0, tension * d1, tension * d2
            f0 += g0
            f1 += g1
            f2 += g2
            forces[j, 0] -= g0
            forces[j, 1] -= g1
            forces[j, 2] -= g2
            v00 -= g0 * d0
            v01 -= g0 * d1
            v02 -= g0 * d2
            v11 -= g1 * d1
            v12 -= g1 * d2
            v22 -= g2 * d2
        forces[i, 0] += f0
        forces[i, 1] += f1
        forces[i, 2] += f2
    virial[0, 0] += v00
    virial[1, 1] += v11
    virial[2, 2] += v22
    virial[0, 1] += v01
    virial[1, 0] += v01
    virial[0, 2] += v02
    virial[2, 0] += v02
    virial[1, 2] += v12
    virial[2, 1] += v12
