"""A table of atoms: what surrounds a dislocation, and where a fitted potential is wrong about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from genmlip.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from genmlip.theory import Assessment


def atom_table(found: Assessment) -> pd.DataFrame:
    """One row per free atom of the reference's equilibrium; columns of :mod:`genmlip.report.plots.fields`.

    The error is that in the common predictor. Raises InputError where the candidate has no equilibrium.
    """
    import pandas as pd

    from genmlip.statics.norms import local_strain

    if found.common is None:
        raise InputError(f"no error per atom: {found.failure}")
    equilibrium = found.reference
    cell, potential = equilibrium.cell, equilibrium.cell.defect.crystal.potential
    forces = potential.bind(cell.atoms, cell.centres)(cell.positions).forces
    relaxed = cell.positions + equilibrium.corrector
    bonds = cell.bonds
    stretch = bonds.deformed(cell.positions) - bonds.vector  # Du₀ without the jump across the cut
    predictor_strain = np.sqrt(np.bincount(bonds.i, np.sum(stretch**2, axis=1), len(cell)))
    columns = {
        "x": relaxed[:, 0],
        "y": relaxed[:, 1],
        "r": cell.r,
        "predictor_strain": predictor_strain,
        "predictor_force": np.linalg.norm(forces, axis=1),
        "corrector_strain": local_strain(equilibrium.corrector, bonds),
        "fit_error": found.common.local_error,
    }
    table = pd.DataFrame({"dislocation": cell.defect.name, "radius": cell.radius, **columns})
    return table.loc[cell.free].reset_index(drop=True)
