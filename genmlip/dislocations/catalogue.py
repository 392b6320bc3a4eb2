"""The dislocations of cubic crystals that genmlip knows by name: geometry only, in units of a0.

Directions are Miller indices of the cubic cell whose origin is an atom. The core position is the point
(x1, x2) of the dislocation's frame at which the elastic field is centred, relative to that atom; it lies
between two glide planes. Orientations and core positions are those of ``matscipy.dislocation``, so that
configurations can be compared atom by atom.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from genmlip._types import Array
from genmlip.errors import InputError, UnknownNameError

Miller = tuple[int, int, int]


@dataclass(frozen=True)
class System:
    """One dislocation: x1 = ``glide`` direction, x2 = glide-plane ``normal``, x3 = ``line`` direction.

    twice_burgers : 2 b / a0 in cubic axes, so that the components are whole numbers
    core : (x1, x2) / a0 of the field's centre relative to an atom
    core_site : what lies there
    """

    name: str
    structure: str
    glide: Miller
    normal: Miller
    line: Miller
    twice_burgers: Miller
    core: tuple[float, float]
    core_site: str

    @property
    def frame(self) -> Array:
        """(3, 3) rows x1, x2, x3: unit vectors in cubic axes, right-handed."""
        rows = np.array([self.glide, self.normal, self.line], dtype=float)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    @property
    def burgers(self) -> Array:
        """b / a0 in the frame, (3,); its component along the glide-plane normal vanishes."""
        return self.frame @ np.array(self.twice_burgers) / 2

    @property
    def character(self) -> float:
        """Angle between b and the line, degrees: 0 screw, 90 edge."""
        b = self.burgers
        return float(np.degrees(np.arctan2(abs(b[0]), abs(b[2]))))


_ALL = (
    System(
        "bcc-screw-111", "bcc", (1, 1, -2), (-1, 1, 0), (1, 1, 1), (1, 1, 1), (sqrt(6) / 6, sqrt(2) / 6),
        "centroid of an upward triangle of columns; the easy core",
    ),
    System(
        "bcc-edge-111", "bcc", (1, 1, 1), (1, -1, 0), (1, 1, -2), (1, 1, 1), (sqrt(3) / 6, sqrt(2) / 4),
        "half-way between two (1-10) planes",
    ),
    System(
        "bcc-mixed-111", "bcc", (1, -1, -2), (1, 1, 0), (1, -1, 1), (1, -1, -1), (1 / 6, 1 / 6),
        "inside an upward triangle of columns, between two (110) planes",
    ),
    System(
        "bcc-edge-100", "bcc", (1, 0, 0), (0, 0, -1), (0, 1, 0), (2, 0, 0), (1 / 4, 1 / 4),
        "half-way between two (001) planes",
    ),
    System(
        "fcc-screw-110", "fcc", (1, 1, -2), (1, 1, 1), (1, -1, 0), (1, -1, 0), (5 / 6, 1 / 9),
        "between two (111) planes",
    ),
    System(
        "fcc-edge-110", "fcc", (1, -1, 0), (1, 1, 1), (-1, -1, 2), (1, -1, 0), (0.0, 1 / 6),
        "between two (111) planes",
    ),
    System(
        "diamond-screw", "diamond", (1, 1, -2), (1, 1, 1), (1, -1, 0), (1, -1, 0),
        (sqrt(6) / 12, 7 * sqrt(3) / 24),
        "half-way between two (111) planes of the glide set",
    ),
    System(
        "diamond-60", "diamond", (1, 1, -2), (1, 1, 1), (1, -1, 0), (1, 0, -1),
        (sqrt(6) / 12, 7 * sqrt(3) / 24),
        "half-way between two (111) planes of the glide set",
    ),
)  # fmt: skip

SYSTEMS: dict[str, System] = {system.name: system for system in _ALL}


def find_system(name: str, structure: str | None = None) -> System:
    """The system of that name.

    Raises UnknownNameError, which names the nearest known system, and InputError if it belongs to another
    crystal structure than ``structure``.
    """
    if name not in SYSTEMS:
        raise UnknownNameError("dislocation", name, SYSTEMS)
    system = SYSTEMS[name]
    if structure is not None and structure != system.structure:
        known = ", ".join(s.name for s in _ALL if s.structure == structure) or "none"
        raise InputError(
            f"dislocation {name!r} needs a {system.structure} crystal, this one is {structure} "
            f"(known for {structure}: {known})"
        )
    return system
