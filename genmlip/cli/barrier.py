"""``genmlip barrier``: the Peierls barrier of a dislocation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genmlip.cli.arguments import (
    Boundary,
    Disloc,
    Force,
    Json,
    OutFolder,
    Pot,
    Radius,
    StructureName,
    Symbol,
)
from genmlip.cli.output import check_folder, messages, only_results_on_stdout, show
from genmlip.errors import NotConvergedError

if TYPE_CHECKING:
    from genmlip.dislocations.barrier import PeierlsBarrier
    from genmlip.statics.path import Sweep

FIGURE = "barrier"
UNITS = {
    "barrier": "eV per b",
    "radius": "Å",
    "wall_s": "s",
    "saddle_fmax": "eV/Å",
    "end_difference": "eV per line period",
    "energies": "eV per line period",
    "path_length": "Å",
    "core_positions": "Å",
    "step": "Å",
    "b": "Å",
    "line_period": "Å",
}


def barrier(
    pot: Pot,
    disloc: Disloc,
    radius: Radius,
    boundary: Boundary = None,
    images: Annotated[int, typer.Option(help="Images of the path, with its two ends.")] = 9,
    fmax: Annotated[float, typer.Option(metavar="eV/Å", help="Largest force at the saddle.")] = 1e-5,
    out: OutFolder = None,
    symbol: Symbol = None,
    structure: StructureName = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Peierls barrier: the energy that a straight dislocation climbs to reach the next valley.

    Example: genmlip barrier fs:W bcc-screw-111 --radius 30 --out barrier
    """
    from genmlip.crystal import Crystal
    from genmlip.dislocations import check_defect, make_defect
    from genmlip.dislocations.barrier import peierls_barrier
    from genmlip.potentials import load_potential

    check_folder(out, force)
    check_defect(disloc)
    with only_results_on_stdout():
        potential = load_potential(pot)
        dislocation = make_defect(Crystal.from_potential(potential, structure, symbol), disloc)
        try:
            with _progress_on_stderr() as progress:
                result = peierls_barrier(
                    dislocation,  # type: ignore[arg-type]
                    potential, radius, boundary, images, fmax, callback=progress,
                )  # fmt: skip
        except (KeyboardInterrupt, NotConvergedError) as stopped:
            if out is not None:
                _write_reached(getattr(stopped, "result", None), out)
            raise
        if out is not None:
            _write(result, out)
    show(result.summary(), json, UNITS)
    result.require_convergence()


def _write(result: PeierlsBarrier, folder: Path) -> None:
    from genmlip.report.plots.barrier import barrier_profile
    from genmlip.report.style import save

    result.save(folder)
    save(barrier_profile(result), folder / FIGURE)


def _write_reached(result: Any, folder: Path) -> None:
    """What an interruption, or a valley that did not converge, has left."""
    from genmlip.dislocations import Equilibrium
    from genmlip.dislocations.barrier import PeierlsBarrier

    if isinstance(result, PeierlsBarrier):
        _write(result, folder)
    elif isinstance(result, Equilibrium):
        result.save(folder)


@contextmanager
def _progress_on_stderr() -> Iterator[Callable[[Sweep], None]]:
    """One line that tells how far the search is."""
    with messages().status("relaxing the valleys") as status:

        def report(at: Sweep) -> None:
            seeking_saddle = at.fmax == at.fmax
            status.update(
                f"saddle: {at.n_calls} force calls, largest force {at.fmax:.2e} eV/Å"
                if seeking_saddle
                else f"path: {at.n_calls} force calls, still {at.away:.2e} Å away"
            )

        yield report
