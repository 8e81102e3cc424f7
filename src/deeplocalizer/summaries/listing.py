"""Units, one by one.

unit_names       a short name for each unit, or for some of them
unit_table       units with their contrasts and masks, as a frame
to_be_listed     the units that a table of all units lists
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer import units
from deeplocalizer.summaries.preferences import highest
from deeplocalizer.summaries.selection import targets

MOST_POSITIONS = 10_000  # position units of a contrast that are listed although no mask holds them
_CONTRAST_COLUMNS = (
    "difference", "t", "df", "log10_p", "log10_p_greater", "log10_q", "log10_q_greater", "log10_q_less",
    "d", "g", "dprime", "auroc", "selectivity_index",
    "log10_p_least", "log10_q_least", "log10_q_least_greater", "log10_q_least_less", "magnitude", "dead", "constant",
)  # fmt: skip


def unit_names(dataset: xr.Dataset, members: np.ndarray | slice = slice(None)) -> np.ndarray:
    """Name units briefly, with their reduction where units are recorded under several.

    Parameters
    ----------
    dataset : Dataset
        With the coordinates of ``unit``.
    members : ndarray of int or slice
        Positions of the units to be named.

    Returns
    -------
    ndarray of str
    """
    some = dataset[[*units.COORDINATES]].isel(unit=members)
    names = units.label(some)
    if len(np.unique(dataset["reduction"].values)) == 1:
        return names
    reductions = units.decode(some["reduction"])
    return np.array([f"{name} ({reduction})" for name, reduction in zip(names, reductions, strict=True)])


def unit_table(
    contrasts: xr.Dataset, masks: xr.Dataset, members: Mapping[str, np.ndarray] | None = None
) -> pd.DataFrame:
    """List units under every contrast.

    Parameters
    ----------
    contrasts, masks : Dataset
        Of the same units.
    members : mapping of ndarray of int, optional
        By contrast, the positions of the units to be listed; without it, all are.

    Returns
    -------
    DataFrame
        A row for each contrast and unit; ``selected_by`` names the localizers whose mask holds the unit.
    """
    units.align(contrasts, masks)
    chosen = targets(masks)
    everything = np.arange(contrasts.sizes["unit"])
    parts = []
    for name in contrasts["contrast"].values.astype(str):
        rows = everything if members is None else members[name]
        parts.append(_units(contrasts, chosen, str(name), rows))
    return pd.concat(parts, ignore_index=True)


def to_be_listed(contrasts: xr.Dataset, masks: xr.Dataset, most: int = MOST_POSITIONS) -> dict[str, np.ndarray]:
    """Choose the units that a table of all units lists: all, but of very many positions only those that matter.

    Parameters
    ----------
    contrasts, masks : Dataset
        Of the same units.
    most : int
        How many position units are listed although no mask holds them.

    Returns
    -------
    dict of ndarray of int
        By contrast, the positions of all channel units, of every unit that a target mask holds, and of the position
        units with the largest absolute ``d``, so many at most; in the order of the units.
    """
    many = contrasts["reduction"].values == units.REDUCTIONS.index("position")
    held = targets(masks)["selected"].values.any(axis=0)
    found = {}
    for name in contrasts["contrast"].values.astype(str):
        size = np.abs(contrasts["d"].sel(contrast=name).values)
        best = highest(size, most, np.flatnonzero(many & ~held))
        listed = held | ~many
        listed[best] = True
        found[str(name)] = np.flatnonzero(listed)
    return found


def _units(contrasts: xr.Dataset, chosen: xr.Dataset, contrast: str, rows: np.ndarray) -> pd.DataFrame:
    """List some units under one contrast; ``chosen`` are the target masks."""
    one = contrasts.sel(contrast=contrast).isel(unit=rows)
    names, held = chosen["mask"].values, chosen["selected"].values[:, rows]
    holders = [" ".join(names[members]) for members in held.T]
    return pd.DataFrame(
        {
            "contrast": contrast,
            "unit": one["unit"].values,
            "name": unit_names(contrasts, rows),
            "layer": units.layer_names(one),
            **{column: one[column].values for column in ("call", "channel", "y", "x", "token")},
            "reduction": units.decode(one["reduction"]),
            **{column: one[column].values for column in _CONTRAST_COLUMNS if column in one},
            "selected_by": np.array(holders, dtype=object),
        }
    )
