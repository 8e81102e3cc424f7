"""One contrast under exchanges of labels.

Sets             the exchanges of a contrast: balanced ones, and those of a test
sets             choose them
Slab             Cohen's d of some units under each exchange
imbalance        how far the two sides are from equal sizes
skewness         how much of the responses' skewness the difference of the sides keeps
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deeplocalizer.contrast import Comparison, Conjunction, shuffling
from deeplocalizer.contrast.groups import Cells, plan
from deeplocalizer.contrast.shuffling import Pattern

BALANCED = 35  # all balanced exchanges of 8 folds, a pattern and its complement as one
EXCHANGES = 256  # all exchanges of 8 folds
STAY: Pattern = ()


@dataclass(frozen=True)
class Sets:
    """The exchanges of a contrast.

    Parameters
    ----------
    balanced : sequence of tuple of int
        Half of the folds; the complement of each gives the same d turned.
    tested : sequence of tuple of int
        Of the test, the data as they are first.
    copies : int
        2 if the complement of each tested one belongs to the test too, which is then not listed; else 1.
    """

    balanced: Sequence[Pattern]
    tested: Sequence[Pattern]
    copies: int

    @property
    def every(self) -> list[Pattern]:
        """All of them once, the data as they are first."""
        return list(dict.fromkeys([STAY, *self.tested, *self.balanced]))


def sets(folds: Sequence[int], rng: np.random.Generator) -> Sets:
    """Choose the exchanges of a contrast: all there are, or of more than 8 folds some.

    Parameters
    ----------
    folds : sequence of int
        Those that can be exchanged, two or more.
    rng : Generator
    """
    balanced = shuffling.patterns(folds, BALANCED, rng, mirrored=len(folds) % 2 == 1)
    if 2 ** len(folds) > EXCHANGES:
        return Sets(balanced, [STAY, *shuffling.flips(folds, EXCHANGES - 1, rng)], 1)
    free = sorted(folds)[1:]  # the first fold stays, for a pattern stands for its complement too
    every = [one for size in range(len(free) + 1) for one in itertools.combinations(free, size)]
    return Sets(balanced, every, 2)


class Slab:
    """Cohen's d of some units under exchanges of labels.

    Parameters
    ----------
    cells : Cells
    sides : mapping
        ``preferred``, ``other`` and ``each`` of the contrast.
    folds : sequence of int
        Those that enter.
    units : slice

    Attributes
    ----------
    dead : ndarray of bool (unit,)
        The same response to all stimuli, which no exchange changes.
    """

    def __init__(self, cells: Cells, sides: Mapping[str, Any], folds: Sequence[int], units: slice) -> None:
        self._parts = [shuffling.Exchanges(cells, one, folds, units) for one in _pairs(sides)]
        found = [_single(part.contrasted()) for part in self._parts]
        self._factors = [one.factor for one in found]
        self.dead: np.ndarray = np.logical_and.reduce([one.dead for one in found])

    def d(self, pattern: Pattern) -> np.ndarray:
        """Give d (unit,) with some folds exchanged, as it would be with samples of the real sizes.

        Raises
        ------
        ValueError
            If a group is left with fewer than two stimuli, naming its categories.
        """
        comparisons = [_single(part.contrasted(pattern)) for part in self._parts]
        for one, factor in zip(comparisons, self._factors, strict=True):
            if one.factor != factor:
                one.d = one.d * math.sqrt(factor / one.factor)
        return comparisons[0].d if len(comparisons) == 1 else Conjunction(comparisons).d

    def sizes(self, pattern: Pattern) -> float:
        """Give by how much an exchange changes the variance that sizes leave to a difference, as a ratio above 1."""
        ratios = [
            factor / _single(part.contrasted(pattern)).factor
            for part, factor in zip(self._parts, self._factors, strict=True)
        ]
        return max(max(ratio, 1 / ratio) for ratio in ratios)


def imbalance(cells: Cells, sides: Mapping[str, Any], folds: Sequence[int]) -> float:
    """Say how far the two sides of a contrast are from equal sizes.

    Parameters
    ----------
    cells : Cells
    sides : mapping
    folds : sequence of int

    Returns
    -------
    float
        (a + b)² / 4ab, where a and b are the sums of weight² / count of either side: 1 where they are equal, and
        (n + m)² / 4nm for two samples of n and m.
    """
    found = []
    for comparison in plan(sides):
        preferred, other = (
            sum(weight**2 / cells.count(names, folds) for weight, names in comparison if weight * sign > 0)
            for sign in (1, -1)
        )
        found.append((preferred + other) ** 2 / (4 * preferred * other))
    return max(found)


def skewness(cells: Cells, sides: Mapping[str, Any], folds: Sequence[int]) -> float:
    """Say how much of the responses' skewness the difference of the two sides keeps.

    An exchange of labels turns the difference, and its distribution with it; that is no change where it is symmetric.

    Parameters
    ----------
    cells : Cells
    sides : mapping
    folds : sequence of int

    Returns
    -------
    float
        The sum of weight³ / count², in size, over the sum of weight² / count to the power of 3/2: the skewness of the
        difference over that of a response (cumulants of independent responses add up). 0 for two samples of one size.
    """
    found = []
    for comparison in plan(sides):
        sizes = [(weight, cells.count(names, folds)) for weight, names in comparison]
        third = sum(weight**3 / count**2 for weight, count in sizes)
        found.append(abs(third) / sum(weight**2 / count for weight, count in sizes) ** 1.5)
    return max(found)


def _pairs(sides: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Take a conjunction apart into its comparisons."""
    if not sides.get("each", False):
        return [sides]
    return [
        {"preferred": list(one), "other": list(two), "each": False} for (_, one), (_, two) in plan(sides)
    ]  # each comparison of a conjunction has two groups


def _single(contrasted: Comparison | Conjunction) -> Comparison:
    if isinstance(contrasted, Conjunction):
        raise TypeError("expected one comparison")
    return contrasted
