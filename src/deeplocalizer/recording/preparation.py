"""Work out what is recorded.

prepare          a network, its units, the stimuli and their course
planned          the same from a configuration
refuse_training  refuse a network in training mode
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import xarray as xr
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.dropout import _DropoutNd

from deeplocalizer.course import Course
from deeplocalizer.hooks import Place, Site
from deeplocalizer.models.feeding import feed
from deeplocalizer.recording.columns import book
from deeplocalizer.recording.faster import hasten
from deeplocalizer.recording.passes import Recording
from deeplocalizer.tracing import select, trace


def prepare(
    model: nn.Module,
    layers: Mapping[str, Place] | Sequence[str],
    inputs: xr.Dataset,
    reductions: Sequence[str],
    batch_size: int,
    device: torch.device,
    keep: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    sites: Collection[Site] | None = None,
) -> Recording:
    """Work out what is recorded.

    Parameters
    ----------
    model : Module
        In evaluation mode, on the device.
    layers : mapping of Module or Operation, or sequence of str
        As `hooks.find` gives them, or patterns as it takes them.
    inputs : Dataset
        As `inputs.prepare` makes it; the pixels may be lazy.
    reductions : sequence of str
        ``mean``, ``max``, ``class_token`` or ``position``.
    batch_size : int
        Also the block of the moments.
    device : device
    keep : sequence of str, optional
        The reductions whose responses are stored; all but ``position`` by default.
    splits : sequence of str, optional
        The splits whose stimuli are recorded; all by default.
    sites : collection of Site, optional
        Where ``layers`` are places: the outputs of theirs that are recorded, also where several are one and the same;
        all by default, and of those that are the same the first.

    Raises
    ------
    ValueError
        If there are no stimuli or layers to record, a layer has no units (see `tracing.select`), or the network is in
        training mode.
    """
    refuse_training(model)
    course = Course.of(inputs, batch_size, splits)
    example = next(feed(inputs, [np.array([course.order[0]])], device))
    if isinstance(layers, Mapping):
        places, traced = dict(layers), trace(model, layers, example, sites)
    else:
        chosen = select(model, layers, example)
        places, traced = chosen.places, chosen.layers
    return Recording(model, places, book(traced, reductions, keep), inputs, course, device)


def refuse_training(model: nn.Module) -> None:
    """Refuse a network in training mode.

    Parameters
    ----------
    model : Module

    Raises
    ------
    ValueError
        If every batch would change it, or its responses are random, naming the layer.
    """
    for path, module in model.named_modules():
        if module.training and isinstance(module, _BatchNorm | _DropoutNd):
            raise ValueError(
                f"layer {path!r} ({type(module).__name__}) is in training mode, where it changes with every batch "
                "or drops units at random; expected evaluation mode: call eval() on the network"
            )


def planned(
    model: nn.Module, parameters: Mapping[str, Any], inputs: xr.Dataset, batch_size: int, device: torch.device
) -> Recording:
    """Work out what a configuration wants to be recorded.

    Parameters
    ----------
    model : Module
    parameters : mapping
        ``layers`` of the model, and the section ``recording``, with every default.
    inputs : Dataset
    batch_size : int
    device : device
    """
    settings = parameters["recording"]
    reductions, keep, splits = settings["reductions"], settings.get("responses"), settings["splits"]
    made = prepare(model, parameters["layers"], inputs, reductions, batch_size, device, keep, splits)
    return hasten(made, settings["faster"], settings["tolerance"])
