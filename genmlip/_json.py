"""Values as JSON knows them: it has no NaN, no infinity and no arrays."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def finite_or_none(x: float) -> float | None:
    """``x``, or None where it is not a finite number."""
    return float(x) if math.isfinite(x) else None


def plain(value: Any) -> Any:
    """``value`` in terms of JSON's types; null says that a number could not be had."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    return finite_or_none(value) if isinstance(value, float) else value
