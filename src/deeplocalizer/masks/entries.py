"""Masks before they are laid out as a table.

MEANING          what their coordinates mean
Entry            one mask, packed, and what is known of it
lay_out          entries as a labelled dataset
imbalance        how much more a mask's units respond than another's
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer.masks.drawing import unpack

_TEXT = ("mask", "localizer", "contrast", "rule", "role", "kind")
MEANING = {
    "mask": "what made the mask",
    "localizer": "localizer that the mask belongs to",
    "contrast": "contrast of the localizer",
    "rule": "rule of the localizer",
    "fraction": "share of the eligible units, as asked for or as it comes to",
    "role": "target of a localizer, or control of one",
    "kind": "how the units were chosen",
    "seed": "seed of the study, from which random masks derive",
    "units": "number of units in the mask",
    "true_share": "lower bound on the share of the units that truly prefer; not a number for controls",
    "true_share_least": "lower bound on the share of the units that truly prefer by more than the minimum effect; "
    "not a number for controls, or where that was not tested",
    "imbalance": "standardised difference of the mean |response| (magnitude of the contrast), target minus mask; not a "
    "number where unknown",
    "series": "what is varied: fraction, keep (the mask holds the units that are kept) or layer",
    "level": "fraction or layer",
    "dose": "share of the eligible units in the mask",
}


@dataclass(frozen=True)
class Entry:
    """One mask and what is known of it.

    Parameters
    ----------
    packed : ndarray of uint8
        Eight units to a byte: hundreds of masks of a million units are held this way before they are laid out.
    about : mapping
        The values of its coordinates.
    """

    packed: np.ndarray
    about: Mapping[str, Any]


def lay_out(entries: Sequence[Entry], contrasts: xr.Dataset, columns: Mapping[str, type]) -> xr.Dataset:
    """Lay masks out as a labelled dataset.

    Parameters
    ----------
    entries : sequence of Entry
        May be empty.
    contrasts : Dataset
        Gives the coordinates of ``unit`` and the attributes.
    columns : mapping
        Name and type of the coordinates on ``mask``.

    Returns
    -------
    Dataset
        ``selected`` (mask, unit), and the columns on ``mask``.
    """
    count = contrasts.sizes["unit"]
    masks = np.empty((len(entries), count), dtype=bool)
    for row, entry in zip(masks, entries, strict=True):
        row[:] = unpack(entry.packed, count)
    coordinates: dict[str, Any] = {
        name: ("mask", np.array([entry.about[name] for entry in entries], dtype=kind), {"long_name": MEANING[name]})
        for name, kind in columns.items()
    }
    return xr.Dataset(
        {"selected": (("mask", "unit"), masks, {"long_name": "the mask holds the unit"})},
        coords={**coordinates, **{k: v for k, v in contrasts.coords.items() if v.dims == ("unit",)}},
        attrs=contrasts.attrs,
    )


def imbalance(target: np.ndarray, mask: np.ndarray, response: np.ndarray) -> float:
    """Compare how strongly the units of two masks respond, by the standardised difference.

    Parameters
    ----------
    target, mask : ndarray of bool (unit,)
    response : ndarray (unit,)

    Returns
    -------
    float
        Difference of the means (target minus mask) over the root of the mean of the two variances (Austin 2009, Stat
        Med 28:3083-3107, section 2; variances by n, so that one unit has one); 0 if the means are equal, infinite if
        they differ and neither varies.
    """
    first, second = response[target], response[mask]
    difference = float(first.mean() - second.mean())
    spread = float(np.sqrt((first.var() + second.var()) / 2))
    if difference == 0:
        return 0.0
    return difference / spread if spread > 0 else float(np.copysign(np.inf, difference))
