"""The ``genmlip`` command: its subcommands, and how errors reach a person."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, NoReturn, TextIO

import typer

from genmlip import __version__
from genmlip.cli.assess import assess
from genmlip.cli.barrier import barrier
from genmlip.cli.defects import equilibrate
from genmlip.cli.export import export
from genmlip.cli.materials import crystal, potentials
from genmlip.cli.studies import demo, figures, study
from genmlip.cli.training import train
from genmlip.errors import GenmlipError, GenmlipWarning

INTERRUPTED = 130

app = typer.Typer(
    name="genmlip",
    rich_markup_mode="rich",
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

LOOK, SIMULATE, STUDY = "What is there", "One defect, one potential", "Whole studies"
for command, panel in (
    (potentials, LOOK),
    (crystal, LOOK),
    (equilibrate, SIMULATE),
    (barrier, SIMULATE),
    (train, SIMULATE),
    (assess, SIMULATE),
    (export, SIMULATE),
    (demo, STUDY),
    (study, STUDY),
    (figures, STUDY),
):
    app.command(rich_help_panel=panel)(command)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"genmlip {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _genmlip(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Will a machine-learned interatomic potential get the dislocation right, how wrong will it be, and what
    should be added to its training set?

    Start here (less than 5 minutes; tungsten, the ½⟨111⟩ screw dislocation):

        [bold]genmlip demo --out demo[/]

    A potential's crystal, and a dislocation in it:

        [bold]genmlip crystal fs:W[/]

        [bold]genmlip equilibrate fs:W bcc-screw-111 --radius 40 --out screw[/]

    Fit a potential to periodic bulk cells, then see how wrong it is about the dislocation:

        [bold]genmlip train --reference fs:W --cells bulk:3 --observations EFV --out w.json[/]

        [bold]genmlip assess --reference fs:W --candidate ace:w.json bcc-screw-111 --radius 40[/]

    Use it elsewhere, as LAMMPS and python-ace read it:

        [bold]genmlip export ace:w.json --out w.yace[/]

    POT is fs:W, sw:Si, sw:Ge, eam:FILE, kim:MODEL, ace:FILE (.json or .yace) or
    ase:package.module:callable.
    Lengths are in Å, energies in eV, elastic constants in GPa.
    Exit codes: 0 done, 2 bad input, 3 not converged.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the interpreter with its exit code."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; the exit code. What is not an error of the user keeps its traceback."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _warn
            code = typer.main.get_command(app).main(
                args=list(arguments), prog_name="genmlip", standalone_mode=False
            )
    except KeyboardInterrupt:
        code = INTERRUPTED
    except GenmlipError as error:
        return _complain(str(error), error.exit_code)
    except Exception as error:
        if isinstance(error, typer.Abort):
            code = INTERRUPTED
        elif hasattr(error, "format_message"):  # typer's own errors about flags and arguments
            return _complain(f"{error.format_message()} (see genmlip --help)", 2)
        else:
            raise
    if code == INTERRUPTED:
        return _complain("interrupted", INTERRUPTED)
    return int(code or 0)


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Ours as one line; those of libraries as Python shows them."""
    if issubclass(category, GenmlipWarning):
        print(f"genmlip: note: {message}", file=sys.stderr)
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno, line))


def _complain(message: str, code: int) -> int:
    print(f"genmlip: {' '.join(message.split())}", file=sys.stderr)
    return code
