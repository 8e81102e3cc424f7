"""The groups of stimuli that a contrast weighs against each other.

Group            stimuli taken together, with their moments and their weight in the contrast
plan             the comparisons that a contrast is made of, each a list of weights and categories
Cells            the moments of the localize split, cell by cell, from which groups are taken
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

LOCALIZE = "localize"
Plan = list[list[tuple[float, tuple[str, ...]]]]


@dataclass(frozen=True)
class Group:
    """Stimuli taken together.

    Parameters
    ----------
    weight : float
        In the contrast: those of the preferred groups add up to 1, those of the others to -1.
    count : int
    mean, m2 : ndarray (unit,)
        Mean response and sum of squared deviations from it.
    """

    weight: float
    count: int
    mean: np.ndarray
    m2: np.ndarray


def plan(sides: Mapping[str, Any]) -> Plan:
    """Say which groups of categories a contrast compares.

    Parameters
    ----------
    sides : mapping
        ``preferred`` and ``other``: a list of categories, whose stimuli are pooled, or a mapping of categories to
        weights, whose means are; and ``each`` (bool, false by default): every preferred category against every other.

    Returns
    -------
    list of list of (float, tuple of str)
        For each comparison the weight of each group, of the preferred first, and the categories pooled in it.

    Raises
    ------
    ValueError
        If a side is empty, a category stands on both, a weight is not above 0, or weights are given together with
        ``each``.
    """
    for side in ("preferred", "other"):
        if not len(sides[side]):
            raise ValueError(f"{side} has no categories; expected one or more")
    both = [name for name in sides["preferred"] if name in list(sides["other"])]
    if both:
        raise ValueError(f"category {both[0]!r} stands on both sides; expected it on one")
    if sides.get("each", False):
        weighted = [side for side in ("preferred", "other") if isinstance(sides[side], Mapping)]
        if weighted:
            raise ValueError(f"{weighted[0]} has weights, but each category is compared by itself; expected a list")
        pairs = itertools.product(dict.fromkeys(sides["preferred"]), dict.fromkeys(sides["other"]))
        return [[(1.0, (one,)), (-1.0, (two,))] for one, two in pairs]
    return [_side(sides["preferred"], "preferred", 1.0) + _side(sides["other"], "other", -1.0)]


def _side(side: Sequence[str] | Mapping[str, float], name: str, sign: float) -> list[tuple[float, tuple[str, ...]]]:
    if not isinstance(side, Mapping):
        return [(sign, tuple(dict.fromkeys(side)))]
    for category, weight in side.items():
        if not 0 < weight < math.inf:
            raise ValueError(f"{name}: the weight of {category!r} is {weight}; expected a number above 0")
    total = sum(side.values())
    return [(sign * weight / total, (category,)) for category, weight in side.items()]


class Cells:
    """The moments of the localize split, by category and fold.

    Parameters
    ----------
    moments : Dataset
        As `moments.table` makes it.

    Raises
    ------
    KeyError
        If the localize split was not recorded; later, if a category or fold was not, naming it.
    """

    def __init__(self, moments: xr.Dataset) -> None:
        self._moments = moments[["count", "mean", "m2"]]
        self._split = _place(moments, "split", LOCALIZE)
        self.units = moments.sizes["unit"]
        self.folds = [int(fold) for fold in moments["fold"].values]
        self.halves = tuple([fold for fold in self.folds if fold % 2 == parity] for parity in (0, 1))
        self._read: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]] = {}

    def group(self, weight: float, categories: Sequence[str], folds: Sequence[int], units: slice) -> Group:
        """Take the stimuli of some categories and folds together, for a slab of units."""
        places = [self._fold(fold) for fold in folds]
        cells = [(self._category(name), place) for name in categories for place in places]
        filled = [(int(counts[k]), means[k, units], m2s[k, units]) for (counts, means, m2s), k in cells if counts[k]]
        return pooled(weight, filled, len(range(*units.indices(self.units))))

    def count(self, categories: Sequence[str], folds: Sequence[int] | None = None) -> int:
        """Count the stimuli of some categories, of all folds or some."""
        places = [self._fold(fold) for fold in (self.folds if folds is None else folds)]
        return sum(int(self._category(name)[0][places].sum()) for name in categories)

    def _fold(self, fold: int) -> int:
        return self.folds.index(fold) if fold in self.folds else _place(self._moments, "fold", fold)

    def _category(self, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        if name not in self._read:
            cells = self._moments.isel(category=_place(self._moments, "category", name), split=self._split)
            counts, means, m2s = (cells[part].transpose("fold", ...).values for part in ("count", "mean", "m2"))
            self._read[name] = counts, means, m2s
        return self._read[name]


def pooled(weight: float, parts: Sequence[tuple[int, np.ndarray, np.ndarray]], units: int) -> Group:
    """Take parts (count, mean and m2 of each) together in a group.

    About the mean of all (Chan, Golub & LeVeque 1983, The American Statistician 37:242-247): no sum of squares of raw
    values, so nothing cancels.
    """
    count = sum(part[0] for part in parts)
    mean, m2 = np.zeros(units), np.zeros(units)
    for n, part, _ in parts:
        mean += part * (n / count)
    for n, part, squares in parts:
        delta = part - mean
        m2 += squares
        m2 += np.square(delta, out=delta) * n
    return Group(weight, count, mean, m2)


def _place(moments: xr.Dataset, dimension: str, name: str | int) -> int:
    recorded = moments[dimension].values.tolist()
    if name not in recorded:
        raise KeyError(f"{dimension} {name!r} was not recorded; recorded are {', '.join(map(str, recorded))}")
    return int(recorded.index(name))
