"""Extended XYZ files as ASE reads and writes them, with errors that name the frame and with all digits.

What the keys and columns of a frame mean is left to :mod:`ase.io.extxyz`, and which of them are labels to
:mod:`genmlip.training.label_keys`. Three things ASE does not do are done here: it stops without a word at a
blank line between two frames, its errors do not say where, and its writer is bound to eight decimals.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from io import StringIO
from itertools import islice
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols

from genmlip._files import create_atomically
from genmlip.errors import FileFormatError, InputError

GZIP_MAGIC = b"\x1f\x8b"
ASE_REAL, EXACT_REAL = "%16.8f", "%.17g"


def read_frames(path: str | os.PathLike[str]) -> Iterator[tuple[str, Atoms]]:
    """(where it stands, the atoms) of every frame of a file, plain or gzipped.

    Raises FileFormatError where the file cannot be opened, holds no frame, or has a frame that ASE cannot
    read or that leaves open where and what the atoms are; the message names that frame.
    """
    path = Path(path)
    number = 0
    try:
        with _open_text(path) as file:
            for number, (line_number, lines) in enumerate(_split(file), start=1):
                where = f"{path}, configuration {number}"
                yield where, _atoms(lines, f"{where} (line {line_number})")
    except (OSError, EOFError, UnicodeDecodeError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileFormatError(f"cannot read {path}: {reason}") from error
    if number == 0:
        raise FileFormatError(f"{path} holds no configuration")


def write_frames(path: str | os.PathLike[str], frames: Iterable[Atoms]) -> None:
    """Write the atoms with their ``info`` and ``arrays``, gzipped if the name ends in .gz.

    All real numbers read back bit for bit. The file appears under its name when it is complete. Raises
    InputError if it cannot be written.
    """
    path = Path(path)

    def make(temporary: Path) -> None:
        with _create_text(temporary) as file:
            for atoms in frames:
                file.write(_frame(atoms))

    try:
        create_atomically(path, make)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error


def _open_text(path: Path) -> IO[str]:
    with path.open("rb") as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return gzip.open(path, "rt", encoding="utf-8") if zipped else path.open(encoding="utf-8")


def _create_text(path: Path) -> IO[str]:
    zipped = path.suffix == ".gz"
    return gzip.open(path, "wt", encoding="utf-8") if zipped else path.open("w", encoding="utf-8")


def _split(file: IO[str]) -> Iterator[tuple[int, list[str]]]:
    """(number of the first line, lines) of every frame; one line only where it is no number of atoms."""
    line_number = 1
    for line in file:
        lines = [line]
        if n_atoms := _count(line):
            lines += islice(file, 1 + n_atoms)
        if line.strip():
            yield line_number, lines
        line_number += len(lines)


def _count(line: str) -> int:
    digits = line.strip()
    return int(digits) if digits.isdecimal() and len(digits) < 10 else 0


def _atoms(lines: list[str], where: str) -> Atoms:
    from ase.io.extxyz import read_extxyz

    n_atoms, n_rows = _count(lines[0]), len(lines) - 2
    if n_atoms == 0:
        raise FileFormatError(f"{where}: expected a number of atoms, got {lines[0].strip()[:40]!r}")
    if n_rows < n_atoms:
        raise FileFormatError(f"{where}: ends after {max(n_rows, 0)} of {n_atoms} atoms")
    try:
        atoms: Atoms = next(read_extxyz(StringIO("".join(lines)), 0, properties_parser=_header))
    except Exception as error:  # whatever the damage brings about: ASE checks little
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = "unknown element " if isinstance(error, KeyError) else ""
        raise FileFormatError(f"{where}: ASE cannot read it: {kind}{reason}") from error
    if not np.isin(atoms.numbers, range(1, len(chemical_symbols))).all():
        raise FileFormatError(f"{where}: unknown element, or no elements (species:S:1 or Z:I:1)")
    if not atoms.cell.array[atoms.pbc].any(axis=1).all():
        raise FileFormatError(f"{where}: periodic along a direction that has no cell vector")
    return atoms


def _header(line: str) -> dict[str, Any]:
    """As ASE reads it, without what it would take for atoms at the origin, or for periodicity."""
    from ase.io.extxyz import key_val_str_to_dict

    info = cast(dict[str, Any], key_val_str_to_dict(line))
    if "pos" not in str(info.get("Properties", "species:S:1:pos:R:3")).split(":")[::3]:
        raise ValueError("Properties have no positions (pos:R:3)")
    if isinstance(info.get("pbc"), str):
        raise ValueError(f"pbc must hold three of T or F, got {info['pbc'][:40]!r}")
    return info


def _frame(atoms: Atoms) -> str:
    """ASE's header and ASE's row format, in which reals get the digits that determine them."""
    from ase.io.extxyz import output_column_format

    n = len(atoms)
    others = {name: values for name, values in atoms.arrays.items() if name not in ("numbers", "positions")}
    columns = {"symbols": np.array(atoms.get_chemical_symbols()), "positions": atoms.positions, **others}
    columns = {name: values.reshape(n, -1) for name, values in columns.items()}
    header, _, _, row = output_column_format(atoms, list(columns), columns)
    if len(header.splitlines()) != 1:
        raise InputError(f"info cannot be written on one line: {header!r}")
    row = row.replace(ASE_REAL, EXACT_REAL)
    words = [word for values in columns.values() for word in values.T.tolist()]
    return "".join([f"{n}\n{header}\n", *(row % values for values in zip(*words, strict=True))])
