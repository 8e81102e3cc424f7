"""Effect sizes of all units under exchanged labels.

measure          the distribution of Cohen's d by layer, as it is and under exchanged labels, and what stands out
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import seeding, summaries
from deeplocalizer.contrast import shuffling
from deeplocalizer.contrast.groups import Cells, plan
from deeplocalizer.nulls.counting import Bins, Counts
from deeplocalizer.nulls.exchanging import STAY, Sets, Slab, imbalance, sets, skewness
from deeplocalizer.nulls.layout import Found, lay_out
from deeplocalizer.nulls.thresholds import Maxima, untested
from deeplocalizer.summaries import Places


def measure(
    moments: xr.Dataset, contrasts: Mapping[str, Mapping[str, Any]], settings: Mapping[str, Any], seed: int
) -> xr.Dataset:
    r"""Measure the effect sizes of all units, as they are and under exchanged labels.

    Parameters
    ----------
    moments : Dataset
        As `moments.table` makes it.
    contrasts : mapping
        As configured, by name.
    settings : mapping
        ``alpha``, the chance that any unit passes the threshold of a contrast if none prefers anything.
    seed : int
        Of the exchanges, where there are more than 8 folds.

    Returns
    -------
    Dataset
        Of the contrasts whose labels can be exchanged. Dead units are left out. On (contrast, place, bin):
        ``observed``, ``null_mean``, ``null_low`` and ``null_high``, numbers of units by d between ``edge`` (edge,),
        what lies beyond in the first and last bin; with ``network_`` before, the band (contrast, bin) of all places
        together. On (contrast, place, direction, least): ``beyond``, and ``beyond_null_mean``, ``_low`` and ``_high``,
        units with \\|d\\| above 0.2, 0.5 and 0.8; with ``network_`` before, those of all places. On (contrast,):
        ``folds``, ``exchanges`` (balanced ones), ``imbalance``, ``skewness``, and ``untested``, why there is no family-
        wise threshold. On (tested,), of those that have one: ``threshold`` of \\|d\\|, ``threshold_first`` before any
        is set aside, ``p`` that no unit prefers, and ``tests``, the number of exchanges that they come from; on
        (tested, place, direction) ``passed``, the units beyond the threshold. On (exchange,): ``largest`` and
        ``smallest`` d, the contrast and the number of folds exchanged. On (omitted,): ``reason`` why labels cannot be
        exchanged.

    Raises
    ------
    KeyError
        If a category was not recorded.
    """
    where, cells = summaries.places(moments), Cells(moments)
    exchanged: dict[str, Task] = {}
    omitted: dict[str, str] = {}
    for name, sides in contrasts.items():
        cells.count([*sides["preferred"], *sides["other"]])  # names a category that was not recorded
        task = Task(cells, sides, shuffling.shared_folds(moments, sides))
        reason = task.refused()
        if reason:
            omitted[name] = reason
        else:
            exchanged[name] = task
    bins = Bins.over([task.observe() for task in exchanged.values()])
    found = []
    for name, task in exchanged.items():
        chosen = sets(task.folds, seeding.generator(seed, "nulls", name))
        found.append(_measure(name, task, chosen, bins, where, float(settings["alpha"])))
    return lay_out(found, bins, where, omitted).assign_attrs(moments.attrs)


class Task:
    """One contrast of all units.

    Attributes
    ----------
    folds : list of int
        Those that can be exchanged.
    d : ndarray (unit,)
        As the data are, in the folds that enter; like ``dead``, known after `observe`.
    dead : ndarray of bool (unit,)
    """

    def __init__(self, cells: Cells, sides: Mapping[str, Any], folds: Sequence[int]) -> None:
        self.folds = list(folds)
        self.dead = np.zeros(cells.units, dtype=bool)
        self._cells, self._sides = cells, sides
        self.d = np.empty(cells.units)

    @property
    def conjunction(self) -> bool:
        """Whether a unit must win several comparisons."""
        return len(plan(self._sides)) > 1

    @property
    def stimuli(self) -> int:
        """Number of stimuli in the folds that enter, of all categories of the contrast."""
        return self._cells.count([*self._sides["preferred"], *self._sides["other"]], self.folds)

    def refused(self) -> str:
        """Say why labels cannot be exchanged; nothing if they can."""
        if len(self.folds) < 2:
            return "folds"
        half = tuple(self.folds[: len(self.folds) // 2])
        return "" if self.possible([STAY, half]) else "stimuli"

    def possible(self, patterns: Sequence[tuple[int, ...]]) -> bool:
        """Whether enough stimuli are left in every group under some exchanges."""
        try:
            one = self._slab(slice(0, 1))
            for pattern in patterns:
                one.sizes(pattern)
        except ValueError:
            return False
        return True

    def imbalance(self, patterns: Sequence[tuple[int, ...]]) -> float:
        """Say how far the sides are from equal sizes, and how much exchanges change that."""
        one = self._slab(slice(0, 1))
        uneven = max(one.sizes(pattern) for pattern in patterns)
        return max(imbalance(self._cells, self._sides, self.folds), uneven)

    @property
    def skewness(self) -> float:
        """How much of the responses' skewness the difference of the sides keeps."""
        return skewness(self._cells, self._sides, self.folds)

    def observe(self) -> np.ndarray:
        """Find d and which units are dead, as the data are; give d of those that are not."""
        for units, slab in self.slabs():
            self.d[units], self.dead[units] = slab.d(STAY), slab.dead
        return self.d[~self.dead]

    def slabs(self) -> Iterator[tuple[slice, Slab]]:
        """Take the units slab by slab."""
        for start in range(0, self._cells.units, shuffling.SLAB):
            units = slice(start, min(start + shuffling.SLAB, self._cells.units))
            yield units, self._slab(units)

    def _slab(self, units: slice) -> Slab:
        return Slab(self._cells, self._sides, self.folds, units)


def _measure(name: str, task: Task, chosen: Sets, bins: Bins, where: Places, alpha: float) -> Found:
    """Count the units of one contrast under all its exchanges."""
    balanced = [one for one in chosen.balanced if task.possible([one])]
    uneven = task.imbalance([STAY, *balanced])
    tests = chosen.copies * len(chosen.tested)
    why = untested(task.conjunction, uneven, task.skewness, tests, chosen.copies, alpha)
    if not why and not task.possible(chosen.tested):
        why = "stimuli"
    tested = [] if why else list(chosen.tested)
    every = list(dict.fromkeys([STAY, *tested, *balanced]))
    counts = Counts(bins, 1 + len(balanced), len(where.names))
    rows = {pattern: row for row, pattern in enumerate([STAY, *balanced])}
    live = ~task.dead
    biggest = float(np.abs(task.d[live]).max(initial=0.0))
    maxima = Maxima(biggest, max(1, len(tested)))
    ends = np.tile([-np.inf, np.inf], (len(every), 1)) if live.any() else np.zeros((len(every), 2))
    for units, slab in task.slabs():
        alive, here = live[units], where.of_unit[units][live[units]]
        values = {pattern: slab.d(pattern)[alive] for pattern in every}
        for row, d in enumerate(values.values()):
            ends[row] = d.max(initial=ends[row, 0]), d.min(initial=ends[row, 1])
        for pattern, row in rows.items():
            counts.add(row, values[pattern], here)
        if tested:
            maxima.add(values[STAY], [values[pattern] for pattern in tested])
    thresholds = maxima.thresholds(alpha, chosen.copies) if tested else (0.0, 0.0)
    return Found(
        name, counts, ends, [len(pattern) for pattern in every], len(task.folds), task.stimuli, uneven, task.skewness,
        why, tests, thresholds, maxima.p(chosen.copies), _passed(task, where, thresholds[1]),
    )  # fmt: skip


def _passed(task: Task, where: Places, threshold: float) -> np.ndarray:
    """Count the units (place, direction) beyond a threshold: more, less, either."""
    d = np.where(task.dead, 0.0, task.d)
    more, less = (where.count(sign * d > threshold) for sign in (1, -1))
    return np.stack([more, less, more + less], axis=-1)
