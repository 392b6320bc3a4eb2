"""One run of a study: what kinds of run look like, and what is kept of one, whether it worked or not."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from numbers import Integral, Real
from typing import Any, ClassVar, Protocol, TypeAlias

import numpy as np

from genmlip._json import finite_or_none
from genmlip.errors import GenmlipError, GenmlipWarning, UnknownNameError
from genmlip.studies.cache import Cache
from genmlip.studies.parameters import Parameters, canonical, fingerprint
from genmlip.studies.table import COLUMNS

Scalar: TypeAlias = str | int | float | bool | None


class Run(Protocol):
    """A frozen dataclass: the fields are the parameters, the constructor refuses bad ones, calling runs it.

    The result depends on the parameters only (the cache changes the time, not the numbers) and is one row of
    scalars; rows of one study should have the same names.
    """

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def __call__(self, cache: Cache) -> Mapping[str, Scalar]: ...


class UnfinishedRunError(GenmlipError):
    """A run that came only part of the way; ``results`` holds what it found before."""

    def __init__(self, message: str, results: Mapping[str, Scalar]) -> None:
        super().__init__(message)
        self.results = results


def parameters_of(run: Run) -> Parameters:
    """All parameters of a run, defaults included, in JSON's types."""
    return {name: canonical(value) for name, value in asdict(run).items()}


def make_run(kind: type[Run], parameters: Mapping[str, Any]) -> Run:
    """``kind(**parameters)``, naming a parameter that does not exist."""
    known = [f.name for f in fields(kind)]
    for name in parameters:
        if name not in known:
            raise UnknownNameError(f"parameter of {kind.__name__}", name, known)
    return kind(**parameters)


def run_id(run: Run) -> str:
    """Content hash of the kind of run and its parameters: the same in every process, session and machine."""
    return fingerprint({"run": type(run).__name__, "parameters": parameters_of(run)})


@dataclass(frozen=True)
class Outcome:
    """What is kept of one run: ``status`` is "ok", or "failed" with the reason."""

    run: str
    parameters: Parameters
    status: str
    results: Mapping[str, Scalar] = field(default_factory=dict)
    wall_s: float | None = None
    error_type: str | None = None
    error: str | None = None
    details: str | None = None

    @classmethod
    def of_death(cls, run: Run, reason: str) -> Outcome:
        """For a run whose process died under it."""
        return cls(run_id(run), parameters_of(run), "failed", error_type="ProcessDied", error=reason)


def attempt(run: Run, cache: Cache) -> Outcome:
    """Run it; an exception becomes part of the outcome (but not an interrupt, nor the end of the process)."""
    started = time.perf_counter()
    results: dict[str, Scalar] = {}
    reason: dict[str, Any] = {"status": "ok"}
    try:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", GenmlipWarning)  # a line per potential would be too many
                results = _checked(run, run(cache))
        except UnfinishedRunError as unfinished:
            results = _checked(run, unfinished.results)
            raise
    except Exception as error:
        message = str(error) if isinstance(error, GenmlipError) else f"{type(error).__name__}: {error}"
        reason = {
            "status": "failed",
            "error_type": type(error).__name__,
            "error": " ".join(message.split()),
            "details": traceback.format_exc(),
        }
    wall_s = time.perf_counter() - started
    return Outcome(run_id(run), parameters_of(run), results=results, wall_s=wall_s, **reason)


def _checked(run: Run, results: Mapping[str, Any]) -> dict[str, Scalar]:
    clash = sorted(set(results) & {*parameters_of(run), *COLUMNS})
    if clash:
        raise TypeError(f"results of {type(run).__name__} have the names of other columns: {clash}")
    return {name: _scalar(name, value) for name, value in results.items()}


def _scalar(name: str, value: Any) -> Scalar:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return finite_or_none(float(value))
    raise TypeError(f"result {name!r} must be a number or a string, not {type(value).__name__}")
