"""How the artefact is laid out.

empty            the table before anything was found
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import xarray as xr

from deeplocalizer import units

SIDES = ("highest", "lowest")
_UNIT = ("contrast", "best")
_END = (*_UNIT, "side")
_STIMULUS = (*_END, "rank")
_VARIABLES: dict[str, tuple[tuple[str, ...], object, str]] = {
    "extreme": (_STIMULUS, "", "stimulus that drives the unit most, or least"),
    "extreme_category": (_STIMULUS, "", "kind of that stimulus"),
    "response": (_STIMULUS, math.nan, "response of the unit to it, in the units of the activation"),
    "tied": (_END, 0, "number of stimuli to which the unit responds as to the last of these"),
    "share": (_END, math.nan, "share of preferred stimuli among the most extreme ones"),
    "d": (_UNIT, math.nan, "Cohen's d of the unit, in the split that it was chosen in"),
    "auroc": (_UNIT, math.nan, "area under the ROC curve of preferred against other stimuli, of those looked at"),
    "log10_p": (_UNIT, math.nan, "log10 of the p of responding more to preferred stimuli, of those looked at"),
    "mean": ((*_UNIT, "category"), math.nan, "mean response to the stimuli of a category, of those looked at"),
    "compared": (("contrast", "category"), 0, "side of the contrast: 1 preferred, -1 other, 0 not part of it"),
    "unstored": (("contrast",), 0, "number of the units that prefer most whose responses were not stored"),
    "count": (("category",), 0, "number of stimuli that were looked at"),
    "looked_at": ((), 0, "number of stimuli at either end of which the share is told"),
}
_COMMENTS = {
    "share": "stimuli that tie at the border count by their share",
    "log10_p": "one-sided Mann-Whitney test of the groups' mean responses; the largest p of the comparisons of the "
    "contrast; not adjusted for the number of units",
}


def empty(contrasts: xr.Dataset, names: Sequence[str], categories: np.ndarray, best: int, ranks: int) -> xr.Dataset:
    """Lay out a table in which nothing was found.

    Parameters
    ----------
    contrasts : Dataset
        With the coordinates of ``unit``.
    names : sequence of str
        Of the contrasts.
    categories : ndarray of str
    best, ranks : int
        Units of a contrast, and stimuli at either end.

    Returns
    -------
    Dataset
        Strings are empty, numbers 0 or NaN, and ``unit`` and its coordinates -1.
    """
    sizes = {"contrast": len(names), "best": best, "side": len(SIDES), "rank": ranks, "category": len(categories)}
    made = xr.Dataset(
        coords={
            "contrast": np.array(names, dtype=object),
            "best": ("best", np.arange(1, best + 1), {"long_name": "place of the unit among those that prefer most"}),
            "side": ("side", np.array(SIDES, dtype=object), {"long_name": "end of the responses"}),
            "rank": ("rank", np.arange(1, ranks + 1), {"long_name": "place of the stimulus, from the end"}),
            "category": np.array(categories, dtype=object),
        }
    )
    for name, (dims, value, meaning) in _VARIABLES.items():
        kind = {str: object, int: np.int64, float: np.float64}[type(value)]
        attributes = {"long_name": meaning} | ({"comment": _COMMENTS[name]} if name in _COMMENTS else {})
        made[name] = dims, np.full([sizes[dim] for dim in dims], value, dtype=kind), attributes
    absent = np.full((len(names), best), units.ABSENT)
    for name in ("unit", *units.COORDINATES):
        column = contrasts[name]
        attributes = {"long_name": f"{name} of the unit, {units.ABSENT} where there is none"} | column.attrs
        made.coords[name] = _UNIT, absent.astype(column.dtype), attributes
    return made.assign_attrs(units_digest=contrasts.attrs["units_digest"])
