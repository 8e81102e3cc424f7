"""The paired bootstrap as a product of counts with columns of outcomes.

resample         draw groups within strata, with replacement, many times
Resamples        the resamples of a design: ``means`` gives balanced means of any columns
Means            balanced means of the sample, of every resample, and without each group
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from deeplocalizer.inference.designs import Design
from deeplocalizer.inference.pieces import jackknife, pieces

Statistic = Callable[[np.ndarray], np.ndarray]
STREAM = 64  # resamples that share a stream of random numbers: changing it changes every draw
KEPT = 2**27  # bytes of counts that are kept rather than drawn anew
BLOCK = 2**22  # numbers of a block of counts or sums


@dataclass(frozen=True)
class Means:
    """Balanced means of columns, or statistics of them.

    Parameters
    ----------
    observed : ndarray (column,)
    draws : ndarray (resample, column)
    jackknife : ndarray (group, column)
        Without each group in turn.
    home : ndarray of int (group,)
        What each group is resampled with; numbered from 0.
    weight : ndarray (group,) or None
        Of each group in the mean; all alike if it is not given.
    lone : bool
        Whether a label is a single group, of whose scatter nothing is known.
    """

    observed: np.ndarray
    draws: np.ndarray
    jackknife: np.ndarray
    home: np.ndarray
    weight: np.ndarray | None = None
    lone: bool = False

    def of(self, statistic: Statistic) -> Means:
        """Give a statistic of the columns: it takes (…, column) and gives (…) or (…, statistic)."""
        found = [statistic(part) for part in (self.observed[None], self.draws, self.jackknife)]
        observed, draws, without = (one[:, None] if one.ndim == 1 else one for one in found)
        return replace(self, observed=observed[0], draws=draws, jackknife=without)

    def __getitem__(self, columns: slice | np.ndarray | list[int]) -> Means:
        """Take some of the columns."""
        return replace(
            self,
            observed=self.observed[columns],
            draws=self.draws[:, columns],
            jackknife=self.jackknife[:, columns],
        )


@dataclass(frozen=True)
class Resamples:
    """The resamples of a design, as how often each group was drawn.

    Parameters
    ----------
    plan : Design
    number : int
        Of resamples.
    seed : int
        Every 64 resamples have their own stream of random numbers, spawned from it.
    """

    plan: Design
    number: int
    seed: int

    def means(self, columns: np.ndarray) -> Means:
        """Give balanced means of columns.

        Parameters
        ----------
        columns : ndarray (stimulus, column)
            Outcomes, paired: what a stimulus has in one column stays with what it has in the others.

        Returns
        -------
        Means
            The same bit for bit for any number of threads, see `sums.whole`.

        Raises
        ------
        ValueError
            If the columns are not of this design's stimuli, or not finite.
        """
        columns = _checked(columns, len(self.plan.stratum))
        parts = pieces(self.plan, columns)
        observed = np.sum([part.observed for part in parts], axis=0)
        draws = np.zeros((columns.shape[1], self.number))
        for start, counts in self._blocks(columns.shape[1]):
            for part in parts:
                draws[:, start : start + len(counts)] += part.means(counts)
        plan = self.plan
        without = jackknife(plan, columns, observed)
        return Means(observed, draws.T, without, plan.home, plan.weight_of_group, bool(plan.lone.any()))

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each group was drawn, as uint8 (resample, group)."""
        drawn = np.empty((self.number, self.plan.groups), dtype=np.uint8)
        for start in range(0, self.number, STREAM):
            drawn[start : start + STREAM] = self._stream(start)
        return drawn

    def _blocks(self, columns: int) -> Iterator[tuple[int, np.ndarray]]:
        """Give counts as float (resample, group), some resamples at a time."""
        small = self.number * self.plan.groups <= KEPT
        rows = max(1, BLOCK // max(self.plan.groups, columns, 1) // STREAM) * STREAM
        for start in range(0, self.number, rows):
            stop = min(start + rows, self.number)
            if small:
                yield start, self.counts[start:stop].astype(float)
            else:
                yield start, np.concatenate([self._stream(at) for at in range(start, stop, STREAM)]).astype(float)

    def _stream(self, start: int) -> np.ndarray:
        rng = np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=(start // STREAM,)))
        order, first, size = self._places
        drawn = rng.integers(0, size, size=(STREAM, len(size)))
        drawn += first + np.arange(STREAM)[:, None] * len(size)
        times = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        counts = np.empty(times.shape, dtype=np.uint8)  # a group is never drawn 256 times: 1e-500 at most
        counts[:, order] = times
        return counts[: self.number - start]

    @cached_property
    def _places(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Groups in the order of their blocks; where each one's block begins, and how large it is."""
        home = self.plan.home
        size = np.bincount(home)
        first = np.cumsum(size) - size
        order = np.argsort(home, kind="stable")
        return order, first[home[order]], size[home[order]]


def resample(plan: Design, resamples: int, rng: np.random.Generator) -> Resamples:
    """Resample groups within strata, with replacement (Davison & Hinkley 1997, sections 3.2 and 3.8).

    Parameters
    ----------
    plan : Design
    resamples : int
    rng : Generator
        Gives the seed of the resamples, and is not needed afterwards.
    """
    if resamples < 1:
        raise ValueError(f"a bootstrap needs one resample or more; asked for are {resamples}")
    return Resamples(plan, resamples, int(rng.integers(2**63)))


def _checked(columns: np.ndarray, stimuli: int) -> np.ndarray:
    columns = np.asarray(columns, dtype=float)
    if columns.ndim != 2 or len(columns) != stimuli:
        raise ValueError(f"outcomes must be (stimulus, column) of {stimuli} stimuli; given are {columns.shape}")
    wrong = np.flatnonzero(~np.isfinite(columns).all(axis=0))
    if len(wrong):
        where = int(np.flatnonzero(~np.isfinite(columns[:, wrong[0]]))[0])
        raise ValueError(
            f"outcomes must be finite; column {wrong[0]} is {columns[where, wrong[0]]} at stimulus {where}"
        )
    return columns
