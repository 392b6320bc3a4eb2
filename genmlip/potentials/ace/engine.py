"""Evaluates an :class:`Expansion`: site energies and their gradients, for one thread or several.

The tables that the kernels want are made once: splines of the radial functions, moments sorted by species and
harmonic, the graph of their products, densities with a linear embedding merged into one.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from threading import get_ident

import numpy as np

from genmlip._types import Array, IntArray
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace.condensed import condensed
from genmlip.potentials.ace.engine_kernels import (
    N_COEFFICIENTS,
    SHIFTED_SCALED,
    CentreTables,
    EmbeddingTables,
    MomentTables,
    ProductTables,
    Scratch,
    SplineTables,
    site_energies,
)
from genmlip.potentials.ace.expansion import Centre, Expansion
from genmlip.potentials.ace.harmonics import recursion_table
from genmlip.potentials.ace.lanes import WIDTH
from genmlip.potentials.ace.products import ProductGraph
from genmlip.potentials.ace.radial_table import RadialTable
from genmlip.potentials.neighbours import Neighbours

KINDS = {"FinnisSinclair": 0, "FinnisSinclairShiftedScaled": SHIFTED_SCALED}
CACHE_LINE = 64  # bytes
ROOM_STEP = 32  # neighbours: so that room serves again when the longest list has changed a little
MOST_THREADS = 1024
TASKS_PER_THREAD = 4  # so that a thread that is slow does not keep the others waiting for long


@dataclass(frozen=True, eq=False)
class Engine:
    """An expansion made ready for evaluation.

    centres : one per species
    """

    centres: tuple[CentreTables, ...]

    @classmethod
    @lru_cache(maxsize=32)
    def of(cls, expansion: Expansion) -> Engine:
        """The engine of ``expansion``, kept while it is one of the last that were asked for.

        Raises InputError for radial functions that no table represents, UnknownNameError for F.
        """
        smaller = condensed(expansion)
        return cls(tuple(_centre_tables(smaller, z) for z in range(len(smaller.symbols))))

    def site_terms(
        self,
        species: IntArray,
        neighbours: Neighbours,
        vectors: Array,
        energies: Array,
        gradients: Array,
        threads: int | None = None,
    ) -> None:
        """Write V_i (eV) into ``energies`` (m,) and ∂V_i/∂r_ij (eV/Å) into ``gradients`` (p, 3).

        species : (n,) index of every atom
        vectors : (p, 3) Å, r_ij; pairs beyond their cutoff get the gradient zero
        threads : by default the environment's GENMLIP_THREADS, or 1; the results do not depend on it

        Raises InputError naming the atom where a neighbour is at distance zero, or for less than one thread.
        """
        threads = default_threads() if threads is None else threads
        if threads < 1:
            raise InputError(f"threads = {threads} must be at least 1")
        centre_species = species[neighbours.centre]
        tasks: list[tuple[int, IntArray]] = []
        for z in range(len(self.centres)):
            sites = np.flatnonzero(centre_species == z)
            n_tasks = 1 if threads == 1 else TASKS_PER_THREAD * threads
            per_task = WIDTH * max(1, -(-len(sites) // (WIDTH * n_tasks)))
            tasks += [(z, sites[k : k + per_task]) for k in range(0, len(sites), per_task)]
        longest = int(np.diff(neighbours.first).max(initial=0))

        def work(task: tuple[int, IntArray]) -> int:
            z, sites = task
            return int(
                site_energies(
                    sites, neighbours.first, neighbours.index, species, vectors,
                    self.centres[z], _scratch(self.centres[z], longest), energies, gradients,
                )
            )  # fmt: skip

        remaining = iter(tasks)  # shared: whoever is free takes the next

        def drain() -> list[int]:
            return [work(task) for task in remaining]

        others = min(threads, len(tasks)) - 1
        helpers = [_pool(threads - 1, os.getpid()).submit(drain) for _ in range(others)]
        try:
            failures = drain()
        finally:
            wait(helpers)  # whatever happens, nobody writes to the caller's arrays any more
        failures += [failure for helper in helpers for failure in helper.result()]
        failed = [site for site in failures if site >= 0]
        if failed:
            atom = neighbours.centre[min(failed)]
            raise InputError(
                f"atom {atom} has a neighbour at distance zero, or a position that is not a number"
            )


def default_threads() -> int:
    """GENMLIP_THREADS, or 1; raises InputError where that is no number of threads."""
    text = os.environ.get("GENMLIP_THREADS", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_THREADS):
        raise InputError(f"GENMLIP_THREADS = {text!r} must be a whole number from 1 to {MOST_THREADS}")
    return int(text)


@lru_cache(maxsize=4)
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Kept, since threads cost more to start than a small task; a forked process needs its own."""
    return ThreadPoolExecutor(threads, thread_name_prefix="genmlip")


def _centre_tables(expansion: Expansion, z: int) -> CentreTables:
    """The tables of the centres of species ``z``."""
    centre = expansion.centres[z]
    tables = [RadialTable.of(*pair) for pair in zip(expansion.radial[z], expansion.cores[z], strict=True)]
    cores = [_nothing() if table.core is None else table.core for table in tables]
    core_reach = np.array([0.0 if table.core is None else table.core.cutoff for table in tables])
    lmax = int(np.sqrt(centre.moments[:, 2].max(initial=0)))
    by_harmonic = np.lexsort(centre.moments.T[[1, 2, 0]])  # by species, then harmonic, then channel
    embedding, weights = _merge_linear(centre)
    return CentreTables(
        np.maximum(np.array([table.cutoff for table in tables]), core_reach),
        core_reach,
        _stack(tables),
        _stack(cores),
        lmax,
        recursion_table(lmax),
        _moment_tables(centre.moments[by_harmonic], len(tables), (lmax + 1) ** 2),
        _product_tables(centre, by_harmonic, weights),
        embedding,
    )


def _nothing() -> RadialTable:
    """The table of a core that is zero."""
    return RadialTable(np.zeros((1, 1, 1)), np.array([0.0, 1.0]), np.array([0, 0]), 1.0, 1.0)


def _stack(tables: list[RadialTable]) -> SplineTables:
    """All bins one after the other, behind those of each table one that is zero."""
    n_w = -(-max(table.coefficients.shape[2] for table in tables) // WIDTH)
    coefficients = _aligned(sum(len(table.coefficients) + 1 for table in tables), n_w, N_COEFFICIENTS, WIDTH)
    coefficients[:] = 0.0
    end, bins, n_bins = [], [], 0
    for table in tables:
        here, n, channels = table.coefficients.shape
        for c in range(channels):
            coefficients[n_bins : n_bins + here, c // WIDTH, :n, c % WIDTH] = table.coefficients[:, :, c]
        end.append(np.append(table.start[1:], np.inf))
        bins.append(table.bin + n_bins)
        n_bins += here + 1
    return SplineTables(
        coefficients,
        np.concatenate([table.start for table in tables]),
        np.concatenate(end),
        np.concatenate(bins).astype(np.int64),
        np.cumsum([0, *(len(cells) for cells in bins)]),
        np.array([1.0 / table.width for table in tables]),
    )


def _moment_tables(moments: IntArray, n_species: int, n_lm: int) -> MomentTables:
    """``moments`` (n_A, 3) sorted by species and harmonic."""
    first = np.searchsorted(moments[:, 0] * n_lm + moments[:, 2], np.arange(n_species * n_lm + 1))
    rows = n_lm * np.arange(n_species)[:, None] + np.arange(n_lm + 1)
    return MomentTables(np.ascontiguousarray(moments[:, 1]), first[rows])


def _product_tables(centre: Centre, order: IntArray, weights: Array) -> ProductTables:
    """The product graph for the moments in ``order``."""
    position = np.empty(len(order) + 1, dtype=np.int64)
    position[order] = np.arange(len(order))
    position[-1] = -1  # the padding of monomials
    monomials = np.sort(position[centre.monomials], axis=1)  # the padding first
    graph = _kept_graph(len(order), monomials.shape[1], monomials.tobytes())
    pairs = [graph.weights(w) for w in weights.T]
    return ProductTables(
        graph.nodes.astype(np.int32),
        graph.first,
        graph.right.astype(np.int32),
        np.array([linear for linear, _ in pairs]),
        np.array([quadratic for _, quadratic in pairs]),
    )


@lru_cache(maxsize=16)
def _kept_graph(n_leaves: int, order: int, monomials: bytes) -> ProductGraph:
    """By the contents: centres of several species, and potentials on one basis, have the same products."""
    return ProductGraph.of(n_leaves, np.frombuffer(monomials, dtype=np.int64).reshape(-1, order))


def _merge_linear(centre: Centre) -> tuple[EmbeddingTables, Array]:
    """The embedding and the weights (T, densities), with densities of exponent one merged into the first."""
    embedding = centre.embedding
    if embedding.kind not in KINDS:
        raise UnknownNameError("embedding", embedding.kind, KINDS)
    prefactors, exponents = np.array(embedding.prefactors), np.array(embedding.exponents)
    linear = exponents == 1.0
    merged = centre.weights[:, linear] @ prefactors[linear]
    weights = np.column_stack([merged, centre.weights[:, ~linear]] if linear.any() else [centre.weights])
    if linear.any():
        prefactors = np.append(1.0, prefactors[~linear])
        exponents = np.append(1.0, exponents[~linear])
    switch = (np.inf, 1.0) if centre.core_switch is None else centre.core_switch
    return EmbeddingTables(
        float(centre.E0), KINDS[embedding.kind], prefactors, exponents, (float(switch[0]), float(switch[1]))
    ), weights


def _scratch(tables: CentreTables, longest: int) -> Scratch:
    """This thread's room for four sites of at most ``longest`` neighbours each."""
    n_species, n_A = len(tables.reach), len(tables.moments.channel)
    n_blocks = WIDTH * (-(-longest // ROOM_STEP) * ROOM_STEP // WIDTH + n_species)
    n_channels = WIDTH * tables.radial.coefficients.shape[1]
    n_densities, n_P = tables.products.linear.shape
    return _kept_scratch(get_ident(), n_species, n_blocks, n_channels, tables.lmax, n_A, n_P, n_densities)


@lru_cache(maxsize=32)
def _kept_scratch(
    thread: int,
    n_species: int,
    n_blocks: int,
    n_channels: int,
    lmax: int,
    n_A: int,
    n_P: int,
    n_densities: int,
) -> Scratch:
    """Kept, since for a few sites fresh memory costs more than they do; each thread has its own."""
    return Scratch(
        filled=_aligned(n_species).view(np.int64),
        near=_aligned(WIDTH * n_blocks + 1).view(np.int64),
        block=_aligned(WIDTH, n_species + 1).view(np.int64),
        slot=_aligned(WIDTH * n_blocks).view(np.int64),
        geometry=_aligned(n_blocks, 5, WIDTH),
        radial=_aligned(n_blocks, 1, WIDTH),
        R=_aligned(n_blocks, n_channels, WIDTH),
        dR=_aligned(n_blocks, n_channels, WIDTH),
        Q=_aligned(n_blocks, (lmax + 1) * (lmax + 2) // 2, WIDTH),
        CS=_aligned(n_blocks, 2 * (lmax + 1), WIDTH),
        Y=_aligned(n_blocks, (lmax + 1) ** 2, WIDTH),
        A=_aligned(n_A + WIDTH),
        P=_aligned(n_P, WIDTH),
        adjoint=_aligned(n_densities, n_P, WIDTH),
        phi=_aligned(WIDTH),
        rho=_aligned(n_densities, WIDTH),
        slope=_aligned(n_densities, WIDTH),
    )


def _aligned(*shape: int) -> Array:
    """An array that has its cache lines to itself.

    No group of lanes lies across two of them, and no two threads write to the same one.
    """
    n, line = prod(shape), CACHE_LINE // 8
    memory = np.empty(n + 3 * line)
    skipped = -memory.ctypes.data % CACHE_LINE // 8 + line
    return memory[skipped : skipped + n].reshape(shape)
