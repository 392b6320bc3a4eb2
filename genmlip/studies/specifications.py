"""Short texts for training cells and solvers, as the command line and declared studies write them.

bulk:3                      cubic cells of 3³ unit cells, about a thousand atoms in all
bulk:3,n=20,strain=0.02     20 of them, every component of the strain up to 0.02
vacancy:2,displacement=0.1  with one atom missing, rattled by 0.1 Å
quadrupole:bcc-screw-111    a periodic quadrupole of this dislocation
ridge:1e-8                  Tikhonov regularisation with this parameter
16,12,10                    largest total degree of the basis for every correlation order, or one for all
E=30,F=1,V=1                weights of energies, forces and virials
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genmlip.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from ase import Atoms

    from genmlip.crystal import Crystal
    from genmlip.training import Weights
    from genmlip.training.solvers import Solver

CELL_KINDS = ("bulk", "strained", "vacancy", "quadrupole")
RADIAL_SETTINGS: dict[str, type[float] | type[int]] = {"r0": float, "core": int, "tail": int, "envelope": int}
CELL_SETTINGS: dict[str, type] = {"n": int, "displacement": float, "strain": float}
RATTLED = {"displacement": 0.1, "strain": 0.02}
"""Of bulk and vacancy cells, where nothing else is said; large enough to reach the distances in a core."""

ENOUGH_ATOMS = 1000
"""In all cells of one specification together, where their number is not given."""


@dataclass(frozen=True)
class CellSpecification:
    """KIND:SIZE[,n=…][,displacement=…][,strain=…]; SIZE is an edge in unit cells or a dislocation's name."""

    kind: str
    size: str
    settings: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> CellSpecification:
        """Raises InputError, naming what cannot be understood."""
        head, *settings = (part.strip() for part in text.split(","))
        kind, _, size = head.partition(":")
        if kind not in CELL_KINDS:
            raise UnknownNameError("kind of training cell", kind, CELL_KINDS)
        if not size:
            raise InputError(f"training cells {text!r} lack a size: write {kind}:3 or {kind}:3,n=20")
        return cls(kind, size, dict(_setting(item, text) for item in settings))

    def build(self, crystal: Crystal, seed: int) -> list[Atoms]:
        """The cells, without labels; the same for the same seed."""
        from genmlip import training

        if self.kind == "quadrupole":
            return training.dislocation_quadrupole(crystal, self.size, seed=seed, **self.settings)
        makers: dict[str, tuple[Callable[..., list[Atoms]], dict[str, float]]] = {
            "bulk": (training.bulk_cells, RATTLED),
            "strained": (training.strained_cells, {}),
            "vacancy": (training.vacancy_cells, RATTLED),
        }
        if not self.size.isdecimal():
            raise InputError(
                f"the size of {self.kind} cells is a whole number of unit cells, not {self.size!r}"
            )
        size, (maker, defaults) = int(self.size), makers[self.kind]
        n = max(1, round(ENOUGH_ATOMS / (len(crystal.unit_cell()) * max(size, 1) ** 3)))
        return maker(crystal, size, seed=seed, **{"n": n, **defaults, **self.settings})


def parse_solver(text: str) -> Solver:
    """``ard[:separate]``, ``bayes[:separate]``, ``gcv``, ``ols``, ``ridge[:α]``, ``rrqr[:ε]`` or ``svd[:ε]``.

    ``separate`` estimates the noise of energies, forces and virials apart.
    """
    from genmlip import training

    name, _, parameter = text.partition(":")
    plain: dict[str, type[Solver]] = {"gcv": training.GCVRidge, "ols": training.OrdinaryLeastSquares}
    tuned: dict[str, type[Solver]] = {
        "ridge": training.Ridge, "rrqr": training.RankRevealingQR, "svd": training.TruncatedSVD
    }  # fmt: skip
    probable: dict[str, type[Solver]] = {"ard": training.ARD, "bayes": training.BayesianRidge}
    makers: dict[str, Callable[..., Solver]] = {**plain, **tuned, **probable}
    if name not in makers:
        raise UnknownNameError("solver", name, makers)
    if not parameter:
        return makers[name]()
    if name in plain:
        raise InputError(f"the solver {name} takes no parameter, got {text!r}")
    if name in probable:
        if parameter != "separate":
            raise InputError(f"the solver {name} takes only {name}:separate, got {text!r}")
        return makers[name](separate_noise=True)
    try:
        value = float(parameter)
    except ValueError:
        raise InputError(f"the parameter of the solver {name} must be a number, not {parameter!r}") from None
    return makers[name](value)


def parse_degree(text: str) -> float | tuple[float, ...]:
    """``16`` for all correlation orders, ``16,12,10`` one for each."""
    try:
        values = tuple(float(part) for part in str(text).split(","))
    except ValueError:
        raise InputError(
            f"degree is a number or one per correlation order, as in 16,12,10; not {text!r}"
        ) from None
    return values[0] if len(values) == 1 else values


def parse_radial(text: str) -> dict[str, float | int]:
    """``r0=4.2,core=4``: settings of the radial functions of an ACE basis."""
    settings: dict[str, float | int] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        name, _, value = item.partition("=")
        if name not in RADIAL_SETTINGS:
            raise UnknownNameError("setting of radial functions", name, RADIAL_SETTINGS)
        try:
            settings[name] = RADIAL_SETTINGS[name](value)
        except ValueError:
            kind = "whole number" if RADIAL_SETTINGS[name] is int else "number"
            raise InputError(f"radial functions {text!r}: {name} must be a {kind}") from None
    return settings


def parse_weights(text: str) -> Weights:
    """``E=30,F=1,V=1``, any of them; those left out keep their default."""
    from genmlip.training import Weights

    values = {}
    for item in text.split(","):
        letter, _, value = item.strip().partition("=")
        if letter not in ("E", "F", "V"):
            raise UnknownNameError("weight", letter, ("E", "F", "V"))
        try:
            values[letter] = float(value)
        except ValueError:
            raise InputError(f"weights {text!r}: {letter} must be a number, as in E=30,F=1,V=1") from None
    return Weights(**values)


def _setting(item: str, text: str) -> tuple[str, Any]:
    name, equals, value = item.partition("=")
    if name not in CELL_SETTINGS:
        raise UnknownNameError("setting of training cells", name, CELL_SETTINGS)
    try:
        return name, CELL_SETTINGS[name](value)
    except ValueError:
        kind = "whole number" if CELL_SETTINGS[name] is int else "number"
        found = value if equals else "nothing"
        raise InputError(f"training cells {text!r}: {name} must be a {kind}, not {found}") from None
