"""Potentials in .yace files, as python-ace (pacemaker) and ACE.jl write them, for LAMMPS' pair_style pace.

    E_i = E0_{μ_i} + s(φ) Σ_p w_p f(ρ_p; m_p) + φ,      ρ_p = Σ_k c_kp Re Π_α A_{μ_α n_α l_α m_α},

with complex density moments A over R_nl(r) in products of two and more, and over g_n(r) where there is one.
Here they become an :class:`Expansion` in real harmonics: those of the format are √4π times the orthonormal
ones, and R_nl that are equal are one radial channel.

Those programs tabulate radial functions in bins of ``deltaSplineBins`` and interpolate by cubics; here they
come from their formulas. What the cubics get wrong limits the agreement.

Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021); Bochkarev et al., Phys. Rev. Mater. 6, 013804 (2022).
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from ase.data import atomic_numbers

from genmlip._types import Array
from genmlip.errors import FileFormatError
from genmlip.potentials.ace.complex_harmonics import to_real
from genmlip.potentials.ace.condensed import condensed
from genmlip.potentials.ace.expansion import Centre, Embedding, Expansion, RadialFunctions, RepulsiveCore
from genmlip.potentials.ace.pace import Handover, NearestSwitchedPotential, PACEPotential
from genmlip.potentials.ace.yace_format import (
    BondRecord,
    FunctionRecord,
    Pair,
    PolynomialRecord,
    Radial,
    YaceRecord,
    read_yace,
)
from genmlip.potentials.ace.yace_radial import (
    BondFunctions,
    GaussianCore,
    PairPotentialCore,
    PolynomialFunctions,
    SplineFunctions,
    UniversalRepulsion,
)


def load_yace(path: str | Path) -> PACEPotential:
    """The potential in a .yace file.

    Raises FileFormatError, naming the field, where the file is damaged or asks for what is not supported.
    """
    record = read_yace(Path(path))
    expansion, spec = expansion_of(record, Path(path)), f"ace:{path}"
    handovers = {pair: _handover(record, pair, bond) for pair, bond in record.bonds.items()}
    known = {pair: handover for pair, handover in handovers.items() if handover is not None}
    return NearestSwitchedPotential(expansion, known, spec) if known else PACEPotential(expansion, spec)


def expansion_of(record: YaceRecord, path: Path) -> Expansion:
    """The common form of the potential in ``record``; ``path`` is for messages."""
    species = range(len(record.elements))
    cores = tuple(tuple(_core(record, (mu, nu)) for nu in species) for mu in species)
    channels = [_Channels.of(record, mu) for mu in species]
    radial = tuple(tuple(_functions(record, (mu, nu), channels[mu]) for nu in species) for mu in species)
    centres = tuple(_centre(record, mu, channels[mu], any(cores[mu])) for mu in species)
    with np.errstate(all="ignore"):  # parameters that overflow are found by what they make
        expansion = condensed(Expansion(record.elements, centres, radial, cores))
        for mu in species:
            for nu in species:
                _check_radial(path, (mu, nu), expansion.radial[mu][nu], cores[mu][nu])
    return expansion


class _Channels(NamedTuple):
    """Radial functions in use about a centre; those with equal coefficients of the g_k are one channel.

    number : channel of (n, l), and of (n, −1) for g_n
    rows : (channels, neighbour species, K) coefficients of the g_k
    """

    number: dict[tuple[int, int], int]
    rows: Array

    @classmethod
    def of(cls, record: YaceRecord, mu: int) -> _Channels:
        bonds = [record.bonds[mu, nu] for nu in range(len(record.elements))]
        n_base = max(bond.n_base for bond in record.bonds.values())
        rows: dict[bytes, Array] = {}
        keys = {}
        for n, l in sorted({name for f in record.functions[mu] for name in _names(f)}):
            row = np.stack([_row(bond, n, l, n_base) for bond in bonds])
            keys[n, l] = (row + 0.0).tobytes()  # −0 is 0
            rows.setdefault(keys[n, l], row)
        position = {key: c for c, key in enumerate(rows)}
        number = {name: position[key] for name, key in keys.items()}
        return cls(number, np.array([*rows.values()]).reshape(-1, len(bonds), n_base))


def _names(f: FunctionRecord) -> list[tuple[int, int]]:
    """(n, l) of the factors of a product; (n, −1) for g_n, which a single factor is."""
    ls = f.ls.tolist() if len(f.ls) > 1 else [-1]
    return list(zip(f.ns.tolist(), ls, strict=True))


def _row(bond: Radial, n: int, l: int, n_base: int) -> Array:
    """Coefficients of R_nl in the g_k; a pair with fewer radial functions than others has zeros."""
    row = np.zeros(n_base)
    if l < 0 or not isinstance(bond, BondRecord):
        row[n - 1] = 1.0
    elif n <= bond.coefficients.shape[0] and l < bond.coefficients.shape[1]:
        row[: bond.n_base] = bond.coefficients[n - 1, l]
    return row


def _functions(record: YaceRecord, pair: Pair, channels: _Channels) -> RadialFunctions:
    bond = record.bonds[pair]
    mix = np.ascontiguousarray(channels.rows[:, pair[1]])
    if isinstance(bond, BondRecord):
        return BondFunctions(bond, mix)
    mix = mix[:, : bond.n_base]  # some pairs may have more functions than others
    if isinstance(bond, PolynomialRecord):
        return PolynomialFunctions(bond, mix, _polynomial_cutoff(record))
    return SplineFunctions(bond, mix)


def _polynomial_cutoff(record: YaceRecord) -> float:
    """Å, one for all pairs and for the pair potential."""
    cutoffs = [bond.cutoff for bond in record.bonds.values()]
    return max(cutoffs if record.pair_basis is None else [*cutoffs, record.pair_basis.cutoff])


def _core(record: YaceRecord, pair: Pair) -> RepulsiveCore | None:
    bond = record.bonds[pair]
    if isinstance(bond, BondRecord):
        if bond.inner_kind == "zbl":
            return None  # no part of the expansion
        prefactor, decay = (abs(x) for x in bond.core)
        by_distance = bond.inner_kind == "distance"
        if prefactor == 0 or (by_distance and bond.inner_cutoff == 0):
            return None
        inner = (bond.inner_cutoff - bond.inner_width, bond.inner_cutoff) if by_distance else None
        return GaussianCore(prefactor, decay, bond.cutoff, inner)
    if record.pair_basis is None or record.pairs is None:
        return None
    return PairPotentialCore(record.pair_basis, record.pairs[pair], _polynomial_cutoff(record))


def _handover(record: YaceRecord, pair: Pair, bond: Radial) -> Handover | None:
    if not (isinstance(bond, BondRecord) and bond.inner_kind == "zbl"):
        return None
    Zi, Zj = (atomic_numbers[record.elements[mu]] for mu in pair)
    low, high = bond.inner_cutoff - bond.inner_width, bond.inner_cutoff
    repulsion = UniversalRepulsion((Zi, Zj), bond.core[0], (bond.cutoff - bond.width, bond.cutoff))
    return Handover(low, high, repulsion)


def _check_radial(path: Path, pair: Pair, functions: RadialFunctions, core: RepulsiveCore | None) -> None:
    """Raise FileFormatError unless functions are finite, and vanish with their slopes at the cutoff."""
    r = functions.cutoff * np.append(np.linspace(0.02, 0.999, 64), 1 - 1e-9)
    values = functions(r) + (core(r) if core is not None else ())
    where = f"{path}: field 'bonds.[{pair[0]}, {pair[1]}]'"
    if not all(np.isfinite(v).all() for v in values):
        raise FileFormatError(f"{where}: the parameters make radial functions that are not finite")
    for v, tolerance in zip(values[:2], (1e-6, 1e-3), strict=True):
        if (abs(v[:, -1]) > tolerance * abs(v).max(axis=1)).any():
            raise FileFormatError(f"{where}: radial functions do not vanish smoothly at the cutoff")


def _centre(record: YaceRecord, mu: int, channels: _Channels, has_core: bool) -> Centre:
    """Density moments, their products in real harmonics, and the embedding, about one species."""
    embedding, functions = record.embeddings[mu], record.functions[mu]
    factors = [  # (species, channel, l) of every factor of every product
        [
            (z, channels.number[name], max(name[1], 0))
            for z, name in zip(f.mus.tolist(), _names(f), strict=True)
        ]
        for f in functions
    ]
    kinds = sorted({kind for product in factors for kind in product})
    ends = np.cumsum([2 * l + 1 for *_, l in kinds], dtype=np.int64).tolist()
    middle = {kind: end - kind[2] - 1 for kind, end in zip(kinds, ends, strict=True)}  # the moment with m = 0
    moments = np.array([(z, c, l * l + k) for z, c, l in kinds for k in range(2 * l + 1)], dtype=np.int64)
    rank = max((len(f.ns) for f in functions), default=1)
    labels, weights = [np.empty((0, rank), dtype=np.int64)], [np.empty((0, len(embedding.prefactors)))]
    for f, product in zip(functions, factors, strict=True):
        rows = np.full((len(f.ms), rank), -1)
        rows[:, : len(product)] = f.ms + np.array([middle[kind] for kind in product])
        labels.append(rows)
        weights.append((4 * np.pi) ** (len(product) / 2) * f.coefficients)
    moments = moments.reshape(-1, 3)
    return Centre(
        record.E0[mu],
        moments,
        *to_real(np.concatenate(labels), np.concatenate(weights), moments[:, 2]),
        Embedding(embedding.prefactors, embedding.exponents, embedding.kind),
        (embedding.core_cutoff, embedding.core_width) if has_core else None,
    )
