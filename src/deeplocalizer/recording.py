"""Record the responses of units, and their moments on the way.

trace            which sites a network has under some modules, and the shape of their responses
record           responses and moments of all stimuli, in one pass
"""

from __future__ import annotations

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


@dataclass(frozen=True)
class Recorder:
    """Collect the reduced responses of one forward pass after another.

    Parameters
    ----------
    reductions : sequence of str
        ``position``, ``mean`` or ``max``.
    collected : dict of list of Tensor
        The responses at each site, one for each reduction; emptied by the caller between passes.
    """

    reductions: Sequence[str]
    collected: dict[Site, list[torch.Tensor]]

    def __call__(self, site: Site, output: torch.Tensor) -> None:
        """Reduce or copy an output at once: the next module may overwrite it in place."""
        wanted = units.distinct(output.ndim - 1, self.reductions)
        self.collected[site] = [reduce(output, reduction, site) for reduction in wanted]


def reduce(output: torch.Tensor, reduction: str, site: Site) -> torch.Tensor:
    """Turn a module's output into the responses of its units.

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
        A new tensor, never a view of the output.
    """
    if output.ndim not in (2, 3, 4):
        raise ValueError(
            f"layer {site.name!r} gives an output of shape {tuple(output.shape)}; expected (stimulus, channel), "
            "(stimulus, token, channel) or (stimulus, channel, y, x)"
        )
    values = output.detach().to(torch.float32, copy=True)
    if reduction == "position" or values.ndim == 2:
        return values.flatten(1)
    space = (2, 3) if values.ndim == 4 else (1,)
    if reduction not in ("mean", "max"):
        raise ValueError(f"layer {site.name!r}: reduction {reduction!r} is unknown; allowed are position, mean, max")
    return values.amax(space) if reduction == "max" else values.mean(space)


def trace(model: nn.Module, modules: Mapping[str, nn.Module], example: torch.Tensor) -> list[units.Layer]:
    """Find the sites of some modules by running one example.

    Parameters
    ----------
    model : Module
    modules : mapping of Module
        As `hooks.find` gives them.
    example : Tensor
        A batch of one, or more.

    Returns
    -------
    list of Layer
        In the order in which the network calls them.

    Raises
    ------
    ValueError
        If one of the modules takes no part in the forward pass, or two of them give one and the same output (a block
        and its last module): their units would be counted twice.
    """
    layers: list[units.Layer] = []
    seen_outputs: list[tuple[torch.Tensor, int, str]] = []

    def visit(site: Site, output: torch.Tensor) -> None:
        for other, version, name in seen_outputs:
            # an in-place operation returns the same tensor, but with a higher version
            if other is output and version == output._version:
                raise ValueError(f"layers {name!r} and {site.name!r} are one and the same output; record one of them")
        seen_outputs.append((output, output._version, site.name))
        layers.append(units.Layer(site.name, site.call, tuple(output.shape[1:])))

    # not in inference mode, where tensors carry no version
    with torch.no_grad(), visiting(modules, visit):
        model(example)
    seen = {Site(layer.name, layer.call).module for layer in layers}
    silent = [name for name in modules if name not in seen]
    if silent:
        raise ValueError(f"layer {silent[0]!r} takes no part in the forward pass of {type(model).__name__}")
    return layers


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
    batch_size : int
        Also the block of the moments.
    device : device

    Returns
    -------
    activations : Dataset
        ``activation`` (stimulus, unit), float32.
    moments : Dataset
        As `moments.table` makes it, over the categories, splits and folds of the inputs.

    Raises
    ------
    ValueError
        If an output is not finite, naming layer and stimulus, or the sites change from one pass to the next.
    """
    recorder = Recorder(reductions, {})
    axes = {
        name: [str(value) for value in np.unique(inputs[name].values.astype(str))] for name in ("category", "split")
    }
    if inputs.sizes["stimulus"] == 0:
        raise ValueError("there are no stimuli to record")
    folds = int(inputs["fold"].max()) + 1
    cell = _cells(inputs, axes, folds)
    cells = len(axes["category"]) * len(axes["split"]) * folds
    rows: list[np.ndarray] = []
    total: moments_room.Moments | None = None
    _, example = next(batches(inputs.isel(stimulus=slice(1)), 1, device))
    layers = trace(model, modules, example)
    table = units.table(layers, reductions)
    with torch.inference_mode(), visiting(modules, recorder) as restart:
        for block, images in batches(inputs, batch_size, device):
            restart()
            recorder.collected.clear()
            model(images)
            responses = _join(recorder.collected, layers, len(images))
            _refuse_infinite(responses, table, inputs["stimulus"].values[block])
            rows.append(responses)
            part = moments_room.of(responses, cell[block], cells)
            total = part if total is None else moments_room.merge(total, part)
    assert total is not None  # there is an example, so there is a block
    known = {name: inputs[name] for name in ("stimulus", "category", "label", "split", "fold", "group")}
    activations = xr.Dataset(
        {"activation": (("stimulus", "unit"), np.concatenate(rows), {"long_name": "response of the unit"})},
        coords={**known, **table.coords},
        attrs={**table.attrs, "batch_size": batch_size},
    )
    summary = moments_room.table(total, table, axes["category"], axes["split"], folds)
    return activations, summary.assign_attrs(batch_size=batch_size)


def _cells(inputs: xr.Dataset, axes: Mapping[str, list[str]], folds: int) -> np.ndarray:
    """Number the (category, split, fold) of each stimulus, in C order."""
    category, split = (np.searchsorted(axes[name], inputs[name].values.astype(str)) for name in ("category", "split"))
    return (category * len(axes["split"]) + split) * folds + inputs["fold"].values.astype(int)


def _join(collected: Mapping[Site, list[torch.Tensor]], layers: Sequence[units.Layer], count: int) -> np.ndarray:
    """Put the responses of all sites side by side, in the order of their units."""
    expected = {Site(layer.name, layer.call) for layer in layers}
    if collected.keys() != expected:
        odd = sorted(collected.keys() ^ expected, key=str)[0]
        raise ValueError(f"layer {odd.name!r} (call {odd.call}) is not called alike in every forward pass")
    for site, reduced in collected.items():
        if len(reduced[0]) != count:
            raise ValueError(f"layer {site.name!r} gives {len(reduced[0])} rows for {count} stimuli")
    parts = [part for layer in layers for part in collected[Site(layer.name, layer.call)]]
    return torch.cat(parts, dim=1).cpu().numpy()


def _refuse_infinite(responses: np.ndarray, table: xr.Dataset, stimuli: np.ndarray) -> None:
    finite = np.isfinite(responses)
    if not finite.all():
        row, unit = np.argwhere(~finite)[0]
        name = str(units.layer_names(table)[unit])
        raise ValueError(f"layer {name!r} gives {responses[row, unit]} for stimulus {str(stimuli[row])!r}")
