"""A conjunction: a unit must win every one of several comparisons.

Conjunction      its statistics, by the same names as those of one comparison

The null hypothesis of a direction is that at least one comparison does not hold in it; the test is the
intersection-union test, whose p is the largest of the comparisons' (Berger 1982, Technometrics 24:295-300; the minimum
statistic against the conjunction null of Nichols, Brett, Andersson, Wager & Poline 2005, NeuroImage 25:653-660).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from deeplocalizer import tails
from deeplocalizer.contrast.comparison import Comparison


class Conjunction:
    """Several comparisons that must all hold in the same direction.

    Parameters
    ----------
    comparisons : sequence of Comparison
        Of the same units.

    Attributes
    ----------
    agree : ndarray of bool (unit,)
        All t are above 0, or all below.
    still, dead, constant : ndarray of bool (unit,)
        Still or dead in every comparison; constant where still but not dead.

    Notes
    -----
    Where the comparisons agree, all statistics but the p-values are those of one of them: the deciding comparison, with
    the largest p (the first of equals). Where they do not, t, d, g, dprime, difference and selectivity_index are 0, df
    is that of the comparison with the largest one-sided p, and the two-sided p's are 1.
    """

    def __init__(self, comparisons: Sequence[Comparison]) -> None:
        self._comparisons = comparisons
        self.still: np.ndarray = np.logical_and.reduce([one.still for one in comparisons])
        self.dead: np.ndarray = np.logical_and.reduce([one.dead for one in comparisons])
        self.constant: np.ndarray = self.still & ~self.dead
        won, lost = (np.logical_and.reduce([sign * one.t > 0 for one in comparisons]) for sign in (1, -1))
        self.agree: np.ndarray = won | lost

    @cached_property
    def _deciding(self) -> np.ndarray:
        both, greater = (
            np.stack(found) for found in zip(*((c.log10_p, c.log10_p_greater) for c in self._comparisons), strict=True)
        )
        return np.argmax(np.where(self.agree, both, greater), axis=0)

    def _decided(self, values: Sequence[np.ndarray]) -> np.ndarray:
        return np.take_along_axis(np.stack(values), self._deciding[None], axis=0)[0]

    def _where_agreed(self, values: Sequence[np.ndarray]) -> np.ndarray:
        return np.where(self.agree, self._decided(values), 0.0)

    @cached_property
    def difference(self) -> np.ndarray:
        """The difference of the deciding comparison; 0 where they do not agree."""
        return self._where_agreed([one.difference for one in self._comparisons])

    @cached_property
    def t(self) -> np.ndarray:
        """Welch's t of the deciding comparison; 0 where they do not agree."""
        return self._where_agreed([one.t for one in self._comparisons])

    @cached_property
    def df(self) -> np.ndarray:
        """Degrees of freedom of the deciding comparison."""
        return self._decided([one.df for one in self._comparisons])

    @cached_property
    def d(self) -> np.ndarray:
        """Cohen's d of the deciding comparison; 0 where they do not agree."""
        return self._where_agreed([one.d for one in self._comparisons])

    @cached_property
    def g(self) -> np.ndarray:
        """Hedges' g of the deciding comparison; 0 where they do not agree."""
        return self._where_agreed([one.g for one in self._comparisons])

    @cached_property
    def dprime(self) -> np.ndarray:
        """The sensitivity index d' of the deciding comparison; 0 where they do not agree."""
        return self._where_agreed([one.dprime for one in self._comparisons])

    @cached_property
    def selectivity_index(self) -> np.ndarray:
        """The index of the deciding comparison, NaN where that has none; 0 where they do not agree."""
        return self._where_agreed([one.selectivity_index for one in self._comparisons])

    @cached_property
    def log10_p(self) -> np.ndarray:
        """log10 of the two-sided p: twice the smaller p of the two directions, at most 1."""
        return np.where(self.agree, np.maximum.reduce([one.log10_p for one in self._comparisons]), 0.0)

    @cached_property
    def log10_p_greater(self) -> np.ndarray:
        """log10 of the one-sided p, the largest of the comparisons'."""
        return np.asarray(np.maximum.reduce([one.log10_p_greater for one in self._comparisons]))

    @cached_property
    def log10_p_less(self) -> np.ndarray:
        """log10 of the one-sided p of the other direction, the largest of the comparisons'."""
        return np.asarray(np.maximum.reduce([one.log10_p_less for one in self._comparisons]))

    def least(self, least_d: float) -> tails.Beyond:
        """log10 of the p against a minimum effect, the largest of the comparisons'; two-sided, 1 unless they agree."""
        found = [one.least(least_d) for one in self._comparisons]
        both, greater, less = (np.maximum.reduce(values) for values in zip(*found, strict=True))
        return tails.Beyond(np.where(self.agree, both, 0.0), greater, less)

    def log10_p_least(self, least_d: float) -> np.ndarray:
        """log10 of the two-sided p of `least`."""
        return self.least(least_d).two_sided
