"""Interventions: run a network with some of its units replaced.

Replacement      which elements of one site's output are replaced, and by what
plan             the replacements that silence the units of a mask
intervening      replace them for as long as the context lasts
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from deeplocalizer import units
from deeplocalizer.hooks import Place, Site, visiting


@dataclass(frozen=True)
class Replacement:
    """Which elements of one site's output are replaced, and by what.

    Parameters
    ----------
    where : tuple of LongTensor
        Index of the elements behind the stimulus: ``(channel,)``, ``(channel, y, x)`` or ``(token, channel)``.
    values : Tensor
        One value for each element of the index.
    turned : bool
        The module gives its axes in another order; see `units.Layer`.
    """

    where: tuple[torch.Tensor, ...]
    values: torch.Tensor
    turned: bool = False


def plan(table: xr.Dataset, selected: np.ndarray, values: np.ndarray, device: torch.device) -> dict[Site, Replacement]:
    """Work out the replacements that silence the units of a mask.

    Parameters
    ----------
    table : Dataset
        Coordinates of ``unit``.
    selected : ndarray of bool (unit,)
    values : ndarray (unit,)
        What replaces each unit; a channel unit's value goes to all of its map.
    device : device

    Returns
    -------
    dict of Replacement
    """
    chosen = np.flatnonzero(selected)
    names = units.decode(table["layer"].isel(unit=chosen))
    calls = table["call"].values[chosen]
    turned = units.turned(table)
    replacements = {}
    for name, call in sorted(set(zip(names.tolist(), calls.tolist(), strict=True))):
        members = chosen[(names == name) & (calls == call)]
        # in the order of the output's axes; a channel unit has neither token nor place
        columns = [table[axis].values[members] for axis in ("token", "channel", "y", "x")]
        index = [column for column in columns if (column != units.ABSENT).any()]
        where = tuple(torch.as_tensor(column, dtype=torch.long, device=device) for column in index)
        replacements[Site(name, call)] = Replacement(
            where, torch.as_tensor(values[members], dtype=torch.float32, device=device), (name, call) in turned
        )
    return replacements


@contextlib.contextmanager
def intervening(places: Mapping[str, Place], replacements: Mapping[Site, Replacement]) -> Iterator[Callable[[], None]]:
    """Replace units for as long as the context lasts.

    Parameters
    ----------
    places : mapping of Module or Operation
        By the names that the sites carry.
    replacements : mapping of Replacement

    Yields
    ------
    callable
        Call it before each forward pass.

    Raises
    ------
    ValueError
        If a site lies in none of the places, or did not run while the context lasted.
    """
    wanted = {site.place for site in replacements}
    if not wanted <= places.keys():
        raise ValueError(f"layer {sorted(wanted - places.keys())[0]!r} is not among the places given")

    met: set[Site] = set()

    def visit(site: Site, output: torch.Tensor) -> torch.Tensor | None:
        replacement = replacements.get(site)
        met.add(site)
        return None if replacement is None else _replaced(output, replacement)

    turned = {site for site, replacement in replacements.items() if replacement.turned}
    with visiting({name: place for name, place in places.items() if name in wanted}, visit, turned) as restart:
        yield restart
    unmet = sorted(replacements.keys() - met, key=str)
    if unmet:
        raise ValueError(f"layer {unmet[0].name!r} (call {unmet[0].call}) never ran, so its units were not replaced")


def _replaced(output: torch.Tensor, replacement: Replacement) -> torch.Tensor:
    """Replace elements of a copy: the output may be held by someone else."""
    result = output.clone()
    values = replacement.values.to(result.dtype)
    if len(replacement.where) == 1 and result.ndim == 4:
        result[:, replacement.where[0]] = values[:, None, None]
    elif len(replacement.where) == 1 and result.ndim == 3:
        result[:, :, replacement.where[0]] = values
    else:
        every: tuple[slice | torch.Tensor, ...] = (slice(None), *replacement.where)
        result[every] = values
    return result
