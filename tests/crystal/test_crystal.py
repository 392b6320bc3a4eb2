import dataclasses
import json
from typing import ClassVar

import numpy as np
import pytest
from ase.calculators.calculator import Calculator, all_changes

from genmlip.crystal import Crystal
from genmlip.errors import InputError
from genmlip.potentials import load_potential
from genmlip.potentials.foreign import ForeignPotential


def test_the_summary_is_plain_json_with_the_keys_of_the_command_line(silicon):
    summary = json.loads(json.dumps(silicon.summary()))
    assert {"a0", "energy_per_atom", "C11", "C12", "C44", "stable"} <= set(summary)
    assert summary["stable"] is True
    assert summary["C44"] == pytest.approx(56.45, abs=0.01)
    assert set(summary["C3"]) == {"C111", "C112", "C123", "C144", "C155", "C456"}


def test_a_crystal_is_frozen(silicon):
    with pytest.raises(dataclasses.FrozenInstanceError):
        silicon.a0 = 1.0


def test_germanium_is_the_published_one():
    germanium = Crystal.from_potential(load_potential("sw:Ge"))
    assert (germanium.a0, germanium.energy_per_atom) == pytest.approx((5.65362, -3.8600), abs=6e-6)


def test_a_calculator_without_stress_is_refused():
    class Forces(Calculator):
        implemented_properties: ClassVar = ["energy", "forces"]

        def calculate(self, atoms=None, properties=(), system_changes=all_changes):
            super().calculate(atoms, properties, system_changes)
            self.results = {"energy": 0.0, "forces": np.zeros((len(atoms), 3))}

    with pytest.raises(InputError, match="Forces gives no stress"):
        Crystal.from_potential(ForeignPotential(Forces(), ("Cu",), 4.0))
