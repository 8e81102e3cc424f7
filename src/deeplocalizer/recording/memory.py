"""Record in memory.

record           responses and moments of all stimuli, in one pass
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import torch
import xarray as xr
from torch import nn

from deeplocalizer import recorded
from deeplocalizer.hooks import Place, Site
from deeplocalizer.recording.passes import run
from deeplocalizer.recording.preparation import prepare
from deeplocalizer.recording.sinks import Memory


def record(
    model: nn.Module,
    layers: Mapping[str, Place] | Sequence[str],
    inputs: xr.Dataset,
    reductions: Sequence[str],
    batch_size: int,
    device: torch.device,
    keep: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    sites: Collection[Site] | None = None,
) -> tuple[xr.Dataset, xr.Dataset]:
    """Record all stimuli in one pass.

    Parameters
    ----------
    model, layers, inputs, reductions, batch_size, device, keep, splits, sites
        As `prepare` takes them.

    Returns
    -------
    activations : Dataset
        ``activation`` (stimulus, unit), float32, of the units whose responses are kept: there may be none. The stimuli
        are sorted by category, split and fold.
    moments : Dataset
        As `moments.table` makes it, of all units, over the categories, splits and folds of the inputs.

    Raises
    ------
    ValueError
        If an output is not finite, naming layer and stimulus, or the sites change from one pass to the next.
    """
    recording = prepare(model, layers, inputs, reductions, batch_size, device, keep, splits, sites)
    course, book = recording.course, recording.book
    blocks = range(course.blocks)
    sink = Memory(len(course.order), len(book.kept), len(course.counts), book.table.sizes["unit"])
    run(recording, blocks, sink)
    activations, large = recorded.activations(course, inputs, book.kept_table, blocks)
    activations["activation"] = (("stimulus", "unit"), sink.activation, dict(large["activation"].attributes))
    moments, large = recorded.moments(course, book.table)
    for name, values in (("mean", sink.mean), ("m2", sink.m2)):
        moments[name] = (tuple(large[name].dims), values.reshape(large[name].shape), dict(large[name].attributes))
    return activations, moments
