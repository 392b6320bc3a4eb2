"""Radial functions as splines of degree seven: what the kernels evaluate instead of the formulas.

A spline costs the same whatever the formula. It is six times continuously differentiable, and forces are the
derivatives of the tabulated energy to rounding. Its bins are halved where, and until, it is as accurate as
wanted; for 1e-12 that makes a few hundred, which the caches hold.

Fits of many functions to few data have large coefficients of either sign, and with them pair functions of
10⁵ eV where no atoms are and 1 eV where they are. Elastic constants are second derivatives at single
distances, for which it counts what the spline errs by there, and what rounding has left of such sums.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from math import factorial

import numpy as np
from scipy.interpolate import make_interp_spline

from genmlip._types import Array, BoolArray, IntArray
from genmlip.errors import InputError
from genmlip.potentials.ace.expansion import RadialFunctions, RepulsiveCore

DEGREE = 7  # a third of the bins, for the same accuracy, of degree five
SLOPE_TOLERANCE = 100.0  # times that of the values: differentiation costs two digits at these widths
FREE = (DEGREE - 1) // 2  # conditions at each end
MOST_BINS = 4096  # between two breakpoints
ROUNDED = 0.1  # of what is allowed: functions that rounding spoils more are asked for extended precision
MOST_CELLS = 4096
ROUNDING = 8 * np.finfo(float).eps


@dataclass(frozen=True)
class Accuracy:
    """How accurate a table is.

    tolerance : relative, of values; slopes are held to a hundred times that
    floor : what the size of a channel at a distance counts at least, relative to its largest value of all
    room : bytes between two breakpoints that it may take
    extended : whether functions may be asked for extended precision
    """

    tolerance: float = 1e-11
    floor: float = 1e-3
    room: float = np.inf
    extended: bool = False

    def most_bins(self, channels: int) -> int:
        """Between two breakpoints."""
        return int(min(MOST_BINS, self.room / (8 * (DEGREE + 1) * max(1, channels))))


ROOM = 640 * 1024
"""Bytes: a core's cache of half a megabyte holds what of them is farther from the nucleus than atoms are."""

TIGHT = (Accuracy(1e-12, 1e-6, ROOM, True), Accuracy(1e-11, 1e-6, ROOM, True))
"""One after the other, for functions that can be had in extended precision."""

Function = Callable[[Array], tuple[Array, Array]]
"""r (n,) Å → values and slopes, each (channels, n)."""


@dataclass(frozen=True, eq=False)
class RadialTable:
    """R_c(r) = Σ_m coefficients[k, m, c] t^m with t = r − start[k], where start[k] ≤ r < start[k + 1].

    coefficients : (n_bins, 8, channels), contiguous: what one distance needs lies together
    start : (n_bins + 1,) Å, increasing from 0 to the cutoff
    bin : (n_cells + 1,) the bin that holds the distance n · width, where the search for that of r begins:
        k = bin[int(r / width)], and on while r ≥ start[k + 1], which is rare
    width : Å, of these cells
    cutoff : Å; the functions and their first two derivatives are zero from here on
    core : the table of the one function g(r) = r φ(r) eV Å of a repulsive core, which stays bounded as r → 0
        where φ diverges; None without a core
    """

    coefficients: Array
    start: Array
    bin: IntArray
    width: float
    cutoff: float
    core: RadialTable | None = None

    @classmethod
    def of(
        cls, functions: RadialFunctions, core: RepulsiveCore | None = None, tolerance: float | None = None
    ) -> RadialTable:
        """The spline that errs by less than the tolerance, relative to the largest value of a channel.

        That is, the largest at this distance and beyond, or beyond half the cutoff. Slopes are held to a
        hundred times that, relative to the largest slope, and r φ(r) of ``core`` to the tolerance times
        (|r φ| + 1 eV Å). Where third or lower derivatives jump, functions and cores should say so in an
        attribute ``breakpoints`` (Å): the spline then is in pieces that share values and slopes.

        tolerance : by default 1e-12, if that can be reached, for functions with a method ``extended``, to be
            called like them for extended precision; else 1e-11

        Raises InputError where the accuracy cannot be reached.
        """
        core_table = None if core is None else _core_table(core, tolerance or Accuracy.tolerance)
        for tight in TIGHT if tolerance is None and hasattr(functions, "extended") else ():
            with suppress(InputError):
                return cls(*_tabulate_within(tight, functions), functions.cutoff, core_table)
        accuracy = Accuracy(tolerance or Accuracy.tolerance)
        return cls(*_tabulate_within(accuracy, functions), functions.cutoff, core_table)

    def __call__(self, r: Array) -> tuple[Array, Array, Array]:
        """R_c(r), dR_c/dr and d²R_c/dr², each (channels, len(r)); for r ≥ 0 Å."""
        r = np.asarray(r, dtype=float)
        k = np.clip(np.searchsorted(self.start, r, side="right") - 1, 0, len(self.coefficients) - 1)
        t, C = (r - self.start[k])[:, None], self.coefficients[k]
        inside = (r < self.cutoff)[:, None]
        value, slope, curvature = (np.zeros((len(r), C.shape[2])) for _ in range(3))
        for m in range(DEGREE, -1, -1):  # Horner's scheme for the polynomial and its derivatives
            curvature = curvature * t + 2.0 * slope
            slope = slope * t + value
            value = value * t + C[:, m]
        return (inside * value).T, (inside * slope).T, (inside * curvature).T


def _tabulate_within(accuracy: Accuracy, functions: RadialFunctions) -> tuple[Array, Array, IntArray, float]:
    """As :func:`_tabulate`; raises InputError where the accuracy cannot be reached."""
    values, slopes = _scales(functions, accuracy.floor)

    def allowed(r: Array) -> tuple[Array, Array]:
        return accuracy.tolerance * values(r), SLOPE_TOLERANCE * accuracy.tolerance * slopes(r)

    function = _precise(functions, allowed) if accuracy.extended else functions
    most_bins = accuracy.most_bins(len(values(np.zeros(1))))
    return _tabulate(
        function, functions.cutoff, _breakpoints(functions), allowed, "radial functions", most_bins
    )


def _precise(functions: RadialFunctions, allowed: Function) -> Function:
    """``functions``, in extended precision if rounding leaves too little of what is ``allowed``."""
    extended: Function = functions.extended  # type: ignore[attr-defined]
    r = functions.cutoff * np.linspace(0.01, 0.99, 197)
    found, exact, limits = functions(r), extended(r), allowed(r)
    of_argument = ROUNDING * r * abs(found[1])
    spoilt = (abs(found[0] - exact[0]) > ROUNDED * (limits[0] + of_argument)).any()
    return extended if spoilt or (abs(found[1] - exact[1]) > ROUNDED * limits[1]).any() else functions


def _scales(functions: RadialFunctions, floor: float) -> list[Callable[[Array], Array]]:
    """Largest values, and slopes, of the channels at r and beyond, or beyond half the cutoff: (channels, n).

    What polynomials do close to the nucleus shall not spoil the accuracy where atoms are. ``floor`` times the
    largest of all is the least.
    """
    nodes = np.linspace(0.0, functions.cutoff, 2001)[1:]

    def scale(f: Array) -> Callable[[Array], Array]:
        beyond = np.maximum.accumulate(abs(f)[:, ::-1], axis=1)[:, ::-1]
        beyond = np.maximum(beyond, np.maximum(floor * beyond[:, :1], np.finfo(float).tiny))
        return lambda r: beyond[:, np.searchsorted(nodes, np.minimum(r, 0.5 * functions.cutoff))]

    return [scale(f) for f in functions(nodes)]


def _core_table(core: RepulsiveCore, tolerance: float) -> RadialTable:
    """The table of r φ(r)."""

    def function(r: Array) -> tuple[Array, Array]:
        value, slope = core(r)
        return (r * value)[None], (value + r * slope)[None]

    def allowed(r: Array) -> tuple[Array, Array]:
        value, slope = function(r)
        noise = ROUNDING * abs(core(r)[0])  # of the slope, a difference of φ and −r φ′ that both diverge
        return tolerance * (abs(value) + 1.0), SLOPE_TOLERANCE * tolerance * (abs(slope) + 1.0) + noise

    table = _tabulate(function, core.cutoff, _breakpoints(core), allowed, "repulsive core", MOST_BINS)
    return RadialTable(*table, core.cutoff)


def _breakpoints(functions: RadialFunctions | RepulsiveCore) -> Array:
    """Where they are not smooth, strictly between 0 and the cutoff."""
    breakpoints = np.unique(np.asarray(getattr(functions, "breakpoints", ()), dtype=float))
    return breakpoints[(breakpoints > 0.0) & (breakpoints < functions.cutoff)]


def _tabulate(
    function: Function, cutoff: float, breakpoints: Array, allowed: Function, name: str, most_bins: int
) -> tuple[Array, Array, IntArray, float]:
    """Coefficients, starts, bins of the cells, and the cells' width, of splines from break to break."""
    ends = [0.0, *breakpoints, cutoff]
    clamped = 3 if _curvature_vanishes(function, cutoff) else 2
    coefficients, starts = [], []
    for low, high in pairwise(ends):
        conditions = (0 if low == 0.0 else 1, clamped - 1 if high == cutoff else 1)
        start, C = _piece(function, low, high, conditions, allowed, name, most_bins)
        coefficients.append(C)
        starts.append(start[:-1])
    start = np.append(np.concatenate(starts), cutoff)
    n_cells = min(MOST_CELLS, round(cutoff / np.diff(start).min()))
    width = cutoff / n_cells
    bins = np.searchsorted(start, width * np.arange(n_cells + 1) * (1 + 1e-12), side="right") - 1
    return np.concatenate(coefficients), start, np.minimum(bins, len(start) - 2), width


def _curvature_vanishes(function: Function, cutoff: float) -> bool:
    """Whether slopes go to zero faster than linearly at the cutoff."""
    far, near = abs(function(cutoff - cutoff * np.array([1e-4, 5e-5]))[1]).max(axis=0, initial=0.0)
    return bool(near <= far / 3.0)


def _piece(
    function: Function,
    low: float,
    high: float,
    conditions: tuple[int, int],
    allowed: Function,
    name: str,
    most_bins: int,
) -> tuple[Array, Array]:
    """Starts (and the end) and coefficients of a spline, its bins halved until each is accurate enough."""
    nodes = np.linspace(low, high, 2 + sum(FREE - number for number in conditions))  # a single polynomial
    while True:
        start, C = _spline(function, nodes, conditions)
        table = RadialTable(C, start, np.arange(len(C)), 0.0, high)
        r = (nodes[:-1, None] + np.diff(nodes)[:, None] * np.array([1e-3, 0.25, 0.5, 0.75])).ravel()
        found, exact, limits = table(r), function(r), allowed(r)
        excess = np.zeros(len(r))
        for k in (
            0,
            1,
        ):  # functions are known no better than their argument, which matters where they are steep
            limit = limits[k] + ROUNDING * r * abs(found[k + 1])
            excess = np.maximum(excess, (abs(found[k] - exact[k]) / limit).max(axis=0, initial=0.0))
        too_wide = excess.reshape(len(nodes) - 1, -1).max(axis=1) > 1.0
        if not too_wide.any():
            return start, C
        if len(C) > most_bins:
            raise InputError(
                f"{name}: no table of {most_bins} bins is accurate near {r[excess.argmax()]:.4g} Å; they "
                "must be smooth, but for the breakpoints they name, and vanish with their slope at the cutoff"
            )
        nodes = _halve(nodes, too_wide)


def _halve(nodes: Array, too_wide: BoolArray) -> Array:
    """Halves the bins that are too wide, or more than twice as wide as a neighbour, which splines dislike."""
    widths = np.diff(nodes)
    while True:
        new = np.where(too_wide, 0.5, 1.0) * widths
        narrower = np.minimum(np.append(new[1:], np.inf), np.append(np.inf, new[:-1]))
        uneven = new > 2.01 * narrower
        if not uneven.any():
            return np.sort(np.append(nodes, (nodes[:-1] + 0.5 * widths)[too_wide]))
        too_wide = too_wide | uneven


def _spline(function: Function, nodes: Array, conditions: tuple[int, int]) -> tuple[Array, Array]:
    """Starts (and the end) and coefficients (n_bins, 8, channels) of the spline through the values at nodes.

    Three conditions at each end make it unique: ``conditions`` says how many are derivatives (the slope is
    the function's, the second derivative zero); for each of the others the outermost node is no knot.
    """
    sites = nodes.copy()
    if nodes[0] == 0.0:
        sites[0] = 1e-3 * nodes[1]  # formulas may be undefined at zero; the polynomial goes on to there
    values, slopes = (np.asarray(f, dtype=float) for f in function(sites))
    left, right = conditions
    knots = nodes[1 + FREE - left : len(nodes) - 1 - FREE + right]
    t = np.concatenate([[sites[0]] * (DEGREE + 1), knots, [nodes[-1]] * (DEGREE + 1)])
    zero = np.zeros(len(values))
    ends = [
        [(order, slope if order == 1 else zero) for order in range(1, number + 1)] or None
        for number, slope in ((left, slopes[:, 0]), (right, slopes[:, -1]))
    ]
    spline = make_interp_spline(sites, values.T, k=DEGREE, t=t, bc_type=(ends[0], ends[1]))
    start = np.concatenate([nodes[:1], knots, nodes[-1:]])
    terms = [spline(start[:-1], nu=m, extrapolate=True) / factorial(m) for m in range(DEGREE + 1)]
    return start, np.ascontiguousarray(np.stack(terms, axis=1))
