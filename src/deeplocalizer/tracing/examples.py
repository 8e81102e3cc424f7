"""Run a network on an example.

output_shapes    the shapes of the outputs of some places, with the batch
resized          a batch of another number of images
leaves           the modules that hold no others
Doubled          the shapes of outputs for an example of twice the size
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping

import torch
from torch import nn

from deeplocalizer.hooks import Place, Site, hookable, visiting


def output_shapes(model: nn.Module, places: Mapping[str, Place], example: torch.Tensor) -> dict[Site, tuple[int, ...]]:
    """Give the shapes of the outputs of some places for some images, whatever their axes are.

    Parameters
    ----------
    model : Module
    places : mapping of Module or Operation
        As `hooks.find` gives them.
    example : Tensor
        A batch.
    """
    shapes: dict[Site, tuple[int, ...]] = {}

    def visit(site: Site, output: torch.Tensor) -> None:
        shapes[site] = tuple(output.shape)

    with torch.no_grad(), visiting(places, visit):
        model(example)
    return shapes


def resized(example: torch.Tensor) -> torch.Tensor:
    """Make a batch of another number of images: the first one, or one image twice."""
    return example[:1] if len(example) > 1 else example.repeat_interleave(2, dim=0)


def leaves(model: nn.Module) -> dict[str, nn.Module]:
    """Give the modules that hold no others, by path: those that tell where channels are."""
    return {path: module for path, module in hookable(model).items() if not any(module.children())}


class Doubled:
    """The shapes of outputs for an example of twice the size, run when first asked for.

    Parameters
    ----------
    model : Module
    places : mapping of Module or Operation
    example : Tensor
    """

    def __init__(self, model: nn.Module, places: Mapping[str, Place], example: torch.Tensor) -> None:
        self._model, self._places, self._example = model, places, example
        self._shapes: dict[Site, tuple[int, ...]] | None = None

    def shape(self, site: Site) -> tuple[int, ...] | None:
        """Give the shape of one output without the batch; None if the network did not come so far."""
        if self._shapes is None:
            self._shapes = self._run()
        return self._shapes.get(site)

    def _run(self) -> dict[Site, tuple[int, ...]]:
        shapes: dict[Site, tuple[int, ...]] = {}
        if self._example.ndim != 4:
            return shapes

        def visit(site: Site, output: torch.Tensor) -> None:
            shapes[site] = tuple(output.shape[1:])

        larger = self._example.repeat_interleave(2, dim=-1).repeat_interleave(2, dim=-2)
        # a network may refuse another size anywhere and with any exception: what came before still tells
        with torch.no_grad(), visiting(self._places, visit), contextlib.suppress(Exception):
            self._model(larger)
        return shapes
