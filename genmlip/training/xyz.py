"""Extended XYZ files, plain or gzipped: errors name the frame and the line, and all digits are kept.

A frame is a line with the number of atoms, a line of key=value pairs (Lattice, Properties, pbc and any
others) and one line per atom. Labels are not interpreted here: they become entries of ``info`` and
``arrays``.
"""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from ase import Atoms

from genmlip._types import AnyArray
from genmlip.errors import FileFormatError, InputError

_QUOTED = r'"(?:\\.|[^"\\])*"'
_PAIR = re.compile(
    rf"({_QUOTED}|[^\s=\"]+)"
    rf"(?:\s*=\s*({_QUOTED}|'(?:\\.|[^'\\])*'|\{{[^}}]*\}}|\[(?:[^\[\]]|\[[^\]]*\])*\]|[^\s\"]\S*))?"
)
_BOOLEANS = {"T": True, "F": False, "true": True, "false": False, "True": True, "False": False}
_BOOLEANS |= {"TRUE": True, "FALSE": False}
_COLUMN_TYPES: dict[str, type] = {"R": float, "I": int, "S": str, "L": bool}
_ALIASES = {"positions": "pos", "symbols": "species", "numbers": "Z"}
_RESERVED = ("Lattice", "Properties", "pbc")


def read_frames(path: str | os.PathLike[str]) -> Iterator[tuple[str, Atoms]]:
    """(where it stands, the atoms) of every frame; ``info`` and ``arrays`` hold what the file holds.

    Raises InputError where the file cannot be opened and FileFormatError naming frame and line where it is
    malformed.
    """
    path = Path(path)
    try:
        with _open_text(path) as file:
            lines = enumerate(file, start=1)
            number = 0
            for line_number, line in lines:
                if line.strip():
                    number += 1
                    where = f"{path}, configuration {number}"
                    yield where, _frame(line, line_number, lines, where)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise FileFormatError(f"cannot read {path}: {reason}") from error
    if number == 0:
        raise FileFormatError(f"{path} holds no configuration")


def write_frames(path: str | os.PathLike[str], frames: Iterable[Atoms]) -> None:
    """Write the atoms with all their ``info`` and ``arrays``; numbers read back bit for bit.

    The file appears under its name when it is complete.
    """
    path = Path(path)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with (
            gzip.open(partial, "wt", encoding="utf-8")
            if path.suffix == ".gz"
            else partial.open("w", encoding="utf-8") as file
        ):
            for atoms in frames:
                _write_frame(file, atoms)
        partial.replace(path)
    except OSError as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _open_text(path: Path) -> IO[str]:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rt", encoding="utf-8") if zipped else path.open(encoding="utf-8")


def _frame(first: str, line_number: int, lines: Iterator[tuple[int, str]], where: str) -> Atoms:
    try:
        n_atoms = int(first)
    except ValueError:
        n_atoms = 0
    if n_atoms < 1:
        raise FileFormatError(
            f"{where}: line {line_number}: expected a number of atoms, got {first.strip()[:40]!r}"
        )
    header = next(lines, (0, None))[1]
    rows = [(number, line.split()) for number, line in (next(lines, (0, "")) for _ in range(n_atoms))]
    if header is None or not rows[-1][1]:
        found = sum(bool(row) for _, row in rows)
        raise FileFormatError(
            f"{where}: ends after {found} of {n_atoms} atoms (starts at line {line_number})"
        )
    info = _parse_header(header)
    columns = _columns(str(info.pop("Properties", "species:S:1:pos:R:3")), rows, where)
    return _atoms(info, columns, where)


def _parse_header(line: str) -> dict[str, Any]:
    """Raw strings for the reserved keys and config_type, native types for the others; a bare key is True."""
    info: dict[str, Any] = {}
    for match in _PAIR.finditer(line):
        key, text = _unquote(match[1]), match[2]
        if text is None:
            info[key] = True
        else:
            raw = _unquote(text)
            info[key] = raw if key in _RESERVED else _native(raw, keep_text=key == "config_type")
    return info


def _unquote(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "\"'":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text[:1] == "{" and text[-1:] == "}":
        return text[1:-1]
    return text


def _native(text: str, keep_text: bool = False) -> Any:
    """JSON after the mark _JSON; otherwise a number, an array of numbers, a boolean, or the text itself."""
    if text.startswith("_JSON "):
        try:
            return json.loads(text[len("_JSON ") :])
        except json.JSONDecodeError:
            return text
    if keep_text:
        return text
    words = re.sub(r"[\[\],]", " ", text).split()
    for kind in (int, float):
        try:
            numbers = [kind(word) for word in words]
        except ValueError:
            continue
        return numbers[0] if len(numbers) == 1 else np.array(numbers, dtype=kind) if numbers else text
    return _BOOLEANS.get(text, text)


def _columns(properties: str, rows: list[tuple[int, list[str]]], where: str) -> dict[str, AnyArray]:
    """The arrays that ``Properties=name:type:count:…`` describes."""
    fields = properties.split(":")
    layout = list(zip(fields[::3], fields[1::3], fields[2::3], strict=False))
    names = [_ALIASES.get(name, name) for name, _, _ in layout]
    counts = [int(count) if count.isdigit() else 0 for _, _, count in layout]
    types = [kind for _, kind, _ in layout]
    if (
        len(fields) % 3
        or min(counts) < 1
        or not set(types) <= set(_COLUMN_TYPES)
        or len(set(names)) < len(names)
    ):
        raise FileFormatError(f"{where}: Properties={properties} is not a list of distinct name:type:count")
    width = sum(counts)
    for number, row in rows:
        if len(row) != width:
            raise FileFormatError(f"{where}: line {number}: expected {width} columns, found {len(row)}")
    columns, start = {}, 0
    for name, kind, count in zip(names, types, counts, strict=True):
        cut = [row[start : start + count] for _, row in rows]
        columns[name] = _column(name, kind, cut, rows, where)
        start += count
    return columns


def _column(
    name: str, kind: str, cut: list[list[str]], rows: list[tuple[int, list[str]]], where: str
) -> AnyArray:
    values: AnyArray
    try:
        values = np.array(
            [[_BOOLEANS[w] for w in row] for row in cut] if kind == "L" else cut, dtype=_COLUMN_TYPES[kind]
        )
    except (ValueError, KeyError, OverflowError):
        for (number, _), row in zip(rows, cut, strict=True):
            try:
                [_BOOLEANS[w] if kind == "L" else _COLUMN_TYPES[kind](w) for w in row]
            except (ValueError, KeyError):
                bad = " ".join(row)
                raise FileFormatError(f"{where}: line {number}: {name} cannot be read from {bad!r}") from None
        raise
    return values[:, 0] if values.shape[1] == 1 else values


def _atoms(info: dict[str, Any], columns: dict[str, AnyArray], where: str) -> Atoms:
    if "pos" not in columns or columns["pos"].shape[1:] != (3,):
        raise FileFormatError(f"{where}: Properties have no positions (pos:R:3)")
    if "species" not in columns and "Z" not in columns:
        raise FileFormatError(f"{where}: Properties have no elements (species:S:1 or Z:I:1)")
    cell = _lattice(info.pop("Lattice", None), where)
    pbc = _pbc(info.pop("pbc", None), cell is not None, where)
    numbers, species = columns.pop("Z", None), columns.pop("species", None)
    kinds = [str(s).capitalize() for s in species] if species is not None else numbers
    try:
        atoms = Atoms(kinds, positions=columns.pop("pos"), cell=cell, pbc=pbc, info=info)
        atoms.get_chemical_symbols()
    except (KeyError, IndexError) as error:
        raise FileFormatError(f"{where}: unknown element {error.args[0]!r}") from None
    if any(pbc) and not np.array(atoms.cell)[np.array(pbc)].any(axis=1).all():
        raise FileFormatError(f"{where}: periodic along a direction that has no cell vector")
    for name, values in columns.items():
        atoms.new_array(name, values)
    return atoms


def _lattice(text: str | None, where: str) -> AnyArray | None:
    if text is None:
        return None
    try:
        cell = np.array(re.sub(r"[\[\],]", " ", str(text)).split(), dtype=float).reshape(3, 3)
    except ValueError:
        raise FileFormatError(f"{where}: Lattice must hold 9 numbers, got {str(text)[:60]!r}") from None
    if not np.isfinite(cell).all():
        raise FileFormatError(f"{where}: Lattice holds NaN or infinity")
    return cell


def _pbc(text: str | None, has_lattice: bool, where: str) -> list[bool]:
    if text is None:
        return [has_lattice] * 3
    words = re.sub(r"[\[\],]", " ", str(text)).split()
    flags = [_BOOLEANS.get(word, {"1": True, "0": False}.get(word)) for word in words]
    if len(flags) not in (1, 3) or None in flags:
        raise FileFormatError(f"{where}: pbc must hold three of T or F, got {str(text)[:40]!r}")
    return [bool(flag) for flag in (flags * 3)[:3]]


def _write_frame(file: IO[str], atoms: Atoms) -> None:
    names = [name for name in atoms.arrays if name not in ("numbers", "positions")]
    layout = "species:S:1:pos:R:3" + "".join(_layout(name, atoms.arrays[name]) for name in names)
    pairs = (
        []
        if atoms.cell.rank == 0
        else [("Lattice", _quote(" ".join(map(repr, atoms.cell.array.ravel().tolist()))))]
    )
    pairs += [("Properties", layout)]
    pairs += [(_key(key), _text(value)) for key, value in atoms.info.items() if key not in _RESERVED]
    pairs += [("pbc", _quote(" ".join("T" if flag else "F" for flag in atoms.pbc)))]
    file.write(f"{len(atoms)}\n" + " ".join(f"{key}={value}" for key, value in pairs) + "\n")
    columns = [atoms.arrays[name].reshape(len(atoms), -1).tolist() for name in names]
    for symbol, position, *others in zip(
        atoms.get_chemical_symbols(), atoms.positions.tolist(), *columns, strict=True
    ):
        words = [symbol, *map(repr, position), *(_word(value) for other in others for value in other)]
        file.write(" ".join(words) + "\n")


def _layout(name: str, values: AnyArray) -> str:
    kind = {"f": "R", "i": "I", "u": "I", "b": "L"}.get(values.dtype.kind, "S")
    if not re.fullmatch(r"[^\s:=\"]+", name):
        raise InputError(f"array {name!r} cannot be a column of an extended XYZ file")
    return f":{name}:{kind}:{int(np.prod(values.shape[1:]))}"


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return "T" if value else "F"
    text = value if isinstance(value, str) else repr(value)
    if not text or len(text.split()) != 1:
        raise InputError(f"{text!r} cannot be written as one word of an extended XYZ file")
    return text


def _key(key: Any) -> str:
    text = str(key)
    if not text.isprintable() or not text:
        raise InputError(f"the key {text!r} cannot be written to an extended XYZ file")
    return text if re.fullmatch(r"\w+", text) else _quote(text)


def _text(value: Any) -> str:
    """The value as it reads back: scalars and vectors plainly, all else (text like them too) as JSON."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, bool):
        return "T" if value else "F"
    if isinstance(value, int | float):
        return repr(value)
    if (
        isinstance(value, str)
        and value.isprintable()
        and isinstance(_native(value), str)
        and "_JSON" not in value
    ):
        return _quote(value)
    if isinstance(value, list) and len(value) > 1 and all(type(v) is float for v in value):
        return _quote(" ".join(map(repr, value)))
    try:
        return _quote("_JSON " + json.dumps(value))
    except TypeError:
        return _quote(str(value))


def _quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
