"""Training cells that hold the defect itself: periodic quadrupoles of a dislocation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from genmlip.dislocations import Dislocation
from genmlip.dislocations.quadrupole import Quadrupole
from genmlip.errors import InputError
from genmlip.training.cells import check_settings, disturbed

if TYPE_CHECKING:
    from genmlip.crystal import Crystal


def dislocation_quadrupole(
    crystal: Crystal,
    name: str,
    n: int = 1,
    spacing: float = 20.0,
    repeat: int = 1,
    displacement: float = 0.0,
    strain: float = 0.0,
    seed: int = 0,
    group: str = "quadrupole",
) -> list[Atoms]:
    """``n`` periodic cells with cores +b and −b of the dislocation ``name``, about ``spacing`` Å apart.

    repeat : line periods along the dislocation
    displacement, strain, seed : random disturbance as in :func:`genmlip.training.bulk_cells`

    Axes are those of the dislocation's frame. ``info`` holds the settings, and in ``cores`` the (x1, x2) of
    +b and −b in the undeformed crystal. Raises InputError for a spacing that leaves no room between the
    cores.
    """
    check_settings(size=repeat, n=n, displacement=displacement, strain=strain, seed=seed)
    dislocation = Dislocation(crystal, name)
    if not (np.isfinite(spacing) and spacing >= 2 * dislocation.b):
        raise InputError(
            f"spacing of the cores must be at least 2 b = {2 * dislocation.b:.4g} Å, got {spacing}"
        )
    quadrupole = Quadrupole.of(dislocation, spacing)
    settings = {
        "dislocation": name, "spacing": spacing, "repeat": repeat, "displacement": displacement,
        "strain": strain, "cores": quadrupole.cores.ravel(),
    }  # fmt: skip
    atoms = quadrupole.atoms().repeat((1, 1, repeat))
    atoms.wrap()
    return [disturbed(atoms, group, index, seed, settings) for index in range(n)]
