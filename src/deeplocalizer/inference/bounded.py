"""Exact intervals where a bootstrap has nothing to go by.

constant_within_strata   whether all strata are
alike                    which strata are the same throughout, as far as resamples can tell
room                     how far the mean of such strata may lie from what they show
exact_interval           the interval of a mean that is constant within each stratum
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from deeplocalizer.inference.designs import Design
from deeplocalizer.inference.levels import Interval

EXACT = "exact binomial bound"


def constant_within_strata(plan: Design, outcome: np.ndarray) -> bool:
    """Say whether every stratum is `alike` within itself, so that every resample has the same mean."""
    return bool(alike(plan, outcome).all())


def alike(plan: Design, outcome: np.ndarray) -> np.ndarray:
    """Say of which strata every resample has the same mean, (stratum,).

    Parameters
    ----------
    plan : Design
    outcome : ndarray (stimulus,)

    Returns
    -------
    ndarray of bool (stratum,)
        All stimuli have the same outcome, or there is a single group. Strata that are drawn among each other must
        agree: of one stimulus each, they trivially would.
    """
    place = np.where(plan.collapsed, len(plan.balance) + plan.block, np.arange(len(plan.balance)))[plan.stratum]
    least, most = np.full(place.max() + 1, np.inf), np.full(place.max() + 1, -np.inf)
    means = (np.bincount(plan.stratum, weights=outcome) / np.bincount(plan.stratum))[plan.stratum]
    # of a stratum of one group, its mean is all that is drawn
    single = (plan.groups_of_stratum == 1)[plan.stratum]
    values = np.where(single, means, outcome)
    np.minimum.at(least, place, values)
    np.maximum.at(most, place, values)
    same = np.empty(len(plan.balance), dtype=bool)
    same[plan.stratum] = (least == most)[place]
    return same


def exact_interval(plan: Design, outcome: np.ndarray, bounds: tuple[float, float], confidence: float) -> Interval:
    """Give the interval of a balanced mean when the stimuli of each stratum have the same outcome.

    Parameters
    ----------
    plan : Design
    outcome : ndarray (stimulus,)
        Constant within each stratum.
    bounds : tuple of float
        Lowest and highest value that an outcome can take.
    confidence : float

    Returns
    -------
    Interval
        The mean with its `room` to both sides.

    Raises
    ------
    ValueError
        If outcomes of a stratum differ, or lie outside the bounds.
    """
    if not constant_within_strata(plan, outcome):
        raise ValueError("an exact interval is of outcomes that are the same throughout each stratum; these differ")
    if outcome.min() < bounds[0] or outcome.max() > bounds[1]:
        raise ValueError(f"outcomes go from {outcome.min()} to {outcome.max()}, outside their bounds {bounds}")
    estimate = float(plan.weights @ outcome)
    below, above = room(plan, outcome, np.ones(len(plan.balance), dtype=bool), bounds, confidence)
    return Interval(estimate, estimate - below, estimate + above, EXACT)


def room(
    plan: Design, outcome: np.ndarray, same: np.ndarray, bounds: tuple[float, float], confidence: float
) -> tuple[float, float]:
    """Give how much lower and higher the mean may be for what some strata did not show.

    Parameters
    ----------
    plan : Design
    outcome : ndarray (stimulus,)
    same : ndarray of bool (stratum,)
        Strata that are `alike` within themselves.
    bounds : tuple of float
        Lowest and highest value that an outcome can take.
    confidence : float

    Returns
    -------
    below, above : float
        If a share p of each stratum's population differed, none of its g groups would show it with probability
        ``(1 - p) ** g``. The room holds every mean whose differences had stayed unseen with a probability of the tail
        or more: for one stratum the bound of Clopper & Pearson (1934, Biometrika 26:404-413) for no success,
        ``1 - tail ** (1 / g)`` of what is left to the bound; for several, the most that any shares together can move.
        Of a single group that is Markov's inequality, so it holds whatever the distribution of groups.
    """
    value, tail = np.bincount(plan.stratum, weights=outcome) / np.bincount(plan.stratum), (1 - confidence) / 2
    # strata that share groups share their number: a group is one observation, wherever its stimuli lie
    number = np.where(same, plan.groups_of_stratum, 0)
    cells = np.bincount(plan.block, weights=number)
    shared = np.bincount(plan.home[np.unique(plan.group[same[plan.stratum]])], minlength=len(cells))
    groups = number * (shared / np.maximum(cells, 1))[plan.block]
    weight = plan.balance * same
    return (
        _unseen(weight * (value - bounds[0]), groups, tail),
        _unseen(weight * (bounds[1] - value), groups, tail),
    )


def _unseen(room: np.ndarray, groups: np.ndarray, tail: float) -> float:
    """Give the most of ``sum(room p)`` over shares p with ``prod((1 - p) ** groups) = tail``.

    By Lagrange, what stays, 1 - p, is the smaller of 1 and a price times groups over room.
    """
    room, groups = room[room > 0], groups[room > 0]
    if not len(room):
        return 0.0
    limit, rate = np.log(tail), np.log(groups / room)

    def excess(price: float) -> float:
        return float(groups @ np.minimum(0.0, price + rate)) - float(limit)

    # all strata move at the lower end of the price; at the upper end, none does
    found = brentq(excess, (limit - groups @ rate) / groups.sum() - 1, -rate.min(), xtol=1e-14)
    return float(room @ -np.expm1(np.minimum(0.0, found + rate)))
