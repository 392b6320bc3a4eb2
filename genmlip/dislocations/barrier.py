"""The Peierls barrier: what a straight dislocation climbs between neighbouring valleys of its glide plane.

All images live in one cell, whose predictor is centred midway between the two valleys, so that the boundary
treats both ends alike.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import product
from pathlib import Path as FilePath
from typing import Any

import numpy as np

from genmlip._extxyz import write_frames
from genmlip._files import write_atomically
from genmlip._json import finite_or_none
from genmlip._types import Array
from genmlip.dislocations.boundaries import Boundary, Domain
from genmlip.dislocations.cell import DefectCell
from genmlip.dislocations.core import core_position
from genmlip.dislocations.dislocation import Dislocation
from genmlip.dislocations.equilibrate import BoundObjective, core_disturbance, equilibrate
from genmlip.errors import InputError, NotConvergedError
from genmlip.potentials.base import Potential
from genmlip.statics.minimise import MinimiseResult, Objective, largest_row, minimise
from genmlip.statics.path import FEWEST_IMAGES, Path, PathInterrupted, Sweep, minimum_energy_path
from genmlip.statics.preconditioner import Preconditioner

SUMMARY, IMAGES = "barrier.json", "path.extxyz"
ENDS_FMAX = 1e-6  # eV/Å
SAME_TRAVEL = 0.2  # of the period; ends that travelled so much less are not two neighbouring valleys
SAME_ENERGY = 0.1  # of the barrier; the ends may differ by so much, as the boundary is not invariant
SAME_PLACE = 0.01  # Å; ends in which no atom differs by more are the same
SAME_PLANE = 1e-6  # Å


@dataclass(frozen=True, eq=False)
class PeierlsBarrier:
    """The path of a dislocation from one Peierls valley to the next, or as far as it was found.

    cell : with the predictor centred midway between the valleys
    correctors : (n, N, 3) Å, displacement relative to that predictor of all atoms in every image
    path : energies in eV per line period, relative to the first image
    step : (3,) Å, the lattice vector by which the ends differ; it may have a share along the line
    valleys : whether the ends are two equilibria one step apart; if not there is no barrier to speak of
    n_force_calls : of the valleys and of the path
    """

    cell: DefectCell
    correctors: Array
    path: Path
    step: Array
    boundary: Boundary
    valleys: bool
    converged: bool
    n_force_calls: int
    wall_s: float
    message: str

    @property
    def dislocation(self) -> Dislocation:
        """What moves; its centre is midway."""
        return self.cell.defect  # type: ignore[return-value]

    @property
    def barrier(self) -> float:
        """Energy of the highest saddle above the first valley, eV per b of line; NaN without valleys."""
        if not self.valleys:
            return np.nan
        return self.path.barrier * self.dislocation.b / self.dislocation.line_period

    @cached_property
    def core_positions(self) -> Array:
        """(n, 2) Å relative to the point midway; NaN where the cell is too small for a fit."""
        return np.array([_core(self.cell, u) for u in self.correctors])

    def require_convergence(self) -> PeierlsBarrier:
        """This, or NotConvergedError with this as its ``result``."""
        if not self.converged:
            raise NotConvergedError(
                f"barrier of {self.dislocation.name} at radius {self.cell.radius:g} Å: {self.message}", self
            )
        return self

    def summary(self) -> dict[str, Any]:
        """The keys of ``genmlip barrier --json``, in Å and eV."""
        saddle = self.path.saddle
        return {
            "barrier": finite_or_none(self.barrier),
            "n_images": len(self.correctors),
            "radius": self.cell.radius,
            "boundary": self.boundary.name,
            "converged": self.converged,
            "n_force_calls": self.n_force_calls,
            "wall_s": self.wall_s,
            "saddle_fmax": None if saddle is None else saddle.fmax,
            "saddle_curvatures": None if saddle is None else [finite_or_none(c) for c in saddle.curvatures],
            "end_difference": float(self.path.energies[-1]),
            "energies": self.path.energies.tolist(),
            "path_length": self.path.length,
            "core_positions": [[finite_or_none(x) for x in c] for c in self.core_positions],
            "step": float(self.step[0]),
            "b": self.dislocation.b,
            "line_period": self.dislocation.line_period,
        }

    def save(self, directory: str | FilePath) -> None:
        """Write the images, then the summary; each file appears whole or not at all."""
        directory = FilePath(directory)
        directory.mkdir(parents=True, exist_ok=True)
        frames = []
        for corrector, energy in zip(self.correctors, self.path.energies, strict=True):
            atoms = self.cell.atoms.copy()
            atoms.positions = self.cell.positions + corrector
            atoms.arrays |= {"free": self.cell.free, "reference": self.cell.reference, "corrector": corrector}
            atoms.info["relative_energy"] = float(energy)
            frames.append(atoms)
        crystal = self.dislocation.crystal
        origin = {
            "defect": self.dislocation.name,
            "core_offset": list(self.dislocation.core_offset),
            "structure": crystal.structure,
            "symbol": crystal.symbol,
            "crystal_potential": crystal.potential.spec,
            "message": self.message,
        }
        write_frames(directory / IMAGES, frames)
        write_atomically(directory / SUMMARY, json.dumps(self.summary() | origin, indent=1) + "\n")


class BarrierInterrupted(KeyboardInterrupt):
    """Ctrl-C during the search for the path; ``result`` is the PeierlsBarrier that had been reached."""

    def __init__(self, result: PeierlsBarrier) -> None:
        super().__init__(result.message)
        self.result = result


def peierls_barrier(
    dislocation: Dislocation,
    potential: Potential,
    radius: float,
    boundary: str | Boundary | None = None,
    n_images: int = 9,
    fmax: float = 1e-5,
    callback: Callable[[Sweep], None] | None = None,
) -> PeierlsBarrier:
    """The barrier between the valley nearest to the dislocation's centre and the next one along x1.

    radius : Å
    boundary : a name, an object with parameters, or None for the best that exists
    n_images : of the path, with its ends
    fmax : eV/Å, largest force at the saddle; the valleys are relaxed to 1e-6 eV/Å or this, whichever is less

    A search that does not converge is returned and says so; see ``PeierlsBarrier.require_convergence``.
    Raises InputError (what moves, radius, boundary, elements, fmax, n_images), UnstableCrystalError,
    NotConvergedError where there is no valley to start from, and BarrierInterrupted on Ctrl-C once there is
    a path.
    """
    if not isinstance(dislocation, Dislocation):
        raise InputError(f"a {dislocation.name} has no Peierls barrier; it belongs to straight dislocations")
    if n_images < FEWEST_IMAGES:
        raise InputError(f"images must be at least {FEWEST_IMAGES}, got {n_images}")
    valley = equilibrate(dislocation, potential, radius, boundary, min(fmax, ENDS_FMAX)).require_convergence()
    if valley.cell.atoms.pbc.all():
        raise InputError("boundary 'periodic' has no place for a path: images of the core would move along")
    step = glide_step(dislocation)
    place = np.nan_to_num(np.round(valley.core_position[0], 2))
    midway = place - step[0] * np.round(place / step[0]) + 0.5 * step[0]
    offset = (dislocation.core_offset[0] + midway, dislocation.core_offset[1])
    domain = valley.boundary.domain(replace(dislocation, core_offset=offset), radius, potential)
    objective = BoundObjective(domain, potential)

    began = time.perf_counter()
    preconditioner = domain.precondition()
    start, end = (
        _valley(domain, objective, preconditioner, shift, min(fmax, ENDS_FMAX))
        for shift in (-0.5 * step[0], 0.5 * step[0])
    )
    before = valley.n_force_calls + start.n_calls + end.n_calls

    def packed(path: Path) -> PeierlsBarrier:
        correctors = np.array([domain.completed(x).displacement for x in path.images])
        failure = _not_valleys(domain.cell, correctors, (start, end), path, float(step[0]))
        return PeierlsBarrier(
            cell=domain.cell,
            correctors=correctors,
            path=path,
            step=step,
            boundary=valley.boundary,
            valleys=failure is None,
            converged=path.converged and failure is None,
            n_force_calls=before + path.n_calls,
            wall_s=valley.wall_s + time.perf_counter() - began,
            message=path.message if failure is None else failure,
        )

    try:
        return packed(
            minimum_energy_path(objective, start.x, end.x, preconditioner, n_images, fmax, callback=callback)
        )
    except PathInterrupted as interruption:
        raise BarrierInterrupted(packed(interruption.result)) from None


def glide_step(dislocation: Dislocation) -> Array:
    """(3,) Å, the lattice vector with the shortest projection on the glide direction and none on its normal.

    Moving the core by it restores the crystal. In the bcc screw it joins two easy cores, a0 √(2/3) apart; an
    edge moves by b or, as here where columns on a glide plane are closer than b, by a fraction of it.
    """
    t1, t2, t3 = dislocation.lattice.vectors
    steps = np.array([i * t1 + j * t2 for i, j in product(range(-6, 7), repeat=2)])
    on_plane = steps[(np.abs(steps[:, 1]) < SAME_PLANE) & (steps[:, 0] > SAME_PLANE)]
    step = on_plane[on_plane[:, 0].argmin()]
    return np.array([step[0], 0.0, step[2] - np.round(step[2] / t3[2]) * t3[2]])


def _valley(
    domain: Domain, objective: Objective, preconditioner: Preconditioner, shift: float, fmax: float
) -> MinimiseResult:
    """The equilibrium with the core ``shift`` (Å) along x1 from the predictor's centre.

    Starts from the predictor there and the same disturbance of the core at every place, so that degenerate
    cores fall into the same variant. On the reference sites both predictors have their cut on the plane
    x2 = 0 from their core to −∞: they differ by the slip between the two cores and by O(1/r), and atoms need
    no new labels even where b has an edge component.
    """
    cell, dislocation = domain.cell, domain.cell.defect
    there = replace(cell, reference=cell.reference - [shift, 0.0, 0.0])
    predictor = dislocation.predictor(there.reference, cell.sublattice)  # type: ignore[attr-defined]
    guess = domain.restrict(predictor - cell.predictor + core_disturbance(there))
    return minimise(objective, guess, preconditioner, fmax, max_calls=1000)


def _not_valleys(
    cell: DefectCell, correctors: Array, ends: tuple[MinimiseResult, ...], path: Path, step: float
) -> str | None:
    """Why the ends are not two equivalent equilibria one step apart; None if they are."""
    for end in ends:
        if not end.converged:
            return f"an end of the path: {end.message}"
    travel = _core(cell, correctors[-1])[0] - _core(cell, correctors[0])[0]
    if largest_row(correctors[-1] - correctors[0]) < SAME_PLACE or abs(travel - step) > SAME_TRAVEL * step:
        return (
            f"the cores of the two ends are {travel:.2f} Å apart instead of {step:.2f} Å: at this radius the "
            "boundary moves the core farther than its valleys hold; use a larger radius or another boundary"
        )
    if abs(path.energies[-1]) > SAME_ENERGY * path.barrier:
        return (
            f"the energies of the two ends differ by {path.energies[-1]:.2g} eV per line period, "
            f"the barrier is {path.barrier:.2g}; use a larger radius or another boundary"
        )
    return None


def _core(cell: DefectCell, corrector: Array) -> Array:
    try:
        return core_position(cell, corrector)
    except InputError:
        return np.full(2, np.nan)
