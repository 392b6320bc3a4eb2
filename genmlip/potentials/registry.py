"""From a specification such as ``fs:W`` or ``eam:W.eam.fs`` to a potential.

Every kind is one row of ``KINDS``; a new kind of potential is a new row and nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ase.calculators.calculator import BaseCalculator

from genmlip.errors import InputError, UnknownNameError
from genmlip.potentials.base import Potential


class Available(NamedTuple):
    """One line of ``genmlip potentials``."""

    pattern: str
    description: str
    available: bool
    note: str


@dataclass(frozen=True)
class Kind:
    """A kind of potential: what follows the colon, and how to load it."""

    prefix: str
    argument: str  # placeholder of the argument, empty for built-in potentials
    description: str
    load: Callable[[str], Potential]
    names: tuple[str, ...] = ()  # the arguments of built-in potentials
    missing: Callable[[], str] = lambda: ""  # what has to be installed first

    @property
    def patterns(self) -> list[str]:
        """``fs:W`` for built-in potentials, ``eam:FILE`` for the others."""
        return [f"{self.prefix}:{name}" for name in self.names] or [f"{self.prefix}:{self.argument}"]


def load_potential(spec: str) -> Potential:
    """The potential that ``spec`` names.

    ``fs:W``, ``sw:Si``, ``sw:Ge``, ``eam:FILE`` (setfl), ``kim:MODEL``, ``ace:FILE`` or
    ``ase:package.module:callable``.

    Raises UnknownNameError (with the nearest known name) or another InputError where it cannot be loaded.
    """
    prefix, _, argument = spec.strip().partition(":")
    kind = KINDS.get(prefix)
    if kind is None or not argument or (kind.names and argument not in kind.names):
        if Path(spec).is_file():
            raise InputError(f"{spec} is a file: say how to read it, as eam:{spec} or ace:{spec}")
        raise UnknownNameError("potential", spec, [p for k in KINDS.values() for p in k.patterns])
    potential = kind.load(argument)
    potential.spec = f"{prefix}:{argument}"
    return potential


def as_potential(source: str | Potential | BaseCalculator) -> Potential:
    """A potential from a specification, from any ASE calculator, or unchanged."""
    if isinstance(source, str):
        return load_potential(source)
    if isinstance(source, Potential):
        return source
    from genmlip.potentials.foreign import ForeignPotential

    return ForeignPotential(source)


def available_potentials() -> list[Available]:
    """What can be loaded here: (pattern, description, available, note), one entry per pattern."""
    rows = []
    for kind in KINDS.values():
        note = kind.missing()
        rows += [Available(pattern, kind.description, not note, note) for pattern in kind.patterns]
    return rows


def _finnis_sinclair(_: str) -> Potential:
    from genmlip.potentials.finnis_sinclair import FinnisSinclair

    return FinnisSinclair()


def _stillinger_weber(symbol: str) -> Potential:
    from genmlip.potentials.stillinger_weber import GERMANIUM, SILICON, StillingerWeber

    return StillingerWeber(symbol, {"Si": SILICON, "Ge": GERMANIUM}[symbol])


def _eam(path: str) -> Potential:
    from genmlip.potentials.eam import EmbeddedAtom

    return EmbeddedAtom.from_file(path)


def _kim(model: str) -> Potential:
    from genmlip.potentials.kim import KimPotential

    return KimPotential(model)


def _ace(path: str) -> Potential:
    from genmlip.potentials.ace import load

    potential: Potential = load(path)
    return potential


def _foreign(target: str) -> Potential:
    from genmlip.potentials.foreign import load_foreign

    return load_foreign(target)


def _missing_kimpy() -> str:
    from genmlip.potentials.kim import why_unavailable

    return why_unavailable()


KINDS: dict[str, Kind] = {
    kind.prefix: kind
    for kind in (
        Kind("fs", "", "Finnis–Sinclair tungsten (Ackland & Thetford 1987)", _finnis_sinclair, ("W",)),
        Kind("sw", "", "Stillinger–Weber (1985), Ding–Andersen (1986)", _stillinger_weber, ("Si", "Ge")),
        Kind("eam", "FILE", "embedded-atom tables, setfl (eam/alloy and eam/fs)", _eam),
        Kind("kim", "MODEL", "a portable model of OpenKIM", _kim, missing=_missing_kimpy),
        Kind("ace", "FILE", "atomic cluster expansion: fitted here (JSON), or .yace", _ace),
        Kind("ase", "package.module:callable", "any ASE calculator", _foreign),
    )
}
