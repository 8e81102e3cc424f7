"""Which stimuli count how much, and which belong together.

Design           weights, strata and groups of the stimuli
design           a design balanced over labels, stratified, with groups kept whole
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


@dataclass(frozen=True)
class Design:
    """Which stimuli count how much, and which belong together.

    Parameters
    ----------
    balance : ndarray (stratum,)
        Weight of each stratum in the mean; sums to 1.
    stratum : ndarray of int (stimulus,)
    group : ndarray of int (stimulus,)
        What is resampled as one, wherever its stimuli lie.
    label : ndarray of int (stratum,)
        The label that the stratum belongs to.
    """

    balance: np.ndarray
    stratum: np.ndarray
    group: np.ndarray
    label: np.ndarray

    @property
    def weights(self) -> np.ndarray:
        """Weight of each stimulus in the balanced mean, (stimulus,)."""
        return (self.balance / np.bincount(self.stratum))[self.stratum]

    @cached_property
    def weight_of_group(self) -> np.ndarray:
        """Weight of each group in the balanced mean, (group,)."""
        return np.bincount(self.group, weights=self.weights, minlength=self.groups)

    @property
    def groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    @property
    def groups_of_label(self) -> np.ndarray:
        """Number of groups of each label, (label,)."""
        return _distinct(self.label[self.stratum], self.group)

    @property
    def groups_of_stratum(self) -> np.ndarray:
        """Number of groups of each stratum, (stratum,)."""
        return _distinct(self.stratum, self.group)

    @cached_property
    def block(self) -> np.ndarray:
        """What each stratum is resampled with, (stratum,): see `design`."""
        block = self._linked.copy()
        for balance in np.unique(self.balance[self.collapsed]):
            alike = self.collapsed & (self.balance == balance)
            block[alike] = block[alike].min()
        return np.unique(block, return_inverse=True)[1]

    @cached_property
    def collapsed(self) -> np.ndarray:
        """Whether a stratum is a single group, drawn among others that are and weigh alike, (stratum,)."""
        single = (self.groups_of_stratum == 1) & self.alone
        weights, number = np.unique(self.balance[single], return_counts=True)
        return single & np.isin(self.balance, weights[number > 1])

    @cached_property
    def lone(self) -> np.ndarray:
        """Whether a stratum is a single group that nothing can be drawn for, so that its scatter is unknown."""
        return (self.groups_of_stratum == 1) & ~self.collapsed

    @cached_property
    def alone(self) -> np.ndarray:
        """Whether no group of a stratum has stimuli in another, (stratum,)."""
        return np.bincount(self._linked)[self._linked] == 1

    @cached_property
    def _linked(self) -> np.ndarray:
        strata = len(self.balance)
        size = strata + self.groups
        links = coo_array((np.ones(len(self.stratum)), (self.stratum, strata + self.group)), shape=(size, size))
        return np.unique(connected_components(links, directed=False)[1][:strata], return_inverse=True)[1]

    @cached_property
    def home(self) -> np.ndarray:
        """Block of each group, (group,)."""
        home = np.zeros(self.groups, dtype=np.int64)
        home[self.group] = self.block[self.stratum]
        return home


def design(category: np.ndarray, label: np.ndarray, group: np.ndarray) -> Design:
    """Balance stimuli over labels, and stratify them by category within each label.

    Parameters
    ----------
    category, label, group : ndarray of str (stimulus,)
        Every label weighs alike; within a label, every stimulus does.

    Returns
    -------
    Design
        Groups are kept whole. Where one has stimuli in several strata, these strata are resampled together, so that
        what a group shares counts once. A stratum that is a single group says nothing of its own uncertainty
        (collapsed strata, Cochran 1977, Sampling Techniques, section 5A.12: errs to the safe side): a category that is
        so joins the smallest other stratum of its label, and labels that are so are drawn among each other where they
        weigh alike, as where every label is one identity. A label that is so by itself stays, see `Design.lone`.

    Raises
    ------
    ValueError
        If there is no stimulus, or the three differ in length.
    """
    lengths = {len(category), len(label), len(group)}
    if lengths == {0} or len(lengths) > 1:
        raise ValueError(
            f"a design needs a category, a label and a group for each of one or more stimuli; given are "
            f"{len(category)} categories, {len(label)} labels and {len(group)} groups"
        )
    # a unit separator between the parts; NumPy would strip a NUL at the end of a string
    pairs = np.char.add(np.char.add(label.astype(str), "\x1f"), category.astype(str))
    names, stratum = np.unique(pairs, return_inverse=True)
    labels = np.array([name.split("\x1f")[0] for name in names])
    label_of_stratum = np.unique(labels, return_inverse=True)[1]
    group_number = np.unique(group.astype(str), return_inverse=True)[1]
    stratum, label_of_stratum = _joined(stratum, label_of_stratum, group_number)
    size = np.bincount(stratum)
    of_label = np.bincount(label_of_stratum, weights=size)
    balance = size / of_label[label_of_stratum] / len(of_label)
    return Design(balance, stratum, group_number, label_of_stratum)


def _joined(stratum: np.ndarray, label: np.ndarray, group: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Join strata of a single group with the smallest other one of their label, until there is none or no other."""
    stratum = stratum.copy()
    groups = _distinct(stratum, group)
    present = np.ones(len(label), dtype=bool)
    while True:
        others = np.bincount(label[present], minlength=label.max() + 1)[label] > 1
        single = np.flatnonzero(present & (groups == 1) & others)
        if not len(single):
            break
        one = int(single[0])
        near = np.flatnonzero(present & (label == label[one]) & (np.arange(len(label)) != one))
        other = int(near[np.argmin(groups[near])])
        stratum[stratum == one] = other
        present[one] = False
        groups[other] = len(np.unique(group[stratum == other]))
    return np.unique(stratum, return_inverse=True)[1], label[present]


def _distinct(place: np.ndarray, group: np.ndarray) -> np.ndarray:
    pairs = np.unique(np.stack([place, group]), axis=1)
    return np.bincount(pairs[0])
