"""Find the layers of a network by running an example: which outputs there are, and which axes they have.

trace            the layers under some modules, with the shape of their responses
output_shapes    the shapes of the outputs of some modules, with the batch
resized          a batch of another number of images
leaves           the modules that hold no others
Doubled          the shapes of outputs for an example of twice the size
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection, Mapping

import torch
from torch import nn

from deeplocalizer import layouts, units
from deeplocalizer.hooks import Site, visiting, watching


def trace(model: nn.Module, modules: Mapping[str, nn.Module], example: torch.Tensor) -> list[units.Layer]:
    """Find the sites of some modules by running one example.

    Parameters
    ----------
    model : Module
    modules : mapping of Module
        As `hooks.find` gives them.
    example : Tensor
        A batch of one, or more.

    Returns
    -------
    list of Layer
        In the order in which the network calls them.

    Notes
    -----
    The network runs again on another number of images: a first axis that does not follow it, such as the layers of a
    recurrent network's final state, is not that of the stimuli, even where it happens to be as long.

    Raises
    ------
    ValueError
        If one of the modules takes no part in the forward pass or gives no real numbers, if its rows are not stimuli,
        if two of them give one and the same output (a block and its last module): their units would be counted twice;
        or if it cannot be told which axis of a map is the channel.
    """
    outputs: dict[Site, layouts.Output] = {}
    held: list[tuple[torch.Tensor, int, Site]] = []
    square = example.ndim == 4 and example.shape[-1] == example.shape[-2]
    tellers = layouts.Tellers(leaves(model))

    def visit(site: Site, output: torch.Tensor) -> None:
        for other, version, place in held:
            # an in-place operation returns the same tensor, but with a higher version
            if other is output and version == output._version:
                raise ValueError(
                    f"layers {place.name!r} and {site.name!r} are one and the same output; record one of them"
                )
        held.append((output, output._version, site))
        _refuse_folded(site, tuple(output.shape), len(example))
        outputs[site] = layouts.Output(site.name, modules[site.module], tuple(output.shape[1:]), tellers.last, square)

    # not in inference mode, where tensors carry no version
    with torch.no_grad(), watching(modules) as gave, visiting(leaves(model), tellers), visiting(modules, visit):
        model(example)
    seen = {site.module for site in outputs}
    for name in modules:
        if name not in gave:
            raise ValueError(f"layer {name!r} takes no part in the forward pass of {type(model).__name__}")
        if name not in seen and modules[name] not in {modules[other] for other in seen}:
            raise ValueError(f"layer {name!r} gives no tensor of real numbers but a {gave[name]}; it has no units")
    _refuse_stiff(model, modules, example, outputs)
    larger = Doubled(model, modules, example)
    layers = []
    for site, output in outputs.items():
        turned = layouts.turned(output, functools.partial(larger.shape, site))
        shape = (output.shape[-1], *output.shape[:-1]) if turned else output.shape
        layers.append(units.Layer(site.name, site.call, shape, turned))
    return layers


def output_shapes(
    model: nn.Module, modules: Mapping[str, nn.Module], example: torch.Tensor
) -> dict[Site, tuple[int, ...]]:
    """Give the shapes of the outputs of some modules for some images, whatever their axes are.

    Parameters
    ----------
    model : Module
    modules : mapping of Module
        As `hooks.find` gives them.
    example : Tensor
        A batch.
    """
    shapes: dict[Site, tuple[int, ...]] = {}

    def visit(site: Site, output: torch.Tensor) -> None:
        shapes[site] = tuple(output.shape)

    with torch.no_grad(), visiting(modules, visit):
        model(example)
    return shapes


def resized(example: torch.Tensor) -> torch.Tensor:
    """Make a batch of another number of images: the first one, or one image twice."""
    return example[:1] if len(example) > 1 else example.repeat_interleave(2, dim=0)


def leaves(model: nn.Module) -> dict[str, nn.Module]:
    """Give the modules that hold no others, by path: those that tell where channels are."""
    return {path: module for path, module in model.named_modules() if not any(module.children())}


class Doubled:
    """The shapes of outputs for an example of twice the size, run when first asked for.

    Parameters
    ----------
    model : Module
    modules : mapping of Module
    example : Tensor
    """

    def __init__(self, model: nn.Module, modules: Mapping[str, nn.Module], example: torch.Tensor) -> None:
        self._model, self._modules, self._example = model, modules, example
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
        with torch.no_grad(), visiting(self._modules, visit), contextlib.suppress(Exception):
            self._model(larger)
        return shapes


def _refuse_folded(site: Site, shape: tuple[int, ...], count: int) -> None:
    if not shape or shape[0] != count:
        given = f"{shape[0]} rows" if shape else "a single number"
        raise ValueError(
            f"layer {site.name!r} gives {given} for {count} {'stimulus' if count == 1 else 'stimuli'} (shape "
            f"{shape}); expected a row for each: parts of an image that are folded into the batch, such as the "
            "windows of Swin, and axes that stand before the stimuli, such as the layers in the final state of a "
            "recurrent network, are no units; record a layer around it"
        )


def _refuse_stiff(
    model: nn.Module, modules: Mapping[str, nn.Module], example: torch.Tensor, outputs: Collection[Site]
) -> None:
    """Refuse outputs whose rows do not follow the number of stimuli."""
    other = resized(example)
    shapes = output_shapes(model, modules, other)
    for site in outputs:
        if site in shapes:  # `record` refuses sites that come and go
            _refuse_folded(site, shapes[site], len(other))
