"""Run images through a network before it is used, to see whether it can be.

outputs          how many outputs a network has
refuse_unsteady  refuse a network that answers by chance, or by what else is in the batch
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence

import torch
from torch import nn

from deeplocalizer.models.feeding import logits
from deeplocalizer.models.seeded import seeded

logger = logging.getLogger(__name__)
OF_SPREAD = 1e-3  # how far the outputs for one image may be apart, of how far those of two images are
OF_SIZE = 1e-5  # and of the largest of them, since float32 rounds


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
        If the network cannot take such an image, returns something else than outputs, or fewer than two.
    """
    count = _run(module, torch.zeros(1, *shape), name).shape[1]
    if count < 2:
        raise ValueError(
            f"{name}: a network with {'one output' if count else 'no output'} makes no decision; give it one output "
            "for each label. A detector that gives a score z before its sigmoid becomes one with "
            "torch.cat([torch.zeros_like(z), z], dim=1), whose softmax is that sigmoid, and two labels"
        )
    return count


def refuse_unsteady(module: nn.Module, shape: Sequence[int], name: str) -> None:
    """Refuse a network that answers by chance, or by what else is in the batch.

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
        If its outputs for two images of noise are not the same in a second run, or for each image alone, but for the
        rounding of float32; with the largest difference.
    """
    # a bright and a dark one, so that pooling does not make them the same
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(2, *shape, generator=generator) * torch.tensor([1.0, 0.5])[:, None, None, None]
    images += torch.tensor([1.0, -1.0])[:, None, None, None]
    with seeded(0):  # what draws shall not disturb the generators of others
        first, second, alone = _run(module, images, name), _run(module, images, name), _each(module, images, name)
        if _apart(first, second):
            raise ValueError(
                f"{name}: its outputs for the same images are not the same in a second run ({_words(first, second)}); "
                "is something drawn at random in evaluation mode too, such as a dropout that does not ask "
                "self.training?"
            )
        if _apart(first, alone) and not _rounded(module, images, name):
            raise ValueError(
                f"{name}: its outputs for an image depend on the other images of its batch ({_words(first, alone)}); "
                "does it use statistics of the batch in evaluation mode too?"
            )


def _each(module: nn.Module, images: torch.Tensor, name: str) -> torch.Tensor:
    return torch.cat([_run(module, image, name) for image in images.split(1)])


def _rounded(module: nn.Module, images: torch.Tensor, name: str) -> bool:
    """Say whether outputs that differ with the batch no longer do in float64: untrained, some networks are chaotic."""
    try:
        precise, pixels = copy.deepcopy(module).double(), images.double()
        return not _apart(_run(precise, pixels, name), _each(precise, pixels, name))
    except Exception:  # a network may insist on float32 in any way, and then what float32 says stands
        logger.debug("%s does not run in float64", name, exc_info=True)
        return False


def _apart(one: torch.Tensor, other: torch.Tensor) -> bool:
    spread, size = _span(one)
    # not the other way round, since nothing is more than nan
    return not _largest(one, other) <= OF_SPREAD * spread + OF_SIZE * size


def _words(one: torch.Tensor, other: torch.Tensor) -> str:
    return f"up to {_largest(one, other):.3g} apart, where two images of noise are {_span(one)[0]:.3g} apart"


def _largest(one: torch.Tensor, other: torch.Tensor) -> float:
    # untrained, a network may overflow: what is infinite twice is the same
    same = (one == other) | (one.isnan() & other.isnan())
    return float(torch.where(same, 0.0, (one - other).abs()).max())


def _span(values: torch.Tensor) -> tuple[float, float]:
    """Give how far the outputs for two images are apart, and the largest in size, of those that are finite."""
    finite = values.isfinite()
    spread = torch.where(finite.all(dim=0), (values[0] - values[1]).abs(), 0.0).max()
    return float(spread), float(torch.where(finite, values.abs(), 0.0).max())


def _run(module: nn.Module, images: torch.Tensor, name: str) -> torch.Tensor:
    """Give the outputs for some images, a row for each."""
    count, *shape = images.shape
    try:
        with torch.inference_mode():
            returned = module.eval()(images)
    except Exception as error:
        what = "an image" if count == 1 else f"{count} images at once"
        raise ValueError(
            f"{name}: it cannot take {what} of {' x '.join(map(str, shape))} (channels, height, width): "
            f"{type(error).__name__}: {error}"
        ) from error
    try:
        found = logits(returned)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from error
    if len(found) != count:
        raise ValueError(f"{name}: it returns {len(found)} rows of outputs for {count} images; expected one for each")
    return found if found.dtype == torch.float64 else found.float()
