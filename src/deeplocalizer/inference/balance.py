"""Intervals of balanced means of outcomes with bounds, exact ones where a bootstrap has nothing to go by.

balanced         intervals of the balanced means of columns
widened          bootstrap intervals with the room that strata leave in which all are alike
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from deeplocalizer.inference.bounded import alike, exact_interval, room
from deeplocalizer.inference.levels import LONE, Intervals, intervals
from deeplocalizer.inference.resampling import Resamples

ROOM = ", with binomial bounds"


def balanced(
    sample: Resamples,
    columns: np.ndarray,
    confidence: float,
    method: str = "bca",
    bounds: tuple[float, float] | None = None,
) -> Intervals:
    """Give the intervals of the balanced means of columns.

    Parameters
    ----------
    sample : Resamples
    columns : ndarray (stimulus, column)
    confidence : float
    method : str
        See `intervals`.
    bounds : tuple of float or None
        Lowest and highest value that outcomes can take, if they have any.

    Returns
    -------
    Intervals
        Bootstrap intervals. Of outcomes with bounds, see `widened`; the bounds also limit what a label of a single
        group can mean, whose interval would otherwise be endless.
    """
    means = sample.means(columns)
    if bounds is None:
        return intervals(means, confidence, method)
    found = intervals(replace(means, lone=False), confidence, method)
    return widened(sample, np.asarray(columns, dtype=float), found, bounds, confidence)


def widened(
    sample: Resamples, columns: np.ndarray, found: Intervals, bounds: tuple[float, float], confidence: float
) -> Intervals:
    """Add the room that strata leave in which all groups are alike.

    Parameters
    ----------
    sample : Resamples
    columns : ndarray (stimulus, column)
        Within the bounds.
    found : Intervals
        Of the balanced means of the columns; ``lone`` was not asked for.
    bounds : tuple of float
    confidence : float

    Returns
    -------
    Intervals
        Where every stratum is alike within itself, the interval of `exact_interval`. Where some are, the resamples know
        nothing of what a rare outcome would do to them: the ends move by their `room` (to the bounds at most), and the
        method says ``, with binomial bounds`` or, if one is a label of a single group, ``, label of one group``.
    """
    plan = sample.plan
    estimate, low, high = (np.array(part, dtype=float) for part in (found.estimate, found.low, found.high))
    names = found.method.copy()
    for place, column in enumerate(columns.T):
        same = alike(plan, column)
        if same.all() and names[place].startswith(("constant", "nothing to resample")):
            exact = exact_interval(plan, column, bounds, confidence)
            low[place], high[place], names[place] = exact.low, exact.high, exact.method
        elif same.any():
            below, above = room(plan, column, same, bounds, confidence)
            low[place], high[place] = max(low[place] - below, bounds[0]), min(high[place] + above, bounds[1])
            names[place] += LONE if plan.lone.any() else ROOM
    return Intervals(estimate, low, high, names)
