"""Where units are, by name.

Places           where units are
places           the places of units: layer, call and reduction
reductions       how the outputs of layers became units
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer import units


@dataclass(frozen=True)
class Places:
    """Where units are.

    Parameters
    ----------
    names : tuple of str
        In the order of recording; call and reduction are named only where they tell places apart.
    of_unit : ndarray of int (unit,)
        The place of each unit.
    """

    names: tuple[str, ...]
    of_unit: np.ndarray

    def count(self, members: np.ndarray) -> np.ndarray:
        """Count the units of a mask in each place: bool (..., unit) to int (..., place)."""
        rows = members.reshape(-1, members.shape[-1])
        # of a mask of few among millions, only what it holds is looked at
        found = [np.bincount(self.of_unit[row.astype(bool)], minlength=len(self.names)) for row in rows]
        return np.array(found, dtype=np.int64).reshape(*members.shape[:-1], len(self.names))


def places(dataset: xr.Dataset) -> Places:
    """Find the places of units.

    Parameters
    ----------
    dataset : Dataset
        With the coordinates of ``unit``.
    """
    columns = [dataset[name].values.astype(np.int64) for name in ("layer", "call", "reduction")]
    # one number for each place: to sort millions of triples would take seconds
    sizes = [int(column.max(initial=0)) + 1 for column in columns]
    _, first, of_unit = np.unique(np.ravel_multi_index(columns, sizes), return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    some = dataset[["layer", "call", "reduction"]].isel(unit=first[order])
    layer, reduction, call = units.layer_names(some), units.decode(some["reduction"]), some["call"].values
    names = [
        name + (f"#{number}" if number else "") + (f" ({kind})" if len(set(reduction)) > 1 else "")
        for name, number, kind in zip(layer, call, reduction, strict=True)
    ]
    return Places(tuple(names), rank[of_unit.reshape(-1)])


def reductions(dataset: xr.Dataset) -> tuple[str, ...]:
    """List how the outputs of layers became units, in the order of recording.

    Parameters
    ----------
    dataset : Dataset
        With the coordinates of ``unit``.
    """
    codes, first = np.unique(dataset["reduction"].values, return_index=True)
    return tuple(units.REDUCTIONS[code] for code in codes[np.argsort(first)])
