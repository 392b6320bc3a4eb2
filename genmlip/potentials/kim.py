"""Portable models of OpenKIM (``kim:MODEL``), driven through kimpy.

A model sees a cluster: the atoms and the periodic images around them. Only the atoms asked for contribute
site energies; images and other atoms are there to be their neighbours (Tadmor et al., JOM 63(7), 17, 2011).
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from importlib.util import find_spec
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers

from genmlip._types import AnyArray, Array, IntArray
from genmlip.errors import InputError
from genmlip.potentials.base import DEFAULT_SKIN, Evaluation, Potential
from genmlip.potentials.neighbours import (
    check_centres,
    check_finite,
    has_left_skin,
    periodic_images,
)

_INSTALL = "install the system packages libkim-api-dev and openkim-models, then the extra genmlip[kim]"


def why_unavailable() -> str:
    """What is missing here to load OpenKIM models; empty where nothing is."""
    return "" if find_spec("kimpy") else f"kimpy is missing: {_INSTALL}"


class KimPotential(Potential):
    """A portable model of the KIM API, by its full KIM ID.

    ``site_resolved`` where the model gives particle energies; ``cutoff`` is its influence distance.

    Raises InputError where kimpy or the model is not installed, or where the model cannot work in eV and Å.
    """

    def __init__(self, model: str) -> None:
        super().__init__()
        kimpy = _kimpy()
        if model not in installed_models():
            raise InputError(_unknown_model(model, installed_models()))
        units = (
            kimpy.length_unit.A, kimpy.energy_unit.eV, kimpy.charge_unit.e, kimpy.temperature_unit.K,
            kimpy.time_unit.ps,
        )  # fmt: skip
        try:
            accepted, self.model = kimpy.model.create(kimpy.numbering.zeroBased, *units, model)
        except RuntimeError as error:
            raise InputError(f"KIM model {model} cannot be loaded: {error}") from None
        if not accepted:
            raise InputError(f"KIM model {model} cannot work in eV and Å")
        self.spec = f"kim:{model}"
        self.cutoff = float(self.model.get_influence_distance())
        self.list_cutoffs, self.images_need_no_neighbours = self.model.get_neighbor_list_cutoffs_and_hints()
        self.codes = _species_codes(kimpy, self.model)
        self.symbols = tuple(self.codes)
        arguments, names = self.model.compute_arguments_create(), kimpy.compute_argument_name
        energy, forces, energies = (
            arguments.get_argument_support_status(name) != kimpy.support_status.notSupported
            for name in (names.partialEnergy, names.partialForces, names.partialParticleEnergy)
        )
        if not (energy and forces):
            raise InputError(f"KIM model {model} does not compute energy and forces")
        self.site_resolved = energies

    def bind(self, atoms: Atoms, centres: IntArray | None = None) -> KimEvaluator:
        return KimEvaluator(self, atoms, centres)


@cache
def installed_models() -> tuple[str, ...]:
    """KIM IDs of the portable models that are installed here; raises InputError without kimpy."""
    kimpy = _kimpy()
    collections, kind = kimpy.collections.create(), kimpy.collection_item_type.portableModel
    count = collections.cache_list_of_item_names_by_type(kind)
    return tuple(collections.get_item_name_by_type(k) for k in range(count))


@cache
def _kimpy() -> Any:
    """The module kimpy, told not to leave its log file in the working directory."""
    try:
        import kimpy
    except ImportError:
        raise InputError(f"kim:MODEL needs kimpy: {_INSTALL}") from None
    kimpy.log.Log.push_default_verbosity(kimpy.log_verbosity.silent)
    return kimpy


def _unknown_model(model: str, installed: tuple[str, ...]) -> str:
    if not installed:
        return "no portable models of OpenKIM are installed here: install the system package openkim-models"
    near = get_close_matches(model, installed, n=1, cutoff=0.5)
    hint = f"; did you mean {near[0]}?" if near else ""
    listing = f"{len(installed)} are installed: kim-api-collections-management list"
    return f"unknown portable model of OpenKIM {model!r}{hint} ({listing})"


def _species_codes(kimpy: Any, model: Any) -> dict[str, int]:
    """Code of each chemical element that the model describes."""
    codes = {}
    for k in range(kimpy.species_name.get_number_of_species_names()):
        name = kimpy.species_name.get_species_name(k)
        supported, code = model.get_species_support_and_code(name)
        if supported and str(name) in atomic_numbers:
            codes[str(name)] = code
    return codes


class KimEvaluator:
    """Repeated evaluation; images and neighbour lists are rebuilt when atoms left the skin."""

    def __init__(
        self,
        potential: KimPotential,
        atoms: Atoms,
        centres: IntArray | None = None,
        skin: float = DEFAULT_SKIN,
    ) -> None:
        potential.check_species(atoms)
        self.potential, self.skin, self.n_calls = potential, skin, 0
        self._atoms = Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
        self._codes = np.array([potential.codes[s] for s in atoms.get_chemical_symbols()], dtype=np.intc)
        self._centres = check_centres(centres, len(atoms))
        self._kimpy = kimpy = _kimpy()
        self._arguments = potential.model.compute_arguments_create()
        self._list = kimpy.neighlist.NeighList()
        self._arguments.set_callback_pointer(
            kimpy.compute_callback_name.GetNeighborList, kimpy.neighlist.get_neigh_kim(), self._list
        )
        self._rebuild(atoms.positions)

    def _rebuild(self, positions: Array) -> None:
        check_finite(positions)
        self._atoms.positions = positions
        self._built_at = np.array(positions, dtype=float)
        reach = self.potential.cutoff + self.skin
        n = len(positions)
        self._image_of, self._shift = periodic_images(self._atoms, reach, self._centres)
        contributing = np.zeros(n + len(self._image_of), dtype=np.intc)
        contributing[slice(n) if self._centres is None else self._centres] = 1
        need = contributing if self.potential.images_need_no_neighbours.all() else np.ones_like(contributing)
        self._coordinates = np.concatenate([positions, positions[self._image_of] + self._shift])
        try:
            self._list.build(self._coordinates, reach, self.potential.list_cutoffs + self.skin, need)
        except RuntimeError:
            raise InputError("atoms are at the same place, or too far apart for a neighbour list") from None
        self._share_arrays(contributing)

    def _share_arrays(self, contributing: AnyArray) -> None:
        """Tell the model where the arrays are that it reads and writes in place; they live here."""
        total = len(contributing)
        self._energy, self._forces = np.zeros(1), np.zeros((total, 3))
        self._energies = np.zeros(total)
        names = self._kimpy.compute_argument_name
        self._shared: list[tuple[Any, AnyArray]] = [
            (names.numberOfParticles, np.array([total], dtype=np.intc)),
            (names.particleSpeciesCodes, np.concatenate([self._codes, self._codes[self._image_of]])),
            (names.particleContributing, contributing),
            (names.coordinates, self._coordinates),
            (names.partialEnergy, self._energy),
            (names.partialForces, self._forces),
        ]
        if self.potential.site_resolved:
            self._shared.append((names.partialParticleEnergy, self._energies))
        for name, array in self._shared:
            self._arguments.set_argument_pointer(name, array)

    def __call__(self, positions: Array) -> Evaluation:
        positions = np.ascontiguousarray(positions, dtype=float)
        n = len(positions)
        if has_left_skin(positions, self._built_at, self.skin):
            self._rebuild(positions)
        self.n_calls += 1
        self._coordinates[:n] = positions
        self._coordinates[n:] = positions[self._image_of] + self._shift
        try:
            self.potential.model.compute(self._arguments, True)
        except RuntimeError as error:
            raise InputError(f"{self.potential.spec} cannot be evaluated here: {error}") from None
        if not np.isfinite(self._energy[0]):
            raise InputError(f"{self.potential.spec} gives no finite energy: atoms at the same place?")
        forces = self._forces[:n].copy()
        for a in range(3):
            forces[:, a] += np.bincount(self._image_of, weights=self._forces[n:, a], minlength=n)
        virial = self._coordinates.T @ self._forces  # E depends on the images as on the atoms
        return Evaluation(self._site_energies(n), forces, virial)

    def _site_energies(self, n: int) -> Array:
        if not self.potential.site_resolved:
            return self._energy.copy()
        return self._energies[:n].copy() if self._centres is None else self._energies[self._centres]
