"""What the localizers select, and what their masks have in common.

targets          the target masks
selection        by localizer and place: how many units a target mask holds
overlap          how many units target masks share
dice             the same as Dice coefficients
control_overlap  how many units of a target mask its random controls hold
controls         how many controls of each kind a localizer has
true_shares      at least which share of a target mask's units prefers
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import xarray as xr

from deeplocalizer.summaries.places import places


def targets(masks: xr.Dataset) -> xr.Dataset:
    """Take the target masks, one for each localizer, named by it."""
    chosen = masks.isel(mask=np.flatnonzero(masks["role"].values.astype(str) == "target"))
    return chosen.assign_coords(mask=chosen["localizer"].values.astype(str))


def selection(masks: xr.Dataset) -> xr.Dataset:
    """Summarise target masks by place.

    Parameters
    ----------
    masks : Dataset
        As `masks.table` makes it.

    Returns
    -------
    Dataset
        ``selected`` (localizer, place) and ``units`` (place), in units.
    """
    where = places(masks)
    chosen = targets(masks)
    everything = np.ones(masks.sizes["unit"], dtype=bool)
    return xr.Dataset(
        {
            "selected": (("localizer", "place"), where.count(chosen["selected"].values)),
            "units": ("place", where.count(everything)),
        },
        coords={"localizer": chosen["mask"].values, "place": list(where.names)},
    )


def overlap(masks: xr.Dataset) -> xr.DataArray:
    """Count the units that target masks share, (localizer, other); on the diagonal, all of a mask."""
    chosen = targets(masks)
    held = chosen["selected"].values.astype(int)
    names = chosen["mask"].values
    coordinates = {"localizer": names, "other": names}
    return xr.DataArray(held @ held.T, dims=("localizer", "other"), coords=coordinates)


def dice(masks: xr.Dataset) -> xr.DataArray:
    """Give the Dice coefficient of every two target masks, (localizer, other): twice what they share over both sizes.

    Dice (1945, Ecology 26:297-302).
    """
    shared = overlap(masks)
    size = shared.values.diagonal()
    both = np.add.outer(size, size)
    return shared.copy(data=np.divide(2 * shared.values, both, out=np.zeros(both.shape), where=both > 0))


def control_overlap(masks: xr.Dataset, kind: str = "random") -> xr.DataArray:
    """Average over random controls of one kind the share of the target mask's units that they hold, (localizer,)."""
    role, owner, of = (masks[name].values.astype(str) for name in ("role", "localizer", "kind"))
    chosen = targets(masks)
    shares = []
    for name, held in zip(chosen["mask"].values, chosen["selected"].values, strict=True):
        drawn = masks["selected"].values[(role == "control") & (of == kind) & (owner == name)]
        shares.append(float(drawn[:, held].mean()) if drawn.size else float("nan"))
    return xr.DataArray(shares, dims="localizer", coords={"localizer": chosen["mask"].values})


def controls(masks: xr.Dataset, localizer: str) -> dict[str, int]:
    """Count the control masks of a localizer by their kind, in the order of the masks."""
    members = (masks["role"].values.astype(str) == "control") & (masks["localizer"].values.astype(str) == localizer)
    return dict(Counter(masks["kind"].values.astype(str)[members].tolist()))


def true_shares(masks: xr.Dataset) -> dict[str, float]:
    """Give the lower bound on the share of truly selective units of each target mask that has one, by localizer."""
    if "true_share" not in masks:
        return {}
    chosen = targets(masks)
    bounds = zip(chosen["mask"].values.tolist(), chosen["true_share"].values.tolist(), strict=True)
    return {name: float(bound) for name, bound in bounds if np.isfinite(bound)}
