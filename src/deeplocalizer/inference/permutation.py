"""p-values by permutation.

sign_flip_p      is a paired difference greater than zero
sign_flips       the same of many columns
rank_p           does a target exceed its random controls
exceeds_p        is a balanced share of successes above a threshold

The observed value counts as one of the permutations, so that p is never zero and the test keeps its level (Phipson &
Smyth 2010, Stat Appl Genet Mol Biol 9:39).
"""

from __future__ import annotations

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
        One-sided p of the paired permutation test (Fisher 1935): under the null hypothesis the two conditions of a
        group can be exchanged, which turns the sign of its differences. Exact if the differences are symmetric about
        zero. Groups that do not differ in any column are left out.

    Raises
    ------
    ValueError
        If a difference is not finite.
    """
    if not np.isfinite(differences).all():
        raise ValueError("differences must be finite; some of these are not")
    content = np.zeros((plan.groups, differences.shape[1]))
    np.add.at(content, plan.group, plan.weights[:, None] * differences)
    content = whole(content[content.any(axis=1)], plan.groups)[0]
    observed = content.sum(axis=0)
    bound = observed - TIED * np.abs(content).sum(axis=0)
    groups = len(content)
    if groups < 63 and 2**groups <= flips:
        return _reached(content, bound, _every_sign(groups)) / 2**groups
    rows = max(1, BLOCK // max(groups, differences.shape[1]))
    reached = np.ones(differences.shape[1])
    for start in range(0, flips, rows):
        signs = rng.integers(0, 2, size=(min(rows, flips - start), groups), dtype=np.int8) * 2.0 - 1
        reached += _reached(content, bound, signs)
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


def exceeds_p(plan: Design, outcome: np.ndarray, threshold: float, draws: int, rng: np.random.Generator) -> float:
    """Test whether a balanced share of successes exceeds a threshold.

    Parameters
    ----------
    plan : Design
    outcome : ndarray (stimulus,)
        0 or 1.
    threshold : float
    draws : int
    rng : Generator

    Returns
    -------
    float
        One-sided p of a Monte Carlo binomial test: each label succeeds as often as the threshold says, and has as many
        independent observations as groups. Right also for a few stimuli, where a bootstrap is not.
    """
    groups = plan.groups_of_label
    null = (rng.binomial(groups, threshold, size=(draws, len(groups))) / groups).mean(axis=1)
    return rank_p(float(np.sum(plan.weights * outcome)), null)


def _reached(content: np.ndarray, bound: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Count the flips that reach the observed sum, (column,)."""
    return np.sum(signs @ content >= bound, axis=0)


def _every_sign(groups: int) -> np.ndarray:
    bits = np.arange(2**groups)[:, None] >> np.arange(groups)
    return (bits & 1) * 2.0 - 1
