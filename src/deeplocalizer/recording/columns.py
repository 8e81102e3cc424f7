"""Which columns the units of each site have, in the table of all units and among the responses.

Columns          where the responses of one reduction of one site go
Book             the columns of all sites, and which units are kept
book             lay them out
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer import units
from deeplocalizer.hooks import Site


@dataclass(frozen=True)
class Columns:
    """Where the responses of one reduction of one site go.

    Parameters
    ----------
    reduction : str
    units : slice
        In the table of all units.
    buffer : slice, optional
        Among the buffered responses; None where only moments are wanted.
    """

    reduction: str
    units: slice
    buffer: slice | None


@dataclass(frozen=True, eq=False)
class Book:
    """The columns of all sites, and which units are kept.

    Parameters
    ----------
    layers : sequence of Layer
    table : Dataset
        As `units.table` makes it: all units.
    columns : dict
        For each site its reductions.
    buffered : ndarray of int
        The units whose responses are held for a whole pass, in order: all but position units that are not kept.
    kept : ndarray of int
        The units whose responses are stored.
    """

    layers: Sequence[units.Layer]
    table: xr.Dataset
    columns: dict[Site, list[Columns]]
    buffered: np.ndarray
    kept: np.ndarray

    @property
    def turned(self) -> set[Site]:
        """The sites whose places give their axes in another order."""
        return {Site(layer.name, layer.call) for layer in self.layers if layer.turned}

    @property
    def kept_table(self) -> xr.Dataset:
        """The coordinates of the units that are kept, with a digest of their own."""
        where = self.table if len(self.kept) == self.table.sizes["unit"] else self.table.isel(unit=self.kept)
        return where.assign_attrs(units_digest=units.digest(where))


def book(layers: Sequence[units.Layer], reductions: Sequence[str], keep: Sequence[str] | None = None) -> Book:
    """Lay out the columns of some layers.

    Parameters
    ----------
    layers : sequence of Layer
    reductions : sequence of str
    keep : sequence of str, optional
        The reductions whose responses are stored, rather than only their moments; all but ``position`` by default.

    Raises
    ------
    ValueError
        If a reduction is to be kept that is not recorded.
    """
    wanted = [name for name in reductions if name != "position"] if keep is None else list(keep)
    for name in wanted:
        if name not in reductions:
            raise ValueError(f"responses of {name!r} cannot be stored: recorded are {', '.join(reductions)}")
    columns: dict[Site, list[Columns]] = {}
    buffered: list[np.ndarray] = []
    kept: list[np.ndarray] = []
    start = place = 0
    for layer in layers:
        here = columns.setdefault(Site(layer.name, layer.call), [])
        for reduction in units.distinct(layer, reductions):
            count = math.prod(layer.shape) if reduction == "position" else layer.channels
            numbers = np.arange(start, start + count)
            if reduction in wanted:
                kept.append(numbers)
            hold = reduction in wanted or reduction != "position"
            here.append(Columns(reduction, slice(start, start + count), slice(place, place + count) if hold else None))
            if hold:
                buffered.append(numbers)
                place += count
            start += count
    return Book(layers, units.table(layers, reductions), columns, _joined(buffered), _joined(kept))


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
