"""Mean maps: the mean response at every position of a layer, over the localize split.

mean_maps        record them in memory
unit_sites       the sites that units are of
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import recording
from deeplocalizer.hooks import Place, Site
from deeplocalizer.intervention import grouped


def mean_maps(
    model: nn.Module,
    layers: Mapping[str, Place] | Sequence[str],
    inputs: xr.Dataset,
    categories: Collection[str],
    batch_size: int,
    device: torch.device,
    sites: Collection[Site] | None = None,
) -> xr.Dataset:
    """Record the mean response at every position, over the localize split, in memory.

    Parameters
    ----------
    model : Module
        In evaluation mode, on the device.
    layers : mapping of Module or Operation, or sequence of str
        Those that have units.
    inputs : Dataset
        As `inputs.prepare` makes it; the pixels may be lazy.
    categories : collection of str
        All that a mean is taken of, or more.
    batch_size : int
    device : device
    sites : collection of Site, optional
        As `unit_sites` gives them: only these are recorded, and each of those that give the same output. All outputs
        of the layers by default, and of those that are the same the first.

    Returns
    -------
    Dataset
        As `moments.table` makes it: position units, one split and one fold.

    Raises
    ------
    ValueError
        If a category has no stimulus in the localize split, naming it.
    """
    some = _localizing(inputs, categories)
    return recording.record(model, layers, some, ["position"], batch_size, device, sites=sites)[1]


def unit_sites(table: xr.Dataset) -> list[Site]:
    """Give the sites that units are of, which maps are needed of.

    Parameters
    ----------
    table : Dataset
        With the coordinates of ``unit``.

    Returns
    -------
    list of Site
        In no particular order, each once.
    """
    return list(dict.fromkeys(site for site, _, _ in grouped(table, np.arange(table.sizes["unit"]))))


def _localizing(inputs: xr.Dataset, categories: Collection[str]) -> xr.Dataset:
    """Take some categories of the localize split, all of one fold: maps need no halves."""
    category, split = (inputs[name].values.astype(str) for name in ("category", "split"))
    local = split == "localize"
    for name in categories:
        if not (local & (category == name)).any():
            raise ValueError(f"category {name!r} has no stimulus in the split 'localize' to take mean maps of")
    some = inputs.isel(stimulus=np.flatnonzero(local & np.isin(category, list(categories))))
    return some.assign_coords(fold=("stimulus", np.zeros(some.sizes["stimulus"], dtype=np.int8)))
