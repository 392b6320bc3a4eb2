"""Packages whose public names are imported on first use, so that importing the package stays fast."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any


def lazy_attribute(package: str, homes: Mapping[str, str], name: str) -> Any:
    """What a package's ``__getattr__`` returns (PEP 562): ``name`` from the module that ``homes`` tells.

    homes : public name → module, relative to the package

    Raises AttributeError for a name that is not public.
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    value = getattr(import_module(f"{package}.{homes[name]}"), name)
    setattr(sys.modules[package], name, value)  # found at once from now on, also beside a submodule so named
    return value
