"""The JSON file of a linear ACE: settings, coefficients and origin, all that makes the potential again.

Numbers are written in the shortest form that reads back to the same float, so a file is an exact copy. The
basis is stored as its settings. A checksum of the coupling coefficients guards against a file whose
coefficients would be attached to other functions than those they were fitted for.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from ase.data import atomic_numbers

from genmlip import __version__
from genmlip._files import write_atomically
from genmlip._json import finite_or_none
from genmlip._types import Array
from genmlip.errors import FileFormatError, InputError
from genmlip.potentials.ace.basis import ACEBasis
from genmlip.potentials.ace.core import ShortRange
from genmlip.potentials.closest import Pair, pair_of

FORMAT = "genmlip linear ACE"
VERSION = 2
"""Version 1 knows neither cores nor the range of the training data; it is still read."""


class Saved(NamedTuple):
    """What makes a potential, in the order and under the names of :meth:`LinearACE.from_basis`."""

    basis: ACEBasis
    coefficients: Array
    E0: Mapping[str, float]
    metadata: Mapping[str, Any]
    short_range: Mapping[Pair, ShortRange]
    smallest_distances: Mapping[Pair, float] | None


def save_json(path: Path, saved: Saved) -> None:
    """Write what makes a potential to ``path``, in one step: a file is whole or not there."""
    distances = saved.smallest_distances
    content = {
        "format": FORMAT,
        "version": VERSION,
        "basis": asdict(saved.basis),
        "checksum": basis_checksum(saved.basis),
        "E0": saved.E0,
        "coefficients": saved.coefficients.tolist(),
        "short_range": {
            "-".join(pair): {"inner": core.inner, "width": core.width}
            for pair, core in saved.short_range.items()
        },
        "smallest_distances": None
        if distances is None
        else {"-".join(pair): finite_or_none(distance) for pair, distance in distances.items()},
        "metadata": {"genmlip": __version__, **saved.metadata},
    }
    try:
        lines = [f'"{name}": {_dumps(value)}' for name, value in content.items()]
    except (TypeError, ValueError) as error:
        raise InputError(f"{path}: metadata cannot be written as JSON: {error}") from None
    try:
        write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None


def load_json(path: Path) -> Saved:
    """What :func:`save_json` wrote; raises FileFormatError naming the field that is missing or wrong."""
    fields = _Fields(path, _read(path))
    if fields.content.get("format") != FORMAT:
        fields.fail("format", f"this is no {FORMAT} file")
    version = fields.integer("version")
    if not 1 <= version <= VERSION:
        fields.fail("version", f"must be 1 to {VERSION}; the file was written by another version of genmlip")
    basis = _basis(fields.section("basis"))
    if not np.isclose(fields.number("checksum"), basis_checksum(basis), rtol=1e-9, atol=1e-9):
        fields.fail("checksum", "the coefficients belong to another basis than the settings make")
    coefficients = fields.numbers("coefficients")
    wanted = basis.n_functions * len(basis.symbols)
    if len(coefficients) != wanted:
        fields.fail("coefficients", f"{len(coefficients)} numbers; the basis needs {wanted}")
    E0_fields = fields.section("E0")
    E0 = {symbol: E0_fields.number(symbol) for symbol in basis.symbols}
    if foreign := sorted(set(E0_fields.content) - set(E0)):
        fields.fail("E0", f"names {_shown(', '.join(foreign))}, which the basis lacks")
    metadata = dict(fields.section("metadata").content)
    if version == 1:
        return Saved(basis, coefficients, E0, metadata, {}, None)
    cores, distances = _short_range(fields, basis), _smallest_distances(fields, basis)
    return Saved(basis, coefficients, E0, metadata, cores, distances)


def basis_checksum(basis: ACEBasis) -> float:
    """A number that changes with any coupling coefficient, monomial or order of functions."""
    C = basis.coefficients.tocoo()
    label = np.sin(1.0 + C.row) + np.cos(2.0 + basis.monomials[C.col] @ np.sqrt(1.0 + np.arange(basis.order)))
    return float(C.data @ label)


def _read(path: Path) -> Mapping[str, Any]:
    def no_constant(name: str) -> NoReturn:
        raise ValueError(f"{name} is not a number")

    try:
        content = json.loads(path.read_bytes(), parse_constant=no_constant)
    except OSError as error:
        raise FileFormatError(f"{path}: {error.strerror or error}") from None
    except RecursionError:
        raise FileFormatError(f"{path}: nested too deeply for a {FORMAT} file") from None
    except ValueError as error:  # of decoding, of JSON, of numbers
        raise FileFormatError(f"{path}: not JSON, or truncated: {error}") from None
    if not isinstance(content, dict):
        raise FileFormatError(f"{path}: this is no {FORMAT} file")
    return content


def _basis(fields: _Fields) -> ACEBasis:
    settings: dict[str, Any] = {
        "symbols": tuple(fields.strings("symbols")),
        "degrees": tuple(fields.numbers("degrees").tolist()),
    }
    settings |= {name: fields.number(name) for name in ("cutoff", "angular_weight", "r0")}
    settings |= {name: fields.integer(name) for name in ("tail", "core", "envelope")}
    try:
        return ACEBasis(**settings)
    except InputError as error:
        fields.fail("", str(error))


def _short_range(fields: _Fields, basis: ACEBasis) -> dict[Pair, ShortRange]:
    section = fields.section("short_range")
    cores = {}
    for name, pair in _pairs(section, basis).items():
        core = section.section(name)
        settings = [core.number(key) for key in ("inner", "width")]
        try:
            cores[pair] = ShortRange((atomic_numbers[pair[0]], atomic_numbers[pair[1]]), *settings)
        except InputError as error:
            section.fail(name, str(error))
        if cores[pair].inner > basis.cutoff:
            section.fail(name, f"inner = {cores[pair].inner} is beyond the cutoff {basis.cutoff}")
    return cores


def _smallest_distances(fields: _Fields, basis: ACEBasis) -> dict[Pair, float] | None:
    if "smallest_distances" in fields.content and fields.content["smallest_distances"] is None:
        return None
    section = fields.section("smallest_distances")
    distances = {}
    for name, pair in _pairs(section, basis).items():
        if section.content[name] is not None:
            distances[pair] = section.number(name)
            if distances[pair] <= 0.0:
                section.fail(name, f"must be positive, not {distances[pair]}")
    return distances


def _pairs(section: _Fields, basis: ACEBasis) -> dict[str, Pair]:
    """The names "A-B" of a section, each with its pair of elements."""
    known = {"-".join(pair_of(a, b)): pair_of(a, b) for a in basis.symbols for b in basis.symbols}
    for name in section.content:
        if name not in known:
            section.fail(name, f"is no pair of elements of the basis: {', '.join(sorted(known))}")
    return {name: known[name] for name in section.content}


class _Fields:
    """Typed access to a JSON object; every failure names the file and the field."""

    def __init__(self, path: Path, content: Mapping[str, Any], prefix: str = "") -> None:
        self.path, self.content, self.prefix = path, content, prefix

    def fail(self, name: str, reason: str) -> NoReturn:
        raise FileFormatError(f"{self.path}: field '{_shown((self.prefix + name).rstrip('.'))}': {reason}")

    def _get(self, name: str, accept: Callable[[Any], bool], wanted: str) -> Any:
        if name not in self.content:
            self.fail(name, "is missing")
        value = self.content[name]
        if not accept(value):
            self.fail(name, f"must be {wanted}, not {str(value)[:40]!r}")
        return value

    def section(self, name: str) -> _Fields:
        content = self._get(name, lambda v: isinstance(v, dict), "an object")
        return _Fields(self.path, content, f"{self.prefix}{name}.")

    def number(self, name: str) -> float:
        return float(self._get(name, _is_number, "a finite number"))

    def integer(self, name: str) -> int:
        return int(self._get(name, lambda v: type(v) is int and abs(v) < 2**31, "an integer"))

    def numbers(self, name: str) -> np.ndarray:
        accept = lambda v: isinstance(v, list) and all(_is_number(x) for x in v)  # noqa: E731
        return np.array(self._get(name, accept, "a list of finite numbers"), dtype=float)

    def strings(self, name: str) -> list[str]:
        accept = lambda v: isinstance(v, list) and all(isinstance(x, str) for x in v)  # noqa: E731
        return list(self._get(name, accept, "a list of strings"))


def _shown(name: str) -> str:
    """A name out of a file, on one line and not too long."""
    return (name if name.isprintable() else repr(name)[1:-1])[:80]


def _is_number(value: Any) -> bool:
    if type(value) is int:
        return abs(value) < 2**53
    return type(value) is float and bool(np.isfinite(value))


def _dumps(value: Any) -> str:
    return json.dumps(value, allow_nan=False, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays, and paths, as JSON knows them."""
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not a number, string, list or mapping")
