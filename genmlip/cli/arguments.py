"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Pot = Annotated[
    str, typer.Argument(metavar="POT", help="Potential: fs:W, sw:Si, sw:Ge, eam:FILE, kim:MODEL, …")
]
Disloc = Annotated[
    str,
    typer.Argument(metavar="DISLOC", help="bcc-screw-111, bcc-edge-111, …, or vacancy", show_default=False),
]
Candidate = Annotated[str, typer.Option(metavar="POT", help="Potential to be judged.")]
Symbol = Annotated[str | None, typer.Option(help="Element, where the potential offers several.")]
StructureName = Annotated[
    str | None, typer.Option("--structure", metavar="bcc|fcc|diamond", help="Default: the element's own.")
]
Radius = Annotated[
    float, typer.Option(metavar="Å", help="Radius of the region whose atoms are free to move.")
]
Boundary = Annotated[
    str | None,
    typer.Option(metavar="clamped|…", help="What happens beyond the radius. Default: the best there is."),
]
Fmax = Annotated[float, typer.Option(metavar="eV/Å", help="Largest force on a free atom at equilibrium.")]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object on standard output, the rest on standard error.")
]
OutFolder = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="Folder for the results.")]
Force = Annotated[bool, typer.Option("--force", help="Overwrite what is there.")]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes, each with one thread. Default: one per core.")
]
