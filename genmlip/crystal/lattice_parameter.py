"""The lattice parameter: where the pressure of a cubic crystal vanishes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from genmlip.errors import UnstableCrystalError

GROWTH = 1.01  # of the lattice parameter between two looks at the slope
RANGE = (0.6, 1.7)  # of the guess


def minimise_over_lattice_parameter(slope: Callable[[float], float], guess: float, what: str) -> float:
    """a0 (Å) where dE/da changes sign from − to +, in the basin of ``guess`` (Å).

    From the guess the walk goes downhill in steps of 1 % and then closes in on the root. ``what`` names the
    crystal in the UnstableCrystalError that is raised when there is no minimum between 0.6 and 1.7 times the
    guess.
    """
    from scipy.optimize import brentq

    low, high = RANGE[0] * guess, RANGE[1] * guess
    here, here_slope = guess, slope(guess)
    if here_slope == 0:  # the minimum itself, or atoms out of each other's reach
        here, here_slope = GROWTH * guess, slope(GROWTH * guess)
    factor = GROWTH if here_slope < 0 else 1 / GROWTH
    there = here
    while low <= there <= high:
        there *= factor
        there_slope = slope(there)
        if here_slope * there_slope < 0:
            a, b = sorted([here, there])
            return float(brentq(slope, a, b, xtol=1e-14 * guess, rtol=4 * np.finfo(float).eps))
        if there_slope != 0:  # a slope of zero brackets nothing, the atoms may just not interact
            here, here_slope = there, there_slope
    raise UnstableCrystalError(
        f"{what} has no lattice parameter: the energy has no minimum between {low:.2f} and {high:.2f} Å"
    )
