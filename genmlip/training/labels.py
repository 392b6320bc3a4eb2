"""Labels from a calculator: energies, forces and virials of configurations by any reference potential."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator, PropertyNotImplementedError
from ase.stress import voigt_6_to_full_3x3_stress

from genmlip._types import Array
from genmlip.potentials.base import Potential
from genmlip.training.dataset import Configuration, Dataset


def label(configurations: Iterable[Atoms], calculator: Calculator, group: str | None = None) -> Dataset:
    """The data set of ``configurations`` with the energies, forces and virials of ``calculator``.

    Virials are there for cells that are periodic in three directions, if the calculator has a stress.
    ``group`` replaces the ``config_type`` of every configuration. Labels that the atoms carried before are
    dropped. Raises InputError for NaN or infinite labels and for elements that a genmlip potential lacks.
    """
    spec = getattr(calculator, "spec", "") or type(calculator).__name__
    labelled = []
    for number, atoms in enumerate(configurations):
        energy, forces, virial = observe(calculator, atoms)
        labelled.append(
            Configuration(
                atoms=atoms,
                energy=energy,
                forces=forces,
                virial=virial,
                group=group or str(atoms.info.get("config_type", "default")),
                weight=float(atoms.info.get("config_weight", 1.0)),
                source=f"configuration {number + 1} labelled by {spec}",
            )
        )
    return Dataset(tuple(labelled))


def observe(calculator: Calculator, atoms: Atoms) -> tuple[float, Array, Array | None]:
    """(energy eV, forces (n, 3) eV/Å, virial (3, 3) eV or None) of any ASE calculator."""
    if isinstance(calculator, Potential):
        result = calculator.evaluate(atoms)
        return result.energy, result.forces, result.virial if _has_volume(atoms) else None
    probe = atoms.copy()
    probe.set_constraint()  # constrained atoms have forces too
    probe.calc = calculator
    energy, forces = float(probe.get_potential_energy()), np.array(probe.get_forces(), dtype=float)
    return energy, forces, _virial(probe)


def _virial(probe: Atoms) -> Array | None:
    if not _has_volume(probe):
        return None
    try:
        stress: Any = probe.get_stress()
    except (PropertyNotImplementedError, NotImplementedError):
        return None
    return np.asarray(-voigt_6_to_full_3x3_stress(stress) * probe.get_volume(), dtype=float)


def _has_volume(atoms: Atoms) -> bool:
    return bool(atoms.pbc.all()) and atoms.cell.rank == 3
