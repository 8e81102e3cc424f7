"""Mergeable statistics of responses: count, mean and sum of squared deviations (m2).

Moments          the three, by cell and unit
of               the moments of one block of stimuli
merge            add two sets of moments up
empty            the moments of no stimuli
add              add a block of stimuli to moments, in place
table            moments as a labelled dataset over (category, split, fold, unit)
pool             the moments of some categories, splits and folds taken together

A cell is one combination of category, split and fold. Blocks are merged pairwise in a fixed order by the update of
Chan, Golub & LeVeque (1983, The American Statistician 37:242-247), so shards add up to the same numbers as one run.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

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


def table(
    moments: Moments, units: xr.Dataset, categories: Sequence[str], splits: Sequence[str], folds: int
) -> xr.Dataset:
    """Lay moments out as a labelled dataset.

    Parameters
    ----------
    moments : Moments
        Of the cells of (category, split, fold) in C order.
    units : Dataset
        As `units.table` makes it.
    categories, splits : sequence of str
    folds : int

    Returns
    -------
    Dataset
        ``count`` (category, split, fold), ``mean`` and ``m2`` (category, split, fold, unit).
    """
    cells = ("category", "split", "fold")
    shape = (len(categories), len(splits), folds)
    return xr.Dataset(
        {
            "count": (
                cells,
                moments.count.reshape(shape).astype(np.int32),
                {"long_name": "number of stimuli"},
            ),
            "mean": ((*cells, "unit"), moments.mean.reshape(*shape, -1), {"long_name": "mean response"}),
            "m2": (
                (*cells, "unit"),
                moments.m2.reshape(*shape, -1),
                {"long_name": "sum of squared deviations from the mean"},
            ),
        },
        coords={
            "category": list(categories),
            "split": list(splits),
            "fold": np.arange(folds, dtype=np.int8),
            **units.coords,
        },
        attrs=units.attrs,
    )


def pool(
    moments: xr.Dataset, categories: Sequence[str], splits: Sequence[str], folds: Sequence[int] | None = None
) -> xr.Dataset:
    """Take the stimuli of some cells together.

    Parameters
    ----------
    moments : Dataset
        As `table` makes it.
    categories, splits : sequence of str
    folds : sequence of int, optional
        All by default.

    Returns
    -------
    Dataset
        ``count`` (a scalar), ``mean`` and ``m2`` (unit,).

    Raises
    ------
    KeyError
        If a category, split or fold was not recorded, naming it.
    """
    dimensions = ("category", "split", "fold")
    places = []
    for dimension, wanted in zip(dimensions, (categories, splits, folds), strict=True):
        recorded = moments[dimension].values.tolist()
        absent = [name for name in wanted or () if name not in recorded]
        if absent:
            raise KeyError(f"{dimension} {absent[0]!r} was not recorded; recorded are {', '.join(map(str, recorded))}")
        places.append([i for i, name in enumerate(recorded) if wanted is None or name in wanted])
    counts, means, m2s = (moments[name].transpose(*dimensions, ...).values for name in ("count", "mean", "m2"))
    # cell by cell: all that is wanted, side by side, may not fit in memory once more
    filled = [cell for cell in itertools.product(*places) if counts[cell] > 0]
    count = sum(int(counts[cell]) for cell in filled)
    mean, m2 = np.zeros(moments.sizes["unit"]), np.zeros(moments.sizes["unit"])
    for cell in filled:
        mean += means[cell] * (int(counts[cell]) / count)
    for cell in filled:
        delta = means[cell] - mean
        m2 += m2s[cell] + np.square(delta, out=delta) * int(counts[cell])
    return xr.Dataset(
        {"count": ((), count), "mean": ("unit", mean), "m2": ("unit", m2)},
        coords={name: variable for name, variable in moments.coords.items() if variable.dims == ("unit",)},
        attrs=moments.attrs,
    )
