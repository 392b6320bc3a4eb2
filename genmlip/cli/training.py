"""``genmlip train``: fit a linear ACE potential to chosen cells and observations."""

from __future__ import annotations


def train() -> None:
    """Fit a linear ACE potential."""
    raise NotImplementedError
