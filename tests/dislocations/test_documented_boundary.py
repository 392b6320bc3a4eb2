"""The boundary condition that docs/dislocations.md shows as an example keeps the rules that it states."""

import re
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose

from genmlip.dislocations import Dislocation, equilibrate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "dislocations.md"


@pytest.fixture(scope="module")
def sheared():
    """The class, from the text of the page."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)
    (code,) = (block for block in blocks if "class Sheared" in block)
    names = {"__name__": "page"}
    exec(code.split("\n\n\nfor ")[0], names)
    return names["Sheared"]


@pytest.fixture(scope="module")
def screw(tungsten):
    return Dislocation(tungsten, "bcc-screw-111")


def test_residual_is_the_derivative_of_the_energy(sheared, screw):
    potential = screw.crystal.potential
    domain = sheared(0.01).domain(screw, 12.0, potential)
    evaluate = potential.bind(domain.cell.atoms, domain.cell.centres)
    rng, m = np.random.default_rng(0), int(domain.cell.free.sum())
    x, v = 0.02 * rng.normal(size=(m, 3)), rng.normal(size=(m, 3))

    def at(t):
        return evaluate(domain.cell.positions + domain.extend(x + t * v))

    h = 1e-5
    slope = np.sum(at(h).energies - at(-h).energies) / (2 * h)
    assert_allclose(np.vdot(domain.residual(x, at(0.0).forces), v), slope, rtol=1e-6)


def test_without_shear_it_is_the_clamped_boundary(sheared, screw):
    one, other = (equilibrate(screw, screw.crystal.potential, 12.0, b) for b in (sheared(), "clamped"))
    assert_allclose(one.corrector, other.corrector, atol=1e-5)


def test_shear_pushes_the_core_along_its_glide_plane(sheared, screw):
    positions = [
        equilibrate(screw, screw.crystal.potential, 20.0, sheared(shear)).core_position[0]
        for shear in (-0.004, 0.0, 0.004)
    ]
    assert positions[0] < -0.2 < positions[1] < 0.2 < positions[2]
