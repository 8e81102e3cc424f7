"""Survey the outputs of places: their shapes, their axes, and why one cannot be recorded.

Finding          one output, and the layer that it makes
survey           the findings of one forward pass
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from deeplocalizer import layouts
from deeplocalizer.hooks import Place, Site, visiting
from deeplocalizer.tracing.examples import Doubled, leaves, resized
from deeplocalizer.units import Layer

FOLDED = "its rows are not stimuli"


@dataclass(frozen=True)
class Finding:
    """One output, and the layer that it makes.

    Parameters
    ----------
    site : Site
    place : Module or Operation
    shape : tuple of int
        Of the output, with the batch.
    twin : Site, optional
        The first site that gave the very same numbers in the same shape, such as the last module of a block.
    layer : Layer, optional
        None where the output has no units.
    note, problem : str
        Why it has none: in a few words, and as an error says it.
    """

    site: Site
    place: Place
    shape: tuple[int, ...]
    twin: Site | None
    layer: Layer | None
    note: str = ""
    problem: str = ""


@dataclass(frozen=True)
class _Met:
    """An output and what was known when it came."""

    site: Site
    output: torch.Tensor
    key: tuple[object, ...]
    before: layouts.Teller | None


def survey(model: nn.Module, places: Mapping[str, Place], example: torch.Tensor) -> list[Finding]:
    """Find every output of some places by running one example.

    Parameters
    ----------
    model : Module
    places : mapping of Module or Operation
        As `hooks.find` gives them.
    example : Tensor
        A batch of one, or more.

    Returns
    -------
    list of Finding
        In the order in which the network gives them. Places that do not run, or give no real numbers, are not there.

    Notes
    -----
    The network runs again on another number of images: a first axis that does not follow it, such as the layers of a
    recurrent network's final state, is not that of the stimuli, even where it happens to be as long.
    """
    other = resized(example)
    met, again = _met(model, places, example), {one.site: one for one in _met(model, places, other)}
    larger = Doubled(model, places, example)
    square = example.ndim == 4 and example.shape[-1] == example.shape[-2]
    first: dict[tuple[object, ...], Site] = {}
    findings = []
    for one in met:
        later = again.get(one.site)  # `record` refuses sites that come and go
        twin = first.setdefault((one.key, later and later.key), one.site)
        sizes = [(tuple(one.output.shape), len(example))]
        sizes += [(tuple(later.output.shape), len(other))] if later else []
        folded = next((_folded(one.site, shape, count) for shape, count in sizes if shape[:1] != (count,)), None)
        findings.append(
            _finding(one, places[one.site.place], None if twin == one.site else twin, folded, square, larger)
        )
    return findings


def _met(model: nn.Module, places: Mapping[str, Place], example: torch.Tensor) -> list[_Met]:
    met: list[_Met] = []
    tellers = layouts.Tellers(leaves(model))

    def visit(site: Site, output: torch.Tensor) -> None:
        met.append(_Met(site, output, _key(output), tellers.last))

    # not in inference mode, where tensors carry no version, even if the caller is
    with torch.inference_mode(False), torch.no_grad(), visiting(leaves(model), tellers), visiting(places, visit):
        model(example.clone())
    return met


def _key(output: torch.Tensor) -> tuple[object, ...]:
    """Tell numbers apart by where they lie; what works in place leaves others there, and may hide it (`x.data`)."""
    if output.numel() == 0 or output.is_inference():
        return (id(output),)
    total = float(output.detach().cpu().double().sum())
    return output.data_ptr(), tuple(output.shape), output.stride(), output.dtype, output._version, total


def _finding(one: _Met, place: Place, twin: Site | None, folded: str | None, square: bool, larger: Doubled) -> Finding:
    found = functools.partial(Finding, one.site, place, tuple(one.output.shape), twin)
    if folded is not None:
        return found(None, FOLDED, folded)
    shape = tuple(one.output.shape[1:])
    if not 1 <= len(shape) <= 3:
        problem = f"layer {one.site.name!r} (call {one.site.call}) gives a response of shape {shape} per stimulus"
        expected = "expected (channel,), (token, channel) or (channel, y, x)"
        return found(None, f"{len(shape)} axes per stimulus", f"{problem}; {expected}")
    if 0 in shape:
        return found(
            None, "it is empty", f"layer {one.site.name!r} gives an empty response of shape {shape} per stimulus"
        )
    module = place if isinstance(place, nn.Module) else None
    known = layouts.Output(one.site.name, module, shape, one.before, square)
    try:
        turned = layouts.turned(known, functools.partial(larger.shape, one.site))
    except ValueError as error:
        return found(None, "it cannot be told which axis is the channel", str(error))
    laid = (shape[-1], *shape[:-1]) if turned else shape
    return found(Layer(one.site.name, one.site.call, laid, turned))


def _folded(site: Site, shape: tuple[int, ...], count: int) -> str:
    given = f"{shape[0]} rows" if shape else "a single number"
    return (
        f"layer {site.name!r} gives {given} for {count} {'stimulus' if count == 1 else 'stimuli'} (shape "
        f"{shape}); expected a row for each: parts of an image that are folded into the batch, such as the "
        "windows of Swin, and axes that stand before the stimuli, such as the layers in the final state of a "
        "recurrent network, are no units; record a layer around it"
    )
