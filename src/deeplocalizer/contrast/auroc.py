"""What needs the responses themselves: the area under the ROC curve and the mean size of every unit's response.

streamed         AUROC and mean |response| (contrast, unit) of contrasts, from the localize split, by slabs of units
of               the AUROC alone

The area is the share of pairs of stimuli, a preferred and another one, in which the preferred one drives the unit
more; a tie counts half. Neither is there for units of which only moments were recorded.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import ranks, units
from deeplocalizer.contrast.groups import LOCALIZE, plan
from deeplocalizer.store.large import STIMULI, UNITS

SLAB = 1 << 26  # bytes of responses that are held at once

Group = tuple[str, ...]  # categories whose stimuli are pooled
Comparison = dict[tuple[Group, Group], float]  # the weight of each pair of a preferred and another group
_ATTRIBUTES = {
    "long_name": "area under the ROC curve of preferred against other stimuli",
    "comment": "midranks for ties; weighted categories: the mean over pairs of categories by their weights; "
    "conjunction: the pair nearest to 0.5 where all pairs are on one side of it, else 0.5",
}


def of(activations: xr.Dataset, contrasts: Mapping[str, Mapping[str, Any]]) -> xr.DataArray:
    """Give the area under the ROC curve (contrast, unit) alone; see `streamed`."""
    return streamed(activations, contrasts)["auroc"]


def streamed(activations: xr.Dataset, contrasts: Mapping[str, Mapping[str, Any]]) -> xr.Dataset:
    r"""Give what needs the responses of every unit for some contrasts, on the localize split, in one pass.

    Parameters
    ----------
    activations : Dataset
        ``activation`` (stimulus, unit), float32 or float64, with the coordinates ``category`` and ``split`` on
        stimulus, as `store.lazy` gives it: only some units are loaded at a time.
    contrasts : mapping
        By name: ``preferred`` and ``other``, lists of categories or weights by category, and ``each``, a boolean; see
        `groups.plan`.

    Returns
    -------
    Dataset
        ``auroc`` and ``magnitude`` (contrast, unit), float64, with the units' coordinates. Magnitude is the mean
        \\|response\\| to the stimuli of a contrast's categories, each stimulus once. For the area under the curve
        the stimuli of a list are pooled (see `ranks.auroc`). Weighted categories give the mean of the areas of all
        pairs, by the product of their normalised weights: the chance that a preferred stimulus wins, if categories are
        drawn by their weights. With ``each``, no category is pooled: where a unit is on one side of 0.5 for all pairs
        of a preferred with an other category, the area that is nearest to 0.5; elsewhere 0.5.

    Raises
    ------
    KeyError
        If a category was not recorded, naming it and those that were.
    ValueError
        If a contrast cannot be planned, or a category of it has no stimulus in the localize split, naming the
        contrast; or if a response is NaN, naming the stimulus and the unit.

    Notes
    -----
    At most `SLAB` bytes of responses are held at once, or one unit's if those are more, and a copy of them; beside
    them one row of chunks of the file, and what `ranks.auroc` takes.
    """
    category, split = (activations[name].values.astype(str) for name in ("category", "split"))
    here = split == LOCALIZE
    plans = {name: _comparisons(name, sides) for name, sides in contrasts.items()}
    for name, comparisons in plans.items():
        _check(name, comparisons, category, here)
    wanted = {one for comparisons in plans.values() for one in _categories(comparisons)}
    rows = np.flatnonzero(here & np.isin(category, sorted(wanted)))
    areas, magnitudes = (np.empty((len(plans), activations.sizes["unit"])) for _ in range(2))
    for columns in _slabs(activations["activation"], len(rows)):
        responses = _read(activations, rows, columns)
        # contrasts may share pairs
        known = {
            pair: _area(responses, category[rows], *pair)
            for pair in dict.fromkeys(pair for comparisons in plans.values() for one in comparisons for pair in one)
        }
        for row, comparisons in enumerate(plans.values()):
            means = [_mean([known[pair] for pair in one], list(one.values())) for one in comparisons]
            areas[row, columns] = _nearest(np.stack(means)) if len(means) > 1 else means[0]
        sums = {name: _sizes(responses, category[rows] == name) for name in wanted}
        for row, comparisons in enumerate(plans.values()):
            entering = sorted(_categories(comparisons))
            magnitudes[row, columns] = sum(sums[name] for name in entering) / np.isin(category[rows], entering).sum()
    coordinates = {name: column for name, column in activations.coords.items() if column.dims == ("unit",)}
    known_as = {"contrast": list(contrasts), **coordinates}
    return xr.Dataset(
        {
            "auroc": (("contrast", "unit"), areas, _ATTRIBUTES),
            "magnitude": (
                ("contrast", "unit"),
                magnitudes,
                {"long_name": "mean |response| over the stimuli of the contrast"},
            ),
        },
        known_as,
    )


def _comparisons(name: str, sides: Mapping[str, Any]) -> list[Comparison]:
    """Give the comparisons of a contrast, each as its pairs with their weights."""
    try:
        planned = plan(sides)
    except ValueError as error:
        raise ValueError(f"contrast {name!r}: {error}") from error
    found = []
    for groups in planned:
        preferred, other = ([(abs(w), group) for w, group in groups if (w > 0) is side] for side in (True, False))
        found.append({(one, two): first * second for first, one in preferred for second, two in other})
    return found


def _categories(comparisons: Sequence[Comparison]) -> set[str]:
    """Name the categories that comparisons have."""
    return {name for one in comparisons for pair in one for side in pair for name in side}


def _check(contrast: str, comparisons: Sequence[Comparison], category: np.ndarray, here: np.ndarray) -> None:
    """Refuse a contrast that these stimuli cannot give."""
    recorded = np.unique(category).tolist()
    for name in sorted(_categories(comparisons)):
        if name not in recorded:
            raise KeyError(f"category {name!r} was not recorded; recorded are {', '.join(recorded)}")
        if not np.any(category[here] == name):
            raise ValueError(f"contrast {contrast!r}: category {name!r} has no stimulus in the {LOCALIZE} split")


def _slabs(activation: xr.DataArray, stimuli: int) -> Iterator[slice]:
    """Cut the units into slabs of at most `SLAB` bytes; along the chunks of the file where one fits."""
    width = max(1, SLAB // max(1, stimuli * activation.dtype.itemsize))
    chunk = _chunks(activation)[1]
    if width > chunk:
        width -= width % chunk
    for start in range(0, activation.sizes["unit"], width):
        yield slice(start, min(start + width, activation.sizes["unit"]))


def _read(activations: xr.Dataset, rows: np.ndarray, columns: slice) -> np.ndarray:
    """Read some stimuli (ascending) of some units, one row of chunks at a time."""
    activation = activations["activation"].transpose("stimulus", "unit")
    values = np.empty((len(rows), columns.stop - columns.start), dtype=activation.dtype)
    edges = np.flatnonzero(np.diff(rows // _chunks(activation)[0])) + 1
    for part in np.split(np.arange(len(rows)), edges):
        if len(part):
            first, last = int(rows[part[0]]), int(rows[part[-1]])
            values[part[0] : part[-1] + 1] = activation[first : last + 1, columns].values[rows[part] - first]
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        stimulus = activations["stimulus"].values[rows[row]]
        unit = units.label(activations.isel(unit=[columns.start + int(column)]))[0]
        raise ValueError(f"the response of unit {unit} to stimulus {stimulus} is NaN; expected a number")
    return values


def _chunks(activation: xr.DataArray) -> tuple[int, int]:
    """Give how many stimuli and units lie together in the file."""
    rows, columns = activation.encoding.get("chunksizes") or (STIMULI, UNITS)
    return int(rows), int(columns)


def _sizes(responses: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Add up |response| (unit,) over some stimuli."""
    return np.asarray(np.abs(responses[chosen]).sum(axis=0, dtype=np.float64))


def _area(responses: np.ndarray, category: np.ndarray, preferred: Group, other: Group) -> np.ndarray:
    """Give the areas (unit,) of two groups of categories."""
    is_preferred, is_other = (np.isin(category, group) for group in (preferred, other))
    rows = is_preferred | is_other
    return ranks.auroc(responses if rows.all() else responses[rows], is_preferred[rows])


def _mean(areas: list[np.ndarray], weights: list[float]) -> np.ndarray:
    """Average areas (unit,) by their weights."""
    return areas[0] if len(areas) == 1 else np.average(areas, axis=0, weights=weights)


def _nearest(areas: np.ndarray) -> np.ndarray:
    """Give of areas (comparison, unit) the one nearest to 0.5, and 0.5 where they are not all on one side of it."""
    least, most = areas.min(axis=0), areas.max(axis=0)
    return np.where(least > 0.5, least, np.where(most < 0.5, most, 0.5))
