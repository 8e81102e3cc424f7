"""The units that prefer most, and the stimuli at either end of their responses.

find             of every contrast the units that prefer most, with their highest and lowest stimuli
shown            what was found of one contrast, on the dimension ``unit``
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from deeplocalizer import summaries, units
from deeplocalizer.extremes import columns, layout, statistics

BEST = 5  # units of each contrast
RANKS = 6  # stimuli at either end
SPLITS = ("select", "test")
WIDER = 0.01  # share of the stimuli at either end of which the composition is told, where these are more than shown


class _Chosen(NamedTuple):
    """The best units of a contrast: where their responses are, their d, and how many better ones have no responses."""

    columns: np.ndarray
    d: np.ndarray
    unstored: int


def find(
    activations: xr.Dataset,
    contrasts: xr.Dataset,
    sides: Mapping[str, Mapping[str, Any]],
    best: int = BEST,
    ranks: int = RANKS,
    splits: Sequence[str] = SPLITS,
) -> xr.Dataset:
    """Find the units that prefer most under every contrast, and the stimuli that drive them most and least.

    Parameters
    ----------
    activations : Dataset
        ``activation`` (stimulus, unit) with ``category``, ``split`` and ``group`` on stimulus, as `store.lazy` gives
        it: only the units that are found are loaded, with what lies in the same chunks of the file.
    contrasts : Dataset
        As `contrast.welch` makes it: ``d`` and ``dead`` (contrast, unit). It may have units without stored responses.
    sides : mapping
        By contrast: ``preferred``, ``other`` and ``each``; see `groups.plan`.
    best : int
        Units of each contrast, at most: those of the highest positive d that are not dead and have stored responses.
    ranks : int
        Stimuli at either end, at most.
    splits : sequence of str
        Splits of the stimuli; those that were not recorded give none.

    Returns
    -------
    Dataset
        On (contrast, best, side, rank): ``extreme``, the id of the stimulus, ``extreme_category`` and ``response``;
        equal responses in the order of the ids. On (contrast, best, side): ``share`` of preferred stimuli among the
        ``looked_at`` most extreme ones, where ties at the border count by their share, and ``tied``, the number of
        stimuli that respond as the last shown. On (contrast, best): ``unit`` with its coordinates (-1 where there are
        fewer units), ``d``, ``auroc`` (as `auroc.streamed` has it, but of these stimuli) and ``log10_p``. On (contrast,
        best, category): ``mean`` response. On (contrast, category): ``compared``, 1 preferred, -1 other, 0 neither. On
        contrast: ``unstored``, how many of the units that prefer most were passed over as their responses were not
        stored. On category: ``count`` of the stimuli.

    Raises
    ------
    KeyError
        If a contrast was not measured.
    UnitsMismatchError
        If the activations and the contrasts are of different units.
    ValueError
        If no stimulus of these splits was recorded, or a response is not finite, naming the unit and the stimulus.
    """
    rows = _held_out(activations, splits)
    chosen = _chosen(activations, contrasts, sides, best)
    read = np.unique(np.concatenate([np.array([], dtype=np.int64), *(one.columns for one in chosen.values())]))
    # labels are read whole: HDF5 takes long to pick very many
    held = activations.drop_vars("activation").compute().isel(stimulus=rows, unit=read)
    held["activation"] = ("stimulus", "unit"), columns.read(activations, rows, read)
    category = held["category"].values.astype(str)
    names, counts = np.unique(category, return_counts=True)
    ranks = min(ranks, len(rows))
    made = layout.empty(contrasts, list(sides), names, best, ranks)
    made["unstored"].values[:] = [one.unstored for one in chosen.values()]
    made["count"].values[:] = counts
    made["looked_at"].values[...] = wider = max(ranks, math.ceil(WIDER * len(rows)))
    for row, (name, one) in enumerate(sides.items()):
        made["compared"].values[row] = compared = statistics.compared(one, names)
        preferred = compared[np.searchsorted(names, category)] == 1
        mine = held.isel(unit=np.searchsorted(read, chosen[name].columns))
        there = slice(mine.sizes["unit"])
        for label in ("unit", *units.COORDINATES):
            made[label].values[row, there] = mine[label].values
        made["d"].values[row, there] = chosen[name].d
        made["auroc"].values[row, there] = statistics.areas(mine, name, one)
        for place, values in enumerate(mine["activation"].values.T):
            made["log10_p"].values[row, place] = statistics.log10_p(values, mine, one)
            made["mean"].values[row, place] = [values[category == kind].mean(dtype=np.float64) for kind in names]
            for end, towards in enumerate((-values, values)):  # the highest, the lowest
                order = np.argsort(towards, kind="stable")[:ranks]
                made["extreme"].values[row, place, end] = mine["stimulus"].values[order]
                made["extreme_category"].values[row, place, end] = category[order]
                made["response"].values[row, place, end] = values[order]
                made["tied"].values[row, place, end] = np.count_nonzero(values == values[order[-1]])
                made["share"].values[row, place, end] = statistics.share(towards, preferred, wider)
    return made.assign_attrs(splits=" ".join(name for name in splits if name in held["split"].values))


def shown(extremes: xr.Dataset, contrast: str) -> xr.Dataset:
    """Take what was found of one contrast.

    Parameters
    ----------
    extremes : Dataset
        As `find` makes it.
    contrast : str

    Returns
    -------
    Dataset
        On ``unit`` in place of ``best``: the units that there are, the one that prefers most first.
    """
    one = extremes.sel(contrast=contrast)
    there = np.flatnonzero(one["unit"].values != units.ABSENT)
    return one.isel(best=there).swap_dims(best="unit")


def _held_out(activations: xr.Dataset, splits: Sequence[str]) -> np.ndarray:
    """Give the positions of the stimuli of some splits, in the order of their ids."""
    split = activations["split"].values.astype(str)
    rows = np.flatnonzero(np.isin(split, list(splits)))
    if not len(rows):
        recorded = ", ".join(np.unique(split).tolist())
        raise ValueError(f"no stimulus of the splits {', '.join(splits)} was recorded; recorded are {recorded}")
    return rows[np.argsort(activations["stimulus"].values.astype(str)[rows], kind="stable")]


def _chosen(activations: xr.Dataset, contrasts: xr.Dataset, sides: Mapping[str, Any], best: int) -> dict[str, _Chosen]:
    """Choose the best units of each contrast among those with responses."""
    units.within(activations, contrasts)
    known, stored = contrasts["unit"].values, activations["unit"].values
    measured = contrasts["contrast"].values.astype(str).tolist()
    there = np.isin(known, stored)
    order = np.argsort(stored, kind="stable")
    chosen = {}
    for name in sides:
        if name not in measured:
            raise KeyError(f"contrast {name!r} was not measured; measured are {', '.join(measured)}")
        one = contrasts[["d", "dead"]].isel(contrast=measured.index(name)).reset_coords(drop=True).compute()
        found = np.flatnonzero(there)[summaries.strongest(one.isel(unit=np.flatnonzero(there)), best)]
        places = order[np.searchsorted(stored, known[found], sorter=order)]
        unstored = int(np.count_nonzero(~there[summaries.strongest(one, best)]))
        chosen[name] = _Chosen(places, one["d"].values[found], unstored)
    return chosen
