"""A threshold for the units of a whole network at once.

UNTESTED         why a contrast may have no threshold
untested         whether it may have one
Maxima           the largest |d| under each exchange, of all units and of those that remain
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

# in simulations of noise and of rectified noise, level 0.05 is passed by 0.06 at most up to these, and by 0.09 beyond
LOPSIDED = 1.1  # imbalance, of two samples of 35 and 65 stimuli
SKEWED = 0.03  # skewness kept, of two samples of 40 and 53, of 80 and 125 or of 400 and 4,900 stimuli
UNTESTED = {
    "": "tested",
    "conjunction": "a conjunction, whose null hypothesis no exchange makes",
    "sizes": "its sides differ too much in size",
    "folds": "too few folds to exchange for this level",
    "stimuli": "too few stimuli in a fold",
}
STEPS = 512  # bins of |d| from which units are set aside
_LEAST = 1e-3  # |d| below which nothing is set aside


def untested(conjunction: bool, imbalance: float, skewness: float, exchanges: int, copies: int, alpha: float) -> str:
    """Say why a contrast has no threshold; nothing if it has one.

    Parameters
    ----------
    conjunction : bool
    imbalance, skewness : float
        See `exchanging.imbalance` and `exchanging.skewness`.
    exchanges, copies : int
        Number of exchanges of the test, the data as they are included, and how many of them give each maximum.
    alpha : float

    Returns
    -------
    str
        A key of `UNTESTED`.
    """
    if conjunction:
        return "conjunction"
    if imbalance > LOPSIDED or skewness > SKEWED:
        return "sizes"
    return "folds" if copies > alpha * exchanges else ""


class Maxima:
    """The largest |d| under each exchange, by how large the units' |d| is as the data are.

    Parameters
    ----------
    largest : float
        |d| of the unit that has the largest, as the data are.
    exchanges : int
        Number of exchanges that are looked at, the data as they are first.
    """

    def __init__(self, largest: float, exchanges: int) -> None:
        self._edges = np.geomspace(_LEAST, max(largest, 2 * _LEAST), STEPS)
        self._largest = np.zeros((exchanges, STEPS + 1))

    def add(self, observed: np.ndarray, exchanged: Sequence[np.ndarray]) -> None:
        """Add units.

        Parameters
        ----------
        observed : ndarray (unit,)
            d as the data are.
        exchanged : sequence of ndarray (unit,)
            d under each exchange.
        """
        if not len(observed):
            return
        step = self._step(np.abs(observed))
        order = np.argsort(step, kind="stable")
        present, first = np.unique(step[order], return_index=True)
        for row, d in zip(self._largest, exchanged, strict=True):
            row[present] = np.maximum(row[present], np.maximum.reduceat(np.abs(d)[order], first))

    def p(self, copies: int) -> float:
        """Give the share of exchanges whose largest |d| reaches that of the data as they are, these included."""
        every = self._largest.max(axis=1)
        return float(np.mean(np.repeat(every, copies) >= every[0]))

    def thresholds(self, alpha: float, copies: int) -> tuple[float, float]:
        """Give the threshold for all units, and the one that is left when those that pass are set aside, and so on.

        The m-th largest of the maxima, where m is the number of exchanges times alpha, rounded down, plus one. Units
        are set aside by bins of |d|: a bin that is passed in part remains, so that the threshold is never too low.

        Parameters
        ----------
        alpha : float
        copies : int
            How many exchanges each row stands for.
        """
        remaining = np.repeat(np.maximum.accumulate(self._largest, axis=1), copies, axis=0)
        place = math.floor(alpha * len(remaining) * (1 + 1e-12))
        limits = np.sort(remaining, axis=0)[len(remaining) - 1 - place]
        last = STEPS
        while (step := int(self._step(limits[last]))) < last:
            last = step
        return float(limits[STEPS]), float(limits[last])

    def _step(self, size: np.ndarray | float) -> np.ndarray:
        """Give the bin of |d|; equal values have equal bins."""
        return np.searchsorted(self._edges, size, side="left")
