"""Balanced means as a sum of pieces, each an exact product of counts with columns.

Piece            a part of the balanced mean
pieces           the parts of a balanced mean: all even strata at once, and each uneven one
jackknife        the balanced mean without each group

A stratum is even if all its groups have the same number of stimuli in it, and none has any elsewhere. A resample of it
then has as many stimuli as the sample, so its mean is a sum of counts times columns. So do strata of single groups that
are drawn among each other: they weigh alike. An uneven stratum needs a ratio.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from deeplocalizer.inference.designs import Design
from deeplocalizer.inference.sums import whole


@dataclass(frozen=True)
class Cells:
    """Sums over the stimuli that a group has in a stratum.

    Parameters
    ----------
    stratum, group, size : ndarray of int (cell,)
    totals : ndarray (cell, column)
    """

    stratum: np.ndarray
    group: np.ndarray
    size: np.ndarray
    totals: np.ndarray


@dataclass(frozen=True)
class Piece:
    """A part of the balanced mean.

    Parameters
    ----------
    group : ndarray of int (cell,)
        What each row is counted by.
    values : ndarray (column, cell)
        Whole numbers.
    shift : ndarray of int (column,)
        Power of two of the whole numbers.
    size : ndarray (cell,) or None
        Numbers of stimuli, where what was drawn of them must be counted.
    divisor : float
        What the sum is divided by where it need not, or by which the ratio is.
    """

    group: np.ndarray
    values: np.ndarray
    shift: np.ndarray
    size: np.ndarray | None
    divisor: float

    @property
    def observed(self) -> np.ndarray:
        """The part of the mean in the sample itself, (column,)."""
        return self._divided(self.values.sum(axis=1)[:, None], np.ones((1, len(self.group))))[:, 0]

    def means(self, counts: np.ndarray) -> np.ndarray:
        """Give this part of the mean in every resample, (column, resample), from counts (resample, group)."""
        every = len(self.group) == counts.shape[1] and bool((self.group == np.arange(counts.shape[1])).all())
        mine = counts if every else counts[:, self.group]
        return self._divided(self.values @ mine.T, mine)

    def _divided(self, sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
        """Turn sums (column, resample) into means, in place."""
        by: float | np.ndarray = self.divisor
        if self.size is not None:
            drawn = counts @ self.size
            # where nothing of a stratum was drawn, it counts as it is
            sums[:, drawn == 0] = self.values.sum(axis=1)[:, None]
            by = np.where(drawn > 0, drawn, self.size.sum()) * self.divisor
        np.ldexp(sums, -self.shift[:, None], out=sums)
        sums /= by
        return sums


def pieces(plan: Design, columns: np.ndarray) -> list[Piece]:
    """Part a balanced mean into products of counts with columns (stimulus, column)."""
    cells = _cells(plan, columns)
    even = _even(plan, cells)
    of_one = np.bincount(plan.stratum) / plan.balance
    found = []
    if even.any():
        here = even[cells.stratum]
        least = of_one[even].min()
        weighted = cells.totals[here] * (least / of_one[cells.stratum[here]])[:, None]
        found.append(_piece(cells.group[here], weighted, None, float(least), plan.groups))
    for stratum in np.flatnonzero(~even):
        here = cells.stratum == stratum
        divisor = 1 / float(plan.balance[stratum])
        found.append(
            _piece(cells.group[here], cells.totals[here], cells.size[here].astype(float), divisor, plan.groups)
        )
    return found


def jackknife(plan: Design, columns: np.ndarray, observed: np.ndarray) -> np.ndarray:
    """Give the balanced mean without each group, (group, column); a stratum of a single group cannot lose it."""
    cells = _cells(plan, columns)
    starts = np.flatnonzero(np.diff(cells.stratum, prepend=-1))
    total = np.add.reduceat(cells.totals, starts, axis=0)[cells.stratum]
    size = np.bincount(plan.stratum)[cells.stratum]
    left = size - cells.size
    change = (total - cells.totals) / np.maximum(left, 1)[:, None] - total / size[:, None]
    change *= np.where(left > 0, plan.balance[cells.stratum], 0.0)[:, None]
    alike = plan.collapsed[cells.stratum]
    change[alike] = _among_alike(plan, cells, alike)
    without = np.repeat(observed[None], plan.groups, axis=0)
    np.add.at(without, cells.group, change)
    return without


def _piece(group: np.ndarray, totals: np.ndarray, size: np.ndarray | None, divisor: float, groups: int) -> Piece:
    # a block of strata can draw as many groups as there are, each with every one of its cells here
    values, shift = whole(totals, groups)
    return Piece(group, np.ascontiguousarray(values.T), shift, size, divisor)


def _cells(plan: Design, columns: np.ndarray) -> Cells:
    key = plan.stratum.astype(np.int64) * plan.groups + plan.group
    order = np.argsort(key, kind="stable")
    names, starts, size = np.unique(key[order], return_index=True, return_counts=True)
    return Cells(names // plan.groups, names % plan.groups, size, np.add.reduceat(columns[order], starts, axis=0))


def _among_alike(plan: Design, cells: Cells, alike: np.ndarray) -> np.ndarray:
    """Give how the mean changes where others of its kind stand in for a stratum of a single group."""
    stratum = cells.stratum[alike]
    means = cells.totals[alike] / cells.size[alike][:, None]
    block = np.unique(plan.block[stratum], return_inverse=True)[1]
    number = np.bincount(block)[block][:, None]
    total = np.zeros((block.max(initial=-1) + 1, means.shape[1]))
    np.add.at(total, block, means)
    return plan.balance[stratum][:, None] * (total[block] - number * means) / (number - 1)


def _even(plan: Design, cells: Cells) -> np.ndarray:
    least, most = np.full(len(plan.balance), np.iinfo(np.int64).max), np.zeros(len(plan.balance), dtype=np.int64)
    np.minimum.at(least, cells.stratum, cells.size)
    np.maximum.at(most, cells.stratum, cells.size)
    return plan.alone & (least == most)
