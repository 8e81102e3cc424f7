"""One comparison of groups of stimuli, in every unit.

Comparison       its statistics, each computed when it is asked for
STATISTICS       those that come from moments, by name
FLOAT32, FLOAT64 the relative spread that rounding of a constant response can show
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np

from deeplocalizer import tails
from deeplocalizer.contrast.groups import Group

FLOAT32 = 8 * float(np.finfo(np.float32).eps)
FLOAT64 = 8 * float(np.finfo(np.float64).eps)
LEAST_ROUNDING = 1e-150  # the square of less is no number any more: such responses are taken for 0
STATISTICS = ("t", "d", "g", "dprime", "difference", "selectivity_index")


class Comparison:
    """A linear contrast of groups: the weighted mean of the preferred minus that of the others.

    Parameters
    ----------
    groups : sequence of Group
        Two stimuli or more each; those with a weight above 0 are the preferred. Two groups of weights 1 and -1 make the
        comparison of two samples.
    resolution : float
        Relative precision of the responses; a smaller spread is taken for rounding.

    Attributes
    ----------
    difference : ndarray (unit,)
    still, dead, constant : ndarray of bool (unit,)
        The same response to every stimulus within each group; of these, dead where it is the same in all groups, and
        constant where it is not. A constant unit tells the groups apart perfectly: its spread is taken to be the
        rounding, so that t, d, g and dprime are large finite numbers, lower bounds of what they would be.
    """

    def __init__(self, groups: Sequence[Group], resolution: float = FLOAT32) -> None:
        self._weights = [group.weight for group in groups]
        self._counts = [group.count for group in groups]
        self._means = [group.mean for group in groups]
        highest, lowest = np.maximum.reduce(self._means), np.minimum.reduce(self._means)
        rounding = np.maximum(resolution * np.maximum(highest, -lowest), LEAST_ROUNDING)
        square = rounding * rounding
        self.still: np.ndarray = np.logical_and.reduce([group.m2 <= group.count * square for group in groups])
        self.dead: np.ndarray = self.still & (highest - lowest <= rounding)
        self.constant: np.ndarray = self.still & ~self.dead
        self._m2 = [group.m2 for group in groups]
        if self.still.any():
            self._m2 = [np.where(self.still, group.count * square, group.m2) for group in groups]
        self.difference: np.ndarray = _weigh(self._weights, self._means)

    @property
    def within_df(self) -> int:
        """Degrees of freedom of the pooled variance: stimuli minus groups."""
        return sum(self._counts) - len(self._counts)

    @property
    def factor(self) -> float:
        """The variance of the difference over that of a response: the sum of weight² / count."""
        return sum(weight**2 / count for weight, count in zip(self._weights, self._counts, strict=True))

    @cached_property
    def _errors(self) -> list[np.ndarray]:
        """Squared standard error that each group adds (group, unit)."""
        groups = zip(self._weights, self._counts, self._m2, strict=True)
        return [m2 * (weight**2 / (count * (count - 1))) for weight, count, m2 in groups]

    @cached_property
    def _error(self) -> np.ndarray:
        return _but(1.0, self.dead, np.add.reduce(self._errors))

    @cached_property
    def t(self) -> np.ndarray:
        """Welch's t (1947, Biometrika 34:28-35), of a linear contrast where there are weights; 0 where dead."""
        return _but(0.0, self.dead, self.difference / np.sqrt(self._error))

    @cached_property
    def df(self) -> np.ndarray:
        """Degrees of freedom after Welch (1947) and Satterthwaite (1946, Biometrics Bulletin 2:110-114)."""
        total, denominator = sum(self._counts), np.zeros(self.difference.shape)
        for error, count in zip(self._errors, self._counts, strict=True):
            # a share of the error, for squares of the errors themselves could underflow
            share = _but(count / total, self.dead, error / self._error)
            denominator += share * share / (count - 1)
        return np.asarray(1 / denominator)

    @cached_property
    def d(self) -> np.ndarray:
        """Cohen's d, by the pooled standard deviation within groups (Cohen 1988, eq 2.5.1 and 2.5.2); 0 where dead."""
        variance = np.add.reduce(self._m2) / self.within_df
        return _but(0.0, self.dead, self.difference / np.sqrt(_but(1.0, self.dead, variance)))

    @cached_property
    def g(self) -> np.ndarray:
        """Hedges' g: d without its bias, by the exact factor of gamma functions; see `hedges_factor`."""
        return self.d * hedges_factor(self.within_df)

    @cached_property
    def dprime(self) -> np.ndarray:
        """The sensitivity index d': the difference over the root of the mean of both sides' variances.

        For unequal variances as Simpson & Fitter (1973, Psychol Bull 80:481-488) advise. The variance of a weighted
        side is the weighted mean of its categories' variances; 0 where dead.
        """
        groups = zip(self._weights, self._counts, self._m2, strict=True)
        variance = np.add.reduce([m2 * (abs(weight) / (2 * (count - 1))) for weight, count, m2 in groups])
        return _but(0.0, self.dead, self.difference / np.sqrt(_but(1.0, self.dead, variance)))

    @cached_property
    def selectivity_index(self) -> np.ndarray:
        """(preferred - other) / (preferred + other) of the mean responses; 0 where dead, NaN where one is negative."""
        sides = [
            _weigh([abs(self._weights[i]) for i in chosen], [self._means[i] for i in chosen])
            for chosen in (
                [i for i, w in enumerate(self._weights) if (w > 0) == preferred] for preferred in (True, False)
            )
        ]
        total = sides[0] + sides[1]
        defined = (sides[0] >= 0) & (sides[1] >= 0)
        index = (sides[0] - sides[1]) / np.where(defined & (total > 0), total, 1.0)
        return np.where(self.dead | (defined & (total == 0)), 0.0, np.where(defined, index, np.nan))

    @cached_property
    def log10_p(self) -> np.ndarray:
        """log10 of the two-sided p of t."""
        return tails.log10_two_sided(self.t, self.df)

    @cached_property
    def log10_p_greater(self) -> np.ndarray:
        """log10 of the one-sided p of t, preferred > other."""
        return tails.log10_greater(self.t, self.df, self.log10_p)

    @cached_property
    def log10_p_less(self) -> np.ndarray:
        """log10 of the one-sided p of t, preferred < other."""
        return tails.log10_greater(-self.t, self.df, self.log10_p)

    def least(self, least_d: float) -> tails.Beyond:
        """log10 of the p of Welch's t against an effect of the population of least_d at most.

        Two-sided against |d| <= least_d, greater against d <= least_d, and less against d >= -least_d. t is taken for a
        noncentral t of Welch's df, whose noncentrality is the least difference over the standard error: least_d times
        the pooled standard deviation, over that error. This is the approximation of the power of Welch's test that
        DiSantostefano & Muller (1995, Commun Stat Simul Comput 24:583-593) examine, after Moser, Stevens & Watts (1989,
        Commun Stat Theory Methods 18:3963-3975). Both spreads are estimates, so p is not exact; Student's t by the
        pooled variance would be, but only where the variances are equal.
        """
        variance = _but(1.0, self.dead, np.add.reduce(self._m2) / self.within_df)
        ratio = _but(1 / math.sqrt(self.factor), self.dead, np.sqrt(variance / self._error))
        return tails.log10_beyond(self.t, self.df, least_d * ratio)

    def log10_p_least(self, least_d: float) -> np.ndarray:
        """log10 of the two-sided p of `least`."""
        return self.least(least_d).two_sided


def hedges_factor(df: float) -> float:
    """Give J = gamma(df / 2) / (sqrt(df / 2) gamma((df - 1) / 2)) (Hedges 1981, J Educ Stat 6:107-128), df above 1."""
    return float(tails.gamma_ratio((df - 1) / 2)) / math.sqrt(df / 2)


def _weigh(weights: Sequence[float], values: Sequence[np.ndarray]) -> np.ndarray:
    """Add up values by their weights."""
    total = weights[0] * values[0]
    for weight, value in zip(weights[1:], values[1:], strict=True):
        total += weight * value
    return total


def _but(value: float, where: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Put a value where a condition holds, in place."""
    np.copyto(values, value, where=where)
    return values
