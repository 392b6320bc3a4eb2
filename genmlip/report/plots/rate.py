"""A fitted rate as a line with its interval."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from genmlip.report.words import rate_words
from genmlip.theory import RateFit


def draw_rate(ax: Axes, rate: RateFit, *, color: str = "black", name: str = "fit: slope") -> None:
    """Draw the fitted law over its window, a band for the slope's 95 % interval, and the slope in the legend.

    The band turns about the geometric centre of the window; it shows the slope's uncertainty and not that of
    the prefactor.
    """
    low, high = rate.window
    x = np.geomspace(low, high, 100)
    y = rate.predict(x)
    tilt = np.log(x / np.sqrt(low * high))
    below, above = (y * np.exp((bound - rate.slope) * tilt) for bound in rate.interval())
    ax.fill_between(
        x, np.minimum(below, above), np.maximum(below, above), color=color, alpha=0.13, linewidth=0, zorder=1
    )
    ax.plot(x, y, color=color, linewidth=1.2, label=f"{name} {rate_words(rate)}", zorder=2)
