"""Which elements of an output the units of a mask are.

Part             elements of one site's output
chosen           those of the units of a mask
rest             those of all recorded units but a mask's
first_reductions the units that a mask may keep
grouped          units by site and reduction
axes             the coordinates of units within outputs
indexed          the index of units in an output
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from deeplocalizer import units
from deeplocalizer.hooks import Site


@dataclass(frozen=True, eq=False)
class Part:
    """Elements of one site's output.

    Parameters
    ----------
    where : tuple of LongTensor
        Index of the elements behind the stimulus: ``(channel,)``, ``(channel, y, x)`` or ``(token, channel)``; a
        channel alone stands for all of its map or tokens.
    reduction : str
        Of the units: what they are the means of, say.
    turned : bool
        The place gives its axes in another order; see `units.Layer`.
    others : bool
        Everything but these elements is meant.
    """

    where: tuple[torch.Tensor, ...]
    reduction: str
    turned: bool = False
    others: bool = False

    def index(self, dimensions: int) -> tuple[slice | torch.Tensor, ...]:
        """Index an output (stimulus, ...) of so many dimensions."""
        if len(self.where) == 1 and dimensions == 3:
            return (slice(None), slice(None), *self.where)
        return (slice(None), *self.where)


def chosen(table: xr.Dataset, selected: np.ndarray, device: torch.device) -> dict[Site, list[Part]]:
    """Find the elements that the units of a mask are.

    Parameters
    ----------
    table : Dataset
        Coordinates of ``unit``.
    selected : ndarray of bool (unit,)
    device : device

    Returns
    -------
    dict of list of Part
        A part for each reduction that the mask has units of.
    """
    turned = units.turned(table)
    columns = axes(table)
    found: dict[Site, list[Part]] = {}
    for site, reduction, members in grouped(table, np.flatnonzero(selected)):
        index = indexed(columns, members)
        where = tuple(torch.as_tensor(column, dtype=torch.long, device=device) for column in index)
        found.setdefault(site, []).append(Part(where, reduction, (site.name, site.call) in turned))
    return found


def rest(
    table: xr.Dataset, selected: np.ndarray, device: torch.device, first: np.ndarray | None = None
) -> dict[Site, list[Part]]:
    """Find the elements that all recorded units but a mask's are: those of each layer's first reduction.

    Parameters
    ----------
    table : Dataset
        Coordinates of ``unit``.
    selected : ndarray of bool (unit,)
        Of units of the first reductions.
    device : device
    first : ndarray of bool (unit,), optional
        As `first_reductions` gives it, where it is known already.

    Returns
    -------
    dict of list of Part
        One part for every site that was recorded.

    Raises
    ------
    ValueError
        If the mask holds a unit of another reduction, naming its layer.
    """
    first = first_reductions(table) if first is None else first
    if (selected & ~first).any():
        wrong = table.isel(unit=[int(np.flatnonzero(selected & ~first)[0])])
        name, reduction = str(units.layer_names(wrong)[0]), str(units.decode(wrong["reduction"])[0])
        raise ValueError(
            f"layer {name!r}: a unit of the reduction {reduction!r} cannot be kept; expected units of the layer's "
            "first reduction"
        )
    # the units of any other reduction are all of the output
    whole = first & (table["reduction"].values != units.REDUCTIONS.index("class_token"))
    found = chosen(table, first & ~whole & ~selected, device)
    kept = chosen(table, whole & selected, device)
    none = (torch.zeros(0, dtype=torch.long, device=device),)
    turned = units.turned(table)
    for site, reduction, _ in grouped(table, np.flatnonzero(whole)):
        where = kept[site][0].where if site in kept else none
        found[site] = [Part(where, reduction, (site.name, site.call) in turned, others=True)]
    return found


def first_reductions(table: xr.Dataset) -> np.ndarray:
    """Say which units are of their layer's first reduction, as bool (unit,)."""
    first = np.zeros(table.sizes["unit"], dtype=bool)
    met: set[Site] = set()
    for site, _, members in sorted(grouped(table, np.arange(len(first))), key=lambda one: int(one[2][0])):
        if site not in met:
            first[members] = True
            met.add(site)
    return first


def grouped(table: xr.Dataset, members: np.ndarray) -> list[tuple[Site, str, np.ndarray]]:
    """Part units by site and reduction.

    Parameters
    ----------
    table : Dataset
        Coordinates of ``unit``.
    members : ndarray of int
        Positions among the units.

    Returns
    -------
    list of (Site, str, ndarray of int)
        The site, the reduction, and the positions in order.
    """
    if len(members) == 0:
        return []
    layer, call, reduction = (table[key].values[members].astype(np.int64) for key in ("layer", "call", "reduction"))
    key = (layer * (int(call.max()) + 1) + call) * len(units.REDUCTIONS) + reduction
    # units of a layer are neighbours, so there are few runs to sort
    starts = np.flatnonzero(np.diff(key, prepend=-1))
    runs: dict[int, list[np.ndarray]] = {}
    for start, run in zip(starts.tolist(), np.split(members, starts[1:]), strict=True):
        runs.setdefault(int(key[start]), []).append(run)
    firsts = np.array([some[0][0] for _, some in sorted(runs.items())])
    names, reductions = units.decode(table["layer"][firsts]), units.decode(table["reduction"][firsts])
    calls = table["call"].values[firsts]
    return [
        (Site(str(name), int(number)), str(word), np.concatenate(some))
        for name, number, word, (_, some) in zip(names, calls, reductions, sorted(runs.items()), strict=True)
    ]


def axes(table: xr.Dataset) -> list[np.ndarray]:
    """Give the coordinates of units within an output, in the order of its axes."""
    return [table[axis].values for axis in ("token", "channel", "y", "x")]


def indexed(columns: Sequence[np.ndarray], members: np.ndarray) -> list[np.ndarray]:
    """Index the units of a layer in its output; a channel unit has neither token nor place."""
    some = [column[members] for column in columns]
    return [column for column in some if (column != units.ABSENT).any()]
