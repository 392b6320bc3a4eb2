"""Fitting without the design matrix, beside scikit-learn and SciPy on the whole matrix, in one run.

Usage: python benchmarks/fit_at_scale.py FILE.xyz [--degree 40,15,12 --workers 2]
       python benchmarks/fit_at_scale.py --synthetic 1000000 --columns 1000 [--workers 2]

FILE holds labelled configurations of one or more elements with energies, forces and virials. CPU seconds are
those of all threads together. Peak memory is what the process gained since its start; the streamed part runs
first, so that it is not hidden by the peer's. Needs the extra genmlip[uq] for scikit-learn.
"""

from __future__ import annotations

import argparse
import os
import resource
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from ase import Atoms
from scipy.linalg import lstsq

from genmlip.potentials.ace import LinearACE
from genmlip.potentials.ace.linear import Design
from genmlip.training import BayesianRidge, Configuration, Dataset, ReducedSystem, Ridge, Weights
from genmlip.training.assemble import assemble, whitened_rows
from genmlip.training.observations import parse_observations

EFV, WEIGHTS, ALPHA = parse_observations("EFV"), Weights(), 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path, nargs="?")
    parser.add_argument("--degree", default="40,15,12")
    parser.add_argument("--cutoff", type=float, default=5.0)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument(
        "--synthetic", type=int, metavar="ROWS", help="only the memory of so many random rows"
    )
    parser.add_argument("--columns", type=int, default=1000)
    options = parser.parse_args()
    if options.synthetic:
        stream_random_rows(options.synthetic, options.columns, options.workers)
    elif options.file:
        fit_file(options)
    else:
        parser.error("give a file or --synthetic ROWS")


def fit_file(options: argparse.Namespace) -> None:
    """The same weighted rows and prior, streamed and as one matrix."""
    data = Dataset.read(options.file)
    degrees = [float(d) for d in options.degree.split(",")]
    ace = LinearACE(data.symbols, options.cutoff, order=len(degrees), degree=degrees)
    E0 = mean_energies(data)
    ace.design(data[0].atoms)  # compiles
    print(f"{len(data)} configurations, {data.n_atoms} atoms, {ace.n_coefficients} functions")
    systems = {}
    for workers in sorted({1, options.workers}):
        with timed(f"assembled by {workers} thread(s)"):
            systems[workers] = assemble(ace, data, EFV, WEIGHTS, E0, workers=workers).system()
    same = np.array_equal(*(systems[w].triangle for w in (1, options.workers)))
    print(f"{'':4}bit for bit the same: {same}")
    with timed("of which the design"):
        for configuration in data:
            ace.design(configuration.atoms)
    system, ours = systems[1], {}
    for solver in (Ridge(ALPHA), BayesianRidge()):
        with timed(f"solved by {type(solver).__name__}"):
            ours[type(solver).__name__] = solver.solve(system, ace.smoothness)
    compare(*whole_matrix(ace, data, E0), ace.smoothness, ours)


def compare(A: np.ndarray, y: np.ndarray, prior: np.ndarray, ours: dict[str, Any]) -> None:
    """SciPy and scikit-learn on all rows; agreement is measured on what is predicted for them."""
    from sklearn import linear_model

    print(f"the whole matrix: {A.shape[0]} × {A.shape[1]}, {A.nbytes / 2**20:.0f} MiB")
    X, size = A / prior, np.linalg.norm(y)

    def agree(name: str, d: np.ndarray) -> None:
        difference = np.linalg.norm(A @ ours[name].coefficients - X @ d) / size
        print(f"{'':4}‖A (c − c′)‖ / ‖y‖ = {difference:.1e}")

    with timed("scipy.linalg.lstsq with the ridge as rows"):
        K = len(prior)
        d = lstsq(np.vstack([X, ALPHA * np.eye(K)]), np.append(y, np.zeros(K)))[0]
    agree("Ridge", d)
    peers: dict[str, Callable[[], Any]] = {
        "Ridge": lambda: linear_model.Ridge(ALPHA**2, fit_intercept=False, solver="svd"),
        "BayesianRidge": lambda: linear_model.BayesianRidge(
            alpha_1=0, alpha_2=0, lambda_1=0, lambda_2=0, fit_intercept=False, tol=1e-8, max_iter=1000
        ),
    }
    for name, make in peers.items():
        with timed(f"sklearn {name}"):
            found = make().fit(X, y)
        agree(name, found.coef_)
        if name == "BayesianRidge":
            noise = ours[name].posterior.noise["all"]
            print(f"{'':4}noise {noise:.6g} here, {found.alpha_**-0.5:.6g} there")


def whole_matrix(ace: LinearACE, data: Dataset, E0: dict[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """All weighted rows and labels at once."""
    rows = [
        (A, y) for configuration in data for _, A, y in whitened_rows(ace, configuration, EFV, WEIGHTS, E0)
    ]
    return np.concatenate([A for A, _ in rows]), np.concatenate([y for _, y in rows])


def mean_energies(data: Dataset) -> dict[str, float]:
    """E0 by least squares on the compositions, so that both sides start from the same labels."""
    counts = [[c.atoms.get_chemical_symbols().count(s) for s in data.symbols] for c in data]
    values = np.linalg.lstsq(np.array(counts, float), np.array([c.energy for c in data]))[0]
    return dict(zip(data.symbols, values.tolist(), strict=True))


class RandomModel:
    """A linear model whose design is random numbers, so that only the reduction is measured."""

    symbols = ("H",)

    def __init__(self, n_columns: int) -> None:
        self.smoothness = np.ones(n_columns)

    def design(self, atoms: Atoms) -> Design:
        rng, K, n = np.random.default_rng(atoms.info["seed"]), len(self.smoothness), 3 * len(atoms)
        forces = rng.standard_normal((K, n), dtype=np.float32).astype(float).T
        return Design(forces[0], forces, forces[:6])


def stream_random_rows(n_rows: int, n_columns: int, workers: int) -> None:
    """Peak memory of a system that would not fit, and the rate at which its rows are reduced."""
    n, cells = 100, []
    for seed in range(round(n_rows / 300)):
        atoms = Atoms(f"H{n}", positions=np.zeros((n, 3)), info={"seed": seed})
        cells.append(Configuration(atoms, forces=np.ones((n, 3))))
    data = Dataset(tuple(cells))
    whole = n_rows * n_columns * 8 / 2**20
    with timed(f"{n_rows} × {n_columns} reduced by {workers} thread(s) (whole: {whole:.0f} MiB)"):
        kinds = parse_observations("F")
        system: ReducedSystem = assemble(
            RandomModel(n_columns), data, kinds, WEIGHTS, {"H": 0.0}, workers=workers
        ).system()
    print(f"{'':4}{system.n_rows} rows went in")


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Prints CPU and wall seconds and by how much the peak memory of the process rose."""
    wall, cpu, memory = time.perf_counter(), time.process_time(), peak()
    yield
    print(
        f"{what:<56} CPU {time.process_time() - cpu:7.2f} s  wall {time.perf_counter() - wall:7.2f} s  "
        f"peak +{peak() - memory:.0f} MiB"
    )


def peak() -> float:
    """Largest resident memory of the process so far, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
