"""Record the responses of units, and their moments on the way.

reduce           the responses of units from an output
of_splits        the stimuli of some splits
record           responses and moments of all stimuli, in one pass

Responses of position units are never kept, only their moments: a ResNet-34 has 1.4 million of them in its blocks alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import moments as moments_room
from deeplocalizer import units
from deeplocalizer.hooks import Site, visiting
from deeplocalizer.models.feeding import batches
from deeplocalizer.tracing import trace


@dataclass(frozen=True)
class Recorder:
    """Write the reduced responses of one forward pass after another into rows.

    Parameters
    ----------
    columns : mapping
        For each site its reductions, each with its columns of ``rows``.
    rows : Tensor (stimulus, unit), float32
        Overwritten by each pass.
    counts : dict of int
        How many stimuli each site gave in this pass; emptied by the caller between passes.
    """

    columns: Mapping[Site, Sequence[tuple[str, slice]]]
    rows: torch.Tensor
    counts: dict[Site, int]

    def __call__(self, site: Site, output: torch.Tensor) -> None:
        """Reduce and copy an output at once: the next module may overwrite it in place."""
        self.counts[site] = len(output)
        if len(output) > len(self.rows):
            return  # `record` refuses it by name
        for reduction, columns in self.columns.get(site, ()):
            self.rows[: len(output), columns] = reduce(output, reduction, site)


def reduce(output: torch.Tensor, reduction: str, site: Site) -> torch.Tensor:
    """Turn an output into the responses of its units.

    Parameters
    ----------
    output : Tensor (stimulus, channel), (stimulus, token, channel) or (stimulus, channel, y, x)
    reduction : str
        ``position`` keeps every element; ``mean`` and ``max`` reduce space or tokens.
    site : Site
        For the message of an error.

    Returns
    -------
    Tensor (stimulus, unit), float32
        It may be a view of the output.
    """
    if output.ndim not in (2, 3, 4):
        raise ValueError(
            f"layer {site.name!r} gives an output of shape {tuple(output.shape)}; expected (stimulus, channel), "
            "(stimulus, token, channel) or (stimulus, channel, y, x)"
        )
    values = output.detach().to(torch.float32)
    if reduction == "position" or values.ndim == 2:
        return values.flatten(1)
    space = (2, 3) if values.ndim == 4 else (1,)
    if reduction not in ("mean", "max"):
        raise ValueError(f"layer {site.name!r}: reduction {reduction!r} is unknown; allowed are position, mean, max")
    return values.amax(space) if reduction == "max" else values.mean(space)


def of_splits(inputs: xr.Dataset, splits: Sequence[str]) -> xr.Dataset:
    """Restrict inputs to the stimuli of some splits.

    Raises
    ------
    ValueError
        If there are none, naming the splits that have stimuli.
    """
    given = inputs["split"].values.astype(str)
    chosen = inputs.isel(stimulus=np.flatnonzero(np.isin(given, list(splits))))
    if chosen.sizes["stimulus"] == 0:
        there = ", ".join(sorted(set(given))) or "none"
        raise ValueError(f"no stimulus is in the splits {', '.join(splits)} that are to be recorded; there are {there}")
    return chosen


def record(
    model: nn.Module,
    modules: Mapping[str, nn.Module],
    inputs: xr.Dataset,
    reductions: Sequence[str],
    batch_size: int,
    device: torch.device,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Record all stimuli in one pass.

    Parameters
    ----------
    model : Module
        In evaluation mode, on the device.
    modules : mapping of Module
        As `hooks.find` gives them.
    inputs : Dataset
        As `inputs.prepare` makes it.
    reductions : sequence of str
        ``mean``, ``max`` or ``position``.
    batch_size : int
        Also the block of the moments.
    device : device

    Returns
    -------
    activations : Dataset
        ``activation`` (stimulus, unit), float32, of the units that are no positions: there may be none.
    moments : Dataset
        As `moments.table` makes it, of all units, over the categories, splits and folds of the inputs.

    Raises
    ------
    ValueError
        If an output is not finite, naming layer and stimulus, or the sites change from one pass to the next.
    """
    if inputs.sizes["stimulus"] == 0:
        raise ValueError("there are no stimuli to record")
    axes = {
        name: [str(value) for value in np.unique(inputs[name].values.astype(str))] for name in ("category", "split")
    }
    folds = int(inputs["fold"].max()) + 1
    cell = _cells(inputs, axes, folds)
    _, example = next(batches(inputs.isel(stimulus=slice(1)), 1, device))
    layers = trace(model, modules, example)
    table = units.table(layers, reductions)
    kept = np.flatnonzero(table["reduction"].values != units.REDUCTIONS.index("position"))
    kept_columns = slice(None) if len(kept) == table.sizes["unit"] else kept
    activation = np.empty((inputs.sizes["stimulus"], len(kept)), dtype=np.float32)
    total = moments_room.empty(len(axes["category"]) * len(axes["split"]) * folds, table.sizes["unit"])
    height = min(batch_size, inputs.sizes["stimulus"])
    rows = torch.empty((height, table.sizes["unit"]), dtype=torch.float32, device=device)
    recorder = Recorder(_columns(layers, reductions), rows, {})
    turned = {Site(layer.name, layer.call) for layer in layers if layer.turned}
    with torch.inference_mode(), visiting(modules, recorder, turned) as restart:
        for block, images in batches(inputs, batch_size, device):
            restart()
            recorder.counts.clear()
            model(images)
            _refuse_other_sites(recorder, len(images))
            responses = rows[: len(images)].cpu().numpy()
            _refuse_infinite(responses, table, inputs["stimulus"].values[block])
            activation[block] = responses[:, kept_columns]
            moments_room.add(total, responses, cell[block])
    known = {name: inputs[name] for name in ("stimulus", "category", "label", "split", "fold", "group")}
    where = table.isel(unit=kept_columns)
    where = where.assign_attrs(units_digest=units.digest(where))
    activations = xr.Dataset(
        {"activation": (("stimulus", "unit"), activation, {"long_name": "response of the unit"})},
        coords={**known, **where.coords},
        attrs={**where.attrs, "batch_size": batch_size},
    )
    summary = moments_room.table(total, table, axes["category"], axes["split"], folds)
    return activations, summary.assign_attrs(batch_size=batch_size)


def _columns(layers: Sequence[units.Layer], reductions: Sequence[str]) -> dict[Site, list[tuple[str, slice]]]:
    """Give each site its columns, in the order of `units.table`."""
    columns: dict[Site, list[tuple[str, slice]]] = {}
    start = 0
    for layer in layers:
        here = columns.setdefault(Site(layer.name, layer.call), [])
        for reduction in units.distinct(len(layer.axes), reductions):
            count = math.prod(layer.shape) if reduction == "position" else layer.channels
            here.append((reduction, slice(start, start + count)))
            start += count
    return columns


def _cells(inputs: xr.Dataset, axes: Mapping[str, list[str]], folds: int) -> np.ndarray:
    """Number the (category, split, fold) of each stimulus, in C order."""
    category, split = (np.searchsorted(axes[name], inputs[name].values.astype(str)) for name in ("category", "split"))
    return (category * len(axes["split"]) + split) * folds + inputs["fold"].values.astype(int)


def _refuse_other_sites(recorder: Recorder, count: int) -> None:
    if recorder.counts.keys() != recorder.columns.keys():
        odd = sorted(recorder.counts.keys() ^ recorder.columns.keys(), key=str)[0]
        raise ValueError(f"layer {odd.name!r} (call {odd.call}) is not called alike in every forward pass")
    for site, rows in recorder.counts.items():
        if rows != count:
            raise ValueError(f"layer {site.name!r} gives {rows} rows for {count} stimuli")


def _refuse_infinite(responses: np.ndarray, table: xr.Dataset, stimuli: np.ndarray) -> None:
    for row, stimulus in zip(responses, stimuli, strict=True):
        finite = np.isfinite(row)
        if not finite.all():
            unit = int(np.flatnonzero(~finite)[0])
            name = str(units.layer_names(table.isel(unit=[unit]))[0])
            raise ValueError(f"layer {name!r} gives {row[unit]} for stimulus {str(stimulus)!r}")
