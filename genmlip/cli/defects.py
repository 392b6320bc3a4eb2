"""``genmlip equilibrate`` and ``genmlip assess``: one defect, one or two potentials."""

from __future__ import annotations

import typer

from genmlip.cli.arguments import (
    Boundary,
    Candidate,
    Disloc,
    Fmax,
    Force,
    Json,
    OutFolder,
    Pot,
    Radius,
    Reference,
    StructureName,
    Symbol,
)
from genmlip.cli.output import check_folder, messages, only_results_on_stdout, show
from genmlip.errors import NotConvergedError

EQUILIBRIUM = (
    "n_atoms",
    "n_free",
    "radius",
    "boundary",
    "fmax",
    "converged",
    "n_force_calls",
    "wall_s",
    "energy",
    "core_position",
    "b",
    "line_period",
    "decay_exponent",
)
UNITS = {
    "radius": "Å",
    "fmax": "eV/Å",
    "wall_s": "s",
    "energy": "eV per line period",
    "core_position": "Å",
    "b": "Å",
    "line_period": "Å",
    "geometry_error": "Å",
    "energy_error": "eV per line period",
    "force_rmse_core": "eV/Å",
    "estimate": "Å",
}


def equilibrate(
    pot: Pot,
    disloc: Disloc,
    radius: Radius,
    boundary: Boundary = None,
    fmax: Fmax = 1e-6,
    out: OutFolder = None,
    symbol: Symbol = None,
    structure: StructureName = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Relax a dislocation (or a vacancy) in its far field.

    Example: genmlip equilibrate fs:W bcc-screw-111 --radius 40 --out screw
    """
    check_folder(out, force)
    with only_results_on_stdout():
        result, failure = _equilibrium(pot, disloc, radius, boundary, fmax, symbol, structure)
        if out is not None:
            result.save(out)
    show(_equilibrium_keys(result), json, UNITS)
    if failure:
        messages().print(f"genmlip: not converged: {failure}", highlight=False, markup=False)
        raise typer.Exit(NotConvergedError.exit_code)


def assess(
    disloc: Disloc,
    reference: Reference,
    candidate: Candidate,
    radius: Radius,
    boundary: Boundary = None,
    symbol: Symbol = None,
    structure: StructureName = None,
    json: Json = False,
) -> None:
    """How wrong one potential is about a defect, with another as the truth, and what the theory estimates.

    Example: genmlip assess --reference fs:W --candidate ace:w.json bcc-screw-111 --radius 40
    """
    raise NotImplementedError
