"""Moments of several cells at once, for responses that are in memory.

Moments          count, mean and sum of squared deviations (m2), by cell and unit
of               the moments of one block of stimuli
merge            add two sets of moments up
empty            the moments of no stimuli
add              add a block of stimuli to moments, in place

Sets are merged by the update of Chan, Golub & LeVeque (1983, The American Statistician 37:242-247).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SLAB = 8192  # units taken to float64 at a time: a block of 64 stimuli then fits a core's cache


@dataclass(frozen=True)
class Moments:
    """Count, mean and sum of squared deviations.

    Parameters
    ----------
    count : ndarray (cell,), int64
    mean, m2 : ndarray (cell, unit), float64
        0 where ``count`` is 0.
    """

    count: np.ndarray
    mean: np.ndarray
    m2: np.ndarray


def of(responses: np.ndarray, cell: np.ndarray, cells: int) -> Moments:
    """Compute the moments of one block of stimuli.

    Parameters
    ----------
    responses : ndarray (stimulus, unit)
    cell : ndarray (stimulus,), int
        The cell of each stimulus.
    cells : int
        Number of cells.

    Notes
    -----
    Deviations are taken from each cell's own mean in the block, in float64: sums of squares of raw values would lose
    the variance of a unit whose mean is large.
    """
    moments = empty(cells, responses.shape[1])
    add(moments, responses, cell)
    return moments


def empty(cells: int, units: int) -> Moments:
    """Give the moments of no stimuli."""
    return Moments(np.zeros(cells, dtype=np.int64), np.zeros((cells, units)), np.zeros((cells, units)))


def add(moments: Moments, responses: np.ndarray, cell: np.ndarray) -> None:
    """Add a block of stimuli to moments, in place.

    Parameters
    ----------
    moments : Moments
        Changed.
    responses : ndarray (stimulus, unit)
    cell : ndarray (stimulus,), int
        The cell of each stimulus.

    Notes
    -----
    The same numbers as `merge` with the moments `of` the block, without anything as large as the block in float64: it
    works on `SLAB` units at a time, and on the cells that the block has.
    """
    members = [(int(c), np.flatnonzero(cell == c)) for c in np.unique(cell)]
    # neighbours are read as a view, which spares a copy
    rows = [(c, slice(m[0], m[-1] + 1) if m[-1] - m[0] == len(m) - 1 else m) for c, m in members]
    counts = [len(m) for _, m in members]
    for start in range(0, responses.shape[1], SLAB):
        slab = slice(start, start + SLAB)
        for (c, chosen), count in zip(rows, counts, strict=True):
            values = responses[chosen, slab].astype(np.float64)
            mean = values.sum(axis=0) / count
            values -= mean
            np.square(values, out=values)
            _merge_row(moments, c, slab, count, mean, values.sum(axis=0))
    for (c, _), count in zip(rows, counts, strict=True):
        moments.count[c] += count


def _merge_row(moments: Moments, cell: int, slab: slice, count: int, mean: np.ndarray, m2: np.ndarray) -> None:
    """Merge the moments of some stimuli of one cell into some of its units."""
    before = int(moments.count[cell])
    weight = count / (before + count)
    delta = np.subtract(mean, moments.mean[cell, slab], out=mean)
    moments.m2[cell, slab] += m2
    moments.m2[cell, slab] += np.square(delta) * (before * weight)
    delta *= weight
    moments.mean[cell, slab] += delta


def merge(first: Moments, second: Moments) -> Moments:
    """Add two sets of moments of the same cells and units up."""
    count = first.count + second.count
    weight = (second.count / np.maximum(count, 1))[:, None]
    delta = second.mean - first.mean
    mean = first.mean + delta * weight
    m2 = first.m2 + second.m2 + np.square(delta) * (first.count[:, None] * weight)
    return Moments(count, mean, m2)
