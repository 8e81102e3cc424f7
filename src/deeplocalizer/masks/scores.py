"""What a localizer ranks units by, and the ranking.

score            how much each unit prefers what the localizer asks for; above 0 on its side
highest          the units that score highest in each place: so many of each
between          the units of each place whose percentile rank lies in a range
places_of        where a localizer ranks: the network or each layer
members          the eligible units of each place
BESIDE           the suffix of a p or q of the side that a localizer asks for
side             words for the side of the neutral value that a localizer asks for
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.masks.places import stratum

TURN: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "positive": np.positive,
    "negative": np.negative,
    "absolute": np.abs,
}
BESIDE = {"positive": "_greater", "negative": "_less", "absolute": ""}  # of log10_q, and of what else has sides
NEUTRAL = {"auroc": 0.5}  # any other statistic is 0 where a unit prefers neither
_UNKNOWN = {
    "auroc": "their responses were not stored",
    "selectivity_index": "a mean response is negative, and the index has no meaning there",
}


def score(contrast: xr.Dataset, localizer: Mapping[str, Any], eligible: np.ndarray) -> np.ndarray:
    """Say how much each unit prefers what a localizer asks for.

    Parameters
    ----------
    contrast : Dataset
        One contrast: variables on ``unit``.
    localizer : mapping
        ``statistic`` (a variable of the contrast) and ``sign`` (``positive``, ``negative`` or ``absolute``).
    eligible : ndarray of bool (unit,)

    Returns
    -------
    ndarray of float64 (unit,)
        The statistic's distance from its neutral value (0.5 for ``auroc``, otherwise 0), turned so that more is better
        and what is not above 0 lies on the wrong side.

    Raises
    ------
    ValueError
        If the contrast lacks the statistic, or it is not known for an eligible unit, saying which and why.
    """
    name = localizer["statistic"]
    if name not in contrast:
        raise ValueError(f"statistic {name!r} is not in the contrast; there are {', '.join(map(str, contrast))}")
    values = np.asarray(contrast[name].values, dtype=np.float64)
    unknown = eligible & np.isnan(values)
    if unknown.any():
        first = int(np.argmax(unknown))
        where = str(units.label(contrast.isel(unit=[first]))[0])
        why = _UNKNOWN.get(name, "it is not a number there")
        raise ValueError(
            f"{name} is not known for {int(unknown.sum())} of {int(eligible.sum())} eligible units "
            f"(first {where}): {why}"
        )
    return TURN[localizer["sign"]](values - NEUTRAL.get(name, 0.0))


def places_of(contrast: xr.Dataset, localizer: Mapping[str, Any]) -> np.ndarray:
    """Number the places that a localizer ranks units in, as int (unit,): one for the network, or each layer."""
    each = localizer["scope"] == "layer"
    return stratum(contrast) if each else np.zeros(contrast.sizes["unit"], dtype=np.int64)


def members(places: np.ndarray, eligible: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Give the number of each place and the positions of its eligible units, in their order."""
    chosen = np.flatnonzero(eligible)
    order = chosen[np.argsort(places[chosen], kind="stable")]
    numbers, starts = np.unique(places[order], return_index=True)
    for number, part in zip(numbers, np.split(order, starts[1:]) if len(order) else [], strict=True):
        yield int(number), part


def highest(scores: np.ndarray, count: int) -> np.ndarray:
    """Find the highest scores.

    Parameters
    ----------
    scores : ndarray (unit,)
        No NaN.
    count : int
        How many; all of them if there are fewer.

    Returns
    -------
    ndarray of int
        Positions in ascending order. Among equal scores the first come first.
    """
    if count >= len(scores):
        return np.arange(len(scores))
    if count <= 0:
        return np.arange(0)
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    above = np.flatnonzero(scores > least)
    level = np.flatnonzero(scores == least)[: count - len(above)]
    return np.union1d(above, level)


def between(scores: np.ndarray, low: float, high: float) -> np.ndarray:
    """Find the scores whose percentile rank lies above ``low`` and not above ``high``.

    Parameters
    ----------
    scores : ndarray (unit,)
    low, high : float
        0 <= low < high <= 100. Of n scores the lowest has the rank 100/n and the highest 100; among equal scores the
        first rank higher.

    Returns
    -------
    ndarray of int
        Positions in ascending order.
    """
    if not 0 <= low < high <= 100:
        raise ValueError(f"percentile is [{low:g}, {high:g}]; expected 0 <= low < high <= 100")
    # what counts as more than a whole number of units is no rounding of the product
    below, upto = (int(np.floor(round(len(scores) * share / 100, 9))) for share in (low, high))
    return np.setdiff1d(highest(scores, len(scores) - below), highest(scores, len(scores) - upto), assume_unique=True)


def side(localizer: Mapping[str, Any]) -> str:
    """Say which side of the neutral value a localizer asks for, in words."""
    word = {"positive": "greater than", "negative": "less than", "absolute": "not"}[localizer["sign"]]
    return f"{word} {NEUTRAL.get(localizer['statistic'], 0):g}"
