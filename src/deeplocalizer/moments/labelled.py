"""Moments as a labelled dataset.

table            moments over (category, split, fold, unit)
localized        those of some categories in the localize split
pool             the moments of some categories, splits and folds taken together
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

import numpy as np
import xarray as xr

from deeplocalizer.moments.cells import Moments


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


def localized(moments: xr.Dataset, categories: Iterable[str]) -> xr.Dataset:
    """Load what was recorded of some categories in the localize split: of millions of units, all of it takes gigabytes.

    Parameters
    ----------
    moments : Dataset
        As `table` makes it; it may be lazy.
    categories : iterable of str

    Returns
    -------
    Dataset
        The same of these categories, in the order in which they were recorded.

    Raises
    ------
    KeyError
        If a category, or the localize split, was not recorded, naming it.
    """
    wanted = list(categories)
    _refuse_absent(moments, "category", wanted)
    _refuse_absent(moments, "split", ["localize"])
    places = np.flatnonzero(np.isin(moments["category"].values.astype(str), wanted))
    return moments.isel(category=places).sel(split=["localize"]).load()


def _refuse_absent(moments: xr.Dataset, dimension: str, wanted: Iterable[object]) -> None:
    recorded = moments[dimension].values.tolist()
    absent = [name for name in wanted if name not in recorded]
    if absent:
        raise KeyError(f"{dimension} {absent[0]!r} was not recorded; recorded are {', '.join(map(str, recorded))}")


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
        _refuse_absent(moments, dimension, wanted or ())
        recorded = moments[dimension].values.tolist()
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
