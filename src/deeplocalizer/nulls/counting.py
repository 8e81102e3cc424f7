"""Histograms of d and numbers of units beyond an effect size, under many exchanges.

Bins             ends of the bins, alike on both sides of zero
Counts           what is counted of one contrast
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

BINS = 121  # an odd number: the middle one holds zero
LEVELS = (0.2, 0.5, 0.8)  # small, medium and large effects (Cohen 1988)
DIRECTIONS = ("more", "less", "either")
BAND = (0.025, 0.975)
_STRETCH = 2.0  # of the range of most units; what lies beyond is counted in the first and last bin
_MOST = 0.95
_NARROWEST = 0.5


@dataclass(frozen=True)
class Bins:
    """Bins of d from -limit to limit; what lies beyond is counted in the first and the last."""

    limit: float

    @classmethod
    def over(cls, every: Sequence[np.ndarray]) -> Bins:
        """Choose bins that hold all units of some contrasts, unless a few are far away from most."""
        limits = [_NARROWEST]
        for d in every:
            if d.size:
                size = np.abs(d)
                limits.append(float(min(size.max() * (1 + 1e-9), _STRETCH * np.quantile(size, _MOST))))
        return cls(max(limits))

    @property
    def edges(self) -> np.ndarray:
        """The ends of the bins (edge,)."""
        return np.linspace(-self.limit, self.limit, BINS + 1)

    def of(self, d: np.ndarray) -> np.ndarray:
        """Give the bin of each unit."""
        scaled = (np.clip(d, -self.limit, self.limit) + self.limit) * (BINS / (2 * self.limit))
        return np.minimum(scaled.astype(np.int64), BINS - 1)


class Counts:
    """What is counted of one contrast under some exchanges, the first being the data as they are.

    Attributes
    ----------
    histogram : ndarray of int (exchange, place, bin)
    beyond : ndarray of int (exchange, place, direction, level)
        Units with d > level, d < -level, or either.
    """

    def __init__(self, bins: Bins, exchanges: int, places: int) -> None:
        self._bins, self._places = bins, places
        self.histogram = np.zeros((exchanges, places, BINS), dtype=np.int64)
        self.beyond = np.zeros((exchanges, places, len(DIRECTIONS), len(LEVELS)), dtype=np.int64)

    def add(self, row: int, d: np.ndarray, place: np.ndarray) -> None:
        """Count units: d and place (unit,) under one exchange."""
        size = self._places * BINS
        self.histogram[row] += np.bincount(place * BINS + self._bins.of(d), minlength=size).reshape(-1, BINS)
        for column, level in enumerate(LEVELS):
            for direction, there in enumerate((d > level, d < -level)):
                self.beyond[row, :, direction, column] += np.bincount(place[there], minlength=self._places)
        self.beyond[row, :, 2] = self.beyond[row, :, 0] + self.beyond[row, :, 1]

    def null(self) -> tuple[np.ndarray, np.ndarray]:
        """Give histogram and beyond of all exchanges but the first, and of their complements, where d is turned."""
        histogram, beyond = self.histogram[1:], self.beyond[1:]
        return (
            np.concatenate([histogram, histogram[:, :, ::-1]]),
            np.concatenate([beyond, beyond[:, :, [1, 0, 2]]]),
        )
