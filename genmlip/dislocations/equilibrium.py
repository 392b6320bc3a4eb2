"""The result of an equilibration, and its files: ``equilibrium.json`` and ``equilibrium.extxyz``."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from genmlip._extxyz import read_frames, write_frames
from genmlip._files import write_atomically
from genmlip._json import finite_or_none
from genmlip._types import Array
from genmlip.dislocations.boundaries import Boundary, find_boundary
from genmlip.dislocations.cell import Defect, DefectCell
from genmlip.errors import FileFormatError, InputError, NotConvergedError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUMMARY, CONFIGURATION = "equilibrium.json", "equilibrium.extxyz"
_TOLD = (
    "energy", "fmax", "converged", "n_force_calls", "wall_s", "n_free", "cutoff", "message",
    "potential",
)  # fmt: skip
SAME_SITE = 1e-6  # Å, between a stored reference position and that of the rebuilt cell


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A defect at rest, or where the minimiser was left.

    corrector : (n, 3) Å, displacement relative to the predictor; zero-mean or zero outside, as the boundary
        has it
    energy : Σ_ℓ [V_ℓ(Du0 + Dū) − V_ℓ(Du0)], eV per line period (vacancy: eV)
    fmax : eV/Å, longest force that remains
    n_force_calls : evaluations of all forces during the minimisation
    wall_s : seconds for cell, far field, preconditioner and minimisation; the crystal's own constants and
        compilation are not in it
    boundary : with its parameters
    n_free : number of atoms that moved as the potential has it, without any harmonic far field
    cutoff : Å, interaction range that the cell was built for
    message : why the minimiser stopped
    """

    cell: DefectCell
    corrector: Array
    energy: float
    fmax: float
    converged: bool
    n_force_calls: int
    wall_s: float
    boundary: Boundary
    n_free: int
    cutoff: float
    message: str
    potential: str

    @cached_property
    def atoms(self) -> Atoms:
        """The relaxed atoms."""
        atoms = self.cell.atoms.copy()
        atoms.positions = self.cell.positions + self.corrector
        return atoms

    @cached_property
    def core_position(self) -> tuple[float, float]:
        """(x1, x2) Å of the core relative to the centre of the predictor.

        NaN where the cell is too small for a fit; a vacancy sits where it was made.
        """
        from genmlip.dislocations.core import core_position

        if self.cell.line_period is None:
            return 0.0, 0.0
        try:
            x, y = core_position(self.cell, self.corrector)
        except InputError:
            return math.nan, math.nan
        return float(x), float(y)

    @cached_property
    def decay_exponent(self) -> float:
        """p in |Dū| ~ r⁻ᵖ; NaN where the cell is too small for a fit."""
        from genmlip.dislocations.core import decay_exponent

        try:
            return decay_exponent(self.cell, self.corrector).exponent
        except InputError:
            return math.nan

    def require_convergence(self) -> Equilibrium:
        """This, or NotConvergedError with this as its ``result``."""
        if not self.converged:
            raise NotConvergedError(
                f"{self.cell.defect.name} at radius {self.cell.radius:g} Å: {self.message}", self
            )
        return self

    def summary(self) -> dict[str, Any]:
        """The keys of ``genmlip equilibrate --json``, in Å and eV; None where a quantity does not exist."""
        return {
            "n_atoms": len(self.cell),
            "n_free": self.n_free,
            "radius": self.cell.radius,
            "boundary": self.boundary.name,
            "fmax": self.fmax,
            "converged": self.converged,
            "n_force_calls": self.n_force_calls,
            "wall_s": self.wall_s,
            "energy": self.energy,
            "core_position": [finite_or_none(x) for x in self.core_position],
            "b": getattr(self.cell.defect, "b", None),
            "line_period": self.cell.line_period,
            "decay_exponent": finite_or_none(self.decay_exponent),
        }

    def plot(self) -> Figure:
        """The core as a differential-displacement map."""
        from genmlip.report.plots.core import differential_displacement

        return differential_displacement(self)

    def save(self, directory: str | Path) -> None:
        """Write the configuration, then the summary; each file appears whole or not at all."""
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        crystal = self.cell.defect.crystal
        atoms = self.atoms.copy()
        atoms.arrays |= {
            "sublattice": self.cell.sublattice,
            "free": self.cell.free,
            "reference": self.cell.reference,
            "predictor": self.cell.predictor,
            "corrector": self.corrector,
        }
        origin = {
            "defect": self.cell.defect.name,
            "core_offset": getattr(self.cell.defect, "core_offset", (0.0, 0.0)),
            "boundary_parameters": asdict(self.boundary),  # type: ignore[call-overload]
            "potential": self.potential,
            "crystal_potential": crystal.potential.spec,
            "structure": crystal.structure,
            "symbol": crystal.symbol,
            "cutoff": self.cutoff,
            "message": self.message,
        }
        write_frames(directory / CONFIGURATION, [atoms])
        write_atomically(directory / SUMMARY, json.dumps(self.summary() | origin, indent=1) + "\n")

    @classmethod
    def load(cls, directory: str | Path, defect: Defect | None = None) -> Equilibrium:
        """Read what ``save`` wrote.

        The defect is rebuilt from the names in the summary unless it is given. Raises FileFormatError if
        the files are incomplete, or do not belong to the defect.
        """
        directory = Path(directory)
        told, columns = _read(directory)
        boundary = _boundary(told, directory)
        defect = _defect(told) if defect is None else defect
        cell = boundary.cell(defect, told["radius"], told["cutoff"])
        reference = columns["reference"]
        if reference.shape != cell.reference.shape or np.abs(reference - cell.reference).max() > SAME_SITE:
            raise FileFormatError(
                f"{directory}: not the cell of {cell.defect.name} at radius {cell.radius:g} Å"
            )
        told_of = {name: told[name] for name in _TOLD}
        return cls(cell=cell, corrector=columns["corrector"], boundary=boundary, **told_of)


class EquilibriumInterrupted(KeyboardInterrupt):
    """Ctrl-C during an equilibration; ``result`` is the Equilibrium that had been reached."""

    def __init__(self, result: Equilibrium) -> None:
        super().__init__(result.message)
        self.result = result


def _read(directory: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    try:
        told = json.loads((directory / SUMMARY).read_text(encoding="utf-8"))
        ((_, atoms),) = read_frames(directory / CONFIGURATION)
    except (OSError, ValueError, KeyError) as error:
        raise FileFormatError(f"{directory} holds no readable equilibrium ({error})") from error
    return told, dict(atoms.arrays)


def _boundary(told: dict[str, Any], directory: Path) -> Boundary:
    """The boundary condition that the summary speaks of."""
    try:
        return find_boundary(told["boundary"], **told.get("boundary_parameters", {}))
    except (KeyError, TypeError) as error:
        raise FileFormatError(f"{directory} holds no readable boundary condition ({error})") from error


def _defect(told: dict[str, Any]) -> Defect:
    """The defect that the summary speaks of."""
    from genmlip.crystal import Crystal
    from genmlip.dislocations.defects import make_defect
    from genmlip.potentials import load_potential

    potential = load_potential(told["crystal_potential"])
    defect = make_defect(Crystal.from_potential(potential, told["structure"], told["symbol"]), told["defect"])
    offset = tuple(told.get("core_offset", (0.0, 0.0)))
    return replace(defect, core_offset=offset) if any(offset) else defect  # type: ignore[type-var]
