"""Ways to run a network faster that change the last digits of its responses.

WAYS             what there is
impossible       why a way cannot be taken
steered          the network as some ways run it
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from deeplocalizer.hooks import Operation, Place

WAYS = ("channels_last", "tf32", "autocast", "compile")


def impossible(way: str, places: Mapping[str, Place], device: torch.device) -> str | None:
    """Say why a way cannot be taken; None if it can be tried.

    Raises
    ------
    ValueError
        If there is no such way.
    """
    if way not in WAYS:
        raise ValueError(f"there is no way {way!r} to run a network faster; there are {', '.join(WAYS)}")
    if way == "tf32" and device.type != "cuda":
        return f"tf32 is arithmetic of NVIDIA's accelerators, and this is {device.type}"
    if way == "compile" and any(isinstance(place, Operation) for place in places.values()):
        return "compiling does away with the operations that are to be recorded"
    return None


@contextlib.contextmanager
def steered(
    model: nn.Module, ways: Collection[str], device: torch.device, batch_size: int
) -> Iterator[Callable[[torch.Tensor], Any]]:
    """Give the network as some ways run it, for as long as the context lasts.

    Parameters
    ----------
    model : Module
    ways : collection of str
    device : device
    batch_size : int
        Batches of another size, such as the last, are not compiled: each size would be compiled anew.

    Yields
    ------
    callable
        Takes normalised pixels. It is compiled at its first call, with the hooks that are there then.
    """
    with contextlib.ExitStack() as stack:
        layout = torch.channels_last if "channels_last" in ways else torch.contiguous_format
        if "channels_last" in ways:
            stack.callback(model.to, memory_format=torch.contiguous_format)
            model.to(memory_format=torch.channels_last)
        if "tf32" in ways:
            stack.enter_context(_tf32())
        if "autocast" in ways:
            stack.enter_context(torch.autocast(device.type, dtype=torch.bfloat16))
        compiled: Callable[[torch.Tensor], Any] = model
        if "compile" in ways:
            # PyTorch takes no notice of hooks that come or go after it has compiled
            torch.compiler.reset()
            stack.callback(torch.compiler.reset)
            compiled = torch.compile(model)

        def network(images: torch.Tensor) -> Any:
            return (compiled if len(images) == batch_size else model)(images.contiguous(memory_format=layout))

        yield network


@contextlib.contextmanager
def _tf32() -> Iterator[None]:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    try:
        yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before
