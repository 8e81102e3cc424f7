"""Rows of a batch: the stimuli, once for each of the masks that share a pass.

probes           three stimuli, unlike each other
repeated         the stimuli once for each mask
row_axes         the axis of the rows in each tensor of an output
repeating        repeat the rows of a tensor
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch


def probes(images: torch.Tensor) -> torch.Tensor:
    """Give three stimuli that are unlike each other: the first as it is, its negative, and mirrored."""
    one = images[:1]
    return torch.cat([one, -one, one.flip(-1)])


def repeated(images: torch.Tensor, masks: int) -> torch.Tensor:
    """Give the stimuli once for each mask; always a copy, as a network may change its input in place."""
    return images.repeat(masks, *[1] * (images.ndim - 1))


def row_axes(two: Sequence[tuple[int, ...]], three: Sequence[tuple[int, ...]]) -> list[int | None] | None:
    """Find the axis of the rows in each tensor of an output, from its shapes for two and for three stimuli.

    An axis is None where there is none, as in a table of positions. The whole is None where it cannot be told.
    """
    if len(two) != len(three):
        return None
    axes: list[int | None] = []
    for one, other in zip(two, three, strict=True):
        grown = [axis for axis, (a, b) in enumerate(zip(one, other, strict=False)) if a != b]
        if len(one) != len(other) or len(grown) > 1 or any(one[axis] * 3 != other[axis] * 2 for axis in grown):
            return None
        axes.append(grown[0] if grown else None)
    return axes


def repeating(axis: int | None, masks: int) -> Callable[[torch.Tensor], torch.Tensor]:
    """Repeat the rows of a tensor for several masks."""

    def repeat(one: torch.Tensor) -> torch.Tensor:
        if axis is None:
            return one.clone()
        if one.numel() and not any(one.stride()):  # it has a shape only
            shape = [size * masks if number == axis else size for number, size in enumerate(one.shape)]
            return one[(0,) * one.ndim].expand(shape)
        return torch.cat([one] * masks, axis)

    return repeat
