"""Whether a balanced share of successes is above a threshold.

exceeds_p        p of that, whatever the shares of the labels and the sizes of the groups
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from deeplocalizer.inference.designs import Design
from deeplocalizer.inference.permutation import rank_p

PILOT = 250  # draws by which the least favourable shares are found
WORST = 4  # of the shares that are drawn in full, beside those that are all alike
GRID = np.linspace(0.05, 1, 20)


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
        One-sided p of a Monte Carlo binomial test. A group succeeds or fails as a whole, wherever its stimuli lie, and
        weighs what it weighs in the balanced mean: that is the most that stimuli of a group can depend on each other.
        Right also for a few stimuli, where a bootstrap is not.

    Notes
    -----
    That the mean over labels is at the threshold leaves open what each label's share is. p is the largest over many
    such shares (Casella & Berger 2002, Statistical Inference, definition 8.3.26 takes all): all at the threshold; and
    the labels with the fewest groups, one, two, four and so on, at each of twenty shares, the others where the mean
    asks for it. Few groups scatter most, so these are the least favourable. The four largest of a first draw are drawn
    in full.
    """
    target = float(np.sum(plan.weights * outcome))
    weight = np.zeros((plan.groups, len(plan.groups_of_label)))
    np.add.at(weight, (plan.group, plan.label[plan.stratum]), plan.weights)
    alike, number = np.unique(weight.round(12), axis=0, return_counts=True)
    even = np.full(weight.shape[1], threshold)
    others = list(_shares(weight, threshold))
    first = [rank_p(target, _drawn(alike, number, share, min(PILOT, draws), rng)) for share in others]
    worst = [others[place] for place in np.argsort(first, kind="stable")[::-1][:WORST]]
    return max(rank_p(target, _drawn(alike, number, share, draws, rng)) for share in [even, *worst])


def _shares(weight: np.ndarray, threshold: float) -> Iterator[np.ndarray]:
    """List shares of the labels whose mean is the threshold, (label,)."""
    labels = weight.shape[1]
    # as many equal groups would scatter as much
    effective = weight.sum(axis=0) ** 2 / np.sum(weight**2, axis=0)
    order = np.argsort(effective, kind="stable")
    few = 1
    while few < labels:
        for share in GRID:
            rest = (labels * threshold - few * share) / (labels - few)
            if 0 <= rest <= 1:
                found = np.full(labels, rest)
                found[order[:few]] = share
                yield found
        few *= 2


def _drawn(
    alike: np.ndarray, number: np.ndarray, share: np.ndarray, draws: int, rng: np.random.Generator
) -> np.ndarray:
    """Draw balanced means, (draw,): groups of one kind (kind, label) succeed in the labels whose share they are below.

    A group has one uniform number, so that it succeeds in all labels of a lower share, too, wherever it succeeds.
    """
    total = np.zeros(draws)
    order = np.argsort(-share, kind="stable")
    for weight, groups in zip(alike[:, order], number, strict=True):
        left, before = np.full(draws, groups), 1.0
        for place in np.flatnonzero(weight):
            now = share[order[place]]
            left = rng.binomial(left, min(now / before, 1.0) if before > 0 else 0.0)
            total += weight[place] * left
            before = now
    return total
