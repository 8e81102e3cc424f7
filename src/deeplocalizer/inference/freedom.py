"""Degrees of freedom of stratified means, and how far their intervals must reach.

Reach            how far intervals reach, in which standard errors
reach            of all columns of means
FEW              with fewer degrees of freedom, skewed outcomes are covered less often than promised
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, t

from deeplocalizer.inference.resampling import Means

FEW = 10


@dataclass(frozen=True)
class Reach:
    """How far intervals reach, each (column,).

    Parameters
    ----------
    errors : ndarray
        In standard errors of the resamples.
    distance : ndarray
        The same in units of the column: half of Student's interval.
    few : ndarray of bool
        Whether there are fewer than 10 degrees of freedom.
    """

    errors: np.ndarray
    distance: np.ndarray
    few: np.ndarray


def reach(means: Means, confidence: float, expanded: bool) -> Reach:
    """Give how far intervals reach to each side.

    Parameters
    ----------
    means : Means
    confidence : float
    expanded : bool
        By Student's t; without, by the normal distribution.

    Notes
    -----
    Of the groups of one block, with shares w of its weight, the variance of the mean is estimated by the sum of squares
    of ``w_g (y_g - mean)``. If groups are independent with equal variances, that is a quadratic form whose first two
    moments are known; they give what it falls short by, and its degrees of freedom by Satterthwaite (1946, Biometrics
    Bull 2:110-114), as Bell & McCaffrey (2002, Surv Methodol 28:169-181) do for clusters of unequal sizes. Of k groups
    that weigh alike these are the familiar (k - 1) / k and k - 1.

    Over blocks the degrees of freedom are the smaller of Welch's (1947, Biometrika 34:28-35), from what was observed,
    and those that the weights of the groups alone give: of two or three groups the observed variance is sometimes
    small by chance, and Welch's formula then forgets them.
    """
    count = np.bincount(means.home)
    weight = np.full(len(means.home), 1 / len(means.home)) if means.weight is None else means.weight
    share = weight / np.bincount(means.home, weights=weight)[means.home]
    short, of_block = _moments(share, means.home, count)
    # the jackknife takes a group's weight away as well
    errors = (means.observed - means.jackknife) * np.where(share < 1, 1 - share, 0)[:, None]
    peak = np.abs(errors).max(axis=0)
    errors = errors / np.where(peak > 0, peak, 1)
    order = np.argsort(means.home, kind="stable")
    resampled = np.add.reduceat(errors[order] ** 2, np.cumsum(count) - count, axis=0)
    unbiased = resampled / short[:, None]
    total, spread = unbiased.sum(axis=0), resampled.sum(axis=0)
    parts = np.sum(unbiased**2 / of_block[:, None], axis=0)
    freedom = np.full(len(total), np.inf)
    np.divide(total**2, parts, out=freedom, where=parts > 0)
    freedom = np.minimum(freedom, _planned(weight, means.home, count, of_block))
    upper = (1 + confidence) / 2
    quantile = t.ppf(upper, freedom) if expanded else np.full(len(total), norm.ppf(upper))
    wider = np.sqrt(np.divide(total, spread, out=np.ones(len(total)), where=spread > 0)) if expanded else 1.0
    return Reach(wider * quantile, peak * np.sqrt(total) * quantile, expanded & (freedom < FEW))


def _moments(share: np.ndarray, home: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give by what share the variance falls short, and its degrees of freedom, (block,); 1 and 1 of a single group."""
    power = {n: np.bincount(home, weights=share**n) for n in (2, 3, 4, 5, 6)}
    square = power[2]
    mean = square * (1 + square) - 2 * power[3]
    # the trace of the square: every pair of groups, then what is different of a group with itself
    pairs = square**4 + 2 * square * power[4] - 4 * square**2 * power[3] + 2 * power[3] ** 2
    own = (1 - 2 * share + square[home]) ** 2 - (square[home] - 2 * share) ** 2
    second = pairs + np.bincount(home, weights=share**4 * own)
    several = count > 1
    short, freedom = np.ones(len(count)), np.ones(len(count))
    short[several] = mean[several] / square[several]
    freedom[several] = mean[several] ** 2 / second[several]
    return short, freedom


def _planned(weight: np.ndarray, home: np.ndarray, count: np.ndarray, of_block: np.ndarray) -> float:
    """Give the degrees of freedom if all groups vary alike."""
    variance = np.bincount(home, weights=weight**2)[count > 1]
    if not len(variance):
        return float("inf")
    return float(variance.sum() ** 2 / np.sum(variance**2 / of_block[count > 1]))
