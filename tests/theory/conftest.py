"""Tungsten as reference, and candidates that differ from it in known ways."""

from dataclasses import replace

import pytest

from genmlip.dislocations import Dislocation, equilibrate
from genmlip.potentials.finnis_sinclair import TUNGSTEN, FinnisSinclair
from genmlip.theory import assess

RADIUS = 14.0  # Å


@pytest.fixture(scope="package")
def mixed(tungsten):
    """The mixed dislocation at rest."""
    return equilibrate(
        Dislocation(tungsten, "bcc-mixed-111"), tungsten.potential, RADIUS, "clamped", fmax=1e-8
    )


@pytest.fixture
def run(mixed):
    """assess() in the mixed dislocation."""

    def make(candidate, **options):
        defect = mixed.cell.defect
        return assess(
            defect.crystal.potential, candidate, defect, RADIUS, equilibrium=mixed, fmax=1e-8, **options
        )

    return make


@pytest.fixture
def scaled():
    """Maker of E → energy · E(x / length): the same crystal in other units, by default that of tungsten."""

    def make(length=1.0, energy=1.0, of=None):
        p, s, e = TUNGSTEN if of is None else of.parameters, length, energy
        return FinnisSinclair(
            replace(
                p, A=e * p.A / s, d=s * p.d, c=s * p.c, c0=e * p.c0 / s**2, c1=e * p.c1 / s**3,
                c2=e * p.c2 / s**4, B=e * p.B / s**3, alpha=p.alpha / s, b0=s * p.b0,
            )
        )  # fmt: skip

    return make


@pytest.fixture
def perturbed():
    """Maker of a candidate that is wrong by O(epsilon) in everything."""

    def make(epsilon):
        p = TUNGSTEN
        return FinnisSinclair(replace(p, A=p.A * (1 + epsilon), c1=p.c1 * (1 - 0.1 * epsilon)))

    return make
