"""``genmlip equilibrate`` and ``genmlip assess``: one defect, one or two potentials."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

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
from genmlip.cli.output import check_folder, messages, only_results_on_stdout, show, show_sentences

if TYPE_CHECKING:
    from genmlip.potentials import Potential
    from genmlip.statics.minimise import Progress

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
    from genmlip.crystal import Crystal
    from genmlip.dislocations import check_defect, make_defect
    from genmlip.dislocations import equilibrate as relax
    from genmlip.potentials import load_potential

    check_folder(out, force)
    check_defect(disloc)
    with only_results_on_stdout():
        potential = load_potential(pot)
        _say_what_is_lost(potential)
        defect = make_defect(Crystal.from_potential(potential, structure, symbol), disloc)
        try:
            with _forces_on_stderr() as progress:
                result = relax(defect, potential, radius, boundary, fmax, callback=progress)
        except KeyboardInterrupt as interruption:
            reached = getattr(interruption, "result", None)
            if out is not None and reached is not None:
                reached.save(out)
            raise
        if out is not None:
            result.save(out)
    show(result.summary(), json, UNITS)
    result.require_convergence()


def assess(
    disloc: Disloc,
    reference: Reference,
    candidate: Candidate,
    radius: Radius,
    boundary: Boundary = None,
    estimate_only: Annotated[
        bool,
        typer.Option("--estimate-only", help="Relax nothing with the candidate, only predict its error."),
    ] = False,
    symbol: Symbol = None,
    structure: StructureName = None,
    json: Json = False,
) -> None:
    """How wrong one potential is about a defect, with another as the truth: what the theory estimates,
    where it comes from, and what to add to the training set.

    Example: genmlip assess --reference fs:W --candidate ace:w.json bcc-screw-111 --radius 40

    Example: genmlip assess --reference fs:W --candidate ase:mycalc:make vacancy --radius 9 --estimate-only
    """
    from genmlip.crystal import Crystal
    from genmlip.dislocations import check_defect, make_defect
    from genmlip.potentials import load_potential
    from genmlip.theory import advice
    from genmlip.theory import assess as compare

    check_defect(disloc)
    with only_results_on_stdout(), messages().status("relaxing the defect with both potentials"):
        truth, judged = load_potential(reference), load_potential(candidate)
        _say_what_is_lost(truth, judged)
        defect = make_defect(Crystal.from_potential(truth, structure, symbol), disloc)
        result = compare(truth, judged, defect, radius, boundary, estimate_only=estimate_only)
    verdict = advice(result)
    show(result.summary() | ({"verdict": verdict} if json else {}), json, UNITS)
    if not json:
        show_sentences(verdict)
    if result.failure is not None:
        raise result.failure


def _say_what_is_lost(*potentials: Potential) -> None:
    """A line for every potential whose energies are known as totals only."""
    for potential in potentials:
        if not potential.site_resolved:
            messages().print(
                f"genmlip: note: {potential.spec} gives no energies per atom; energy differences are "
                "differences of totals and lose about as many digits as the number of atoms has",
                highlight=False,
            )


@contextmanager
def _forces_on_stderr() -> Iterator[Callable[[Progress], None]]:
    """One line that tells how far a minimisation is."""
    with messages().status("relaxing") as status:
        yield lambda at: status.update(
            f"relaxing: {at.n_calls} force calls, largest force {at.fmax:.2e} eV/Å"
        )
