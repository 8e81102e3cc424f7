"""Intervals of balanced means, exact ones where a bootstrap has nothing to go by.

balanced         intervals of the balanced means of columns
"""

from __future__ import annotations

import numpy as np

from deeplocalizer.inference.bounded import constant_within_strata, exact_interval
from deeplocalizer.inference.levels import Intervals, intervals
from deeplocalizer.inference.resampling import Resamples


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
        Bootstrap intervals; for a column that is constant within each stratum of outcomes with bounds, the interval of
        `exact_interval`, because every resample has the same mean.
    """
    found = intervals(sample.means(columns), confidence, method)
    if bounds is None:
        return found
    for index in np.flatnonzero(np.isin(found.method, ["constant", "nothing to resample"])):
        column = np.asarray(columns, dtype=float)[:, index]
        if constant_within_strata(sample.plan, column):
            exact = exact_interval(sample.plan, column, bounds, confidence)
            found.estimate[index], found.low[index], found.high[index] = exact.estimate, exact.low, exact.high
            found.method[index] = exact.method
    return found
