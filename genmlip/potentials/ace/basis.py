"""Which functions make up an atomic cluster expansion, and their expansion in products of density moments.

    φ_{znlm}(r_ij, z_j) = δ_{z z_j} R_n(r_ij) Y_lm(r̂_ij),           one-particle functions
    A_v = Σ_j φ_v(r_ij, z_j),  v = (z, n, l, m),                    density moments
    B_k = Σ_t c_kt A_{v_1(t)} … A_{v_ν(t)},                          invariants.

Here k stands for a multiset of ν labels (z, n, l) and one of its couplings, see :mod:`coupling`. A multiset
of correlation order ν enters if Σ (n + w l) ≤ D_ν, if Σ l is even (reflection) and if its symmetrised
coupling has any function. Every centre species has the same functions, with coefficients of its own.

Drautz, Phys. Rev. B 99, 014104 (2019); Dusson et al., J. Comput. Phys. 454, 110946 (2022).
"""
# ruff: noqa: E741 - l is the angular momentum

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
from ase.data import atomic_numbers, covalent_radii, reference_states
from scipy.sparse import csr_matrix

from genmlip._types import Array, IntArray
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace.coupling import coupling_pattern
from genmlip.potentials.ace.radial import RadialBasis

MAX_ORDER = 6
MAX_DEGREE = 60
MAX_MULTISETS = 50_000
MAX_TENSOR = 200_000  # entries of a coupling tensor
SHORTEST, LONGEST = 0.1, 100.0  # Å, of cutoff and r0


class Label(NamedTuple):
    """(z, n, l): index of the neighbour's species, radial index ≥ 1, angular momentum."""

    z: int
    n: int
    l: int


class BasisFunction(NamedTuple):
    """One invariant: its sorted labels and which of their couplings it is."""

    labels: tuple[Label, ...]
    path: int


@dataclass(frozen=True)
class ACEBasis:
    """The settings of a basis; everything else follows from them.

    symbols : elements, in the order of the species index
    cutoff : Å
    degrees : D_1 … D_N, largest total degree Σ (n + w l) of each correlation order; N is the highest order
    angular_weight : w
    r0 : Å, distance of highest radial resolution (one for all pairs)
    tail, core, envelope : of the radial functions, see :class:`RadialBasis`

    Raises InputError for settings that make no function or no sense.
    """

    symbols: tuple[str, ...]
    cutoff: float
    degrees: tuple[float, ...]
    angular_weight: float
    r0: float
    tail: int = 2
    core: int = 10
    envelope: int = 3

    def __post_init__(self) -> None:
        _check_settings(self)
        for name in ("cutoff", "angular_weight", "r0"):
            object.__setattr__(self, name, float(getattr(self, name)))
        object.__setattr__(self, "degrees", tuple(float(degree) for degree in self.degrees))
        if not self.functions:
            least = ", ".join(str(v) for v in range(1, len(self.degrees) + 1))
            raise InputError(
                f"ACE basis: degrees {self.degrees} make no function "
                f"(every order needs a degree of at least the order itself: {least})"
            )

    @property
    def order(self) -> int:
        """Highest correlation order (body order minus one)."""
        return len(self.degrees)

    @property
    def n_functions(self) -> int:
        """Functions per centre species."""
        return len(self.functions)

    @cached_property
    def functions(self) -> tuple[BasisFunction, ...]:
        """All invariants, by order, then by label."""
        multisets = list(
            islice(chain.from_iterable(map(self._multisets, range(1, self.order + 1))), MAX_MULTISETS + 1)
        )
        if len(multisets) > MAX_MULTISETS:
            raise InputError(
                f"ACE basis: degrees {self.degrees} make more than {MAX_MULTISETS} sets of labels"
            )
        return tuple(
            BasisFunction(labels, path) for labels in multisets for path in range(len(_pattern(labels)[1]))
        )

    def count_by_order(self) -> dict[int, int]:
        """Number of functions of each correlation order."""
        orders = [len(f.labels) for f in self.functions]
        return {nu: orders.count(nu) for nu in range(1, self.order + 1)}

    def _multisets(self, nu: int) -> Iterator[tuple[Label, ...]]:
        """Sorted label multisets of order ``nu`` within the degree, with Σ l even."""
        budget, w = self.degrees[nu - 1] + 1e-9, self.angular_weight
        pool = sorted(
            Label(z, n, l)
            for z in range(len(self.symbols))
            for n in range(1, int(budget) + 1)
            for l in range(int((budget - n) / w) + 1)
        )
        degree = [label.n + w * label.l for label in pool]

        def extend(start: int, chosen: tuple[Label, ...], used: float) -> Iterator[tuple[Label, ...]]:
            missing = nu - len(chosen)
            if missing == 0:
                if sum(label.l for label in chosen) % 2 == 0:
                    yield chosen
                return
            for k in range(start, len(pool)):
                if used + degree[k] + (missing - 1) <= budget:  # the others take at least one each
                    yield from extend(k, (*chosen, pool[k]), used + degree[k])

        return extend(0, (), 0.0)

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        """One-particle labels in use, sorted: species by species, as the kernels need them."""
        return tuple(sorted({label for f in self.functions for label in f.labels}))

    @cached_property
    def label_offset(self) -> dict[Label, int]:
        """Position of (z, n, l, m = −l) among the density moments A."""
        width = [2 * label.l + 1 for label in self.labels]
        return dict(zip(self.labels, np.cumsum([0, *width[:-1]]).tolist(), strict=True))

    @cached_property
    def lmax(self) -> int:
        """Largest angular momentum in use."""
        return max(label.l for label in self.labels)

    @cached_property
    def radial(self) -> RadialBasis:
        """The radial functions."""
        n_max = max(label.n for label in self.labels)
        return RadialBasis(self.cutoff, self.r0, n_max, self.tail, self.core, self.envelope)

    @cached_property
    def moments(self) -> IntArray:
        """(n_A, 3): species, radial index from 0, and l² + l + m of every density moment A_v."""
        rows = [(z, n - 1, l * l + k) for z, n, l in self.labels for k in range(2 * l + 1)]
        return np.array(rows, dtype=np.int64)

    @cached_property
    def _expansion(self) -> tuple[IntArray, csr_matrix]:
        """Monomials (T, order), padded with −1, and coefficients (K, T)."""
        index: dict[tuple[int, ...], int] = {}
        rows: list[IntArray] = []
        columns: list[IntArray] = []
        values: list[Array] = []
        for k, (labels, path) in enumerate(self.functions):
            m, coefficients = _pattern(labels)
            factors = m + np.array([self.label_offset[label] for label in labels])
            used = np.flatnonzero(abs(coefficients[path]) > 1e-13)
            columns.append(np.array([index.setdefault(tuple(f), len(index)) for f in factors[used].tolist()]))
            values.append(coefficients[path, used])
            rows.append(np.full(len(used), k))
        monomials = np.full((len(index), self.order), -1, dtype=np.int64)
        for factors, t in index.items():
            monomials[t, : len(factors)] = factors
        entries = (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns)))
        return monomials, csr_matrix(entries, shape=(self.n_functions, len(index)))

    @property
    def monomials(self) -> IntArray:
        """(T, order) sorted density moments of every product, padded with −1."""
        return self._expansion[0]

    @property
    def coefficients(self) -> csr_matrix:
        """(K, T): B = coefficients @ products."""
        return self._expansion[1]

    @cached_property
    def smoothness_prior(self) -> Array:
        """(K,) γ = (Σ_α n_α² + (w l_α)²)², the symbol of a squared Laplacian: how rough a function is.

        Penalising Σ (γ_k c_k)², for columns of unit norm, keeps a fit from using the roughest functions where
        there are no data; plain least squares with many pair functions extrapolates badly without it.
        """
        w = self.angular_weight
        return np.array(
            [float(sum(n**2 + (w * l) ** 2 for _, n, l in f.labels)) ** 2 for f in self.functions]
        )


def _pattern(labels: tuple[Label, ...]) -> tuple[IntArray, Array]:
    """Coupling of a sorted multiset of labels."""
    kinds = {label: g for g, label in enumerate(dict.fromkeys(labels))}
    return coupling_pattern(tuple(label.l for label in labels), tuple(kinds[label] for label in labels))


def first_shell_distance(symbols: Sequence[str]) -> float:
    """Å, mean over the elements: mean distance of the first shell of the reference crystal.

    In bcc that is the mean of the first two shells, 8 and 6 atoms that differ by 15 % only. Elements whose
    reference is none of the simple crystals have twice their covalent radius.
    """
    _check_symbols(tuple(symbols))
    bcc = (8 * 3**0.5 / 2 + 6) / 14
    factor = {"bcc": bcc, "fcc": 0.5**0.5, "diamond": 3**0.5 / 4, "hcp": 1.0, "sc": 1.0}
    distances = []
    for symbol in symbols:
        state = reference_states[atomic_numbers[symbol]] or {}
        known = factor.get(state.get("symmetry", ""))
        distances.append(known * state["a"] if known else 2 * covalent_radii[atomic_numbers[symbol]])
    return float(np.mean(distances))


def check_integer(name: str, value: Any, least: int, most: int | None = None) -> None:
    """Raise InputError unless ``value`` is a whole number of the range."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"ACE basis: {name} = {value!r} must be an integer")
    if value < least or (most is not None and value > most):
        limits = f"at least {least}" if most is None else f"from {least} to {most}"
        raise InputError(f"ACE basis: {name} = {value} must be {limits}")


def _check_settings(basis: ACEBasis) -> None:
    _check_symbols(basis.symbols)
    for name in ("cutoff", "r0", "angular_weight"):
        _check_number(name, getattr(basis, name))
    for degree in basis.degrees:
        _check_number("degree", degree)
    _check_degrees(basis.degrees, basis.angular_weight)
    for name in ("cutoff", "r0"):
        if not SHORTEST <= getattr(basis, name) <= LONGEST:
            raise InputError(
                f"ACE basis: {name} = {getattr(basis, name)} must be positive, {SHORTEST} to {LONGEST} Å"
            )
    if basis.r0 > 2 * basis.cutoff:
        raise InputError(f"ACE basis: r0 = {basis.r0} must be at most twice the cutoff, {basis.cutoff}")
    for name in ("tail", "core", "envelope"):
        check_integer(name, getattr(basis, name), 3 if name == "envelope" else 1, 16)
    if not (basis.tail <= basis.core and basis.core > 1):
        raise InputError(f"ACE basis: tail ≤ core and core > 1 wanted, not {basis.tail} and {basis.core}")


def _check_number(name: str, value: Any) -> None:
    is_number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    if not (is_number and np.isfinite(float(value))):
        raise InputError(f"ACE basis: {name} = {value!r} must be a finite number")


def _check_symbols(symbols: tuple[str, ...]) -> None:
    if not symbols:
        raise InputError("ACE basis: symbols is empty")
    for symbol in symbols:
        if not isinstance(symbol, str) or symbol not in atomic_numbers or symbol == "X":
            raise UnknownNameError("element", str(symbol), (s for s in atomic_numbers if s != "X"))
    if len(set(symbols)) != len(symbols):
        raise InputError(f"ACE basis: symbols {symbols} repeat an element")


def _check_degrees(degrees: tuple[float, ...], angular_weight: float) -> None:
    if not 1 <= len(degrees) <= MAX_ORDER:
        raise InputError(f"ACE basis: {len(degrees)} degrees given; one per order, 1 to {MAX_ORDER} orders")
    if not all(d <= MAX_DEGREE for d in degrees):
        raise InputError(f"ACE basis: degrees {degrees} must be at most {MAX_DEGREE}")
    if angular_weight < 0.1:
        raise InputError(f"ACE basis: angular_weight = {angular_weight} must be at least 0.1")
    for nu, degree in enumerate(degrees, start=1):
        l = max(0, int((degree - nu) / (nu * angular_weight)))
        if nu > 1 and (2 * l + 1) ** nu > MAX_TENSOR:
            raise InputError(f"ACE basis: degree {degree} of order {nu} makes couplings of unmanageable size")
