"""``genmlip equilibrate``: one defect, one potential."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from genmlip.cli.arguments import (
    Boundary,
    Disloc,
    Fmax,
    Force,
    Json,
    OutFolder,
    Pot,
    Radius,
    StructureName,
    Symbol,
)
from genmlip.cli.output import check_folder, messages, only_results_on_stdout, show

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
        say_what_is_lost(potential)
        defect = make_defect(Crystal.from_potential(potential, structure, symbol), disloc)
        try:
            with forces_on_stderr() as progress:
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


def say_what_is_lost(*potentials: Potential) -> None:
    """A line for every potential whose energies are known as totals only."""
    for potential in potentials:
        if not potential.site_resolved:
            messages().print(
                f"genmlip: note: {potential.spec} gives no energies per atom; energy differences are "
                "differences of totals and lose about as many digits as the number of atoms has",
                highlight=False,
            )


@contextmanager
def forces_on_stderr() -> Iterator[Callable[[Progress], None]]:
    """One line that tells how far a minimisation is."""
    with messages().status("relaxing") as status:
        yield lambda at: status.update(
            f"relaxing: {at.n_calls} force calls, largest force {at.fmax:.2e} eV/Å"
        )
