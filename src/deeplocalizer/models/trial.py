"""Run an empty image through a network.

outputs          how many outputs a network has
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from deeplocalizer.models.feeding import logits


def outputs(module: nn.Module, shape: Sequence[int], name: str) -> int:
    """Count the outputs of a network.

    Parameters
    ----------
    module : Module
        Left in evaluation mode.
    shape : sequence of int
        Channels, height and width of an image.
    name : str
        The model, for the message of an error.

    Raises
    ------
    ValueError
        If the network cannot take such an image, or returns something else than outputs.
    """
    try:
        with torch.inference_mode():
            returned = module.eval()(torch.zeros(1, *shape))
    except Exception as error:
        raise ValueError(
            f"{name}: it cannot take an image of {' x '.join(map(str, shape))} (channels, height, width): "
            f"{type(error).__name__}: {error}"
        ) from error
    try:
        return int(logits(returned).shape[1])
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
