"""A linear ACE as a .yace file, which python-ace and the pair style ``pace`` of LAMMPS read.

The format has radial functions of its own; ours become sums of them. Of its families,

    g_k(r) = (1 − T_k(x)) / 2,   x = 2 r / r_cut − 1,   k = 1 … K      (``ChebPow`` with exponent one)

span all polynomials in r that vanish at the cutoff. Every R_n vanishes there, so R_n = Σ_k a_nk T_k(x) is
also R_n = −2 Σ_{k ≥ 1} a_nk g_k: there is nothing to fit, and the error is what the cut series leaves out.
It falls exponentially, since R_n is analytic on the whole interval. The functions of order one add up to one
pair function Σ_n c_n R_n per pair of species, written in the g_k directly, as the format wants them.

Its harmonics are √4π times the complex orthonormal ones, see :mod:`complex_harmonics`, so a product of ν
moments carries (4π)^{−ν/2}. Both programs tabulate the radial functions and interpolate by cubics; that, not
the conversion, limits how well their forces agree with ours, see :class:`ExportReport`.

Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021), describe programs and radial functions.
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.fft import dct

from genmlip import __version__
from genmlip._files import write_atomically
from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.ace.complex_harmonics import degree_and_order, to_complex
from genmlip.potentials.ace.expansion import Centre, Embedding, Expansion, RadialFunctions
from genmlip.potentials.ace.linear import LinearACE

SUFFIX = ".yace"
TOLERANCE = 1e-12
SPLINE_BIN = 1e-3  # Å, what the readers use unless told otherwise
MAX_POLYNOMIALS = 1024
NO_CORE_SWITCH = (1e5, 250.0)  # eV: no core is ever so strong
_SAMPLES = 4096  # Chebyshev nodes, enough for MAX_POLYNOMIALS without aliasing
_NEAREST = 0.25  # of the cutoff: closer than this, functions are not what errors are measured against


@dataclass(frozen=True)
class ExportReport:
    """What a potential became, and how exactly.

    path : the file
    n_polynomials : K, Chebyshev polynomials per radial function
    n_functions : functions in the file, those of order one included
    radial_error : largest error of a radial or pair function, relative to its largest value
    spline_bin : Å, bin of the cubic tables that the readers make
    spline_error : largest error of the slope of such a table, relative to the largest slope; about that of
        forces. It falls with the third power of ``spline_bin``.

    "Largest" is over the distances from a quarter of the cutoff.
    """

    path: Path
    n_polynomials: int
    n_functions: int
    radial_error: float
    spline_bin: float
    spline_error: float


def save_yace(
    potential: LinearACE, path: str | Path, tolerance: float = TOLERANCE, spline_bin: float = SPLINE_BIN
) -> ExportReport:
    """Write ``potential`` to the file ``path`` (.yace); what is there is overwritten.

    tolerance : error of the radial functions that is aimed at, relative to their largest values
    spline_bin : Å, bin of the tables that the readers will make; a smaller one costs them memory

    Raises InputError if ``path`` does not end in .yace, if the potential is no :class:`LinearACE`, or if its
    radial functions need more than 1024 polynomials.
    """
    path = Path(path)
    if path.suffix != SUFFIX:
        raise InputError(f"{path}: readers know the format by its suffix, which must be {SUFFIX}")
    if not isinstance(potential, LinearACE):
        raise InputError(
            f"only a fitted linear ACE can be written as {SUFFIX}, not {type(potential).__name__}"
        )
    if not (0 < tolerance < 1 and 0 < spline_bin < 0.1):
        raise InputError(
            f"tolerance = {tolerance} must be in (0, 1), spline_bin = {spline_bin} in (0, 0.1) Å"
        )
    expansion = potential.expansion
    bonds = _bonds(expansion)
    n_polynomials = max(bond.length(tolerance) for row in bonds for bond in row)
    if n_polynomials > MAX_POLYNOMIALS:
        raise InputError(
            f"{path}: the radial functions need more than {MAX_POLYNOMIALS} polynomials for a relative error "
            f"of {tolerance:g}; a larger tolerance needs fewer"
        )
    functions = [
        list(
            _functions(
                z, centre, [bond.in_radial_basis(n_polynomials)[bond.n_channels :] for bond in bonds[z]]
            )
        )
        for z, centre in enumerate(expansion.centres)
    ]
    report = ExportReport(
        path,
        n_polynomials,
        sum(map(len, functions)),
        max(bond.error(n_polynomials) for row in bonds for bond in row),
        spline_bin,
        max(bond.table_error(spline_bin) for row in bonds for bond in row),
    )
    write_atomically(path, "\n".join(_lines(expansion, bonds, functions, report)) + "\n")
    return report


# Radial functions


@dataclass(frozen=True, eq=False)
class _Bond:
    """Radial functions f_s of an ordered pair of species: the R_c of the products, then the pair functions.

    radial : the channels R_c
    mix : (S, channels), f = mix @ R
    n_channels : how many of the f are R_c; the others are Σ_c c_pc R_c, one per density p
    series : (S, _SAMPLES) coefficients a_sk of T_k
    """

    radial: RadialFunctions
    mix: Array
    n_channels: int
    series: Array

    @classmethod
    def of(cls, radial: RadialFunctions, n_channels: int, pair_weights: Array) -> _Bond:
        """``pair_weights`` (P, channels): c_pc."""
        mix = np.concatenate([np.eye(n_channels, pair_weights.shape[1]), pair_weights])
        x = np.cos(np.pi * (np.arange(_SAMPLES) + 0.5) / _SAMPLES)
        R = radial((x + 1) / 2 * radial.cutoff)[0]
        series = dct(mix @ R, axis=1) / _SAMPLES
        rounding = 10 * np.finfo(float).eps * abs(mix) @ abs(R).max(axis=1)
        return cls(radial, mix, n_channels, np.where(abs(series) > rounding[:, None], series, 0.0))

    def in_radial_basis(self, n: int) -> Array:
        """(S, n): the functions in terms of g_1 … g_n."""
        return -2 * self.series[:, 1 : n + 1]

    def length(self, tolerance: float) -> int:
        """n from which on the series adds up to less than ``tolerance`` of every function."""
        rest = np.cumsum(abs(self.series[:, ::-1]), axis=1)[:, ::-1]  # Σ_{j ≥ k} |a_j|
        needed = rest > tolerance * _largest(self._at(self._distances())[0])[:, None]
        return max(1, int(needed.sum(axis=1).max()) - 1)

    def error(self, n: int) -> float:
        """Largest error of n polynomials, relative to every function's largest value."""
        r = self._distances()
        exact = self._at(r)[0]
        theta = np.arccos(np.clip(2 * r / self.radial.cutoff - 1, -1, 1))
        g = (1 - np.cos(np.arange(1, n + 1)[:, None] * theta)) / 2
        return _worst_ratio(self.in_radial_basis(n) @ g - exact, exact)

    def table_error(self, spline_bin: float) -> float:
        """Largest error of the slopes of cubic Hermite tables, relative to every function's largest slope.

        Between two nodes the error of the slope is largest at (3 ± √3) / 6 of a bin.
        """
        n = int(self.radial.cutoff / spline_bin)
        h = self.radial.cutoff / n
        nodes = np.linspace(0, self.radial.cutoff, n + 1)[int(_NEAREST * n) :]
        f, slope = self._at(nodes)
        left, right, secant = slope[:, :-1], slope[:, 1:], np.diff(f, axis=1) / h
        errors = []
        for t in ((3 - 3**0.5) / 6, (3 + 3**0.5) / 6):
            cubic = 6 * t * (1 - t) * secant + (1 - t) * (1 - 3 * t) * left + t * (3 * t - 2) * right
            errors.append(_worst_ratio(cubic - self._at(nodes[:-1] + t * h)[1], slope))
        return max(errors)

    def _distances(self) -> Array:
        return np.asarray(np.linspace(_NEAREST, 1, 2001) * self.radial.cutoff)

    def _at(self, r: Array) -> tuple[Array, Array]:
        values, slopes = self.radial(r)
        return self.mix @ values, self.mix @ slopes


def _largest(values: Array) -> Array:
    return np.asarray(abs(values).max(axis=1))


def _worst_ratio(error: Array, exact: Array) -> float:
    """max |error| / max |exact| of the worst row; rows of zeros are exact."""
    scale = _largest(exact)
    return float((_largest(error)[scale > 0] / scale[scale > 0]).max(initial=0.0))


def _bonds(expansion: Expansion) -> list[list[_Bond]]:
    """By centre and neighbour."""
    many = [_order(centre) > 1 for centre in expansion.centres]
    channels = [
        centre.moments[centre.monomials[rows], 1][centre.monomials[rows] >= 0]
        for centre, rows in zip(expansion.centres, many, strict=True)
    ]
    n_channels = 1 + max(int(used.max(initial=0)) for used in channels)  # readers want one at least
    return [
        [
            _Bond.of(radial, n_channels, _pair_weights(centre, z, _n_channels(radial)))
            for z, radial in enumerate(row)
        ]
        for centre, row in zip(expansion.centres, expansion.radial, strict=True)
    ]


def _order(centre: Centre) -> IntArray:
    """(T,) number of factors of every product."""
    return np.asarray((centre.monomials >= 0).sum(axis=1))


def _pair_weights(centre: Centre, z: int, n_channels: int) -> Array:
    """(P, n_channels): c_pc of the products of order one with neighbours of species ``z``."""
    rows = np.flatnonzero(_order(centre) == 1)
    species, channel, _ = centre.moments[centre.monomials[rows, 0]].T
    weights = np.zeros((centre.weights.shape[1], n_channels))
    mine = species == z
    np.add.at(weights.T, channel[mine], centre.weights[rows[mine]])
    return weights


def _n_channels(radial: RadialFunctions) -> int:
    return len(radial(np.array([radial.cutoff / 2]))[0])


# Functions


def _functions(z: int, centre: Centre, pairs: list[Array]) -> Iterator[dict[str, Any]]:
    """The functions about atoms of species ``z``; ``pairs`` (P, K) by neighbour, in terms of the g_k."""
    for neighbour, pair in enumerate(pairs):
        for k in np.flatnonzero(pair.any(axis=0)):
            yield _function(z, [(neighbour, int(k) + 1, 0)], [[0]], pair[None, :, k])
    many = _order(centre) > 1
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
) -> dict[str, Any]:
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
        "ctildes": (weights / (4 * np.pi) ** (len(kind) / 2)).ravel().tolist(),
    }


# The text


def _lines(
    expansion: Expansion,
    bonds: list[list[_Bond]],
    functions: list[list[dict[str, Any]]],
    report: ExportReport,
) -> Iterator[str]:
    yield f"# {', '.join(expansion.symbols)}: atomic cluster expansion, written by genmlip {__version__}"
    yield (
        f"# radial functions: {report.n_polynomials} polynomials, relative error {report.radial_error:.1e}; "
        f"slopes of cubic tables with bins of {report.spline_bin:g} Angstrom: {report.spline_error:.1e}"
    )
    yield f"elements: {_flow(expansion.symbols)}"
    yield f"E0: {_flow([centre.E0 for centre in expansion.centres])}"
    yield f"deltaSplineBins: {_flow(report.spline_bin)}"
    yield "embeddings:"
    for z, centre in enumerate(expansion.centres):
        yield f"  {z}: {_flow(_embedding(centre.embedding))}"
    yield "bonds:"
    for z, row in enumerate(bonds):
        for neighbour, bond in enumerate(row):
            yield f"  [{z}, {neighbour}]: {_flow(_bond_record(bond, expansion.lmax, report.n_polynomials))}"
    yield "functions:"
    for z, records in enumerate(functions):
        yield f"  {z}:" if records else f"  {z}: []"
        for record in records:
            yield f"    - {_flow(record)}"


def _embedding(embedding: Embedding) -> dict[str, Any]:
    pairs = zip(embedding.prefactors, embedding.exponents, strict=True)
    return {
        "ndensity": len(embedding.prefactors),
        "FS_parameters": [value for pair in pairs for value in pair],
        "npoti": embedding.kind,
        "rho_core_cutoff": NO_CORE_SWITCH[0],
        "drho_core_cutoff": NO_CORE_SWITCH[1],
    }


def _bond_record(bond: _Bond, lmax: int, n: int) -> dict[str, Any]:
    coefficients = bond.in_radial_basis(n)[: bond.n_channels].tolist()
    return {
        "nradmax": bond.n_channels,
        "lmax": lmax,
        "nradbasemax": n,
        "radbasename": "ChebPow",
        "radparameters": [1.0],
        "radcoefficients": [[row] * (lmax + 1) for row in coefficients],
        "prehc": 0.0,
        "lambdahc": 1.0,
        "rcut": bond.radial.cutoff,
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
