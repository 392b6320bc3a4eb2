"""Any ASE calculator as a potential (``ase:package.module:callable``)."""

from __future__ import annotations

import os
import sys
from difflib import get_close_matches
from functools import cached_property
from importlib import import_module
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, PropertyNotImplementedError
from ase.data import atomic_numbers, chemical_symbols
from ase.stress import voigt_6_to_full_3x3_stress

from genmlip._types import Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.base import Evaluation, Potential
from genmlip.potentials.interaction_range import interaction_range
from genmlip.potentials.neighbours import check_centres, check_finite


class ForeignPotential(Potential):
    """An ASE calculator behind the interface of a potential.

    calculator : where 'energies' is among its properties, these are the site energies; where not, there are
        only totals, ``site_resolved`` is False and energy differences lose digits
    symbols : the elements it describes; by default what the calculator says
    cutoff : Å, of the site energies; by default measured, see ``interaction_range``

    Raises InputError where the elements are neither given nor known.
    """

    def __init__(
        self,
        calculator: BaseCalculator,
        symbols: tuple[str, ...] | None = None,
        cutoff: float | None = None,
        spec: str = "",
    ) -> None:
        super().__init__()
        self.calculator = calculator
        self.spec = spec or type(calculator).__name__
        self.symbols = _checked_symbols(symbols or _declared_symbols(calculator), self.spec)
        self.site_resolved = "energies" in calculator.implemented_properties
        if cutoff is not None:
            if not 0.0 < cutoff < np.inf:
                raise InputError(f"{self.spec}: the cutoff must be positive, not {cutoff}")
            self.cutoff = cutoff

    @cached_property
    def cutoff(self) -> float:  # type: ignore[override]
        """Å; measured on first use where it was not given."""
        try:
            return interaction_range(self.calculator, self.symbols, self.site_resolved)
        except InputError as error:
            raise InputError(f"{self.spec}: {error}") from None

    knows_sites = False  # forces are of the whole configuration

    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> ForeignEvaluator:
        return ForeignEvaluator(self, atoms, centres)


class ForeignEvaluator:
    """Repeated evaluation; neighbour lists are the calculator's affair.

    With ``centres`` only the energies are restricted to those sites. Forces and virial stay those of the
    whole configuration; on atoms whose neighbours are all among the centres the forces are the same.
    The virial is NaN where the calculator has no stress, or the cell no volume.
    """

    def __init__(self, potential: ForeignPotential, atoms: Atoms, centres: IntArray | None = None) -> None:
        potential.check_species(atoms)
        self.potential, self.n_calls = potential, 0
        self._atoms = atoms.copy()
        self._atoms.calc = potential.calculator
        self._centres = check_centres(centres, len(atoms))

    def __call__(self, positions: Array) -> Evaluation:
        check_finite(positions)
        self._atoms.positions = positions
        self.n_calls += 1
        forces = np.array(self._atoms.get_forces(), dtype=float)
        return Evaluation(self._energies(), forces, self._virial())

    def _energies(self) -> Array:
        total = float(self._atoms.get_potential_energy())
        if not np.isfinite(total):
            raise InputError(f"{self.potential.spec} gives no finite energy: atoms at the same place?")
        if not self.potential.site_resolved:
            return np.array([total])
        energies = np.array(self._atoms.get_potential_energies(), dtype=float)
        if abs(energies.sum() - total) > 1e-6 * max(1.0, abs(total)):
            raise InputError(
                f"{self.potential.spec}: its site energies add up to {energies.sum():.8g} eV, its energy is "
                f"{total:.8g} eV; set site_resolved = False on the potential to use totals"
            )
        return energies if self._centres is None else energies[self._centres]

    def _virial(self) -> Array:
        unknown = np.full((3, 3), np.nan)
        if "stress" not in self.potential.calculator.implemented_properties or self._atoms.cell.rank < 3:
            return unknown
        try:
            stress = self._atoms.get_stress()
        except PropertyNotImplementedError:
            return unknown
        virial: Array = -self._atoms.get_volume() * voigt_6_to_full_3x3_stress(stress)
        return virial


def load_foreign(target: str) -> Potential:
    """The potential that ``package.module:callable`` returns when called without arguments.

    The current directory is searched after the installed packages. Options follow a question mark:
    ``mycalc:make?cutoff=6.0`` (Å) and ``mycalc:make?symbols=W,Re&cutoff=6.0``, for calculators whose elements
    are not known or whose cutoff cannot be measured.

    Raises InputError where it does not import, does not exist or is no calculator.
    """
    path, _, query = target.partition("?")
    options = _options(query, target)
    made = _call(path)
    if isinstance(made, Potential):
        return made
    if not isinstance(made, BaseCalculator):
        raise InputError(f"ase:{path} returned {type(made).__name__}, not an ASE calculator")
    return ForeignPotential(made, spec=f"ase:{target}", **options)


def _options(query: str, target: str) -> dict[str, Any]:
    """``cutoff`` and ``symbols`` from ``cutoff=6.0&symbols=W,Re``."""
    options: dict[str, Any] = {}
    for item in filter(None, query.split("&")):
        name, _, value = item.partition("=")
        if name == "cutoff":
            try:
                options[name] = float(value)
            except ValueError:
                raise InputError(f"ase:{target}: the cutoff must be a number (Å), not {value!r}") from None
        elif name == "symbols":
            options[name] = tuple(value.split(","))
        else:
            raise InputError(f"ase:{target}: unknown option {name!r} (known: cutoff=6.0, symbols=W,Re)")
    return options


def _call(path: str) -> Any:
    """What ``package.module:callable`` returns."""
    module_name, _, name = path.partition(":")
    if not module_name or not name:
        raise InputError(f"expected ase:package.module:callable, found ase:{path}")
    here = os.getcwd()
    if here not in sys.path:
        sys.path.append(here)  # after everything installed: a file random.py here must not hide a module
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise InputError(f"ase:{path}: cannot import {module_name}: {error}") from error
    except Exception as error:
        raise InputError(f"ase:{path}: importing {module_name} fails: {error!r}") from error
    if not hasattr(module, name):
        near = get_close_matches(name, dir(module), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"ase:{path}: module {module_name} has no {name!r}{hint}")
    made = getattr(module, name)
    if isinstance(made, BaseCalculator):
        return made
    if not callable(made):
        raise InputError(f"ase:{path}: {name} cannot be called; it should return an ASE calculator")
    try:
        return made()
    except Exception as error:
        raise InputError(f"ase:{path}: calling {name}() fails: {error!r}") from error


def _declared_symbols(calculator: BaseCalculator) -> tuple[str, ...]:
    """The elements that the calculator itself names, in the ways of ASE's and the MACE calculators."""
    if type(calculator).__name__ == "EMT":
        from ase.calculators.emt import parameters

        return tuple(parameters)
    for name in ("symbols", "elements", "species"):
        declared = getattr(calculator, name, None)
        if isinstance(declared, (list, tuple)) and declared and all(isinstance(s, str) for s in declared):
            return tuple(declared)
    numbers = getattr(getattr(calculator, "z_table", None), "zs", None)
    return tuple(chemical_symbols[z] for z in numbers) if numbers else ()


def _checked_symbols(symbols: tuple[str, ...], spec: str) -> tuple[str, ...]:
    if not symbols:
        raise InputError(
            f"{spec} does not say which elements it describes: give symbols, as in ?symbols=W,Re"
        )
    for symbol in symbols:
        if symbol not in atomic_numbers or symbol == "X":
            raise InputError(f"{spec}: {symbol!r} is not a chemical element")
    return symbols
