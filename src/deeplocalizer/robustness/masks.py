"""The masks that are run again where something else about a study changes.

fewer            the target masks and the first of their random controls
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer.effects import matched


def fewer(masks: xr.Dataset, controls: int, settings: Mapping[str, Any]) -> xr.Dataset:
    """Take the target masks and the first of the random controls that p-values come from.

    Parameters
    ----------
    masks : Dataset
        As `masks.table` makes it, of one localizer or several.
    controls : int
        How many random controls of each localizer; all, where there are fewer.
    settings : mapping
        ``matching``: ``layer`` (the default) or ``response``.

    Returns
    -------
    Dataset
        In the same order. Random controls are exchangeable, so that the first are as good a draw as any.

    Raises
    ------
    ValueError
        If the number is less than 1, or a localizer has no such control, naming it.
    """
    if controls < 1:
        raise ValueError(f"masks that are run again need 1 random control or more; asked for are {controls}")
    principal = matched(settings)
    role, kind, owner = (masks[name].values.astype(str) for name in ("role", "kind", "localizer"))
    wanted = role == "target"
    for localizer in dict.fromkeys(owner.tolist()):
        random = np.flatnonzero((role == "control") & (kind == principal) & (owner == localizer))
        if not len(random):
            raise ValueError(f"localizer {localizer!r}: the masks have no control of kind {principal!r}")
        wanted[random[:controls]] = True
    return masks.isel(mask=np.flatnonzero(wanted))
