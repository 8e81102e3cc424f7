"""Feed inputs to a network.

batches          blocks of normalised pixels, cut at absolute positions
feed             blocks of chosen stimuli, read and copied while the network runs
normalise        pixels as a network wants them
logits           the outputs in what a network returns
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr

AHEAD = 2  # blocks that are read before they are asked for


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
    blocks = [slice(start, min(start + batch_size, total)) for start in range(0, total, batch_size)]
    yield from zip(blocks, feed(inputs, (np.arange(block.start, block.stop) for block in blocks), device), strict=True)


def feed(inputs: xr.Dataset, blocks: Iterable[np.ndarray], device: torch.device) -> Generator[torch.Tensor, None, None]:
    """Yield blocks of chosen stimuli; the next ones are read and copied to the device while the network runs.

    Parameters
    ----------
    inputs : Dataset
        As `inputs.prepare` makes it; the pixels may be lazy.
    blocks : iterable of ndarray of int
        Positions among the inputs. Neighbours are read in one piece.
    device : device
        Normalisation happens there.

    Yields
    ------
    Tensor (stimulus, channel, y, x)
        Normalised float32 pixels.
    """
    mean, std = (torch.as_tensor(inputs[name].values, dtype=torch.float32) for name in ("mean", "std"))
    mean, std = mean.to(device)[:, None, None], std.to(device)[:, None, None]
    reader = _Reader(inputs["pixel_values"], device)
    waiting: list[Future[_Copy]] = []
    with ThreadPoolExecutor(1, thread_name_prefix="feed") as thread:
        try:
            for positions in blocks:
                waiting.append(thread.submit(reader.read, positions))
                if len(waiting) > AHEAD:
                    yield normalise(waiting.pop(0).result().arrive(), mean, std)
            while waiting:
                yield normalise(waiting.pop(0).result().arrive(), mean, std)
        finally:
            thread.shutdown(cancel_futures=True)


@dataclass(frozen=True)
class _Copy:
    """Pixels on their way to the device."""

    pixels: torch.Tensor
    done: torch.cuda.Event | None

    def arrive(self) -> torch.Tensor:
        """Let the stream of this thread wait for the pixels."""
        if self.done is not None:
            stream = torch.cuda.current_stream(self.pixels.device)
            stream.wait_event(self.done)
            self.pixels.record_stream(stream)
        return self.pixels


class _Reader:
    """Read stimuli and copy them to the device: to CUDA from pinned memory, in a stream of its own."""

    def __init__(self, pixels: xr.DataArray, device: torch.device) -> None:
        self._pixels, self._device = pixels, device
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None

    def read(self, positions: np.ndarray) -> _Copy:
        neighbours = bool((np.diff(positions) == 1).all())
        row = slice(int(positions[0]), int(positions[-1]) + 1) if neighbours else positions
        values = self._pixels.isel(stimulus=row).values
        block = torch.from_numpy(np.require(values, requirements=("C", "W")))
        if self._stream is None:
            return _Copy(block.to(self._device), None)
        with torch.cuda.stream(self._stream):
            return _Copy(block.pin_memory().to(self._device, non_blocking=True), self._stream.record_event())


def normalise(pixels: torch.Tensor, mean: torch.Tensor, std: torch.Tensor) -> torch.Tensor:
    """Scale uint8 pixels to 0 to 1, subtract the mean and divide by the standard deviation of each channel.

    Parameters
    ----------
    pixels : Tensor (stimulus, channel, y, x), uint8
    mean, std : Tensor (channel, 1, 1)

    Returns
    -------
    Tensor (stimulus, channel, y, x), float32
    """
    return pixels.to(torch.float32, copy=True).div_(255).sub_(mean).div_(std)


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
