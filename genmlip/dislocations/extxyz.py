"""A configuration as extended XYZ text with every digit; ASE reads it, but writes only eight decimals."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ase import Atoms

from genmlip._types import AnyArray

_KINDS = {"f": ("R", "%.17g"), "i": ("I", "%d"), "b": ("L", "%s")}


def extended_xyz(atoms: Atoms, columns: Mapping[str, AnyArray]) -> str:
    """Species, positions and the given (n,) or (n, k) columns of reals, integers or truth values."""
    blocks, properties, formats = [], ["species:S:1"], ["%s"]
    for name, values in {"pos": atoms.positions, **columns}.items():
        table = np.asarray(values).reshape(len(atoms), -1)
        kind, number = _KINDS[table.dtype.kind]
        properties.append(f"{name}:{kind}:{table.shape[1]}")
        formats += [number] * table.shape[1]
        blocks.append(np.where(table, "T", "F") if kind == "L" else table)
    line = " ".join(formats)
    cell = " ".join(f"{x:.17g}" for x in np.asarray(atoms.cell).ravel())
    pbc = " ".join("T" if p else "F" for p in atoms.pbc)
    rows = zip(atoms.get_chemical_symbols(), *(block.tolist() for block in blocks), strict=True)
    return "\n".join(
        [
            str(len(atoms)),
            f'Lattice="{cell}" Properties={":".join(properties)} pbc="{pbc}"',
            *(line % (symbol, *(x for part in parts for x in part)) for symbol, *parts in rows),
            "",
        ]
    )
