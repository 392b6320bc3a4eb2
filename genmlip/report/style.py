"""How figures look and how they reach the disk; what they show is in :mod:`genmlip.report.plots`.

Figures are plain ``Figure`` objects: pyplot is never imported and matplotlib's global parameters are as they
were when a drawing function returns.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec

import matplotlib
from matplotlib.figure import Figure

from genmlip._files import write_atomically
from genmlip.report.words import unbroken

Parameters = ParamSpec("Parameters")

STYLE_FILE = Path(__file__).with_name("genmlip.mplstyle")
PAGE_WIDTH = 6.5  # inches
GREY = "#666666"
PREDICTED: dict[str, Any] = {
    "color": "black",
    "linestyle": (0, (4, 2)),
    "linewidth": 1.1,
}  # a line that theory draws

# Okabe & Ito's palette; distinguishable with any colour vision and in grey.
OBSERVATION_COLOURS = {"F": "#E69F00", "EF": "#D55E00", "EFV": "#0072B2", "EV": "#56B4E9", "FV": "#009E73"}
DISLOCATION_COLOURS = {
    "screw": "#0072B2",
    "edge": "#D55E00",
    "mixed": "#009E73",
    "60": "#009E73",
    "vacancy": "#CC79A7",
}
DISLOCATION_MARKERS = {"screw": "o", "edge": "s", "mixed": "^", "60": "^", "vacancy": "D"}
OBSERVATION_LABELS = {
    "F": "forces",
    "EF": "energies, forces",
    "EFV": "energies, forces, virials",
    "EV": "energies, virials",
    "FV": "forces, virials",
}
_OTHER_COLOURS = ("#CC79A7", "#000000", "#F0E442")


class ReportFigure(Figure):
    """A Figure that notebooks display whether or not pyplot was imported."""

    def _repr_png_(self) -> bytes:
        return png(self)


@contextmanager
def style() -> Iterator[None]:
    """Within this context matplotlib draws in the style of the reports, whatever the user has set outside."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rc_file(STYLE_FILE, use_default_template=False)
        yield


def styled(draw: Callable[Parameters, Figure]) -> Callable[Parameters, Figure]:
    """Decorate a drawing function so that it draws in :func:`style`."""

    @wraps(draw)
    def inside(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Figure:
        with style():
            return draw(*args, **kwargs)

    return inside


def new_figure(width: float = PAGE_WIDTH, height: float = 3.4) -> ReportFigure:
    """An empty figure of the given size in inches; call it inside :func:`style`."""
    return ReportFigure(figsize=(width, height))


def takeaway(figure: Figure, sentence: str) -> None:
    """Put what the figure says above it, wrapped to its width."""
    characters = int(12.0 * figure.get_figwidth())
    figure.suptitle(textwrap.fill(unbroken(sentence), characters, break_on_hyphens=False), x=0.012, ha="left")


def observation_colour(observations: str) -> str:
    """The colour of a set of observations, the same in every figure."""
    fallback = _OTHER_COLOURS[sum(map(ord, observations)) % len(_OTHER_COLOURS)]
    return OBSERVATION_COLOURS.get(observations, fallback)


def observation_label(observations: str) -> str:
    """'EFV (energies, forces, virials)'."""
    words = OBSERVATION_LABELS.get(observations)
    return f"{observations} ({words})" if words else observations


def character(dislocation: str) -> str:
    """'screw', 'edge', 'mixed', '60' or 'vacancy', read from a name such as 'bcc-screw-111'."""
    return next((kind for kind in DISLOCATION_MARKERS if kind in dislocation), "screw")


def dislocation_colour(dislocation: str) -> str:
    """The colour of a dislocation's character."""
    return DISLOCATION_COLOURS[character(dislocation)]


def dislocation_marker(dislocation: str) -> str:
    """The marker of a dislocation's character."""
    return DISLOCATION_MARKERS[character(dislocation)]


def png(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as PNG."""
    return _rendered(figure, "png", dpi=dpi)


def save(figure: Figure, stem: Path | str) -> list[Path]:
    """Write ``stem``.pdf and ``stem``.png, each whole or not at all; returns the two paths."""
    stem = Path(stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    paths = []
    for kind in ("pdf", "png"):
        path = stem.with_name(f"{stem.name}.{kind}")
        write_atomically(path, _rendered(figure, kind))
        paths.append(path)
    return paths


def _rendered(figure: Figure, kind: str, **options: Any) -> bytes:
    """The file's bytes; no date inside, so that the same numbers give the same file."""
    metadata: dict[str, str | None] = {"CreationDate": None} if kind == "pdf" else {"Software": "genmlip"}
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, metadata=metadata, **options)
    return buffer.getvalue()
