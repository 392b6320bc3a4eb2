"""Labelled configurations and the collection of them that a potential is fitted to."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress

from genmlip._extxyz import read_frames, write_frames
from genmlip._types import Array
from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.base import Evaluation
from genmlip.potentials.closest import Pair, smallest_distances
from genmlip.training.label_keys import find_labels, without_labels

DEFAULT_GROUP = "default"


@dataclass(frozen=True)
class Configuration:
    """Atoms and what a reference says about them.

    atoms : without calculator and labels; ``info`` and further ``arrays`` are kept
    energy : eV, total; forces : (n, 3) eV/Å; virial : (3, 3) eV, −∂E/∂ε, made symmetric; None where unknown
    group : the ``config_type`` that weights and error tables go by
    weight : factor of all rows of this configuration in the least-squares system (``config_weight``)
    source : what errors call it

    Raises InputError for labels of the wrong shape and for NaN or infinity anywhere.
    """

    atoms: Atoms
    energy: float | None = None
    forces: Array | None = None
    virial: Array | None = None
    group: str = DEFAULT_GROUP
    weight: float = 1.0
    source: str = "configuration"

    def __post_init__(self) -> None:
        object.__setattr__(self, "atoms", without_labels(self.atoms))
        n = len(self.atoms)
        shapes = {
            "positions": (n, 3),
            "cell": (3, 3),
            "energy": (),
            "forces": (n, 3),
            "virial": (3, 3),
            "weight": (),
        }
        values = {"positions": self.atoms.positions, "cell": self.atoms.cell.array}
        for name, shape in shapes.items():
            value = values[name] if name in values else getattr(self, name)
            if value is None:
                continue
            if np.shape(value) != shape:
                raise InputError(f"{self.source}: {name} has shape {np.shape(value)}, expected {shape}")
            if not np.isfinite(value).all():
                raise InputError(f"{self.source}: {name} holds NaN or infinity")
        if self.weight < 0:
            raise InputError(f"{self.source}: config_weight must not be negative, got {self.weight}")
        if self.virial is not None:
            object.__setattr__(self, "virial", 0.5 * (self.virial + self.virial.T))

    def __len__(self) -> int:
        return len(self.atoms)

    @classmethod
    def from_atoms(
        cls, atoms: Atoms, source: str = "configuration", keys: Mapping[str, str] | None = None
    ) -> Configuration:
        """Labels from ``info``, ``arrays`` and attached results, see :mod:`genmlip.training.label_keys`."""
        labels = find_labels(atoms, source, keys)
        weight = atoms.info.get("config_weight", 1.0)
        if isinstance(weight, bool) or not isinstance(weight, int | float | np.number):
            raise InputError(f"{source}: config_weight is not a number: {weight!r}")
        return cls(
            atoms=atoms,
            energy=labels.energy,
            forces=labels.forces,
            virial=labels.virial,
            group=str(atoms.info.get("config_type", DEFAULT_GROUP)),
            weight=float(weight),
            source=source,
        )

    def to_atoms(self) -> Atoms:
        """The atoms with the labels as ``info`` and ``arrays`` under the usual names."""
        atoms = self.atoms.copy()
        atoms.info["config_type"] = self.group
        atoms.info.pop("config_weight", None)
        if self.weight != 1.0:
            atoms.info["config_weight"] = self.weight
        if self.energy is not None:
            atoms.info["energy"] = self.energy
        if self.forces is not None:
            atoms.arrays["forces"] = np.array(self.forces, dtype=float)
        if self.virial is not None:
            atoms.info["virial"] = self.virial.ravel()
            if atoms.cell.rank == 3:
                atoms.info["stress"] = (-self.virial / atoms.get_volume()).ravel()
        return atoms

    def less(self, known: Evaluation) -> Configuration:
        """The same atoms with what ``known`` says of them taken from the labels."""
        return replace(
            self,
            energy=None if self.energy is None else self.energy - known.energy,
            forces=None if self.forces is None else self.forces - known.forces,
            virial=None if self.virial is None else self.virial - known.virial,
        )

    @property
    def stress(self) -> Array | None:
        """(6,) eV/Å³ in ASE's sign and Voigt order; None without virial."""
        if self.virial is None:
            return None
        return np.asarray(full_3x3_to_voigt_6_stress(-self.virial / self.atoms.get_volume()), dtype=float)

    @cached_property
    def smallest_distances(self) -> dict[Pair, float]:
        """Å, between atoms of every pair of elements that is met within 16 Å, periodic images included."""
        try:
            return smallest_distances(self.atoms)
        except InputError as error:
            raise InputError(f"{self.source}: {error}") from None

    @property
    def smallest_distance(self) -> float:
        """Å, between any two atoms; infinite where no two are within 16 Å."""
        return min(self.smallest_distances.values(), default=np.inf)


@dataclass(frozen=True)
class Dataset:
    """A sequence of configurations; immutable, added with ``+``."""

    configurations: tuple[Configuration, ...]

    @classmethod
    def read(cls, path: str | os.PathLike[str], keys: Mapping[str, str] | None = None) -> Dataset:
        """All frames of an extended XYZ file (plain or gzipped).

        keys : names of the labels where they are not the usual ones, e.g. ``{"energy": "E_pbe"}``

        Raises InputError (FileFormatError where the file itself is malformed) naming file, configuration and
        key.
        """
        return cls(tuple(Configuration.from_atoms(atoms, where, keys) for where, atoms in read_frames(path)))

    @classmethod
    def from_atoms(cls, images: Iterable[Atoms], keys: Mapping[str, str] | None = None) -> Dataset:
        """From atoms that carry their labels, e.g. by a SinglePointCalculator."""
        return cls(
            tuple(
                Configuration.from_atoms(a, f"configuration {k}", keys) for k, a in enumerate(images, start=1)
            )
        )

    def write(self, path: str | os.PathLike[str]) -> None:
        """Extended XYZ, gzipped if the name ends in .gz; real numbers survive bit for bit.

        Groups and further ``info`` come back as ASE reads them: text that looks like a number or a truth
        value becomes one.
        """
        write_frames(path, (configuration.to_atoms() for configuration in self))

    def __len__(self) -> int:
        return len(self.configurations)

    def __iter__(self) -> Iterator[Configuration]:
        return iter(self.configurations)

    def __getitem__(self, index: int) -> Configuration:
        return self.configurations[index]

    def __add__(self, other: Dataset) -> Dataset:
        return Dataset(self.configurations + other.configurations)

    def filter(self, keep: Callable[[Configuration], bool]) -> Dataset:
        """The configurations for which ``keep`` is true."""
        return Dataset(tuple(configuration for configuration in self if keep(configuration)))

    def select(self, *groups: str) -> Dataset:
        """The configurations of the named groups."""
        for group in groups:
            if group not in self.groups:
                raise UnknownNameError("group of configurations", group, self.groups)
        return self.filter(lambda configuration: configuration.group in groups)

    def with_weights(self, weight: Callable[[Configuration], float]) -> Dataset:
        """The same configurations, each with the weight that the function gives it."""
        return Dataset(tuple(replace(configuration, weight=weight(configuration)) for configuration in self))

    def less(self, known: Callable[[Atoms], Evaluation]) -> Dataset:
        """What is left of the labels for a model to explain that comes on top of ``known``.

        ``known`` is, for example, :meth:`genmlip.potentials.ace.LinearACE.baseline`.
        """
        return Dataset(tuple(configuration.less(known(configuration.atoms)) for configuration in self))

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the groups that occur, sorted."""
        return tuple(sorted({configuration.group for configuration in self}))

    @cached_property
    def symbols(self) -> tuple[str, ...]:
        """Elements that occur, sorted."""
        return tuple(sorted({symbol for c in self for symbol in c.atoms.get_chemical_symbols()}))

    @property
    def n_atoms(self) -> int:
        """Atoms in all configurations together."""
        return sum(len(configuration) for configuration in self)

    @cached_property
    def smallest_distances(self) -> dict[Pair, float]:
        """Å, over all configurations, of every pair of elements that is met within 16 Å."""
        shortest: dict[Pair, float] = {}
        for configuration in self:
            for pair, distance in configuration.smallest_distances.items():
                shortest[pair] = min(distance, shortest.get(pair, np.inf))
        return shortest

    @property
    def smallest_distance(self) -> float:
        """Å, over all configurations and elements."""
        return min(self.smallest_distances.values(), default=np.inf)

    @cached_property
    def sha256(self) -> str:
        """Hash of what a fit depends on: species, geometry, labels, groups, weights; not of formatting."""
        digest = hashlib.sha256()
        for c in self:
            parts: list[Any] = [c.atoms.numbers, c.atoms.pbc, c.atoms.cell.array, c.atoms.positions]
            parts += [c.energy, c.forces, c.virial, c.weight]
            for part in parts:
                kind = np.int64 if part is c.atoms.numbers else np.float64
                values = (
                    np.array([] if part is None else part, dtype=kind) + 0
                )  # +0 makes −0.0 and 0.0 the same
                digest.update(f"{values.shape}".encode() + values.tobytes())
            digest.update(c.group.encode() + b"\0")
        return digest.hexdigest()
