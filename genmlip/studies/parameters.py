"""Parameter sets of a study and the hash that identifies a run."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from itertools import product
from numbers import Integral, Real
from typing import Any, TypeAlias

from genmlip.errors import InputError

Parameters: TypeAlias = dict[str, Any]

SCHEMA = 1
"""Part of every run's hash; raised when rows change their meaning: no old row then passes for a new one."""


def grid(**axes: Any) -> list[Parameters]:
    """All combinations of the values of each axis; the first axis varies slowest.

    A single value (a number or a string) is an axis of length one. Grids are lists: add them for a union.

    >>> grid(cell=[1, 2], observations="EF")
    [{'cell': 1, 'observations': 'EF'}, {'cell': 2, 'observations': 'EF'}]
    """
    columns = [_values(name, axis) for name, axis in axes.items()]
    return [dict(zip(axes, values, strict=True)) for values in product(*columns)]


def _values(name: str, axis: Any) -> list[Any]:
    if isinstance(axis, str) or not isinstance(axis, Iterable):
        return [axis]
    values = list(axis)
    if not values:
        raise InputError(f"grid: the axis {name!r} has no values")
    return values


def fingerprint(content: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits for the content, whatever the order of keys and the types of numbers."""
    text = json.dumps(canonical({"schema": SCHEMA, **content}), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def canonical(value: Any) -> Any:
    """``value`` in terms of JSON's types; 2, 2.0 and np.int64(2) become the same, tuples become lists."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        number = float(value)
        if not math.isfinite(number):
            raise InputError(f"a parameter of a run must be finite, not {number}")
        return int(number) if number.is_integer() else number
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, Iterable):
        return [canonical(item) for item in value]
    raise InputError(f"a parameter of a run must be a number, a string or a list of them, not {value!r}")
