"""Splits and folds: shares of every stratum, with groups kept together, and nothing moves when more comes.

deal             give each stimulus, in turn, one of several shares
slots            the shares of so many stimuli that have neither strata nor groups
SPLITS           the names of the splits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

SPLITS = ("train", "localize", "select", "test")
UNUSED = "unused"  # the share of a study whose splits do not add up to one


def deal(
    strata: Sequence[str] | np.ndarray,
    groups: Sequence[str] | np.ndarray,
    shares: Mapping[str, float],
    rng: np.random.Generator,
    home: dict[str, str] | None = None,
) -> np.ndarray:
    """Deal stimuli into shares, stratum by stratum, without parting a group.

    Parameters
    ----------
    strata : sequence of str (stimulus,)
        What must be shared out evenly, such as category and label.
    groups : sequence of str (stimulus,)
        What must stay together.
    shares : mapping of str to float
        Name and size of each share. They need not sum to one: they are scaled.
    rng : Generator
        Its draw breaks ties.
    home : dict of str, optional
        The share of groups that have one already, by group; what is dealt here is added.

    Returns
    -------
    ndarray of str (stimulus,)
        The share of each stimulus. A stimulus goes where its stratum, up to and including this stimulus, is most
        wanting, or where its group already is. So what comes later never moves what came before, and single stimuli are
        dealt to within one and a half of the exact share at every moment.
    """
    names = [name for name, share in shares.items() if share > 0]
    weights = np.array([shares[name] for name in names], dtype=float)
    weights /= weights.sum()
    tie = rng.random(len(names)) * 1e-6
    wanting: dict[str, np.ndarray] = {}  # by stratum: exact shares of what has come, less what was dealt
    overall = np.zeros(len(names))
    home = {} if home is None else home
    chosen = []
    for stratum, group in zip(map(str, strata), map(str, groups), strict=True):
        need = wanting.setdefault(stratum, np.zeros(len(names)))
        need += weights
        overall += weights
        if group not in home:
            home[group] = names[_most_wanting(need, overall + tie)]
        chosen.append(home[group])
        if home[group] in names:  # elsewhere, a share of nothing may have been given by a source
            need[names.index(home[group])] -= 1
            overall[names.index(home[group])] -= 1
    return np.array(chosen, dtype=str)


def slots(count: int, shares: Mapping[str, float], rng: np.random.Generator) -> list[str]:
    """Give the shares of so many stimuli, one after another; the first do not change when the count grows.

    Parameters
    ----------
    count : int
    shares : mapping of str to float
        As the study has them: what is missing to one is `UNUSED`.
    rng : Generator
    """
    dealt = deal([""] * count, [str(index) for index in range(count)], with_unused(shares), rng)
    return [str(name) for name in dealt]


def with_unused(shares: Mapping[str, float]) -> dict[str, float]:
    """Add the share that no split has."""
    missing = 1 - sum(shares.values())
    # rounding leaves a share of 1e-17, which would still draw a stimulus
    return {**shares, UNUSED: missing} if missing > 1e-9 else dict(shares)


def _most_wanting(need: np.ndarray, overall: np.ndarray) -> int:
    """Choose a share: where the stratum lacks a whole stimulus; else, of those that lack anything, where all do.

    Without the latter, every small stratum would give its first stimuli to the same share.
    """
    if need.max() >= 1 - 1e-9:
        return int(np.argmax(need))
    return int(np.argmax(np.where(need > 1e-9, overall, -np.inf)))
