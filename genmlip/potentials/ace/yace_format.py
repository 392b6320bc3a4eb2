"""The .yace format of python-ace and of LAMMPS' ML-PACE, as typed records; what they mean is in :mod:`yace`.

A file is a YAML mapping: ``elements``, ``E0`` (eV), ``embeddings`` by species, ``bonds`` by ordered pair of
species [μ, μ'], ``functions`` by species. Numbers are checked here: all there, finite, of the right count,
indices within their range. Everything wrong is a FileFormatError that names the file and the field.

A file that is cut between two functions is a valid file with fewer functions; the format cannot tell.

Lysogorskiy et al., npj Comput. Mater. 7, 97 (2021); Bochkarev et al., Phys. Rev. Mater. 6, 013804 (2022).
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

import numpy as np
from ase.data import atomic_numbers

from genmlip._types import Array, IntArray
from genmlip.errors import FileFormatError
from genmlip.potentials.ace.yaml_events import parse_yaml

MAX_NUMBER = 1e100  # anything larger is an accident, and would overflow in products
SMALLEST = np.finfo(float).tiny
MAX_CUTOFF = 50.0  # Å
MAX_DEGREE = 32  # angular momentum; files in use have at most 8
RADIAL_BASES = ("ChebExpCos", "ChebPow", "ChebLinear", "SBessel", "TEST_SBessel")  # the last: an old name
MAX_RANK = 8  # factors of a product; files in use have at most 6

Pair: TypeAlias = tuple[int, int]


@dataclass(frozen=True)
class EmbeddingRecord:
    """F = Σ_p w_p f(ρ_p; m_p) of a species, and where the repulsive core takes over, eV."""

    kind: str
    prefactors: tuple[float, ...]
    exponents: tuple[float, ...]
    core_cutoff: float
    core_width: float


@dataclass(frozen=True, eq=False)
class BondRecord:
    """Radial functions g_k and R_nl = Σ_k c_nlk g_k of an ordered pair of species; lengths in Å.

    basis : name of the family of g_k
    parameter : λ of that family
    coefficients : (n, l, k) c_nlk
    core : (prefactor, λ) of the repulsion, eV Å and Å⁻²
    cutoff, width : r_cut, and how far before it the additional cutoff sets in
    inner_cutoff, inner_width, inner_kind : where and how the expansion gives way to the core
    """

    basis: str
    parameter: float
    coefficients: Array
    core: tuple[float, float]
    cutoff: float
    width: float
    inner_cutoff: float
    inner_width: float
    inner_kind: str

    @property
    def n_base(self) -> int:
        """Number of g_k."""
        return self.coefficients.shape[2]


@dataclass(frozen=True, eq=False)
class PolynomialRecord:
    """Orthogonal polynomials in x = ((1 + r0)/(1 + r))^p times (x − x_l)^{p_l} (x − x_r)^{p_r}.

    recursion : (maxn, 3) A, B, C of P_n = (A_n x + B_n) P_{n−1} + C_n P_{n−2}
    """

    cutoff: float
    r0: float
    power: int
    ends: tuple[float, float]
    end_powers: tuple[int, int]
    recursion: Array

    @property
    def n_base(self) -> int:
        """Number of polynomials."""
        return len(self.recursion)


@dataclass(frozen=True, eq=False)
class PairRecord:
    """Pair potential Σ_n c_n P_n(r) beyond ``r_inner`` and e0 + B exp(−A (r/r_inner − 1)) r_inner/r below."""

    coefficients: Array
    r_inner: float
    e0: float
    A: float
    B: float


@dataclass(frozen=True, eq=False)
class SplineRecord:
    """Radial functions as cubic Hermite splines: values and slopes (functions, nbins + 1) at equal steps."""

    cutoff: float
    values: Array
    slopes: Array

    @property
    def n_base(self) -> int:
        """Number of functions."""
        return len(self.values)


@dataclass(frozen=True, eq=False)
class FunctionRecord:
    """Σ_t c_tp Re Π_α A_{μ_α n_α l_α m_αt}: one term of the densities.

    mus, ns, ls : (rank,) neighbour species, radial index from 1, degree
    ms : (T, rank)
    coefficients : (T, P)
    """

    mus: IntArray
    ns: IntArray
    ls: IntArray
    ms: IntArray
    coefficients: Array


Radial: TypeAlias = BondRecord | PolynomialRecord | SplineRecord
"""What a file says of the radial functions of an ordered pair of species."""


@dataclass(frozen=True, eq=False)
class YaceRecord:
    """A whole file; ``pairs`` with the polynomials they are made of occur with PolynomialRecord only."""

    elements: tuple[str, ...]
    E0: tuple[float, ...]
    spline_bin: float
    embeddings: tuple[EmbeddingRecord, ...]
    bonds: Mapping[Pair, Radial]
    functions: tuple[tuple[FunctionRecord, ...], ...]
    pair_basis: PolynomialRecord | None = None
    pairs: dict[Pair, PairRecord] | None = None


def read_yace(path: Path) -> YaceRecord:
    """The content of a .yace file; raises FileFormatError naming the field that is missing or wrong."""
    root = _Field(path, parse_yaml(path))
    elements = _elements(root["elements"])
    n = len(elements)
    E0 = root["E0"].numbers(n)
    embeddings = tuple(_embedding(item) for item in root["embeddings"].by_species(n))
    fields = root["bonds"].by_pair(n)
    names = {pair: bond["radbasename"].text() for pair, bond in fields.items()}
    from_julia = {name.startswith("ACE.jl") for name in names.values()}
    if len(from_julia) > 1:
        root["bonds"].fail("radial bases ACE.jl.* and others cannot be mixed")
    bonds: Mapping[Pair, Radial]
    if from_julia == {True}:
        lmax = root["lmax"].integer(0, MAX_DEGREE)
        bonds = {pair: _julia_bond(bond) for pair, bond in fields.items()}
        spline_bin, (pair_basis, pairs) = 0.0, _pair_potential(root, n)
    else:
        bonds = classic = {pair: _bond(bond, names[pair]) for pair, bond in fields.items()}
        _check_inner_kinds(root["bonds"], classic)
        lmax = max(bond.coefficients.shape[1] for bond in classic.values()) - 1
        spline_bin, pair_basis, pairs = root["deltaSplineBins"].number(1e-9, MAX_CUTOFF), None, None
    sizes = n, _radial_sizes(bonds), lmax
    functions = tuple(
        tuple(_function(item, mu, len(embeddings[mu].prefactors), sizes) for item in species.items())
        for mu, species in enumerate(root["functions"].by_species(n))
    )
    return YaceRecord(
        elements, tuple(E0.tolist()), spline_bin, embeddings, bonds, functions, pair_basis, pairs
    )


def _elements(field: _Field) -> tuple[str, ...]:
    elements = tuple(item.text() for item in field.items())
    for symbol in elements:
        if symbol not in atomic_numbers or symbol == "X":
            field.fail(f"unknown element {symbol!r}")
    if not elements or len(set(elements)) < len(elements):
        field.fail(f"must name every element once, not {', '.join(elements) or 'none'}")
    return elements


def _embedding(field: _Field) -> EmbeddingRecord:
    kind = field["npoti"].text()
    if kind not in ("FinnisSinclair", "FinnisSinclairShiftedScaled"):
        field["npoti"].fail(f"must be FinnisSinclair or FinnisSinclairShiftedScaled, not {kind!r}")
    n = field["ndensity"].integer(1, 100)
    numbers = field["FS_parameters"].numbers()
    if len(numbers) < 2 * n:
        field["FS_parameters"].fail(f"two numbers for each of {n} densities are needed")
    parameters = numbers[: 2 * n].reshape(n, 2)  # further ones have no meaning to any reader
    if not ((parameters[:, 1] > 0) & (parameters[:, 1] <= 16)).all():
        field["FS_parameters"].fail("exponents (second, fourth, … number) must be from 0 to 16")
    core_cutoff = field["rho_core_cutoff"].number(SMALLEST)
    core_width = field["drho_core_cutoff"].number(0.0, core_cutoff)
    prefactors, exponents = parameters.T.tolist()
    return EmbeddingRecord(kind, tuple(prefactors), tuple(exponents), core_cutoff, core_width)


def _bond(field: _Field, name: str) -> BondRecord:
    if name not in RADIAL_BASES:
        field["radbasename"].fail(f"must be one of {', '.join(RADIAL_BASES)} or ACE.jl.*, not {name!r}")
    shape = (
        field["nradmax"].integer(0),
        field["lmax"].integer(0, MAX_DEGREE) + 1,
        field["nradbasemax"].integer(1),
    )
    parameters = field["radparameters"].numbers()
    if len(parameters) == 0:
        field["radparameters"].fail("is empty")
    return BondRecord(
        name,
        float(parameters[0]),
        field["radcoefficients"].cube(shape),
        (field["prehc"].number(), field["lambdahc"].number()),
        field["rcut"].number(0.1, MAX_CUTOFF),
        field["dcut"].number(0.0, MAX_CUTOFF),
        field["rcut_in"].number(0.0, MAX_CUTOFF) if "rcut_in" in field else 0.0,
        field["dcut_in"].number(0.0, MAX_CUTOFF) if "dcut_in" in field else 0.0,
        field["inner_cutoff_type"].text() if "inner_cutoff_type" in field else "density",
    )


def _check_inner_kinds(field: _Field, bonds: dict[Pair, BondRecord]) -> None:
    kinds = {bond.inner_kind for bond in bonds.values()}
    if unknown := sorted(kinds - {"density", "distance", "zbl"}):
        field.fail(f"inner_cutoff_type must be density, distance or zbl, not {unknown[0]!r}")
    if len(kinds) > 1:
        field.fail("inner_cutoff_type must be the same for all pairs")
    if kinds == {"zbl"} and not all(bond.width > 0 and bond.inner_width > 0 for bond in bonds.values()):
        field.fail("dcut and dcut_in must be positive where inner_cutoff_type is zbl")


def _julia_bond(field: _Field) -> PolynomialRecord | SplineRecord:
    """Bonds ACE.jl.*: polynomials up to 2022, splines since."""
    if "nbins" not in field:
        return _polynomials(field)
    n_functions, nbins = field["nradial"].integer(1), field["nbins"].integer(1)
    nodal = []
    for name in ("splinenodalvals", "splinenodalderivs"):
        functions = field[name].by_species(None)
        if len(functions) < n_functions:
            field[name].fail(f"nradial = {n_functions} functions are needed")
        nodal.append(np.array([f.numbers(nbins + 1) for f in functions[:n_functions]]))
    return SplineRecord(field["rcut"].number(0.1, MAX_CUTOFF), *nodal)


def _polynomials(field: _Field) -> PolynomialRecord:
    maxn, recursion = field["maxn"].integer(1), field["recursion_coefficients"]
    return PolynomialRecord(
        field["rcut"].number(0.1, MAX_CUTOFF),
        field["r0"].number(0.0, MAX_CUTOFF),
        field["p"].integer(1, 32),
        (field["xl"].number(), field["xr"].number()),
        (field["pl"].integer(0, 16), field["pr"].integer(0, 16)),
        np.stack([recursion[name].numbers(maxn) for name in "ABC"], axis=1),
    )


def _pair_potential(root: _Field, n: int) -> tuple[PolynomialRecord | None, dict[Pair, PairRecord] | None]:
    if "polypairpot" not in root:
        return None, None
    field = root["polypairpot"]
    basis = _polynomials(field)
    core = root["reppot"]["coefficients"].by_pair(n) if "reppot" in root else None
    pairs = {}
    for pair, coefficients in field["coefficients"].by_pair(n).items():
        inner = [core[pair][name].number() if core else 0.0 for name in ("ri", "e0", "A", "B")]
        pairs[pair] = PairRecord(coefficients.numbers(len(basis.recursion)), *inner)
    return basis, pairs


def _radial_sizes(bonds: Mapping[Pair, Radial]) -> tuple[int, int]:
    """Largest n of order-one functions, which take g_n, and of the others, which take R_nl."""
    n_base = [bond.n_base for bond in bonds.values()]
    n_radial = [bond.coefficients.shape[0] for bond in bonds.values() if isinstance(bond, BondRecord)]
    return (max(n_base), max(n_radial)) if n_radial else (min(n_base), min(n_base))


def _function(
    field: _Field, mu: int, n_densities: int, sizes: tuple[int, tuple[int, int], int]
) -> FunctionRecord:
    n_species, (n_base, n_radial), lmax = sizes
    rank, n_terms = field["rank"].integer(1, MAX_RANK), field["num_ms_combs"].integer(0)
    if field["mu0"].integer() != mu:
        field["mu0"].fail(f"must be {mu}, the species it is listed under")
    if field["ndensity"].integer() != n_densities:
        field["ndensity"].fail(f"must be {n_densities}, as in embeddings")
    l = field["ls"].integers(rank, 0, lmax if rank > 1 else 0)
    ms = field["ms_combs"].integers(n_terms * rank).reshape(n_terms, rank)
    if (abs(ms) > l).any():
        field["ms_combs"].fail("∣m∣ exceeds l")
    return FunctionRecord(
        field["mus"].integers(rank, 0, n_species - 1),
        field["ns"].integers(rank, 1, n_base if rank == 1 else n_radial),
        l,
        ms,
        field["ctildes"].numbers(n_terms * n_densities).reshape(n_terms, n_densities),
    )


class _Field:
    """A node of the YAML tree that knows its name; scalars are strings until they are asked for."""

    __slots__ = ("content", "name", "path")

    def __init__(self, path: Path, content: Any, name: str = "") -> None:
        self.path, self.content, self.name = path, content, name

    def fail(self, reason: str) -> NoReturn:
        where = f"field '{self.name}': " if self.name else ""
        raise FileFormatError(f"{self.path}: {where}{reason}")

    def _wanted(self, what: str) -> NoReturn:
        self.fail(f"must be {what}, not {str(self.content)[:40]!r}")

    def _mapping(self) -> dict[Any, Any]:
        if not isinstance(self.content, dict):
            self._wanted("a mapping")
        return self.content

    def __contains__(self, key: str) -> bool:
        return key in self._mapping()

    def __getitem__(self, key: str) -> _Field:
        if key not in self._mapping():
            self.fail(f"'{key}' is missing")
        return _Field(self.path, self.content[key], f"{self.name}.{key}" if self.name else key)

    def _list(self) -> list[Any]:
        if not isinstance(self.content, list):
            self._wanted("a list")
        return self.content

    def items(self) -> Iterator[_Field]:
        for k, item in enumerate(self._list()):
            yield _Field(self.path, item, f"{self.name}[{k}]")

    def by_species(self, n: int | None) -> list[_Field]:
        """The items under the keys 0 … n − 1, or 0, 1, … as many as there are."""
        keys = [str(k) for k in range(len(self._mapping()) if n is None else n)]
        self._check_keys(keys)
        return [self[key] for key in keys]

    def by_pair(self, n: int) -> dict[Pair, _Field]:
        """The items under the keys [0, 0] … [n − 1, n − 1]."""
        pairs = {(i, j): (str(i), str(j)) for i in range(n) for j in range(n)}
        self._check_keys(list(pairs.values()))
        return {
            (i, j): _Field(self.path, self.content[key], f"{self.name}.[{i}, {j}]")
            for (i, j), key in pairs.items()
        }

    def _check_keys(self, keys: list[Any]) -> None:
        present = self._mapping()
        for key in keys:
            if key not in present:
                self.fail(f"{_label(key)} is missing")
        if len(present) > len(keys):
            self.fail(f"{_label(next(k for k in present if k not in keys))} names no species of the file")

    def text(self) -> str:
        if not isinstance(self.content, str):
            self._wanted("a name")
        return self.content

    def number(self, low: float = -MAX_NUMBER, high: float = MAX_NUMBER) -> float:
        value = _float(self.content)
        if not low <= value <= high:  # NaN is refused, too
            usual = {-MAX_NUMBER: "a finite number", SMALLEST: "a positive number"}
            self._wanted(usual.get(low, f"a number from {low:g} to {high:g}"))
        return value

    def integer(self, low: int = -(2**31), high: int = 2**31) -> int:
        value = _integer(self.content)
        if value is None or not low <= value <= high:
            self._wanted("an integer" if high == 2**31 else f"an integer from {low} to {high}")
        return value

    def numbers(self, n: int | None = None) -> Array:
        """``n`` numbers, or as many as there are."""
        values = np.array([_float(x) for x in self._list()])
        if not (abs(values) <= MAX_NUMBER).all():
            self.fail("holds something that is not a finite number")
        return self._counted(values, n)

    def integers(self, n: int, low: int = -(2**31), high: int = 2**31) -> IntArray:
        values = [_integer(x) for x in self._list()]
        if not all(x is not None and low <= x <= high for x in values):
            self.fail(f"must hold integers from {low} to {high}")
        return self._counted(np.array(values, dtype=np.int64), n)

    def _counted(self, values: Any, n: int | None) -> Any:
        if n is not None and len(values) != n:
            self.fail(f"{len(values)} numbers where {n} are needed")
        return values

    def cube(self, shape: tuple[int, int, int]) -> Array:
        """Numbers in lists of lists of lists; no space is taken before their number is known."""
        names = ("nradmax", "lmax + 1", "nradbasemax")
        rows = [row for item in self.items() for row in item.items()]
        for count, wanted, name in (
            (len(self.content), shape[0], names[0]),
            (len(rows), shape[0] * shape[1], " × ".join(names[:2])),
        ):
            if count != wanted:
                self.fail(f"{count} lists where {name} = {wanted} are needed")
        return np.array([row.numbers(shape[2]) for row in rows]).reshape(shape)


def _float(text: Any) -> float:
    try:
        return float(text) if isinstance(text, str) else np.nan
    except ValueError:
        return np.nan


def _integer(text: Any) -> int | None:
    """None where it is no integer, or one of absurd length."""
    try:
        return int(text) if isinstance(text, str) and len(text) < 20 else None
    except ValueError:
        return None


def _label(key: Any) -> str:
    return f"[{', '.join(map(str, key))}]" if isinstance(key, tuple) else str(key)
