"""Which entries of a configuration are its labels: the names in use, and which one wins.

Names are compared without regard to case, with the prefixes REF\\_, DFT\\_ and none, in this order of
precedence. Within one prefix ``free_energy`` comes before ``energy``, since it is the one that the forces are
derivatives of, and ``virial`` before ``stress``. Units are eV, eV/Å and eV/Å³; the stress has ASE's sign,
virial = −stress · volume.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import voigt_6_to_full_3x3_stress

from genmlip._types import Array
from genmlip.errors import InputError, UnknownNameError

PREFIXES = ("ref_", "dft_", "")
NAMES = {
    "energy": ("free_energy", "energy"),
    "forces": ("forces", "force"),
    "virial": ("virial", "virials"),
    "stress": ("stress",),
}
ALL_KEYS = frozenset(prefix + name for prefix in PREFIXES for names in NAMES.values() for name in names)
AGREEMENT = 1e-3
"""Relative difference above which a virial and a stress given together are taken to contradict each other."""


@dataclass(frozen=True)
class Labels:
    """energy eV, forces (n, 3) eV/Å, virial (3, 3) eV; None where there is none."""

    energy: float | None
    forces: Array | None
    virial: Array | None


def find_labels(atoms: Atoms, source: str, keys: Mapping[str, str] | None = None) -> Labels:
    """The labels among the ``info``, ``arrays`` and calculator results of ``atoms``.

    keys : names to use instead of the usual ones, e.g. ``{"energy": "E_pbe"}``, for energy, forces, virial,
        stress
    source : what to call the configuration in errors

    Raises InputError naming the configuration and the key for values that are no numbers, have the wrong
    shape, or contradict each other.
    """
    entries = {**(atoms.calc.results if atoms.calc is not None else {}), **atoms.arrays, **atoms.info}
    keys = dict(keys or {})
    for name in keys:
        if name not in NAMES:
            raise UnknownNameError("label in keys", name, NAMES)
    energy = _first(entries, "energy", keys)
    forces = _first(entries, "forces", keys)
    return Labels(
        None if energy is None else float(_numbers(*energy, (1,), source)[0]),
        None if forces is None else _numbers(*forces, (3 * len(atoms),), source).reshape(-1, 3),
        _virial(entries, keys, atoms, source),
    )


def without_labels(atoms: Atoms) -> Atoms:
    """A copy without calculator, and without any info or array whose name is that of a label."""
    bare = atoms.copy()
    for store in (bare.info, bare.arrays):
        for key in [key for key in store if str(key).lower() in ALL_KEYS]:
            del store[key]
    return bare


Entry = tuple[str, Any]


def _named(entries: Mapping[str, Any], key: str | None) -> Entry | None:
    return None if key is None or entries.get(key) is None else (key, entries[key])


def _with_prefix(entries: Mapping[str, Any], prefix: str, name: str) -> Entry | None:
    """(key, value) of the first name in use for ``name`` that occurs with ``prefix``."""
    by_lower = {str(key).lower(): key for key in reversed(list(entries)) if entries[key] is not None}
    found = [by_lower[prefix + candidate] for candidate in NAMES[name] if prefix + candidate in by_lower]
    return (found[0], entries[found[0]]) if found else None


def _first(entries: Mapping[str, Any], name: str, keys: Mapping[str, str]) -> Entry | None:
    """The entry that wins; a key chosen by the user excludes all others."""
    if name in keys:
        return _named(entries, keys[name])
    found = (_with_prefix(entries, prefix, name) for prefix in PREFIXES)
    return next((entry for entry in found if entry is not None), None)


def _virial(entries: Mapping[str, Any], keys: Mapping[str, str], atoms: Atoms, source: str) -> Array | None:
    """The virial of the first prefix that has a virial or a stress; both together must agree."""
    if keys.keys() & {"virial", "stress"}:
        pairs = [(_named(entries, keys.get("virial")), _named(entries, keys.get("stress")))]
    else:
        pairs = [(_with_prefix(entries, p, "virial"), _with_prefix(entries, p, "stress")) for p in PREFIXES]
    virial, stress = next((pair for pair in pairs if pair != (None, None)), (None, None))
    from_virial = None if virial is None else _tensor(*virial, source)
    if stress is None or atoms.cell.rank < 3:
        return from_virial
    from_stress = -_tensor(*stress, source) * atoms.get_volume()
    if virial is None or from_virial is None:
        return from_stress
    _check_agreement(virial[0], from_virial, stress[0], from_stress, source)
    return from_virial


def _check_agreement(virial: str, from_virial: Array, stress: str, from_stress: Array, source: str) -> None:
    size = max(float(np.abs(from_virial).max()), float(np.abs(from_stress).max()), 1e-6)
    if float(np.abs(from_virial - from_stress).max()) > AGREEMENT * size:
        raise InputError(
            f"{source}: {virial} and {stress} contradict each other (expected virial = −stress × volume in "
            f'eV and eV/Å³); choose with keys={{"virial": "{virial}"}} or keys={{"stress": "{stress}"}}'
        )


def _tensor(key: str, value: Any, source: str) -> Array:
    """A (3, 3) tensor from 9 numbers or from 6 in ASE's Voigt order xx yy zz yz xz xy."""
    numbers = _numbers(key, value, (6, 9), source)
    if len(numbers) == 6:
        return np.asarray(voigt_6_to_full_3x3_stress(numbers), dtype=float)
    return numbers.reshape(3, 3)


def _numbers(key: str, value: Any, counts: tuple[int, ...], source: str) -> Array:
    try:
        numbers = np.atleast_1d(np.asarray(value, dtype=float)).reshape(-1)
    except (TypeError, ValueError):
        raise InputError(f"{source}: {key} is not a number: {str(value)[:40]!r}") from None
    if len(numbers) not in counts:
        allowed = " or ".join(map(str, counts))
        raise InputError(f"{source}: {key} holds {len(numbers)} numbers, expected {allowed}")
    if not np.isfinite(numbers).all():
        raise InputError(f"{source}: {key} holds NaN or infinity")
    return numbers
