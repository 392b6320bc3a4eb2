"""Time per atom of an atomic cluster expansion, here and in python-ace: the same .yace file, atoms and core.

Usage: python benchmarks/ace_vs_pyace.py [--atoms 1024 --repeat 10 --densities 1]

Needs the extra genmlip[peers]. The potential has the size of a published one: tungsten, cutoff 5.5 Å, 475
functions up to five-body, with random coefficients. Both sides run through their ASE calculators with atoms
that have moved since the last call, and then without neighbour lists and ASE, on environments made before.
python-ace has several evaluators; the fastest counts. CPU times, the least of several rounds in turn; two
threads by the clock, which means little while others use the machine.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import numpy as np
from ase import Atoms
from ase.build import bulk

from genmlip.potentials.ace.engine import Engine
from genmlip.potentials.ace.yace import load_yace
from genmlip.potentials.neighbours import Neighbours

CUTOFF = 5.5  # Å
FUNCTIONS = {"nradmax_by_orders": [12, 6, 4, 2], "lmax_by_orders": [0, 3, 3, 2]}
PEERS = {"product": (False, False), "recursive evaluator": (True, False), "recursive": (True, True)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", type=int, default=1024, help="about this many")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument(
        "--densities", type=int, default=1, choices=(1, 2), help="2: Finnis–Sinclair embedding"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "W.yace")
        n_functions = write_potential(file, options.densities)
        atoms = bulk("W", cubic=True, a=3.1652).repeat(max(2, round((options.atoms / 2) ** (1 / 3))))
        atoms.rattle(0.1, seed=0)
        neighbours = len(Neighbours.of(atoms, CUTOFF).index) / len(atoms)
        print(f"{len(atoms)} atoms, {neighbours:.1f} neighbours, {n_functions} functions, "
              f"{options.densities} densities")  # fmt: skip
        compare(file, atoms, options.repeat)


def compare(file: Path, atoms: Atoms, repeat: int) -> None:
    """Print agreement and times."""
    ours, theirs = load_yace(file), peers(file)
    reference = theirs["recursive"]
    report_agreement(atoms, ours, reference)
    calculators = {"genmlip": ours, **theirs}
    calls = {name: moving_call(atoms, calculator) for name, calculator in calculators.items()}
    report("ASE calculators", best_times(calls, repeat), len(atoms))
    kernels = {"genmlip": kernel_call(atoms, ours.expansion)}
    for name, calculator in theirs.items():
        environment = calculator.get_atomic_env(atoms)
        kernels[name] = lambda ace=calculator.ace, environment=environment: ace.compute(environment, False)
    report("evaluators alone", best_times(kernels, repeat), len(atoms))
    threads = {f"{n} threads": kernel_call(atoms, ours.expansion, n) for n in (1, 2)}
    one, two = best_times(threads, repeat, clock=time.perf_counter).values()
    per_atom = 1e6 / len(atoms)
    print(f"genmlip by the clock: {one * per_atom:.2f} µs per atom, two threads {two * per_atom:.2f} µs, "
          f"ratio {two / one:.2f}")  # fmt: skip


def write_potential(file: Path, densities: int) -> int:
    """A .yace file with random coefficients, smaller for higher orders; returns the number of functions."""
    import pyace

    config = pyace.create_multispecies_basis_config(
        {
            "deltaSplineBins": 0.001,
            "elements": ["W"],
            "embeddings": {
                "ALL": {
                    "npot": "FinnisSinclairShiftedScaled",
                    "fs_parameters": [1, 1, 1, 0.5][: 2 * densities],
                    "ndensity": densities,
                }
            },
            "bonds": {
                "ALL": {
                    "radbase": "SBessel",
                    "radparameters": [5.25],
                    "rcut": CUTOFF,
                    "dcut": 0.01,
                    "NameOfCutoffFunction": "cos",
                }
            },
            "functions": {"ALL": FUNCTIONS},
        }
    )
    rng = np.random.default_rng(0)
    block = config.funcspecs_blocks[0]
    functions = block.funcspecs
    for function in functions:
        function.coeffs = rng.normal(size=densities) * 10.0 ** -len(function.ns)
    block.funcspecs = functions
    radial = np.array(block.radcoefficients)  # (n, l, k): as after a fit, R_nl are no longer the g_n
    block.radcoefficients = (radial + 0.2 * rng.normal(size=radial.shape)).tolist()
    pyace.ACEBBasisSet(config).to_ACECTildeBasisSet().save_yaml(str(file))
    return len(functions)


def peers(file: Path) -> dict:
    """python-ace's calculators, one for each way it evaluates."""
    from pyace import PyACECalculator

    return {
        name: PyACECalculator(str(file), recursive_evaluator=evaluator, recursive=recursive)
        for name, (evaluator, recursive) in PEERS.items()
    }


def report_agreement(atoms: Atoms, ours, reference) -> None:
    energies, forces, stress = (
        [calculator.get_property(name, atoms) for calculator in (ours, reference)]
        for name in ("energies", "forces", "stress")
    )
    print(f"largest differences: energies {np.abs(energies[0] - energies[1]).max():.1e} eV of "
          f"{np.ptp(energies[1]):.1f}, forces {np.abs(forces[0] - forces[1]).max():.1e} eV/Å of "
          f"{np.abs(forces[1]).max():.1f}, stress {np.abs(stress[0] - stress[1]).max():.1e} eV/Å³ of "
          f"{np.abs(stress[1]).max():.1f}")  # fmt: skip


def moving_call(atoms: Atoms, calculator) -> Callable[[], None]:
    """Energy, forces and stress, of atoms that have moved a little."""
    moved, rng = atoms.copy(), np.random.default_rng(1)

    def call() -> None:
        moved.positions += rng.normal(0.0, 1e-3, (len(moved), 3))
        calculator.calculate(moved, ["energy", "forces", "stress"], ["positions"])

    return call


def kernel_call(atoms: Atoms, expansion, threads: int = 1) -> Callable[[], None]:
    """Site energies and gradients, with a list that has the usual skin."""
    engine, neighbours = Engine.of(expansion), Neighbours.of(atoms, CUTOFF + 0.5)
    vectors, species = neighbours.vectors(atoms.positions), np.zeros(len(atoms), dtype=np.int64)
    energies, gradients = np.empty(len(atoms)), np.empty_like(vectors)
    return lambda: engine.site_terms(species, neighbours, vectors, energies, gradients, threads)


def best_times(
    calls: dict[str, Callable[[], None]], repeat: int, clock: Callable[[], float] = time.process_time
) -> dict[str, float]:
    """Least seconds of each, the calls taking turns; the first round compiles and does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeat + 1):
        for name, call in calls.items():
            started = clock()
            call()
            seconds[name].append(clock() - started)
    return {name: min(times[1:]) for name, times in seconds.items()}


def report(what: str, seconds: dict[str, float], n_atoms: int) -> None:
    per_atom = {name: value / n_atoms * 1e6 for name, value in seconds.items()}
    fastest = min(value for name, value in per_atom.items() if name != "genmlip")
    times = ", ".join(f"{name} {value:.2f}" for name, value in per_atom.items())
    print(f"{what}, µs per atom and call: {times}; ratio to python-ace's fastest "
          f"{per_atom['genmlip'] / fastest:.3f}")  # fmt: skip


if __name__ == "__main__":
    main()
