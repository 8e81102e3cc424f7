"""Replace elements of outputs.

Replacement      what replaces some elements of a site's output, for which rows of a batch
plan             the replacements that silence the units of a mask
fillings         values of units with the axes of outputs
intervening      replace them for as long as the context lasts
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import nn
from torch.nn.modules import module as modules

from deeplocalizer.hooks import Calls, DivergedError, Place, Site, Visitor, visiting
from deeplocalizer.intervention.parts import Part, axes, chosen, grouped, indexed

# their forward method makes a new tensor, which nobody holds when hooks are called
MAKERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.LayerNorm)


@dataclass(frozen=True, eq=False)
class Replacement:
    """What replaces some elements of a site's output.

    Parameters
    ----------
    part : Part
        The elements.
    values : Tensor
        What replaces them: a number; one for each channel (channel,); or (1 or stimulus, ...) with the axes of the
        output.
    rows : slice
        The rows of the batch that are meant; all by default.
    """

    part: Part
    values: torch.Tensor
    rows: slice | None = None


def plan(
    table: xr.Dataset, selected: np.ndarray, values: np.ndarray, device: torch.device
) -> dict[Site, list[Replacement]]:
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
    dict of list of Replacement
    """
    filled = fillings(table, values, device)
    return {
        site: [Replacement(part, filled[site, part.reduction]) for part in parts]
        for site, parts in chosen(table, selected, device).items()
    }


def fillings(table: xr.Dataset, values: np.ndarray, device: torch.device) -> dict[tuple[Site, str], torch.Tensor]:
    """Lay values of units out as `Replacement` wants them.

    Parameters
    ----------
    table : Dataset
        Coordinates of ``unit``.
    values : ndarray (unit,)
    device : device

    Returns
    -------
    dict of Tensor
        By site and reduction: (channel,), or (1, ...) with the axes of the output.
    """
    columns = axes(table)
    laid = {}
    for site, reduction, members in grouped(table, np.arange(len(values))):
        index = indexed(columns, members)
        full = np.zeros([int(column.max()) + 1 for column in index], dtype=np.float32)
        full[tuple(index)] = values[members]
        filled = torch.from_numpy(full).to(device)
        laid[site, reduction] = filled if filled.ndim == 1 else filled[None]
    return laid


@contextlib.contextmanager
def intervening(
    places: Mapping[str, Place],
    replacements: Mapping[Site, Sequence[Replacement]],
    reading: Mapping[Site, Visitor] | None = None,
    turned: Collection[Site] = (),
    rows: int | None = None,
) -> Iterator[Calls]:
    """Replace units for as long as the context lasts.

    Parameters
    ----------
    places : mapping of Module or Operation
        By the names that the sites carry.
    replacements : mapping of sequences of Replacement
    reading : mapping of callable, optional
        Visitors that are shown the output of a site after the replacement.
    turned : collection of Site, optional
        Sites whose place gives its axes in another order, beside those that the replacements tell of.
    rows : int, optional
        The rows that every output must have, where masks share a batch.

    Yields
    ------
    Calls
        Call it before each forward pass.

    Raises
    ------
    ValueError
        If a site lies in none of the places, or did not run while the context lasted.
    DivergedError
        If an output has other rows.
    """
    reading = reading or {}
    wanted = {site.place for site in [*replacements, *reading]}
    if not wanted <= places.keys():
        raise ValueError(f"layer {sorted(wanted - places.keys())[0]!r} is not among the places given")

    met: set[Site] = set()
    concerned = replacements.keys() | reading.keys()

    def visit(site: Site, output: torch.Tensor) -> torch.Tensor | None:
        met.add(site)
        if rows is not None and site in concerned and len(output) != rows:
            raise DivergedError(f"layer {site.name!r} (call {site.call}) gives {len(output)} rows for {rows}")
        result = output
        if site in replacements:
            fresh = _fresh(places[site.place])
            for replacement in replacements[site]:
                result = _replaced(result, replacement, fresh or result is not output)
        if site in reading:
            reading[site](site, result)
        return None if result is output else result

    other = {*turned, *(site for site, some in replacements.items() if any(one.part.turned for one in some))}
    with visiting({name: place for name, place in places.items() if name in wanted}, visit, other) as calls:
        yield calls
    unmet = sorted(concerned - met, key=str)
    if unmet:
        what = "its units were not replaced" if unmet[0] in replacements else "no readout could read it"
        raise ValueError(f"layer {unmet[0].name!r} (call {unmet[0].call}) never ran, so {what}")


def _replaced(output: torch.Tensor, replacement: Replacement, fresh: bool) -> torch.Tensor:
    """Replace elements, of a copy unless the output is nobody else's."""
    part = replacement.part
    result = output if fresh else output.clone()
    block = result if replacement.rows is None else result[replacement.rows]
    values = _shaped(replacement.values.to(result.dtype), result)
    index = part.index(result.ndim)
    if part.others:
        kept = block[index]
        block.copy_(values.expand_as(block))
        block[index] = kept
    elif replacement.values.ndim == 0:
        block[index] = values
    else:
        block[index] = values.expand(-1, *result.shape[1:])[index]
    return result


def _shaped(values: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
    """Bring values to the axes of an output."""
    if values.ndim != 1:
        return values
    return values[None, :, None, None] if output.ndim == 4 else values.view(*[1] * (output.ndim - 1), -1)


def _fresh(place: Place) -> bool:
    """Say whether nobody but the hook of this context can hold what a place has just given."""
    return (
        isinstance(place, nn.Module)
        and type(place) in MAKERS
        and "forward" not in place.__dict__
        and len(place._forward_hooks) == 1
        and not modules._global_forward_hooks
        and not torch.is_grad_enabled()
        and torch._C._len_torch_function_stack() == 0
        and torch._C._len_torch_dispatch_stack() == 0
    )
