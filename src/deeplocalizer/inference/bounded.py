"""Exact intervals where a bootstrap has nothing to go by.

constant_within_strata   whether the stimuli of each stratum have the same outcome
constant_within_labels   whether the stimuli of each label have the same outcome
exact_interval           the interval of a mean that is constant within each stratum
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from deeplocalizer.inference.designs import Design
from deeplocalizer.inference.levels import Interval


def constant_within_labels(plan: Design, outcome: np.ndarray) -> bool:
    """Say whether the stimuli of each label have the same outcome."""
    return _constant(plan.label[plan.stratum], outcome)


def constant_within_strata(plan: Design, outcome: np.ndarray) -> bool:
    """Say whether the stimuli of each stratum have the same outcome, so that every resample has the same mean."""
    return _constant(plan.stratum, outcome)


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
        If a share p of each stratum's population differed, none of its g groups would show it with probability
        ``(1 - p) ** g``. The interval holds every mean whose differences had stayed unseen with a probability of the
        tail or more: for one stratum the bound of Clopper & Pearson (1934, Biometrika 26:404-413) for no success,
        ``1 - tail ** (1 / g)`` of the room that is left; for several, the most that any shares together can move.

    Raises
    ------
    ValueError
        If outcomes of a stratum differ, or lie outside the bounds.
    """
    if not constant_within_strata(plan, outcome):
        raise ValueError("an exact interval is of outcomes that are the same throughout each stratum; these differ")
    if outcome.min() < bounds[0] or outcome.max() > bounds[1]:
        raise ValueError(f"outcomes go from {outcome.min()} to {outcome.max()}, outside their bounds {bounds}")
    value = np.bincount(plan.stratum, weights=outcome) / np.bincount(plan.stratum)
    estimate, tail = float(plan.balance @ value), (1 - confidence) / 2
    # strata that share groups share their number: a group is one observation, wherever its stimuli lie
    cells = np.bincount(plan.block, weights=plan.groups_of_stratum)
    groups = plan.groups_of_stratum * (np.bincount(plan.home) / cells)[plan.block]
    low = estimate - _unseen(plan.balance * (value - bounds[0]), groups, tail)
    high = estimate + _unseen(plan.balance * (bounds[1] - value), groups, tail)
    return Interval(estimate, low, high, "exact binomial bound")


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


def _constant(place: np.ndarray, outcome: np.ndarray) -> bool:
    least, most = np.full(place.max() + 1, np.inf), np.full(place.max() + 1, -np.inf)
    np.minimum.at(least, place, outcome)
    np.maximum.at(most, place, outcome)
    return bool((least == most).all())
