"""What a potential is fitted to: energies E, forces F, virials V, and how much each of them counts.

The loss is a sum over the configurations R, each with n atoms,

    Σ_R w_R² [ w_E² |δE|² / n + w_F² |δF|² + w_V² ‖δV‖² / n ]

with w_R the product of the weight of the configuration and of its group. Extensive quantities are divided by
√n: independent errors of n sites add up to √n, so that no cell size is favoured. ‖δV‖ is the Frobenius norm
of the virial tensor, so the fit does not depend on the orientation of the axes. The default E = 30, F = 1, V
= 1 (1/eV, Å/eV, 1/eV) is the usual choice for linear ACE (Witt et al., J. Chem. Phys. 159, 164101, 2023).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress

from genmlip._types import Array
from genmlip.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from genmlip.training.dataset import Configuration


class DesignRows(Protocol):
    """Rows of a linear model on one configuration: what each of its K functions contributes.

    energy (K,) eV, forces (3n, K) eV/Å, virial (6, K) eV in Voigt order xx yy zz yz xz xy
    """

    @property
    def energy(self) -> Array: ...
    @property
    def forces(self) -> Array: ...
    @property
    def virial(self) -> Array: ...


@dataclass(frozen=True)
class Observation:
    """One kind of label. ``letter`` selects it, ``name`` is the attribute of configuration and design."""

    letter: str
    name: str
    plural: str
    unit: str

    def target(self, configuration: Configuration) -> Array | None:
        """The labels as one vector, eV or eV/Å; None where the configuration has none."""
        return self.flatten(getattr(configuration, self.name))

    def flatten(self, value: float | Array | None) -> Array | None:
        """Energy, forces (n, 3) or virial (3, 3) as the vector that is fitted."""
        if value is None:
            return None
        if self.letter == "V":
            return np.asarray(full_3x3_to_voigt_6_stress(value), dtype=float)
        return np.asarray(value, dtype=float).reshape(-1)

    def rows(self, design: DesignRows) -> Array:
        """The matching rows of the design matrix, (m, K)."""
        return np.atleast_2d(getattr(design, self.name))

    def scale(self, n_atoms: int) -> Array | float:
        """The factor of each row that makes the loss of this module, without the user's weights."""
        if self.letter == "F":
            return 1.0
        if self.letter == "V":
            return FROBENIUS / np.sqrt(n_atoms)
        return 1.0 / np.sqrt(n_atoms)

    def per_atom(self, n_atoms: int) -> float:
        """What errors are divided by before they are averaged: n for energies and virials, 1 for forces."""
        return 1.0 if self.letter == "F" else float(n_atoms)


FROBENIUS = np.array([1.0, 1.0, 1.0, np.sqrt(2.0), np.sqrt(2.0), np.sqrt(2.0)])
"""Shear components occur twice in the tensor and once in the Voigt vector."""

OBSERVATIONS = {
    "E": Observation("E", "energy", "energies", "eV/atom"),
    "F": Observation("F", "forces", "forces", "eV/Å"),
    "V": Observation("V", "virial", "virials", "eV/atom"),
}


def parse_observations(letters: str) -> tuple[Observation, ...]:
    """The observations that ``letters`` names (a non-empty subset of EFV in any order), as E, F, V."""
    if not isinstance(letters, str) or not letters:
        raise InputError(f"observations must name at least one of E, F, V, got {letters!r}")
    for letter in letters:
        if letter not in OBSERVATIONS:
            raise UnknownNameError("observation", letter, OBSERVATIONS)
    if len(set(letters)) < len(letters):
        raise InputError(f"observations name a letter twice: {letters!r}")
    return tuple(observation for letter, observation in OBSERVATIONS.items() if letter in letters)


@dataclass(frozen=True)
class Weights:
    """Weights per observation, and per group as a common factor or as factors per observation.

    ``Weights(E=10, groups={"liquid": 0.1, "dimer": {"V": 0}})``. A weight of zero leaves the rows out, so the
    labels need not be there.
    """

    E: float = 30.0
    F: float = 1.0
    V: float = 1.0
    groups: Mapping[str, float | Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for letter in OBSERVATIONS:
            _check_weight(f"weight of {letter}", getattr(self, letter))
        for group, factors in self.groups.items():
            for letter, factor in factors.items() if isinstance(factors, Mapping) else [("E", factors)]:
                if letter not in OBSERVATIONS:
                    raise UnknownNameError(
                        f"observation in the weights of group {group!r}:", letter, OBSERVATIONS
                    )
                _check_weight(f"weight of group {group!r}", factor)

    def of(self, observation: Observation, group: str) -> float:
        """The weight of one observation in one group, without the weight of the configuration itself."""
        factor = self.groups.get(group, 1.0)
        if isinstance(factor, Mapping):
            factor = factor.get(observation.letter, 1.0)
        return float(getattr(self, observation.letter)) * float(factor)

    def check_groups(self, known: tuple[str, ...]) -> None:
        """Raise UnknownNameError for a weight that belongs to no group of the data."""
        for group in self.groups:
            if group not in known:
                raise UnknownNameError("group in the weights", group, known)

    def as_dict(self) -> dict[str, object]:
        """Plain numbers, for the record."""
        groups = {g: dict(w) if isinstance(w, Mapping) else w for g, w in self.groups.items()}
        return {"E": self.E, "F": self.F, "V": self.V, "groups": groups}


def _check_weight(name: str, value: float) -> None:
    if not (isinstance(value, int | float | np.number) and np.isfinite(value) and value >= 0):
        raise InputError(f"{name} must be a number ≥ 0, got {value!r}")
