"""Tables and equilibria with known properties, in the shapes that the rest of the package produces."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest


def make_table(
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
                                "delta_C_rel": delta_C, "force_rmse_core": 0.4 * delta_C,
                                "estimate": 1.4 * error, "effectivity": 1.4, "a0_error_rel": 1e-4,
                                "status": "ok", "wall_s": 12.0, "error_type": None, "error": None,
                            }
                        )  # fmt: skip
    return pd.DataFrame(rows)


def fail(table, rows, reason="unstable crystal: a phonon of the fit is imaginary"):
    """The same table in which ``rows`` failed."""
    table = table.copy()
    numbers = ["geometry_error", "energy_error", "delta_C_rel", "force_rmse_core", "estimate", "effectivity"]
    table.loc[rows, numbers] = np.nan
    table.loc[rows, "status"] = "failed"
    table.loc[rows, "error"] = reason
    return table


@dataclass
class Pairs:
    i: np.ndarray
    j: np.ndarray
    vector: np.ndarray
    shift: np.ndarray


@dataclass
class ScrewInBcc:
    """Columns of bcc seen along [111], the isotropic screw field and a corrector strain like r⁻² log r."""

    radius: float = 30.0
    a0: float = 3.1652
    decay_exponent: float = 2.05
    name: str = "bcc-screw-111"
    core_position: tuple[float, float] = (0.0, 0.0)
    converged: bool = True
    fmax: float = 8e-7
    energy: float = -0.12
    n_force_calls: int = 41
    wall_s: float = 2.3
    cell: SimpleNamespace = field(init=False)
    corrector: np.ndarray = field(init=False)

    def __post_init__(self):
        b, side = self.a0 * np.sqrt(3) / 2, self.a0 * np.sqrt(2 / 3)
        n = int(2 * self.radius / side) + 3
        p, q = (k.ravel() for k in np.meshgrid(np.arange(-n, n + 1), np.arange(-n, n + 1), indexing="ij"))
        triangle = np.array([side / 2, side / (2 * np.sqrt(3))])
        plane = np.outer(p, [side, 0.0]) + np.outer(q, [side / 2, side * np.sqrt(3) / 2]) - triangle
        kept = np.linalg.norm(plane, axis=1) < self.radius + 6.0
        plane, height = plane[kept], (p + 2 * q)[kept] % 3 * b / 3
        reference = np.column_stack([plane, height])
        predictor = np.zeros_like(reference)
        predictor[:, 2] = b * np.arctan2(plane[:, 1], plane[:, 0]) / (2 * np.pi)
        r = np.linalg.norm(plane, axis=1)
        free = r < self.radius
        angle = 3 * np.arctan2(plane[:, 1], plane[:, 0])
        self.corrector = np.zeros_like(reference)
        self.corrector[:, 2] = np.where(free, 0.1 * np.cos(angle) * np.log(1 + r) / (1 + r), 0.0)
        self.cell = SimpleNamespace(
            defect=SimpleNamespace(
                name=self.name, burgers=np.array([0.0, 0.0, b]), b=b,
                crystal=SimpleNamespace(structure="bcc", a0=self.a0, symbol="W"),
            ),
            radius=self.radius, reference=reference, predictor=predictor, free=free, line_period=b,
            bonds=self._bonds(reference, predictor, b, side),
        )  # fmt: skip

    @staticmethod
    def _bonds(reference, predictor, b, side):
        plane = reference[:, :2]
        distance = np.linalg.norm(plane[:, None] - plane[None], axis=2)
        i, j = np.nonzero((distance > 0.1) & (distance < 1.01 * side))
        flat = reference[j] - reference[i]
        cross = np.round((predictor[j] - predictor[i])[:, 2] / b)  # ±1 where the bond crosses the cut
        rise = flat[:, 2] - b * np.round(flat[:, 2] / b)
        rise[np.abs(np.abs(rise) - b / 2) < 1e-6] = b / 2
        vector = np.column_stack([flat[:, :2], rise])
        shift = np.zeros_like(vector)
        shift[:, 2] = rise - flat[:, 2] - cross * b
        return Pairs(i, j, vector, shift)


@pytest.fixture
def table():
    return make_table()


@pytest.fixture(scope="session")
def screw():
    return ScrewInBcc(radius=20.0)
