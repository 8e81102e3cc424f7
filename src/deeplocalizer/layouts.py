"""Layouts: which axis of an output holds the channels.

Output           what is known of one output: its module, its shape, and the counted channels before it
Teller           what a leaf module says of the channels of an output
telling          what a leaf module says
turned           whether an output has its axes in another order than units have
evident          the same, where it may stay open
Tellers          what the layers of a network say while it runs

Units stand as (channel, y, x) or (token, channel); modules may give (y, x, channel), as in Swin, or (channel, token),
as a 1-d convolution does. Evidence is weighed in this order: the module's own kind; that maps of square images are
square; how many channels the last layer before had; what changes when the image does; what that layer did.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.nn.modules.pooling import (
    _AdaptiveAvgPoolNd,
    _AdaptiveMaxPoolNd,
    _AvgPoolNd,
    _LPPoolNd,
    _MaxPoolNd,
    _MaxUnpoolNd,
)

from deeplocalizer.hooks import Site

_POOLS = (_AdaptiveAvgPoolNd, _AdaptiveMaxPoolNd, _AvgPoolNd, _LPPoolNd, _MaxPoolNd, _MaxUnpoolNd)


@dataclass(frozen=True)
class Teller:
    """What a leaf module says of the channels of an output.

    Parameters
    ----------
    last : bool
        They lie on its last axis, as a linear layer has them, rather than on the first behind the stimulus.
    count : int, optional
        How many there are, where the module knows.
    """

    last: bool
    count: int | None


@dataclass(frozen=True)
class Output:
    """What is known of one output.

    Parameters
    ----------
    name : str
        For the message of an error.
    module : Module, optional
        That gave it; None for an operation.
    shape : tuple of int
        As the module gave it, without the batch.
    before : Teller, optional
        Of the last module with counted channels that ran before the output was there.
    square : bool
        Whether the image was square.
    """

    name: str
    module: nn.Module | None
    shape: tuple[int, ...]
    before: Teller | None
    square: bool


def telling(module: nn.Module | None) -> Teller | None:
    """Say where a module has its channels by what it is; None if its kind does not tell."""
    if isinstance(module, _ConvNd):
        return Teller(False, module.out_channels)
    if isinstance(module, _BatchNorm | _InstanceNorm):
        return Teller(False, module.num_features)
    if isinstance(module, nn.GroupNorm):
        return Teller(False, module.num_channels)
    if isinstance(module, _POOLS):
        return Teller(False, None)
    if isinstance(module, nn.Linear):
        return Teller(True, module.out_features)
    # libraries derive layer norms of channels first from this class
    if type(module) is nn.LayerNorm and len(module.normalized_shape) == 1:
        return Teller(True, module.normalized_shape[0])
    return None


class Tellers:
    """Note what the layers of a network say while it runs: the visitor of its leaf modules.

    Parameters
    ----------
    leaves : mapping of Module
        By the names that their sites carry.
    """

    def __init__(self, leaves: Mapping[str, nn.Module]) -> None:
        self._said = {name: telling(module) for name, module in leaves.items()}
        self.last: Teller | None = None

    def __call__(self, site: Site, _: torch.Tensor) -> None:
        """Remember a layer that has counted channels."""
        said = self._said[site.place]
        if said is not None and said.count is not None:
            self.last = said


def turned(output: Output, doubled: Callable[[], tuple[int, ...] | None]) -> bool:
    """Say whether an output has its axes in another order than units have.

    Parameters
    ----------
    output : Output
    doubled : callable
        Gives the shape of the same output for an image of twice the size; None where the network refuses that. Called
        only where nothing simpler tells.

    Returns
    -------
    bool
        True for (y, x, channel) and (channel, token).

    Raises
    ------
    ValueError
        If it cannot be told where the channels of a map are.
    """
    found = evident(output, doubled)
    if found is None:
        kind = "" if output.module is None else f" ({type(output.module).__name__})"
        raise ValueError(
            f"layer {output.name!r}{kind} gives a map of shape {output.shape} per stimulus, "
            "and it cannot be told whether its first or its last axis is the channel: the network takes images of one "
            "size only, and no layer before it has that many channels; record a layer beside it"
        )
    return found


def evident(output: Output, doubled: Callable[[], tuple[int, ...] | None]) -> bool | None:
    """Say the same as `turned`, or None if it cannot be told where the channels of a map are."""
    shape = output.shape
    if len(shape) not in (2, 3) or set(shape) == {1}:
        return False
    last = _by_kind(output)
    if last is None and len(shape) == 3 and output.square:
        last = _by_squareness(shape)
    if last is None:
        last = _by_count(output)
    if last is None:
        last = _by_growth(shape, doubled())
    if last is None and output.before is not None and output.before.count in (shape[0], shape[-1]):
        last = output.before.last
    if len(shape) == 3:
        return last
    return last is False  # tokens come before channels unless something says otherwise


def _by_kind(output: Output) -> bool | None:
    said = telling(output.module)
    if said is None or (said.count is not None and output.shape[-1 if said.last else 0] != said.count):
        return None
    return said.last


def _by_squareness(shape: tuple[int, ...]) -> bool | None:
    first, middle, last = shape
    if (first == middle) == (middle == last):
        return None
    return first == middle


def _by_count(output: Output) -> bool | None:
    """Look for the channels of the layer before; they may have been moved since."""
    if output.before is None:
        return None
    places = [axis for axis in range(len(output.shape)) if output.shape[axis] == output.before.count]
    if places == [0]:
        # a linear layer whose features come to lie before other numbers mixed tokens, as in MLP-Mixer
        return None if output.before.last and len(output.shape) == 2 else False
    return True if places == [len(output.shape) - 1] else None


def _by_growth(shape: tuple[int, ...], larger: tuple[int, ...] | None) -> bool | None:
    """Look at what grew with the image: space and tokens do, channels do not."""
    if larger is None or len(larger) != len(shape):
        return None
    grew = [one != other for one, other in zip(shape, larger, strict=True)]
    if grew == [False, *[True] * (len(shape) - 1)]:
        return False
    return True if grew == [*[True] * (len(shape) - 1), False] else None
