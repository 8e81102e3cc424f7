"""How many units of a mask truly prefer, at least.

bounded          masks with lower bounds on the shares of their units that truly prefer
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer import multiplicity, tails, units
from deeplocalizer.masks.entries import MEANING
from deeplocalizer.masks.places import eligible_units
from deeplocalizer.masks.scores import BESIDE

SHARES = ("true_share", "true_share_least")


def bounded(
    masks: xr.Dataset, contrasts: xr.Dataset, localizers: Mapping[str, Mapping[str, Any]], alpha: float
) -> xr.Dataset:
    """Bound the shares of the units of target masks that truly prefer, from below, with confidence 1 - alpha.

    Parameters
    ----------
    masks : Dataset
        As `table` or `series` makes it. Not changed.
    contrasts : Dataset
        As `contrast.welch` makes it, of the same units.
    localizers : mapping
        By name: ``contrast`` and ``sign``.
    alpha : float
        Level of each bound.

    Returns
    -------
    Dataset
        With ``true_share`` on mask and, of the units that prefer by more than the least effect, ``true_share_least``,
        by `multiplicity.ClosedSimes` over all eligible units, one-sided where the localizer is; not a number for
        controls, or where the contrast lacks that test.

    Raises
    ------
    UnitsMismatchError
        If the contrasts are of other units.
    """
    units.align(masks, contrasts)
    owner, kind = (masks[name].values.astype(str) for name in ("localizer", "kind"))
    shares = {name: np.full(masks.sizes["mask"], np.nan) for name in SHARES}
    for localizer in dict.fromkeys(owner[kind == "localizer"].tolist()):
        sign = localizers[localizer]["sign"]
        contrast = contrasts.sel(contrast=localizers[localizer]["contrast"])
        eligible = eligible_units(contrast)
        tests = zip(shares, (_preferring(contrast, sign), _preferring_by_more(contrast, sign)), strict=True)
        for name, log10_p in tests:
            if log10_p is None:
                continue
            closed = multiplicity.ClosedSimes(log10_p[eligible], alpha)
            for row in np.flatnonzero((owner == localizer) & (kind == "localizer")):
                selected = masks["selected"].values[row]
                shares[name][row] = closed.among(selected[eligible]) / int(selected.sum())
    columns = {name: ("mask", values, {"long_name": MEANING[name]}) for name, values in shares.items()}
    return masks.assign_coords(columns)


def _preferring(contrast: xr.Dataset, sign: str) -> np.ndarray:
    """Give log10 p (unit,) of no preference, on the side of a localizer."""
    if sign == "negative":
        return tails.log10_greater(-contrast["t"].values, contrast["df"].values)
    return np.asarray(contrast["log10_p" if sign == "absolute" else "log10_p_greater"].values)


def _preferring_by_more(contrast: xr.Dataset, sign: str) -> np.ndarray | None:
    """Give log10 p (unit,) of a preference of the least effect or less, if it was tested."""
    name = "log10_p_least" + BESIDE[sign]
    return np.asarray(contrast[name].values) if name in contrast else None
