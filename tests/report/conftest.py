"""Tables and equilibria with known properties, in the shapes that the rest of the package produces."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from genmlip import Crystal, Dislocation, load_potential


def _make_table(
    cells=(1, 2, 3, 4),
    seeds=(0, 1, 2),
    observations=("EF", "EFV"),
    dislocations=("bcc-screw-111",),
    radii=(30.0,),
    gain=5.0,
    scatter=0.1,
):
    """A table in which the geometry error falls like L⁻² and is ``gain`` times smaller with virials."""
    rng = np.random.default_rng(7)
    rows = []
    for dislocation in dislocations:
        for radius in radii:
            for cell in cells:
                for fitted in observations:
                    for seed in seeds:
                        noise = np.exp(scatter * rng.standard_normal())
                        delta_C = 0.2 / cell**2 / (gain if fitted == "EFV" else 1.0) * noise
                        grows = np.sqrt(np.log(radius / 5.0)) if fitted == "EF" else 1.0
                        error = 0.9 * delta_C * grows
                        rows.append(
                            {
                                "reference": "fs:W", "dislocation": dislocation, "radius": radius,
                                "cell": cell, "observations": fitted, "seed": seed,
                                "geometry_error": error, "energy_error": -0.3 * error,
                                "geometry_error_far": 0.3 * error, "geometry_error_own": 0.8 * delta_C,
                                "delta_C_rel": delta_C, "force_rmse_core": 0.4 * delta_C,
                                "estimate": 1.4 * error, "estimate_bound": 2.0 * error,
                                "effectivity": 1.4, "candidate_stable": True, "a0_error_rel": 1e-4,
                                "status": "ok", "wall_s": 12.0, "error_type": None, "error": None,
                            }
                        )  # fmt: skip
    return pd.DataFrame(rows)


def _fail(table, rows, reason="unstable crystal: a phonon of the fit is imaginary"):
    """The same table in which ``rows`` failed."""
    table = table.copy()
    errors = ["geometry_error", "geometry_error_far", "energy_error", "delta_C_rel", "force_rmse_core"]
    table.loc[rows, [*errors, "estimate", "estimate_bound", "effectivity"]] = np.nan
    table.loc[rows, "status"] = "failed"
    table.loc[rows, "error"] = reason
    return table


def screw_cell(radius=20.0):
    """The cell of tungsten's 1/2⟨111⟩ screw dislocation."""
    return Dislocation(Crystal.from_potential(load_potential("fs:W")), "bcc-screw-111").cell(radius)


def _made_up_equilibrium(cell, **changes):
    """``cell`` with a corrector along the line whose strain decays like r⁻² log r."""
    x, y = cell.reference[:, :2].T
    corrector = np.zeros_like(cell.reference)
    corrector[:, 2] = 0.1 * np.cos(3 * np.arctan2(y, x)) * np.log(1 + cell.r) / (1 + cell.r)
    corrector[~cell.free] = 0.0
    values = {
        "cell": cell, "corrector": corrector, "energy": -0.12, "fmax": 8e-7, "converged": True,
        "n_force_calls": 41, "wall_s": 2.3, "core_position": (0.0, 0.0), "decay_exponent": 2.1,
    }  # fmt: skip
    return SimpleNamespace(**(values | changes))


@pytest.fixture(scope="session")
def make_table():
    return _make_table


@pytest.fixture(scope="session")
def fail():
    return _fail


@pytest.fixture(scope="session")
def made_up_equilibrium():
    return _made_up_equilibrium


@pytest.fixture
def table():
    return _make_table()


@pytest.fixture(scope="session")
def screw():
    return _made_up_equilibrium(screw_cell())
