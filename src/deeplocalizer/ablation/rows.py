"""Rows of a batch: the stimuli, once for each of the masks that share a pass.

probes           three stimuli, unlike each other
repeated         the stimuli once for each mask
row_axes         the axis of the rows in each tensor of an output
repeating        repeat the rows of a tensor
of_rows          refuse outputs of other rows
close            whether outputs are the same but for rounding
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from deeplocalizer.hooks import DivergedError


def probes(images: torch.Tensor) -> torch.Tensor:
    """Give three stimuli that are unlike each other: the first ones; else one as it is, its negative, and mirrored."""
    one, three = images[:1], images[:3]
    if len(three) == 3 and not any(torch.equal(three[a], three[b]) for a, b in ((0, 1), (0, 2), (1, 2))):
        return three
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


def close(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Say whether outputs are the same but for rounding."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=1e-3, atol=1e-4 * float(other.abs().max()))


def of_rows(outputs: torch.Tensor, images: torch.Tensor, masks: int) -> torch.Tensor:
    """Refuse outputs that are not of as many rows as went in."""
    if len(outputs) != masks * len(images):
        raise DivergedError(f"the network gives {len(outputs)} rows of outputs for {masks * len(images)} stimuli")
    return outputs
