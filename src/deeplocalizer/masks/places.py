"""Where units lie, and which of them a mask may hold.

eligible_units   the units that a mask may hold
stratum          a number for each place: layer, call and reduction
layer_label      the name of the layer of a unit, and its call
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from deeplocalizer import units


def eligible_units(contrast: xr.Dataset) -> np.ndarray:
    """Say which units a mask may hold, as bool (unit,).

    Those that are not dead, and of a channel that was recorded under several reductions the first: to silence it is to
    silence all of them, so a mask must not count it twice. A constant unit that is not dead tells the categories apart
    perfectly: it is eligible.
    """
    _, first, index = np.unique(_code(contrast, ("layer", "call")), return_index=True, return_inverse=True)
    reduction = contrast["reduction"].values
    return np.asarray(~contrast["dead"].values.astype(bool) & (reduction == reduction[first][index]))


def stratum(dataset: xr.Dataset) -> np.ndarray:
    """Number the places that controls are matched in: layer, call and reduction, as int (unit,)."""
    return np.unique(_code(dataset, ("layer", "call", "reduction")), return_inverse=True)[1]


def layer_label(dataset: xr.Dataset, unit: int) -> str:
    """Name the layer of the unit at a position: ``conv1``, or ``conv1#1`` at its second call."""
    one = dataset.isel(unit=[unit])
    name, call = str(units.layer_names(one)[0]), int(one["call"].values[0])
    return name if call == 0 else f"{name}#{call}"


def _code(dataset: xr.Dataset, names: Sequence[str]) -> np.ndarray:
    """Give every combination of some coordinates a number of its own, in the order of the combinations."""
    code = np.zeros(dataset.sizes["unit"], dtype=np.int64)
    for name in names:
        column = dataset[name].values.astype(np.int64)
        code = code * (int(column.max(initial=0)) + 1) + column
    return code
