"""Feed inputs to a network.

batches          blocks of normalised pixels, cut at absolute positions
normalise        pixels as a network wants them
"""

from __future__ import annotations

from collections.abc import Iterator

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
