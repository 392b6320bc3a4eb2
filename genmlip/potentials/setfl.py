"""The setfl file format of embedded-atom potentials: ``eam/alloy`` and ``eam/fs`` in LAMMPS' terms.

A setfl file has three lines of comment, the elements, the grids, and then for each element a header, its
embedding function and its densities (one in eam/alloy; one per element in eam/fs), at last r φ(r) of all
pairs. Nothing but the number of values tells the two variants apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import atomic_masses, atomic_numbers

from genmlip._types import Array
from genmlip.errors import FileFormatError, InputError

_HEADER_LINES = 5
_FEWEST_KNOTS = 5  # the interpolation reaches two knots to either side


@dataclass(frozen=True)
class Tables:
    """What a setfl file holds, on the grids ρ_k = k Δρ and r_k = k Δr.

    symbols : the elements, in the order of the tables
    delta_rho, delta_r, cutoff : grid spacings and cutoff (Å)
    embedding : (n, n_rho) eV, F_α
    density : (n, n, n_r), [α, β] what an atom of element β contributes at a site of element α
    pair : (n, n, n_r) eV Å, r φ_αβ(r), symmetric
    """

    symbols: tuple[str, ...]
    delta_rho: float
    delta_r: float
    cutoff: float
    embedding: Array
    density: Array
    pair: Array


def read_setfl(path: str | Path) -> Tables:
    """Read ``path``; eam/alloy and eam/fs are told apart by what follows the first density.

    Elements are taken from the symbols on line 4: the atomic numbers further down are wrong in some files.

    Raises InputError where there is no such file, FileFormatError naming the line for everything else.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    lines = _Lines(path, text.splitlines())
    symbols, n_rho, delta_rho, n_r, delta_r, cutoff = _header(lines)
    n = len(symbols)

    embedding, densities = [], []
    variant = 1  # number of densities per element: 1 in eam/alloy, n in eam/fs
    for k, symbol in enumerate(symbols):
        _element_header(lines, symbol)
        embedding.append(lines.values(n_rho, f"embedding function of {symbol}"))
        densities.append([lines.values(n_r, f"density of {symbol}")])
        if k == 0 and n > 1 and not lines.at_element_header():
            variant = n
        densities[k] += [lines.values(n_r, f"density of {symbol}") for _ in range(variant - 1)]
    pair = np.empty((n, n, n_r))
    for a in range(n):
        for b in range(a + 1):
            pair[a, b] = pair[b, a] = lines.values(n_r, f"pair function {symbols[a]}-{symbols[b]}")
    lines.expect_end()
    # the file lists by the element that contributes; one density serves all sites in eam/alloy
    density = np.array([[densities[b][a % variant] for b in range(n)] for a in range(n)])
    return Tables(symbols, delta_rho, delta_r, cutoff, np.array(embedding), density, pair)


def write_setfl(path: str | Path, tables: Tables, comment: str = "written by genmlip") -> None:
    """Write ``tables`` as eam/fs, or as eam/alloy where the densities do not depend on the site's element."""
    n = len(tables.symbols)
    variant = 1 if (tables.density == tables.density[:1]).all() else n
    n_rho, n_r = tables.embedding.shape[1], tables.pair.shape[2]
    lines = [
        comment,
        "setfl, eam/alloy" if variant == 1 else "setfl, eam/fs",
        "energies in eV, lengths in Angstrom",
    ]
    lines += [f"{n} {' '.join(tables.symbols)}"]
    delta_rho, delta_r, cutoff = (float(x) for x in (tables.delta_rho, tables.delta_r, tables.cutoff))
    lines += [f"{n_rho} {delta_rho!r} {n_r} {delta_r!r} {cutoff!r}"]
    for b, symbol in enumerate(tables.symbols):
        number = atomic_numbers[symbol]
        lines += [f"{number} {float(atomic_masses[number])!r} 0.0 none"]
        lines += _rows(tables.embedding[b])
        for a in range(variant):
            lines += _rows(tables.density[a, b])
    for a in range(n):
        for b in range(a + 1):
            lines += _rows(tables.pair[a, b])
    Path(path).write_text("\n".join(lines) + "\n", encoding="utf-8")


def _rows(values: Array, width: int = 5) -> list[str]:
    numbers = [repr(float(v)) for v in values]
    return [" ".join(numbers[k : k + width]) for k in range(0, len(numbers), width)]


def _header(lines: _Lines) -> tuple[tuple[str, ...], int, float, int, float, float]:
    """Elements and grids, from lines 4 and 5."""
    count, *symbols = lines.line(4).split() or [""]
    if _is_grid(lines.line(3).split()):
        raise lines.error(
            3, "this looks like a funcfl file (one element); setfl (eam/alloy, eam/fs) is needed"
        )
    if not _is_count(count) or int(count) != len(symbols):
        raise lines.error(
            4, f"expected a number of elements and their symbols, found {lines.quote(4)}: not setfl"
        )
    for symbol in symbols:
        if symbol not in atomic_numbers or symbol == "X":
            raise lines.error(4, f"{symbol!r} is not a chemical element")
    if len(set(symbols)) < len(symbols):
        raise lines.error(4, f"an element occurs twice: {' '.join(symbols)}")
    fields = lines.line(5).split()
    if not _is_grid(fields):
        raise lines.error(5, f"expected 'n_rho delta_rho n_r delta_r cutoff', found {lines.quote(5)}")
    n_rho, n_r = int(fields[0]), int(fields[2])
    delta_rho, delta_r, cutoff = lines.numbers(5, [fields[1], *fields[3:]])
    if min(n_rho, n_r) < _FEWEST_KNOTS:
        raise lines.error(5, f"tables need at least {_FEWEST_KNOTS} values, found {min(n_rho, n_r)}")
    if not min(delta_rho, delta_r, cutoff) > 0.0:
        raise lines.error(5, "grid spacings and cutoff must be positive")
    if cutoff > n_r * delta_r * (1.0 + 1e-6):
        raise lines.error(5, f"the cutoff {cutoff} lies beyond the tables, which end at {n_r * delta_r:.6g}")
    return tuple(symbols), n_rho, delta_rho, n_r, delta_r, cutoff


def _is_grid(fields: Sequence[str]) -> bool:
    """Whether the fields may be n_rho, delta_rho, n_r, delta_r, cutoff."""
    return len(fields) == 5 and _is_count(fields[0]) and _is_count(fields[2])


def _element_header(lines: _Lines, symbol: str) -> None:
    """Skip 'atomic number, mass, lattice parameter, structure'."""
    number = lines.position + 1
    if not lines.at_element_header():
        found = lines.quote(number) if number <= len(lines) else "the end of the file"
        raise lines.error(
            number, f"expected number, mass, lattice parameter, structure of {symbol}, found {found}"
        )
    lines.position = number


class _Lines:
    """The lines of a file, read in blocks of numbers; knows where it is, so that errors can name the line."""

    def __init__(self, path: Path, lines: Sequence[str]) -> None:
        self.path, self._lines = path, lines
        self.position = _HEADER_LINES  # lines read so far

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, number: int) -> str:
        """Line ``number``, counted from one, without the comment."""
        if number > len(self):
            raise self.error(
                number, f"the file ends here; a setfl file begins with {_HEADER_LINES} lines of header"
            )
        return self._lines[number - 1].partition("#")[0]

    def quote(self, number: int) -> str:
        text = self.line(number).strip()
        return repr(text if len(text) <= 40 else text[:37] + "...")

    def error(self, number: int, message: str) -> FileFormatError:
        return FileFormatError(f"{self.path}: line {number}: {message}")

    def numbers(self, number: int, fields: Sequence[str]) -> list[float]:
        """``fields`` of line ``number`` as finite numbers."""
        values = []
        for field in fields:
            try:
                values.append(float(field))
            except ValueError:
                raise self.error(number, f"expected a number, found {field!r}") from None
            if not np.isfinite(values[-1]):
                raise self.error(number, f"expected a finite number, found {field!r}")
        return values

    def values(self, count: int, what: str) -> Array:
        """The next ``count`` numbers, which end with a line."""
        start = self.position + 1
        values: list[float] = []
        while len(values) < count and self.position < len(self):
            self.position += 1
            values += self.numbers(self.position, self.line(self.position).split())
        if len(values) != count:
            raise self.error(start, f"expected {count} values, found {len(values)} ({what})")
        return np.array(values)

    def at_element_header(self) -> bool:
        """Whether the next line is 'number, mass, lattice parameter, structure', not a row of values."""
        if self.position >= len(self):
            return False
        fields = self.line(self.position + 1).split()
        if not fields or not _is_count(fields[0]):
            return False
        return len(fields) == 3 or (len(fields) == 4 and not _is_number(fields[3]))  # some lack the structure

    def expect_end(self) -> None:
        rest = [k for k in range(self.position + 1, len(self) + 1) if self.line(k).strip()]
        if rest:
            raise self.error(
                rest[0], f"expected the end of the file, found {self.quote(rest[0])} (an ADP file?)"
            )


def _is_count(text: str) -> bool:
    """Whether ``text`` is a positive whole number of a sensible size."""
    return text.isdecimal() and len(text) < 10 and int(text) > 0


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
