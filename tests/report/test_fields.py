"""Figures from a table of atoms."""

import numpy as np
import pandas as pd
import pytest

from genmlip.report import core_errors, decay_of_fields
from genmlip.report.tables import NothingToDrawError


@pytest.fixture
def atoms():
    """Columns on a square lattice whose fields follow their laws exactly."""
    axis = np.arange(-29.0, 30.0, 2.0) + 0.3
    x, y = (a.ravel() for a in np.meshgrid(axis, axis))
    r = np.hypot(x, y)
    fields = {
        "predictor_strain": 1 / r, "predictor_force": r**-3, "corrector_strain": r**-2.0,
        "fit_error": 0.1 / r**2,
    }  # fmt: skip
    table = pd.DataFrame({"dislocation": "bcc-edge-111", "radius": 30.0, "x": x, "y": y, "r": r, **fields})
    return table.loc[r < 30]


def test_the_decay_of_every_field_is_told_in_the_title(atoms):
    title = " ".join(decay_of_fields(atoms).get_suptitle().split())
    assert "−1.0 for the predictor strain" in title
    assert "−3.0 for the force of the predictor" in title
    assert "−2.0 for the corrector strain" in title


def test_the_share_of_the_core_is_told_in_the_title(atoms):
    inside = (atoms.loc[atoms["r"] < 10, "fit_error"] ** 2).sum() / (atoms["fit_error"] ** 2).sum()
    assert f"{100 * inside:.0f} %" in core_errors(atoms).get_suptitle().replace("\u00a0", " ")


def test_a_table_without_the_fields_is_refused(atoms):
    with pytest.raises(NothingToDrawError, match="fit_error"):
        core_errors(atoms.drop(columns="fit_error"))
