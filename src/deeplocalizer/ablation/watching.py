"""Watch a network on a few stimuli, before it is run under masks.

Watched          what was seen
watch            run it on two and on three stimuli
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import torch
from torch import nn

from deeplocalizer.ablation.rows import close, probes, row_axes
from deeplocalizer.hooks import DivergedError, History, Place, Site, history, visiting
from deeplocalizer.models.feeding import logits

_log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Watched:
    """What was seen of a network.

    Parameters
    ----------
    probes : Tensor (stimulus, ...)
        Three stimuli.
    history : History, optional
        Of a pass of the first two; None where it could not be taken down.
    together : int
        The most masks that can share a pass.
    shapes : mapping
        Of what each site of the places gives, with the batch.
    axes : list
        For each call, the axis of the rows in each of its tensors, as `row_axes` gives it; empty if no masks share a
        pass.
    """

    probes: torch.Tensor
    history: History | None
    together: int
    shapes: Mapping[Site, tuple[int, ...]]
    axes: list[list[int | None] | None] = field(default_factory=list)


def watch(
    model: nn.Module,
    places: Mapping[str, Place],
    images: torch.Tensor,
    together: int,
    turned: Collection[Site] = (),
) -> Watched:
    """Run a network on two stimuli; where masks are to share passes, on three too, and on those turned round.

    Parameters
    ----------
    model : Module
    places : mapping of Module or Operation
    images : Tensor (stimulus, ...)
        The first block of stimuli.
    together : int
        The most masks that are to share a pass.
    turned : collection of Site
        As `hooks.visiting` takes them.

    Notes
    -----
    A network that cannot be watched, as it refuses so few stimuli or uses tensors without a storage, is run whole.
    """
    some = probes(images)

    def remember(count: int) -> History:
        return history(model, places, lambda: model(some[:count].clone()), turned)

    try:
        known = remember(2)
        if not known.known:
            raise DivergedError("it cannot be told where its tensors lie (torch.vmap, or sparse tensors)")
        if together == 1:
            return Watched(some, known, 1, known.shapes)
        longer, turned_round = remember(3), logits(model(some.flip(0)))
    except torch.OutOfMemoryError:
        raise
    except Exception as error:  # a network may refuse two or three stimuli with any exception
        _log.info("whole passes, one mask in each: the network cannot be watched on a few stimuli: %s", error)
        return Watched(some, None, 1, _shapes(model, places, images, turned))
    two, three = logits(known.output), logits(longer.output)
    if not close(two, three[:2]) or not close(three, turned_round.flip(0)):
        _log.info("one mask in a pass: the stimuli of a batch influence one another")
        return Watched(some, known, 1, known.shapes)
    return Watched(some, known, together, known.shapes, _axes(known, longer))


def _axes(known: History, longer: History) -> list[list[int | None] | None]:
    axes = [
        row_axes(call.shapes, other.shapes) if call.module is other.module else None
        for call, other in zip(known.calls, longer.calls, strict=False)
    ]
    return axes + [None] * (len(known.calls) - len(axes))


def _shapes(
    model: nn.Module, places: Mapping[str, Place], images: torch.Tensor, turned: Collection[Site]
) -> dict[Site, tuple[int, ...]]:
    shapes: dict[Site, tuple[int, ...]] = {}

    def visit(site: Site, output: torch.Tensor) -> None:
        shapes[site] = tuple(output.shape)

    with visiting(places, visit, turned):
        model(images.clone())
    return shapes
