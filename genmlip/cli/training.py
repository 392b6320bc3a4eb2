"""``genmlip train``: fit a linear ACE potential to chosen cells and observations."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genmlip.cli.arguments import Force, Json, StructureName, Symbol
from genmlip.cli.output import check_file, counting, only_results_on_stdout, show, show_rows
from genmlip.errors import InputError

if TYPE_CHECKING:
    from genmlip.training import Dataset, FitResult

DEGREES = (60.0, 12.0, 8.0, 8.0, 8.0, 8.0)
DATA_SUFFIXES = (".xyz", ".extxyz", ".gz")

Degree = Annotated[
    str | None,
    typer.Option(
        metavar="D[,D…]", help="Largest total degree: one, or one per order; by default 60,12,8,8,8,8."
    ),
]
Radial = Annotated[
    str,
    typer.Option(
        metavar="r0=…,core=…",
        help="Radial functions: r0 (Å, where they resolve distances best; by default the first shell, "
        "for density-functional data rather 0.7 of the cutoff), exponents core and tail of the "
        "transform, envelope.",
    ),
]
SolverName = Annotated[
    str,
    typer.Option(
        metavar="bayes|ard|ridge[:α]|rrqr[:ε]|svd[:ε]|gcv|ols",
        help="How the least squares are solved: with the most probable penalty; with one for each "
        "function; with a given one; truncated by QR or SVD; by cross-validation; with none.",
    ),
]


def train(
    cells: Annotated[
        list[str],
        typer.Option(
            metavar="KIND:SIZE|FILE.xyz",
            help="Training cells, repeatable: bulk:3, bulk:3,n=20,strain=0.02,displacement=0.05, strained:1, "
            "vacancy:2, quadrupole:bcc-screw-111, or a labelled extended-XYZ file.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where to write the potential (JSON).")],
    reference: Annotated[
        str | None,
        typer.Option(metavar="POT", help="Potential that labels the cells; not needed for files."),
    ] = None,
    observations: Annotated[
        str, typer.Option(metavar="EFV", help="Which of energies, forces, virials.")
    ] = "EFV",
    order: Annotated[
        int | None,
        typer.Option(help="Correlation order (body order minus one); by default that of the degrees, or 3."),
    ] = None,
    degree: Degree = None,
    angular_weight: Annotated[
        float,
        typer.Option(
            metavar="w", help="A degree is Σ (n + w l): for density-functional data rather 0.5, more angles."
        ),
    ] = 1.0,
    cutoff: Annotated[float, typer.Option(metavar="Å", help="Cutoff of the potential.")] = 5.0,
    radial: Radial = "",
    solver: SolverName = "bayes",
    weights: Annotated[
        str, typer.Option(metavar="E=…,F=…,V=…", help="Weights in the loss; see genmlip.training.Weights.")
    ] = "E=30,F=1,V=1",
    seed: Annotated[int, typer.Option(min=0, help="Of the random strains and displacements.")] = 0,
    workers: Annotated[
        int, typer.Option(min=1, help="Threads that assemble; the result does not depend on them.")
    ] = 1,
    symbol: Symbol = None,
    structure: StructureName = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Fit a linear ACE potential to cells labelled by a reference potential, or to your own data.

    Example: genmlip train --reference fs:W --cells bulk:3 --cells vacancy:2 --observations EFV --out w.json

    Example: genmlip train --cells my-dft.xyz --observations EF --radial r0=3.5,core=4 --out mine.json
    """
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # read when NumPy is loaded, which is now
        os.environ.setdefault(variable, "1")  # the workers are the threads; BLAS would be in their way
    from genmlip.potentials.ace import LinearACE
    from genmlip.studies.specifications import parse_degree, parse_radial, parse_solver, parse_weights
    from genmlip.training import fit
    from genmlip.training.observations import parse_observations

    check_file(out, force)
    parse_observations(observations)
    chosen_solver, chosen_weights = parse_solver(solver), parse_weights(weights)
    degrees = None if degree is None else parse_degree(degree)
    if order is None:
        order = len(degrees) if isinstance(degrees, tuple) else 3
    basis: dict[str, Any] = {"order": order, "degree": degrees or DEGREES[:order], "cutoff": cutoff}
    basis |= {"angular_weight": angular_weight, **parse_radial(radial)}
    with only_results_on_stdout():
        dataset = _dataset(cells, reference, symbol, structure, seed)
        model = LinearACE(dataset.symbols, **basis)
        with counting("fitting") as progress:
            result = fit(
                model,
                dataset,
                observations,
                chosen_weights,
                chosen_solver,
                progress=progress,
                workers=workers,
            )
        result.potential.save(out)
    _report(result, out, json)


def _dataset(
    cells: list[str], reference: str | None, symbol: str | None, structure: str | None, seed: int
) -> Dataset:
    """Files with their own labels, everything else labelled by the reference."""
    from genmlip.crystal import Crystal
    from genmlip.potentials import load_potential
    from genmlip.studies.specifications import CellSpecification
    from genmlip.training import Dataset, label

    files = [text for text in cells if Path(text).suffix in DATA_SUFFIXES]
    specifications = [CellSpecification.parse(text) for text in cells if text not in files]
    dataset = Dataset(())
    for file in files:
        dataset += Dataset.read(file)
    if specifications:
        if reference is None:
            raise InputError("training cells that genmlip builds need --reference POT to label them")
        potential = load_potential(reference)
        crystal = Crystal.from_potential(potential, structure, symbol)
        for specification in specifications:
            dataset += label(specification.build(crystal, seed), potential)
    return dataset


def _report(result: FitResult, out: Path, as_json: bool) -> None:
    """The error table, or the same as JSON."""
    summary: dict[str, Any] = {
        "n_configurations": len(result.dataset),
        "n_atoms": result.dataset.n_atoms,
        "n_functions": len(result.potential.coefficients),
        "n_rows": result.n_rows,
        "condition": result.condition,
        "degrees_of_freedom": result.solution.degrees_of_freedom,
        **({"noise": result.noise} if result.noise else {}),
        "wall_s": result.seconds,
        "out": str(out),
    }
    records = result.errors.records()
    if as_json:
        show({**summary, "errors": records}, as_json=True)
        return
    show_rows(records[0], (record.values() for record in records))
    show(summary, as_json=False, units={"wall_s": "s"})
