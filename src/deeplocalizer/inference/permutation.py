"""p-values by permutation.

sign_flip_p      is a paired difference greater than zero
sign_flips       the same of many columns
rank_p           does a target exceed its random controls

The observed value counts as one of the permutations, so that p is never zero and the test keeps its level (Phipson &
Smyth 2010, Stat Appl Genet Mol Biol 9:39).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deeplocalizer.inference.designs import Design
from deeplocalizer.inference.sums import whole

TIED = 1e-9  # of the largest value: rounding must not part what is equal
BLOCK = 2**22  # signs of a block


def sign_flip_p(plan: Design, difference: np.ndarray, flips: int, rng: np.random.Generator) -> float:
    """Test whether the balanced mean of a paired difference is greater than zero, see `sign_flips`.

    Parameters
    ----------
    plan : Design
    difference : ndarray (stimulus,)
    flips : int
    rng : Generator
    """
    return float(sign_flips(plan, np.asarray(difference)[:, None], flips, rng)[0])


def sign_flips(plan: Design, differences: np.ndarray, flips: int, rng: np.random.Generator) -> np.ndarray:
    """Test whether the balanced means of paired differences are greater than zero.

    Parameters
    ----------
    plan : Design
    differences : ndarray (stimulus, column)
    flips : int
        Of signs. Where there are no more ways than this to flip them, each is taken once.
    rng : Generator

    Returns
    -------
    ndarray (column,)
        One-sided p of a paired permutation test (Fisher 1935): under the null hypothesis the two conditions of a
        group can be exchanged, which turns the sign of its differences. Groups that do not differ in any column are
        left out.

    Raises
    ------
    ValueError
        If a difference is not finite.

    Notes
    -----
    Exact, for any number of groups, if the differences of groups are symmetric about zero, as they are where the
    conditions can be exchanged. Where only their mean is zero, a test by the mean itself is off by their skewness over
    the square root of their number, as is the one-sided t test. What is compared here is the mean over its standard
    error with its skewness removed (Hall 1992, J R Stat Soc B 54:221-228, the cubic of his equation 2.5)::

        u + k u ** 2 / 3 + k ** 2 u ** 3 / 27 + k / 6,  u = sum(c) / sum(c ** 2) ** 0.5,
                                                        k = sum(c ** 3) / sum(c ** 2) ** 1.5

    of what each group c adds to the balanced mean; flips leave its denominators as they are. A test by permutation
    keeps its level for a mean of zero, too, if the limit of its statistic is the same for all such data (Janssen 1997,
    Stat Probab Lett 36:9-21; Chung & Romano 2013, Ann Stat 41:484-507); without skewness the error is of the order of
    one over the number. ``tests/calibration`` shows what is left at 30 differences.
    """
    if not np.isfinite(differences).all():
        raise ValueError("differences must be finite; some of these are not")
    content = np.zeros((plan.groups, differences.shape[1]))
    np.add.at(content, plan.group, plan.weights[:, None] * differences)
    content = content[content.any(axis=1)]
    peak = np.abs(content).max(axis=0, initial=0.0)
    content = content / np.where(peak > 0, peak, 1)
    groups = len(content)
    parts = _Parts.of(content)
    if groups < 63 and 2**groups <= flips:
        return parts.reached(_every_sign(groups)) / 2**groups
    rows = max(1, BLOCK // max(groups, differences.shape[1]))
    reached = np.ones(differences.shape[1])
    for start in range(0, flips, rows):
        signs = rng.integers(0, 2, size=(min(rows, flips - start), groups), dtype=np.int8) * 2.0 - 1
        reached += parts.reached(signs)
    return reached / (1 + flips)


def rank_p(target: float, controls: np.ndarray) -> float:
    """Give the one-sided p of a target among its controls: (1 + number at least as extreme) / (1 + number).

    Valid if target and controls are exchangeable under the null hypothesis. Rounding must not part what is equal, so
    controls within 1e-9 of the largest absolute value count as equal to the target.

    Raises
    ------
    ValueError
        If the target or a control is not finite.
    """
    every = np.append(controls, target)
    if not np.isfinite(every).all():
        raise ValueError(f"target and controls must be finite; the target is {target}, the controls are {controls}")
    tolerance = TIED * np.abs(every).max()
    return float((1 + np.sum(controls >= target - tolerance)) / (1 + len(controls)))


@dataclass(frozen=True)
class _Parts:
    """What the statistic of a flip is made of: first and third powers (group, column), exact in any order."""

    first: np.ndarray
    third: np.ndarray
    by_first: np.ndarray
    by_third: np.ndarray

    @classmethod
    def of(cls, content: np.ndarray) -> _Parts:
        first, shift = whole(content, len(content))
        third, shift_third = whole(content**3, len(content))
        square = np.sum(content**2, axis=0)
        root = np.sqrt(np.where(square > 0, square, 1))
        return cls(first, third, np.ldexp(1 / root, -shift), np.ldexp(1 / root**3, -shift_third))

    def reached(self, signs: np.ndarray) -> np.ndarray:
        """Count the flips (flip, group) whose statistic reaches the observed one, (column,)."""
        observed = self._statistic(np.ones((1, len(self.first))))
        near = TIED * np.maximum(1, np.abs(observed))
        return np.asarray(np.sum(self._statistic(signs) >= observed - near, axis=0))

    def _statistic(self, signs: np.ndarray) -> np.ndarray:
        mean, skew = (signs @ self.first) * self.by_first, (signs @ self.third) * self.by_third
        return np.asarray(mean + skew / 6 + skew * mean**2 * (1 / 3 + skew * mean / 27))


def _every_sign(groups: int) -> np.ndarray:
    bits = np.arange(2**groups)[:, None] >> np.arange(groups)
    return (bits & 1) * 2.0 - 1
