"""A linear ACE as a .yace file, which python-ace and the pair style ``pace`` of LAMMPS read.

:mod:`yace_bonds` turns our radial functions into those of the format. Its harmonics are √4π times the complex
orthonormal ones, see :mod:`complex_harmonics`, so a product of ν moments carries (4π)^{−ν/2}. Both programs
tabulate the radial functions and interpolate by cubics; that, not the conversion, limits how well their
forces agree with ours, see :class:`ExportReport`.

Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), describe the programs.
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genmlip import __version__
from genmlip._files import write_atomically
from genmlip._types import Array
from genmlip.errors import InputError
from genmlip.potentials.ace.complex_harmonics import degree_and_order, to_complex
from genmlip.potentials.ace.expansion import Centre, Embedding, Expansion
from genmlip.potentials.ace.linear import LinearACE
from genmlip.potentials.ace.yace_bonds import MAX_POLYNOMIALS, SQRT_4PI, Bond, bonds_of, order_of

SUFFIX = ".yace"
TOLERANCE = 1e-12
SPLINE_BIN = 1e-3  # Å, what the format's own programs write
NO_CORE_SWITCH = (1e10, 1e3)  # eV: no core is ever so strong

Record = dict[str, Any]


@dataclass(frozen=True)
class ExportReport:
    """What a potential became, and how exactly.

    path : the file
    n_polynomials : K, Chebyshev polynomials per radial function
    n_functions : functions in the file, those of order one included
    radial_error : largest error of a radial or pair function, relative to its largest value
    local_error : the same relative to its largest value from the distance in question on, or from 0.9 of the
        cutoff on
    spline_bin : Å, bin of the cubic tables that the readers make
    spline_error : largest error of the slope of such a table, relative to the largest slope. The forces of
        the readers have an error of this order; it falls with the third power of ``spline_bin``.
    table_bytes : of these tables, per process
    exact_beyond : Å; where two atoms are closer, cores act, and the file is another potential. 0 without.
    core_error : largest error of the file's cores, relative to ours, in the outer half of their reach; they
        are too weak nearer to the nuclei. 0 without cores.

    Errors are those at distances from ``exact_beyond``, and from a quarter of the cutoff, on.
    """

    path: Path
    n_polynomials: int
    n_functions: int
    radial_error: float
    local_error: float
    spline_bin: float
    spline_error: float
    table_bytes: int
    exact_beyond: float
    core_error: float


def save_yace(
    potential: LinearACE, path: str | Path, tolerance: float = TOLERANCE, spline_bin: float = SPLINE_BIN
) -> ExportReport:
    """Write ``potential`` to the file ``path`` (.yace); what is there is overwritten.

    tolerance : error of the radial functions that is aimed at, relative to their largest values, and a
        hundred times that relative to what is left of them farther out
    spline_bin : Å, bin of the tables that the readers will make; a smaller one costs them memory

    Raises InputError if ``path`` does not end in .yace, if the potential is no :class:`LinearACE`, or if its
    radial functions need more than 1024 polynomials.
    """
    path = Path(path)
    _check(potential, path, tolerance, spline_bin)
    expansion = potential.expansion
    bonds = bonds_of(expansion)
    every = [bond for row in bonds for bond in row]
    n = max(bond.length(tolerance) for bond in every)
    if n > MAX_POLYNOMIALS:
        raise InputError(
            f"{path}: the radial functions need more than {MAX_POLYNOMIALS} polynomials for a relative error "
            f"of {tolerance:g}; a larger tolerance needs fewer"
        )
    functions = [
        list(_functions(z, centre, [bond.polynomials(n)[bond.n_channels :] for bond in bonds[z]]))
        for z, centre in enumerate(expansion.centres)
    ]
    radial_errors, local_errors = zip(*(bond.errors(n) for bond in every), strict=True)
    cores = [bond.close_range for bond in every if bond.close_range is not None]
    report = ExportReport(
        path,
        n,
        sum(map(len, functions)),
        max(radial_errors),
        max(local_errors),
        spline_bin,
        max(bond.table_error(spline_bin) for bond in every),
        _table_bytes(every, n, expansion.lmax, spline_bin),
        max((core.inner for core in cores), default=0.0),
        max((core.error for core in cores), default=0.0),
    )
    write_atomically(path, "\n".join(_lines(expansion, bonds, functions, report)) + "\n")
    return report


def _check(potential: LinearACE, path: Path, tolerance: float, spline_bin: float) -> None:
    if path.suffix != SUFFIX:
        raise InputError(f"{path}: readers know the format by its suffix, which must be {SUFFIX}")
    if not isinstance(potential, LinearACE):
        kind = type(potential).__name__
        raise InputError(f"{path}: only a fitted linear ACE can be written, not {kind}")
    if not 0 < tolerance < 0.1:
        raise InputError(f"{path}: tolerance = {tolerance} must be between 0 and 0.1")
    if not 0 < spline_bin < 0.1:
        raise InputError(f"{path}: spline_bin = {spline_bin} must be between 0 and 0.1 Å")


def _table_bytes(bonds: Sequence[Bond], n: int, lmax: int, spline_bin: float) -> int:
    """Four coefficients per bin of the g_k, the R_nl and the core."""
    columns = n + bonds[0].n_channels * (lmax + 1) + 1
    return sum(4 * 8 * columns * int(bond.cutoff / spline_bin) for bond in bonds)


def _functions(z: int, centre: Centre, pairs: list[Array]) -> Iterator[Record]:
    """The functions about atoms of species ``z``; ``pairs`` (P, K) by neighbour, in terms of the g_k."""
    for neighbour, pair in enumerate(pairs):
        for k in np.flatnonzero(pair.any(axis=0)):
            yield _function(z, [(neighbour, int(k) + 1, 0)], [[0]], pair[None, :, k])
    many = order_of(centre) > 1
    labels, weights = to_complex(centre.monomials[many], centre.weights[many], centre.moments[:, 2])
    l, m = degree_and_order(centre.moments[:, 2])
    kinds = np.stack([centre.moments[:, 0], centre.moments[:, 1] + 1, l], axis=1)
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for t, row in enumerate(labels):
        groups.setdefault(tuple(map(tuple, kinds[row[row >= 0]].tolist())), []).append(t)
    for kind, rows in sorted(groups.items(), key=lambda item: (len(item[0]), item[0])):
        yield _function(z, kind, m[labels[rows, : len(kind)]].tolist(), weights[rows])


def _function(
    z: int, kind: Sequence[tuple[int, ...]], orders: Sequence[Sequence[int]], weights: Array
) -> Record:
    """``kind``: (species, n, l) of every factor; ``orders``: m of the factors of every product; (T, P)."""
    mus, ns, ls = zip(*kind, strict=True)
    return {
        "mu0": z,
        "rank": len(kind),
        "ndensity": weights.shape[1],
        "num_ms_combs": len(orders),
        "mus": mus,
        "ns": ns,
        "ls": ls,
        "ms_combs": [m for row in orders for m in row],
        "ctildes": (weights / SQRT_4PI ** len(kind)).ravel().tolist(),
    }


def _lines(
    expansion: Expansion, bonds: list[list[Bond]], functions: list[list[Record]], report: ExportReport
) -> Iterator[str]:
    yield from _comments(expansion, report)
    yield f"elements: {_flow(expansion.symbols)}"
    yield f"E0: {_flow([centre.E0 for centre in expansion.centres])}"
    yield f"deltaSplineBins: {_flow(report.spline_bin)}"
    yield "embeddings:"
    for z, centre in enumerate(expansion.centres):
        yield f"  {z}: {_flow(_embedding_record(centre.embedding))}"
    yield "bonds:"
    for z, row in enumerate(bonds):
        for neighbour, bond in enumerate(row):
            yield f"  [{z}, {neighbour}]: {_flow(_bond_record(bond, expansion.lmax, report.n_polynomials))}"
    yield "functions:"
    for z, records in enumerate(functions):
        yield f"  {z}:" if records else f"  {z}: []"
        for record in records:
            yield f"    - {_flow(record)}"


def _comments(expansion: Expansion, report: ExportReport) -> Iterator[str]:
    yield f"# {', '.join(expansion.symbols)}: atomic cluster expansion, written by genmlip {__version__}"
    yield f"# radial functions: {report.n_polynomials} polynomials, relative error {report.radial_error:.1e};"
    yield f"# slopes of tables with bins of {report.spline_bin:g} Angstrom: {report.spline_error:.1e}"
    if report.exact_beyond:
        yield (
            f"# atoms closer than {report.exact_beyond:g} Angstrom repel each other about as in genmlip, "
            f"but not in the same way: error of the cores {report.core_error:.0%}"
        )


def _embedding_record(embedding: Embedding) -> Record:
    pairs = zip(embedding.prefactors, embedding.exponents, strict=True)
    return {
        "ndensity": len(embedding.prefactors),
        "FS_parameters": [value for pair in pairs for value in pair],
        "npoti": embedding.kind,
        "rho_core_cutoff": NO_CORE_SWITCH[0],
        "drho_core_cutoff": NO_CORE_SWITCH[1],
    }


def _bond_record(bond: Bond, lmax: int, n: int) -> Record:
    core = bond.close_range
    return {
        "nradmax": bond.n_channels,
        "lmax": lmax,
        "nradbasemax": n,
        "radbasename": "ChebPow",
        "radparameters": [1.0],
        "radcoefficients": [[row] * (lmax + 1) for row in bond.polynomials(n)[: bond.n_channels].tolist()],
        "prehc": core.prefactor if core else 0.0,
        "lambdahc": core.decay if core else 1.0,
        "rcut": bond.cutoff,
        "dcut": 0.01,  # unused by this family
        "rcut_in": 0.0,
        "dcut_in": 0.0,
        "inner_cutoff_type": "density",
    }


def _flow(value: Any) -> str:
    """A value in YAML's flow style, numbers in the shortest form that reads back to the same float."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    text = repr(value) if isinstance(value, float) else str(value)
    if isinstance(value, float) and "e" in text and "." not in text:
        return text.replace("e", ".0e")  # YAML 1.1 takes 1e-05 for a word
    return text
