"""Record a PyTorch model in a notebook.

torch_activations    add the activations of some modules to a frame of stimuli
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from deeplocalizer import layouts
from deeplocalizer.frames import refuse_bad_task, signature
from deeplocalizer.hooks import Site, turn, visiting


def torch_activations(
    task: pd.DataFrame,
    forward: Callable[[list[Any]], Any],
    activations_from: Sequence[nn.Module] | Mapping[str, nn.Module],
    device: str | torch.device | None = None,
    data: str = "data",
    batch_size: int = 32,
) -> pd.DataFrame:
    """Add the activations of some modules to a frame of stimuli.

    Parameters
    ----------
    task : DataFrame
        One row a stimulus, with ``id`` (unique), ``positive`` (boolean) and its data. Not changed.
    forward : callable
        Runs the model on a list of data, one entry a row: ``lambda batch: model(torch.stack(batch))``. What it returns
        is not used. Put the model into evaluation mode first.
    activations_from : sequence or mapping of Module
        Where to read. A mapping gives the layers their names; in a sequence they are named by type and position, such
        as ``Conv2d-0``.
    device : device, optional
        Tensors and arrays among the data are moved there before ``forward`` sees them; the model must be there already.
        By default they are passed as they are.
    data : str
        Column of the data.
    batch_size : int
        Rows in one call of ``forward``.

    Returns
    -------
    DataFrame
        A copy with ``activations``: for each row a float32 array (unit,) of every element of every module's output,
        module by module in the order of the forward pass, each call of a reused module by itself. Its ``attrs`` hold
        the layers, so that `localize` can say where each unit is.

    Raises
    ------
    ValueError
        If a column is missing, a module takes no part in the forward pass, its output changes shape, or none of the
        output's axes follows the rows of the batch.

    Notes
    -----
    Which axis of an output is the batch is found by running one batch with and without its last row, so outputs that
    lead with time or layers (an LSTM's) are read right.

    Maps whose channels come last (a Swin's) are put upright, so that elements stand in the order (channel, y, x) in
    every layer; what tells them is the module and the shape of its output, on the assumption that images are square.
    Where neither tells, channels are taken to come first.
    """
    refuse_bad_task(task, data)
    if task.empty:
        raise ValueError("the frame has no rows")
    if batch_size < 1:
        raise ValueError(f"batch_size is {batch_size}; expected 1 or more")
    modules = _named(activations_from)
    collected: dict[Site, torch.Tensor] = {}
    leaves = {
        f"{name}.{path}": leaf
        for name, module in modules.items()
        for path, leaf in module.named_modules()
        if not any(leaf.children())
    }
    tellers = layouts.Tellers(leaves)
    said: dict[Site, layouts.Teller | None] = {}

    def visit(site: Site, output: torch.Tensor) -> None:
        # a copy: the next module may overwrite the output in place
        collected[site] = output.detach().to(torch.float32, copy=True)
        said[site] = tellers.last

    with torch.inference_mode(), visiting(leaves, tellers), visiting(modules, visit) as restart:

        def run(batch: list[Any]) -> dict[Site, torch.Tensor]:
            restart()
            collected.clear()
            forward([_moved(value, device) for value in batch])
            return dict(collected)

        axes = _row_axes(run, task[data].tolist()[:batch_size], modules)
        turned = _turned(collected, axes, modules, said)
        layers: dict[Site, tuple[int, ...]] = {}
        rows = [_joined(run(batch), axes, turned, layers, names) for names, batch in _batches(task, data, batch_size)]
    result = task.copy()
    result["activations"] = list(np.concatenate(rows))
    result.attrs["layers"] = [(site.name, site.call, shape) for site, shape in layers.items()]
    result.attrs["layers_of"] = [signature(row) for row in result["activations"]]
    return result


def _row_axes(
    run: Callable[[list[Any]], dict[Site, torch.Tensor]], batch: list[Any], modules: Mapping[str, nn.Module]
) -> dict[Site, int]:
    """Find the axis of each output that follows the rows of the batch: it shrinks when the last row is left out."""
    whole = run(batch)
    seen = {site.place for site in whole}
    silent = [name for name in modules if name not in seen]
    if silent:
        raise ValueError(f"layer {silent[0]!r} takes no part in the forward pass, or gives no real numbers")
    if len(batch) == 1:
        return {site: 0 for site, output in whole.items() if output.ndim > 0 and len(output) == 1}
    less = run(batch[:-1])
    axes = {}
    for site, output in whole.items():
        sizes = zip(output.shape, less[site].shape if site in less else (), strict=False)
        follow = [axis for axis, (one, other) in enumerate(sizes) if (one, other) == (len(batch), len(batch) - 1)]
        if not follow and output.ndim > 0:
            raise ValueError(
                f"layer {site.name!r} gives an output of shape {tuple(output.shape)} for {len(batch)} rows: "
                "none of its axes follows the rows"
            )
        if follow:  # a part without axes, such as a loss, says nothing of single rows
            axes[site] = follow[0]
    return axes


def _turned(
    collected: Mapping[Site, torch.Tensor],
    axes: Mapping[Site, int],
    modules: Mapping[str, nn.Module],
    said: Mapping[Site, layouts.Teller | None],
) -> set[Site]:
    """Find the outputs whose axes are in another order than units have."""
    found = set()
    for site, axis in axes.items():
        shape = tuple(collected[site].movedim(axis, 0).shape[1:])
        output = layouts.Output(site.name, modules[site.place], shape, said[site], square=True)
        if layouts.evident(output, lambda: None):
            found.add(site)
    return found


def _named(modules: Sequence[nn.Module] | Mapping[str, nn.Module]) -> dict[str, nn.Module]:
    if isinstance(modules, nn.Module):
        raise ValueError("activations_from is a single module; put it in a list: [module]")
    if not modules:
        raise ValueError("activations_from names no module")
    if isinstance(modules, Mapping):
        return dict(modules)
    numbered = Counter[str]()
    named = {}
    for module in modules:
        kind = type(module).__name__
        named[f"{kind}-{numbered[kind]}"] = module
        numbered[kind] += 1
    return named


def _batches(task: pd.DataFrame, data: str, batch_size: int) -> Iterator[tuple[list[Any], list[Any]]]:
    for start in range(0, len(task), batch_size):
        block = task.iloc[start : start + batch_size]
        yield block["id"].tolist(), block[data].tolist()


def _moved(value: Any, device: str | torch.device | None) -> Any:
    if device is None or not isinstance(value, torch.Tensor | np.ndarray):
        return value
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value))  # torch cannot take a flipped array
    return value.to(device)


def _joined(
    collected: Mapping[Site, torch.Tensor],
    axes: Mapping[Site, int],
    turned: Container[Site],
    layers: dict[Site, tuple[int, ...]],
    names: Sequence[Any],
) -> np.ndarray:
    """Put the outputs of one batch side by side, a row each; note the shapes of the layers."""
    missing = sorted(axes.keys() - collected.keys(), key=str)
    if missing:
        raise ValueError(
            f"layer {missing[0].name!r} (call {missing[0].call}) is not called alike in every forward pass"
        )
    parts = []
    for site, axis in axes.items():
        values = collected[site].movedim(axis, 0)
        values = turn(values) if site in turned else values
        shape = tuple(values.shape[1:])
        if len(values) != len(names):
            batch = f"{len(names)} stimuli ({names[0]!r} to {names[-1]!r})"
            raise ValueError(f"layer {site.name!r} gives {len(values)} rows for a batch of {batch}")
        if layers.setdefault(site, shape) != shape:
            raise ValueError(f"layer {site.name!r}: output of shape {shape} per row, {layers[site]} before")
        parts.append(values.reshape(len(values), -1))
    return torch.cat(parts, dim=1).cpu().numpy()
