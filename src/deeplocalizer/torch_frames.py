"""Record a PyTorch model in a notebook.

torch_activations    add the activations of some modules to a frame of stimuli
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from deeplocalizer.frames import refuse_bad_task
from deeplocalizer.hooks import Site, visiting


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
        If a column is missing, a module takes no part in the forward pass, or its output changes shape or leads with
        something other than the rows of the batch.
    """
    refuse_bad_task(task, data)
    if task.empty:
        raise ValueError("the frame has no rows")
    modules = _named(activations_from)
    collected: dict[Site, torch.Tensor] = {}
    layers: dict[Site, tuple[int, ...]] = {}
    rows: list[np.ndarray] = []

    def visit(site: Site, output: torch.Tensor) -> None:
        # a copy: the next module may overwrite the output in place
        collected[site] = output.detach().to(torch.float32, copy=True).reshape(len(output), -1)
        shape = tuple(output.shape[1:])
        if layers.setdefault(site, shape) != shape:
            raise ValueError(f"layer {site.name!r}: output of shape {shape} per row, {layers[site]} before")

    with torch.inference_mode(), visiting(modules, visit) as restart:
        for names, batch in _batches(task, data, batch_size):
            restart()
            collected.clear()
            forward([_moved(value, device) for value in batch])
            rows.append(_joined(collected, layers, modules, names))
    result = task.copy()
    result["activations"] = list(np.concatenate(rows))
    result.attrs["layers"] = [(site.name, site.call, shape) for site, shape in layers.items()]
    return result


def _named(modules: Sequence[nn.Module] | Mapping[str, nn.Module]) -> dict[str, nn.Module]:
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
    return torch.as_tensor(value).to(device)


def _joined(
    collected: Mapping[Site, torch.Tensor],
    layers: Mapping[Site, tuple[int, ...]],
    modules: Mapping[str, nn.Module],
    names: Sequence[Any],
) -> np.ndarray:
    seen = {site.module for site in collected}
    silent = [name for name in modules if name not in seen]
    if silent:
        raise ValueError(f"layer {silent[0]!r} takes no part in the forward pass")
    if collected.keys() != layers.keys():
        odd = sorted(collected.keys() ^ layers.keys(), key=str)[0]
        raise ValueError(f"layer {odd.name!r} (call {odd.call}) is not called alike in every forward pass")
    for site, values in collected.items():
        if len(values) != len(names):
            raise ValueError(
                f"layer {site.name!r} gives {len(values)} rows for a batch of {len(names)} stimuli "
                f"({names[0]!r} to {names[-1]!r})"
            )
    return torch.cat([collected[site] for site in layers], dim=1).cpu().numpy()
