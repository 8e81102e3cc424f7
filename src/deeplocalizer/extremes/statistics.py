"""How units respond to stimuli that did not choose them.

compared         the side of a contrast that each category stands on
areas            area under the ROC curve of each unit
log10_p          the p of responding more to preferred stimuli
share            share of preferred stimuli at one end of the responses
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.stats
import xarray as xr

from deeplocalizer.contrast import auroc, groups


def compared(sides: Mapping[str, Any], names: np.ndarray) -> np.ndarray:
    """Say on which side of a contrast each category stands: 1 preferred, -1 other, 0 neither."""
    side: np.ndarray = np.isin(names, list(sides["preferred"])).astype(np.int64)
    return side - np.isin(names, list(sides["other"]))


def areas(held: xr.Dataset, name: str, sides: Mapping[str, Any]) -> np.ndarray:
    """Give the statistic of `auroc.of`, of other stimuli than those of the contrast.

    Parameters
    ----------
    held : Dataset
        ``activation`` (stimulus, unit) with ``category``.
    name : str
        Of the contrast.
    sides : mapping
        Its sides.

    Returns
    -------
    ndarray (unit,)
        NaN where a category of the contrast has no stimulus.
    """
    if not {*sides["preferred"], *sides["other"]} <= set(held["category"].values.tolist()):
        return np.full(held.sizes["unit"], np.nan)
    here = np.full(held.sizes["stimulus"], groups.LOCALIZE, dtype=object)  # which is all that `auroc` looks at
    found: np.ndarray = auroc.of(held.assign_coords(split=("stimulus", here)), {name: sides}).values[0]
    return found


def log10_p(values: np.ndarray, held: xr.Dataset, sides: Mapping[str, Any]) -> float:
    """Test whether a unit responds more to preferred stimuli.

    Parameters
    ----------
    values : ndarray (stimulus,)
        Responses of the unit.
    held : Dataset
        With ``category`` and ``group`` on stimulus.
    sides : mapping
        Of the contrast.

    Returns
    -------
    float
        Log10 of the one-sided p of Mann & Whitney (1947, Ann Math Stat 18:50-60), in which the mean of each group is
        one observation; the largest p of all comparisons of the contrast. NaN where a side has no stimulus.
    """
    category, group = (held[name].values.astype(str) for name in ("category", "group"))
    found = []
    for comparison in groups.plan(sides):
        preferred, other = (
            [kind for weight, pooled in comparison if weight * sign > 0 for kind in pooled] for sign in (1, -1)
        )
        samples = [_means(values, group, np.isin(category, kinds)) for kinds in (preferred, other)]
        found.append(_greater(*samples))
    return float(np.max(found))


def share(towards: np.ndarray, preferred: np.ndarray, number: int) -> float:
    """Give the share of preferred stimuli among the smallest values.

    Parameters
    ----------
    towards : ndarray (stimulus,)
    preferred : ndarray of bool (stimulus,)
    number : int
        How many are looked at.

    Returns
    -------
    float
        Its mean over all ways to choose among equal values at the border.
    """
    border = np.partition(towards, number - 1)[number - 1]
    inside, at = towards < border, towards == border
    room = number - np.count_nonzero(inside)
    return float((np.count_nonzero(preferred & inside) + room * preferred[at].mean()) / number)


def _means(values: np.ndarray, group: np.ndarray, members: np.ndarray) -> np.ndarray:
    """Average the responses to the stimuli of each group, which are not independent."""
    _, inverse = np.unique(group[members], return_inverse=True)
    means: np.ndarray = np.bincount(inverse, values[members]) / np.bincount(inverse)
    return means


def _greater(one: np.ndarray, other: np.ndarray) -> float:
    if not len(one) or not len(other):
        return math.nan
    both = np.concatenate([one, other])
    if (both == both[0]).all():
        return 0.0
    test = scipy.stats.mannwhitneyu(one, other, alternative="greater")
    if test.pvalue > 0:
        return float(np.log10(test.pvalue))
    # the same normal approximation, where its p underflows
    ties = np.unique(both, return_counts=True)[1].astype(float)
    n, pairs = len(both), len(one) * len(other)
    variance = pairs / 12 * (n + 1 - (ties**3 - ties).sum() / (n * (n - 1)))
    z = (test.statistic - pairs / 2 - 0.5) / math.sqrt(variance)
    return float(scipy.stats.norm.logsf(z) / math.log(10))
