"""What genmlip raises when a person, not the program, has to act.

The command line turns an :class:`InputError` into one line and exit code 2, and a :class:`NotConvergedError`
into one line and exit code 3. Everything else is a bug and shows its traceback.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any


class GenmlipError(Exception):
    """Root of all errors that genmlip raises on purpose."""

    exit_code = 1


class GenmlipWarning(UserWarning):
    """Root of what a person should know although the work goes on; one line."""


class InputError(GenmlipError, ValueError):
    """The input cannot be used; the message names the thing and the allowed values on one line."""

    exit_code = 2


class UnknownNameError(InputError):
    """A name that is not in a registry; suggests the nearest known one."""

    def __init__(self, kind: str, name: str, allowed: Iterable[str]) -> None:
        known = sorted(allowed)
        near = get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
        super().__init__(f"unknown {kind} {name!r}{hint} (known: {', '.join(known)})")


class FileFormatError(InputError):
    """A file is truncated, of the wrong kind, or holds values that cannot be used."""


class UnstableCrystalError(InputError):
    """The crystal that was asked for is not a minimum of the potential's energy."""


class NotConvergedError(GenmlipError):
    """An iteration stopped short of its tolerance; ``result`` holds the state that was reached."""

    exit_code = 3

    def __init__(self, message: str, result: Any = None) -> None:
        super().__init__(message)
        self.result = result
