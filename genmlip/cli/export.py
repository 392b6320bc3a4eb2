"""``genmlip export``: a fitted potential in the formats of other programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genmlip.cli.arguments import Force, Json
from genmlip.cli.output import check_file, check_folder, only_results_on_stdout, show
from genmlip.errors import InputError

if TYPE_CHECKING:
    from genmlip.potentials import Potential
    from genmlip.potentials.ace import LinearACE

FORMATS = ".yace (LAMMPS, python-ace), .json (genmlip), or no suffix (a folder of tables)"
UNITS = {"spline_bin": "Å", "table_bytes": "bytes", "exact_beyond": "Å"}


def export(
    pot: Annotated[str, typer.Argument(metavar="POT", help="Potential to write, ace:FILE.")],
    out: Annotated[
        Path, typer.Option(metavar="PATH", help="FILE.yace, FILE.json, or a folder for tables (CSV).")
    ],
    tolerance: Annotated[
        float, typer.Option(metavar="ε", help="Of the radial functions in a .yace file; larger is faster.")
    ] = 1e-12,
    force: Force = False,
    json: Json = False,
) -> None:
    """Write an ACE potential for LAMMPS and python-ace (.yace), or its functions as tables.

    Example: genmlip export ace:w.json --out w.yace
    """
    from genmlip.potentials import load_potential

    if out.suffix not in _WRITERS:
        raise InputError(f"--out {out}: unknown format {out.suffix}; known are {FORMATS}")
    if not pot.startswith("ace:"):
        raise InputError(f"{pot} is no atomic cluster expansion; export takes ace:FILE")
    (check_file if out.suffix else check_folder)(out, force)
    with only_results_on_stdout():
        potential = load_potential(pot)
        written = _WRITERS[out.suffix](potential, out, tolerance)
    show(written, json, UNITS)
    if out.suffix == ".yace" and not json:
        print(f"\npair_style pace recursive\npair_coeff * * {out} {' '.join(potential.symbols)}")


def _write_yace(potential: Potential, out: Path, tolerance: float) -> dict[str, Any]:
    from genmlip.potentials.ace.yace_writer import save_yace

    report = asdict(save_yace(_fitted(potential), out, tolerance))
    return {"out": str(report.pop("path")), **report}


def _write_json(potential: Potential, out: Path, _: float) -> dict[str, Any]:
    fitted = _fitted(potential)
    fitted.save(out)
    return {"out": str(out), "n_functions": fitted.n_coefficients}


def _write_tables(potential: Potential, out: Path, _: float) -> dict[str, Any]:
    from genmlip.potentials.ace.curves import save_curves

    radial, dimer = save_curves(potential, out)
    return {"radial": str(radial), "dimer": str(dimer)}


def _fitted(potential: Potential) -> LinearACE:
    """The potential, if it is of our own format: that of other programs has no way back."""
    from genmlip.potentials.ace import LinearACE

    if not isinstance(potential, LinearACE):
        raise InputError(
            f"{potential.spec} is a .yace file already; only its tables can be exported (--out FOLDER)"
        )
    return potential


_WRITERS = {".yace": _write_yace, ".json": _write_json, "": _write_tables}
