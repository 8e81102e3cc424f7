"""Summaries of artefacts for figures, tables and sentences: what a reader is shown is computed once.

places           where units are (layer, call, reduction), by name
reductions       how the outputs of layers became units
selectivity      by contrast and place: how many units prefer, and how much
selection        by localizer and place: how many units a target mask holds
overlap          how many units target masks share
control_overlap  how many units of a target mask its random controls hold
targets          the target masks
find             one effect, or None where there is none
changed          the share of decisions that a mask changes
unit_names       a short name for each unit, or for some of them
strongest        the units that a contrast tells apart most
unit_table       units with their contrasts and masks, as a frame
to_be_listed     the units that a table of all units lists
effect_table     every effect, as a frame
expectations     the outcome that leads a study, and the task of each localizer
plain            a name as it is read
p_text           a p-value as it is read
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer import units

MOST_POSITIONS = 10_000  # position units of a contrast that are listed although no mask holds them
_CONTRAST_COLUMNS = ("difference", "t", "df", "log10_p", "log10_q", "d", "dead")
_EFFECT_COLUMNS = ("estimate", "low", "high", "p", "p_family", "n", "groups", "method")


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


@dataclass(frozen=True)
class Effect:
    """One cell of an effects artefact; see `effects.measure` for the meaning of each part."""

    estimate: float
    low: float
    high: float
    p: float
    p_family: float
    n: int
    groups: int
    method: str


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


def selectivity(contrasts: xr.Dataset, alpha: float) -> xr.Dataset:
    """Summarise contrasts by place.

    Parameters
    ----------
    contrasts : Dataset
        As `contrast.welch` makes it.
    alpha : float
        False discovery rate up to which a unit counts.

    Returns
    -------
    Dataset
        On (contrast, place): ``units``, ``dead``, ``preferring`` and ``opposing`` (units with q at most
        alpha that respond more, or less, to the preferred categories) and ``median_d`` of the units that are
        not dead (NaN without any).
    """
    where = places(contrasts)
    dead = contrasts["dead"].values
    significant = (contrasts["log10_q"].values <= np.log10(alpha)) & ~dead
    d = contrasts["d"].values
    counts = {
        "units": np.ones_like(dead),
        "dead": dead,
        "preferring": significant & (d > 0),
        "opposing": significant & (d < 0),
    }
    columns = {name: where.count(members) for name, members in counts.items()}
    median = np.full(columns["units"].shape, np.nan)
    for row in range(len(d)):
        for place in range(len(where.names)):
            live = d[row, (where.of_unit == place) & ~dead[row]]
            median[row, place] = np.median(live) if len(live) else np.nan
    table = {name: (("contrast", "place"), column) for name, column in (columns | {"median_d": median}).items()}
    names = contrasts["contrast"].values.astype(str)
    return xr.Dataset(table, coords={"contrast": names, "place": list(where.names)})


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


def control_overlap(masks: xr.Dataset) -> xr.DataArray:
    """Average over random controls the share of the target mask's units that they hold, (localizer,)."""
    role, owner = masks["role"].values.astype(str), masks["localizer"].values.astype(str)
    chosen = targets(masks)
    shares = []
    for name, held in zip(chosen["mask"].values, chosen["selected"].values, strict=True):
        drawn = masks["selected"].values[(role == "control") & (owner == name)]
        shares.append(float(drawn[:, held].mean()) if drawn.size else float("nan"))
    return xr.DataArray(shares, dims="localizer", coords={"localizer": chosen["mask"].values})


def find(
    effects: xr.Dataset,
    kind: str,
    outcome: str,
    *,
    localizer: str = "",
    other: str = "",
    task: str = "",
    scale: str = "raw",
) -> Effect | None:
    """Find one effect.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.
    kind, outcome, localizer, other, task, scale : str
        What the comparison's coordinates say.

    Returns
    -------
    Effect or None
        None where there is no such comparison, or it has no estimate.
    """
    wanted = {"kind": kind, "localizer": localizer, "other": other, "task": task, "scale": scale}
    rows = np.logical_and.reduce([effects[key].values.astype(str) == value for key, value in wanted.items()])
    if not rows.any():
        return None
    cell = effects.isel(comparison=int(np.flatnonzero(rows)[0])).sel(outcome=outcome)
    if not np.isfinite(float(cell["estimate"])):
        return None
    estimate, low, high, p, p_family = (float(cell[name]) for name in _EFFECT_COLUMNS[:5])
    n, groups, method = int(cell["n"]), int(cell["groups"]), str(cell["method"].values)
    return Effect(estimate, low, high, p, p_family, n, groups, method)


def changed(effects: xr.Dataset, localizer: str, task: str) -> Effect | None:
    """Find the share of decisions that a mask changes, which is never below zero: one less the share that it keeps.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.
    localizer, task : str
        ``task`` is a category where the study has no tasks.
    """
    kept = find(effects, "ablated", "kept", localizer=localizer, task=task)
    return None if kept is None else replace(kept, estimate=1 - kept.estimate, low=1 - kept.high, high=1 - kept.low)


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


def strongest(one: xr.Dataset, number: int) -> np.ndarray:
    """Find the units that respond more to the preferred categories and do so most.

    Parameters
    ----------
    one : Dataset
        One contrast: ``d`` and ``dead`` on ``unit``.
    number : int
        How many, at most.

    Returns
    -------
    ndarray of int
        Positions, the highest ``d`` first; ties in the order of the units.
    """
    d = np.where(one["dead"].values, -np.inf, one["d"].values)
    return _highest(d, number, np.flatnonzero(d > 0))


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
        best = _highest(size, most, np.flatnonzero(many & ~held))
        listed = held | ~many
        listed[best] = True
        found[str(name)] = np.flatnonzero(listed)
    return found


def _highest(values: np.ndarray, number: int, among: np.ndarray) -> np.ndarray:
    """Find the positions of the highest of some values, the highest first; ties in the order of the positions."""
    if len(among) > number:
        least = np.partition(values[among], len(among) - number)[len(among) - number]
        among = among[values[among] >= least]
    return np.asarray(among[np.argsort(-values[among], kind="stable")][:number])


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
            **{column: one[column].values for column in _CONTRAST_COLUMNS},
            "selected_by": np.array(holders, dtype=object),
        }
    )


def effect_table(effects: xr.Dataset) -> pd.DataFrame:
    """List every effect that has an estimate.

    Parameters
    ----------
    effects : Dataset
        As `effects.measure` makes it.

    Returns
    -------
    DataFrame
        A row for each comparison and outcome.
    """
    shape = (effects.sizes["comparison"], effects.sizes["outcome"])
    along = {
        name: np.repeat(effects[name].values.astype(str), shape[1])
        for name in ("comparison", "kind", "localizer", "other", "task", "scale")
    }
    outcome = np.tile(effects["outcome"].values.astype(str), shape[0])
    cells = effects.transpose("comparison", "outcome", ...)
    frame = pd.DataFrame(
        {**along, "outcome": outcome, **{name: cells[name].values.ravel() for name in _EFFECT_COLUMNS}}
    )
    available: pd.DataFrame = frame[np.isfinite(frame["estimate"])]
    return available.reset_index(drop=True)


def plain(name: str) -> str:
    """Turn a name of the configuration into words: ``face_detection`` reads as face detection."""
    return name.replace("_", " ")


def p_text(p: float) -> str:
    """Write a p-value with its relation: ``= 0.13``, ``= 0.012`` or ``< 0.001``."""
    if p < 0.001:
        return "< 0.001"
    return f"= {p:.2f}" if p >= 0.0995 else f"= {p:.3f}"


def expectations(
    tasks: Mapping[str, Sequence[str]], localizers: Mapping[str, Mapping[str, Any]]
) -> tuple[str, dict[str, str]]:
    """Give the outcome that leads a study and the task that each localizer is expected to harm.

    Parameters
    ----------
    tasks : mapping of sequences of str
    localizers : mapping
        By name; ``task``, where there is one, is what the localizer is expected to harm.

    Returns
    -------
    outcome : str
        ``correct``; without tasks there are no right answers, then ``kept``.
    own : dict of str
        By localizer; those without a task are left out.
    """
    own = {name: str(localizer["task"]) for name, localizer in localizers.items() if localizer.get("task")}
    return ("correct" if tasks else "kept"), own
