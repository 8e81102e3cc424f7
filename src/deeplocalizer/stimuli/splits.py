"""Splits and folds: shares of every stratum, with groups kept together.

deal             give each stimulus one of several shares
SPLITS           the names of the splits
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

SPLITS = ("train", "localize", "select", "test")


def deal(
    strata: Sequence[str] | np.ndarray,
    groups: Sequence[str] | np.ndarray,
    shares: Mapping[str, float],
    rng: np.random.Generator,
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
        Its draw orders groups of equal size.

    Returns
    -------
    ndarray of str (stimulus,)
        The share of each stimulus. Each group in turn, the largest first, goes where it is most wanting, which is exact
        to one stimulus wherever groups are single stimuli.
    """
    names = [name for name, share in shares.items() if share > 0]
    weights = np.array([shares[name] for name in names], dtype=float)
    stratum_names, stratum = np.unique(np.asarray(strata, dtype=str), return_inverse=True)
    group_names, group = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    content = np.zeros((len(group_names), len(stratum_names)))
    np.add.at(content, (group, stratum), 1)
    wanting = np.outer(weights / weights.sum(), content.sum(axis=0))
    chosen = np.zeros(len(group_names), dtype=int)
    order = rng.permutation(len(group_names))
    for index in order[np.argsort(-content[order].sum(axis=1), kind="stable")]:
        chosen[index] = _most_wanting(wanting, content[index])
        wanting[chosen[index]] -= content[index]
    return np.array(names)[chosen[group]]


def _most_wanting(wanting: np.ndarray, content: np.ndarray) -> int:
    """Choose the share for a group: whole stimuli first, then fractions, where what is wanting over all strata decides.

    Without the latter, every small stratum would give its last stimuli to the same share.
    """
    need = wanting @ content / content.sum()
    if need.max() >= 1 or need.max() <= 0:
        return int(np.argmax(need))
    return int(np.argmax(np.where(need > 0, wanting.sum(axis=1), -np.inf)))
