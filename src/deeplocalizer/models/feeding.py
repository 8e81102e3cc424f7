"""Feed inputs to a network.

batches          blocks of normalised pixels, cut at absolute positions
normalise        pixels as a network wants them
logits           the outputs in what a network returns
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
import xarray as xr


def batches(inputs: xr.Dataset, batch_size: int, device: torch.device) -> Iterator[tuple[slice, torch.Tensor]]:
    """Yield blocks of stimuli, cut at absolute positions.

    Parameters
    ----------
    inputs : Dataset
        As `inputs.prepare` makes it.
    batch_size : int
    device : device
        Normalisation happens there.

    Yields
    ------
    slice, Tensor (stimulus, channel, y, x)
        The positions of the block and its normalised float32 pixels.
    """
    total = inputs.sizes["stimulus"]
    mean, std = (torch.as_tensor(inputs[name].values, dtype=torch.float32) for name in ("mean", "std"))
    mean, std = mean.to(device)[:, None, None], std.to(device)[:, None, None]
    for start in range(0, total, batch_size):
        block = slice(start, min(start + batch_size, total))
        pixels = torch.from_numpy(inputs["pixel_values"].values[block]).to(device)
        yield block, normalise(pixels, mean, std)


def normalise(pixels: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Scale uint8 pixels to 0 to 1, subtract the mean and divide by the standard deviation of each channel."""
    return (pixels.float() / 255 - mean) / std


def logits(output: Any) -> torch.Tensor:
    """Give the outputs in what a network returns.

    Parameters
    ----------
    output : Tensor, or what holds one
        A tensor itself, an object or a mapping with ``logits`` (as the models of transformers return), or a tuple or
        list that begins with one.

    Returns
    -------
    Tensor (stimulus, label)

    Raises
    ------
    ValueError
        If there is no such tensor.
    """
    found = output.get("logits") if isinstance(output, Mapping) else getattr(output, "logits", None)
    if found is None:
        found = output[0] if isinstance(output, tuple | list) and output else output
    if not isinstance(found, torch.Tensor):
        raise ValueError(
            f"the network returns a {type(output).__name__}; expected a tensor (stimulus, label), an object or a "
            "mapping with 'logits', or a tuple that begins with one"
        )
    if found.ndim != 2:
        raise ValueError(f"the network returns a tensor of shape {tuple(found.shape)}; expected (stimulus, label)")
    return found
