"""Crystals and equilibria that many runs of a study share: computed once, kept in its cache."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from genmlip.studies.cache import Cache

if TYPE_CHECKING:
    from genmlip.crystal import Crystal
    from genmlip.dislocations import Defect, Equilibrium
    from genmlip.dislocations.boundaries import Boundary


@lru_cache(maxsize=4)
def crystal_of(potential: str, symbol: str = "", structure: str = "") -> Crystal:
    """The perfect crystal of a potential, one per process: its elastic tensors are computed once.

    symbol, structure : where the potential offers several; else empty
    Raises InputError, also where the potential is not installed here.
    """
    from genmlip.crystal import Crystal
    from genmlip.potentials import load_potential

    return Crystal.from_potential(load_potential(potential), structure or None, symbol or None)


def kept_equilibrium(
    cache: Cache,
    defect: Defect,
    radius: float,
    boundary: Boundary,
    fmax: float,
    after: tuple[Boundary, float] | None = None,
) -> Equilibrium:
    """``defect`` relaxed with its crystal's own potential.

    after : boundary condition and radius (Å) of the equilibrium to start from, which chooses among several
        places of a core

    Raises NotConvergedError, and then keeps nothing.
    """
    from genmlip.dislocations import equilibrate
    from genmlip.dislocations.boundaries import joint_cutoff
    from genmlip.theory import transferred

    crystal = defect.crystal

    def relax(folder: Path) -> None:
        start = None
        if after is not None:
            other, smaller = after
            first = equilibrate(defect, crystal.potential, smaller, other, fmax).require_convergence()
            cell = boundary.cell(defect, radius, joint_cutoff(defect, crystal.potential))
            start = transferred(first, cell)
        found = equilibrate(defect, crystal.potential, radius, boundary, fmax, start)
        found.require_convergence().save(folder)

    key = {
        "potential": crystal.potential.spec, "symbol": crystal.symbol, "structure": crystal.structure,
        "defect": defect.name, "boundary": {"name": boundary.name, **vars(boundary)}, "radius": radius,
        "fmax": fmax, "after": [] if after is None else [after[0].name, after[1]],
    }  # fmt: skip
    return _loaded(cache.entry("equilibrium", key, relax), defect)  # type: ignore[arg-type]  # frozen: hashable


@lru_cache(maxsize=1)
def _loaded(path: Path, defect: Defect) -> Equilibrium:
    """The last one stays in memory: reading a large one takes longer than relaxing a small cell."""
    from genmlip.dislocations import Equilibrium

    return Equilibrium.load(path, defect)
