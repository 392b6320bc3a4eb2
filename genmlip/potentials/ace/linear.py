"""The linear atomic cluster expansion as a site potential: V_i = E0_{z_i} + Σ_k c_{z_i k} B_k.

The energy is linear in the coefficients c, and :meth:`LinearACE.design` returns the matrices of that linear
map for the energy, the forces and the virial of a configuration; fitting is left to the training package.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from genmlip._types import Array, IntArray
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.ace.basis import MAX_ORDER, ACEBasis, check_integer, first_shell_distance
from genmlip.potentials.ace.core import FrozenRadial, ShortRange, ZBLCore
from genmlip.potentials.ace.expansion import Centre, Expansion
from genmlip.potentials.ace.expansion_potential import ExpansionPotential
from genmlip.potentials.ace.files import Saved, load_json, save_json
from genmlip.potentials.ace.kernels import ace_design
from genmlip.potentials.ace.tables import KernelTables, most_neighbours
from genmlip.potentials.ace.training_range import TrainingRange, check_elements
from genmlip.potentials.base import Evaluation
from genmlip.potentials.closest import ExtrapolationWarning, Pair, pair_of
from genmlip.potentials.neighbours import Neighbours, gather_forces

DEFAULT_DEGREES = (40.0, 12.0, 10.0, 9.0, 9.0, 9.0)  # pair functions are cheap and resolve kinks of V(r)


@dataclass(frozen=True)
class Design:
    """Rows of the linear model: ``energy @ c`` is the energy minus that of :meth:`LinearACE.baseline`.

    energy : (K,) eV per coefficient
    forces : (3 n, K) eV/Å, row 3 i + a
    virial : (6, K) eV, −∂E/∂ε in the order xx, yy, zz, yz, xz, xy
    """

    energy: Array
    forces: Array
    virial: Array


class LinearACE(ExpansionPotential):
    """Linear ACE of one or more elements.

    symbols : an element or several
    cutoff : Å
    order : correlation order N (body order N + 1)
    degree : total degree D_ν of every order, or one for all
    size : instead of ``degree``: the largest basis of at most this many functions per species
    angular_weight : w in Σ (n + w l) ≤ D_ν
    r0, tail, core, envelope : see :class:`ACEBasis`; r0 defaults to the first shell's distance

    The coefficients are zero until they are fitted: see :meth:`with_coefficients`.
    Raises InputError for settings that make no basis.
    """

    derived = ("expansion", "_engine", "_bound")

    def __init__(
        self,
        symbols: str | Sequence[str],
        cutoff: float,
        order: int = 3,
        degree: float | Sequence[float] | None = None,
        **settings: Any,
    ) -> None:
        self._setup(make_basis(symbols, cutoff, order, degree, **settings))

    @classmethod
    def from_basis(
        cls,
        basis: ACEBasis,
        coefficients: Array | None = None,
        E0: Mapping[str, float] | None = None,
        metadata: Mapping[str, Any] | None = None,
        short_range: Mapping[Pair, ShortRange] | None = None,
        smallest_distances: Mapping[Pair, float] | None = None,
    ) -> LinearACE:
        """A potential on an existing basis; arguments as the attributes of the same names."""
        potential = cls.__new__(cls)
        potential._setup(basis, coefficients, E0, metadata, short_range, smallest_distances)
        return potential

    def _setup(
        self,
        basis: ACEBasis,
        coefficients: Array | None = None,
        E0: Mapping[str, float] | None = None,
        metadata: Mapping[str, Any] | None = None,
        short_range: Mapping[Pair, ShortRange] | None = None,
        smallest_distances: Mapping[Pair, float] | None = None,
    ) -> None:
        super().__init__()
        self.basis = basis
        self.symbols = basis.symbols
        self.cutoff = basis.cutoff
        self.spec = f"ace:{'-'.join(basis.symbols)}"
        self.metadata = dict(metadata or {})
        self.E0 = {symbol: float((E0 or {}).get(symbol, 0.0)) for symbol in basis.symbols}
        if E0 is not None and (unknown := sorted(set(E0) - set(basis.symbols))):
            raise InputError(
                f"E0 names {', '.join(unknown)}; the potential describes {', '.join(basis.symbols)}"
            )
        c = np.zeros(self.n_coefficients) if coefficients is None else np.array(coefficients, dtype=float)
        if c.shape != (self.n_coefficients,):
            raise InputError(f"coefficients have shape {c.shape}; this basis needs ({self.n_coefficients},)")
        if not (np.isfinite(c).all() and np.isfinite(list(self.E0.values())).all()):
            raise InputError("coefficients or E0 hold NaN or infinity")
        c.setflags(write=False)
        self.coefficients = c
        self.short_range = check_short_range(basis, short_range or {})
        self._training_range = (
            None
            if smallest_distances is None
            else TrainingRange.of(
                basis.symbols, smallest_distances, self._short_ranges[:, :, 0], basis.cutoff
            )
        )
        self._has_warned = False

    @property
    def smallest_distances(self) -> dict[Pair, float] | None:
        """Å, how close atoms came in the training data, infinite for pairs not there; None if not known."""
        return None if self._training_range is None else self._training_range.as_dict()

    @property
    def n_coefficients(self) -> int:
        """K = functions per centre species × species."""
        return self.basis.n_functions * len(self.basis.symbols)

    @property
    def smoothness(self) -> Array:
        """(K,) prior weights growing with n and l, see :attr:`ACEBasis.smoothness_prior`."""
        return np.tile(self.basis.smoothness_prior, len(self.symbols))

    def with_coefficients(
        self,
        coefficients: Array,
        E0: Mapping[str, float] | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> LinearACE:
        """The same basis with other coefficients (K,); all else is kept where it is not given."""
        return self._with(coefficients=coefficients, E0=E0, metadata=metadata)

    def with_short_range(self, short_range: Mapping[Pair, ShortRange]) -> LinearACE:
        """The same potential with these cores (:mod:`core`); :mod:`approach` chooses them."""
        return self._with(short_range=short_range)

    def with_training_range(self, smallest_distances: Mapping[Pair, float]) -> LinearACE:
        """The same potential that knows how close (Å) the atoms of its training data came to each other.

        Below these distances, and below r_in where there is a core, it warns, once. Pairs of elements that
        are not named were not in the data.
        """
        return self._with(smallest_distances=smallest_distances)

    def _with(self, **changes: Any) -> LinearACE:
        kept = ("coefficients", "E0", "metadata", "short_range", "smallest_distances")
        values = {name: getattr(self, name) for name in kept}
        given = {name: value for name, value in changes.items() if value is not None}
        return LinearACE.from_basis(self.basis, **(values | given))

    def site_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        self._warn_if_too_close(species, neighbours, vectors)
        super().site_terms(species, neighbours, vectors, energies, gradients)

    def _add_affine_terms(
        self, species: IntArray, neighbours: Neighbours, vectors: Array, energies: Array, gradients: Array
    ) -> None:
        """E0 and the cores: what does not depend on the coefficients."""
        energies += self._E0_by_species[species[neighbours.centre]]
        if not self.short_range:
            return
        site = np.repeat(np.arange(len(energies)), np.diff(neighbours.first))
        zi, zj = species[neighbours.centre[site]], species[neighbours.index]
        r = np.sqrt(np.einsum("pa,pa->p", vectors, vectors))
        for p in np.flatnonzero(r < self._short_ranges[zi, zj, 0]):
            core = self.expansion.cores[zi[p]][zj[p]]
            phi, slope = core(r[p : p + 1]) if core is not None else (np.zeros(1), np.zeros(1))
            energies[site[p]] += phi[0]
            gradients[p] += slope[0] / r[p] * vectors[p]

    def _warn_if_too_close(self, species: IntArray, neighbours: Neighbours, vectors: Array) -> None:
        known = self._training_range
        if known is None or self._has_warned or not known.is_left(species, neighbours, vectors):
            return
        self._has_warned = True
        found = known.farthest_outside(species, neighbours, vectors)
        warnings.warn(f"{self.spec}: {found} (said once)", ExtrapolationWarning, stacklevel=3)

    @cached_property
    def expansion(self) -> Expansion:  # type: ignore[override]
        """The form in which it is evaluated and exported."""
        basis = self.basis
        n_species = len(basis.symbols)
        centres = tuple(
            Centre(self.E0[symbol], basis.moments, basis.monomials, (basis.coefficients.T @ c)[:, None])
            for symbol, c in zip(basis.symbols, self.coefficients.reshape(n_species, -1), strict=True)
        )
        pairs = [[self.short_range.get(pair_of(a, b)) for b in basis.symbols] for a in basis.symbols]
        radial = tuple(
            tuple(basis.radial if pair is None else FrozenRadial(basis.radial, pair) for pair in row)
            for row in pairs
        )
        cores = tuple(tuple(None if pair is None else ZBLCore(pair) for pair in row) for row in pairs)
        return Expansion(basis.symbols, centres, radial, cores)

    def baseline(self, atoms: Atoms) -> Evaluation:
        """What does not depend on the coefficients and :class:`Design` leaves out: E0 and the cores."""
        species = self.species_of(atoms)
        neighbours = Neighbours.of(atoms, self.cutoff)
        vectors = neighbours.vectors(atoms.positions)
        energies, gradients = np.zeros(len(atoms)), np.zeros_like(vectors)
        self._add_affine_terms(species, neighbours, vectors, energies, gradients)
        forces, virial = np.empty((len(atoms), 3)), np.empty((3, 3))
        gather_forces(
            neighbours.centre, neighbours.first, neighbours.index, vectors, gradients, forces, virial
        )
        return Evaluation(energies, forces, virial)

    def design(self, atoms: Atoms) -> Design:
        """The linear map from coefficients to energy, forces and virial of ``atoms``."""
        return self._design(atoms)[1]

    def site_functions(self, atoms: Atoms) -> Array:
        """B_k of every site, (n, functions per species)."""
        return self._design(atoms)[0]

    def _design(self, atoms: Atoms) -> tuple[Array, Design]:
        species = self.species_of(atoms)
        if not np.isfinite(atoms.positions).all():
            raise InputError("positions of the atoms hold NaN or infinity")
        neighbours = Neighbours.of(atoms, self.cutoff)
        vectors = neighbours.vectors(atoms.positions)
        tables, n_columns = self._tables, most_neighbours(neighbours)
        n, n_species = len(atoms), len(self.symbols)
        values = np.empty((n, self.basis.n_functions))
        forces, virial = np.zeros((self.n_coefficients, 3 * n)), np.zeros((self.n_coefficients, 6))
        failed = ace_design(
            neighbours.centre, neighbours.first, neighbours.index, species, species, vectors,
            self._short_ranges, tables.radial, tables.angular, tables.moments, tables.expansion,
            tables.site_scratch(n_species, n_columns), tables.design_scratch(n_columns),
            values, forces, virial,
        )  # fmt: skip
        _check_neighbours(failed, neighbours)
        energy = np.concatenate([values[species == z].sum(axis=0) for z in range(n_species)])
        return values, Design(energy, forces.T, virial.T)

    @property
    def _tables(self) -> KernelTables:
        return KernelTables.of(self.basis)

    @cached_property
    def _E0_by_species(self) -> Array:
        return np.array([self.E0[symbol] for symbol in self.symbols])

    @cached_property
    def _short_ranges(self) -> Array:
        """(n_species, n_species, 2) r_in and Δ, Å; zero for pairs without core."""
        pairs = [[self.short_range.get(pair_of(a, b)) for b in self.symbols] for a in self.symbols]
        return np.array(
            [[(0.0, 1.0) if pair is None else (pair.inner, pair.width) for pair in row] for row in pairs]
        )

    def save(self, path: str | Path) -> None:
        """Write the potential to a JSON file that :meth:`load` reads back exactly."""
        save_json(
            Path(path),
            Saved(
                self.basis, self.coefficients, self.E0, self.metadata,
                self.short_range, self.smallest_distances,
            ),
        )  # fmt: skip

    @classmethod
    def load(cls, path: str | Path) -> LinearACE:
        """Read a file written by :meth:`save`; raises FileFormatError naming the field that is wrong."""
        potential = cls.from_basis(*load_json(Path(path)))
        potential.spec = f"ace:{path}"
        return potential


def make_basis(
    symbols: str | Sequence[str],
    cutoff: float,
    order: int = 3,
    degree: float | Sequence[float] | None = None,
    angular_weight: float = 1.0,
    r0: float | None = None,
    size: int | None = None,
    **settings: Any,
) -> ACEBasis:
    """An :class:`ACEBasis` from short-hand settings; see :class:`LinearACE`."""
    if not isinstance(symbols, (str, Sequence)):
        raise InputError(f"ACE basis: symbols = {symbols!r} must be an element or several")
    names = (symbols,) if isinstance(symbols, str) else tuple(symbols)
    known = [field.name for field in fields(ACEBasis)]
    for name in settings:
        if name not in known:
            raise UnknownNameError("setting of an ACE basis", name, known)
    check_integer("order", order, 1, MAX_ORDER)
    if size is not None:
        check_integer("size", size, 1)
        if degree is not None:
            raise InputError("ACE basis: give either size or degree")
        return _largest_within(
            size, lambda d: make_basis(names, cutoff, order, d, angular_weight, r0, **settings), order
        )
    if degree is None:
        degrees = DEFAULT_DEGREES[:order]
    elif isinstance(degree, (int, float)):
        degrees = (degree,) * order
    else:
        degrees = tuple(degree)
    if len(degrees) != order:
        raise InputError(
            f"ACE basis: order = {order} but {len(degrees)} degrees {degrees}; one per order is needed"
        )
    distance = first_shell_distance(names) if r0 is None else r0
    return ACEBasis(names, cutoff, degrees, angular_weight, distance, **settings)


def _largest_within(size: int, build: Callable[[tuple[float, ...]], ACEBasis], order: int) -> ACEBasis:
    """The default degrees, those of order ≥ 2 shifted together as far as ``size`` functions allow."""
    pair = max(1.0, min(DEFAULT_DEGREES[0], size // 3 if order > 1 else size))
    best = None
    for shift in range(-10, 50):
        basis = build((pair, *(d + shift for d in DEFAULT_DEGREES[1:order])))
        if basis.n_functions > size:
            break
        best = basis
        if order == 1:
            break
    if best is None:
        raise InputError(f"ACE basis: size = {size} is too small for any basis of order {order}")
    return best


def check_short_range(basis: ACEBasis, cores: Mapping[Pair, ShortRange]) -> dict[Pair, ShortRange]:
    """``cores`` by pairs in alphabetical order; InputError for other elements and for cores too wide."""
    checked = {pair_of(*pair): core for pair, core in cores.items()}
    for pair, core in checked.items():
        check_elements(pair, basis.symbols, "short range")
        if sorted(core.numbers) != sorted(atomic_numbers[symbol] for symbol in pair):
            raise InputError(f"short range of {'-'.join(pair)} has charges {core.numbers} of other elements")
        if core.inner > basis.cutoff:
            raise InputError(
                f"short range of {'-'.join(pair)}: inner = {core.inner} is beyond the cutoff {basis.cutoff}"
            )
    return checked


def _check_neighbours(failed_site: int, neighbours: Neighbours) -> None:
    if failed_site >= 0:
        atom = neighbours.centre[failed_site]
        raise InputError(f"atom {atom} has a neighbour at distance zero, or a position that is not a number")
