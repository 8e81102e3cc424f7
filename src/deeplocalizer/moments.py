"""Mergeable statistics of responses: count, mean and sum of squared deviations (m2).

Moments          the three, by cell and unit
of               the moments of one block of stimuli
merge            add two sets of moments up
table            moments as a labelled dataset over (category, split, fold, unit)
pool             the moments of some categories, splits and folds taken together

A cell is one combination of category, split and fold. Blocks are merged pairwise in a fixed order by the update of
Chan, Golub & LeVeque (1983, The American Statistician 37:242-247), so shards add up to the same numbers as one run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr


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
    values = responses.astype(np.float64)
    count = np.bincount(cell, minlength=cells)
    member = np.zeros((cells, len(cell)))
    member[cell, np.arange(len(cell))] = 1
    mean = member @ values / np.maximum(count, 1)[:, None]
    m2 = member @ np.square(values - mean[cell])
    return Moments(count, mean, m2)


def merge(first: Moments, second: Moments) -> Moments:
    """Add two sets of moments of the same cells and units up."""
    count = first.count + second.count
    weight = (second.count / np.maximum(count, 1))[:, None]
    delta = second.mean - first.mean
    mean = first.mean + delta * weight
    m2 = first.m2 + second.m2 + np.square(delta) * first.count[:, None] * weight
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
    for dimension, wanted in (("category", categories), ("split", splits), ("fold", folds or ())):
        absent = [name for name in wanted if name not in moments[dimension].values]
        if absent:
            recorded = ", ".join(map(str, moments[dimension].values))
            raise KeyError(f"{dimension} {absent[0]!r} was not recorded; recorded are {recorded}")
    chosen = moments.sel(category=list(categories), split=list(splits))
    chosen = chosen if folds is None else chosen.sel(fold=list(folds))
    cells = ["category", "split", "fold"]
    count = chosen["count"].sum(cells)
    mean = (chosen["count"] * chosen["mean"]).sum(cells) / count.clip(min=1)
    m2 = (chosen["m2"] + chosen["count"] * (chosen["mean"] - mean) ** 2).sum(cells)
    return xr.Dataset({"count": count, "mean": mean, "m2": m2}, attrs=moments.attrs)
