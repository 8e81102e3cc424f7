"""The architecture of a network: the layers that are recorded, and those that could be.

table            name, module, call, shape and parameters of each layer that matches some patterns
listing          every output of every module, also of those that cannot be recorded, in the order in which they run
Row              one line of such a listing
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import hooks, layouts
from deeplocalizer.models.network import Network
from deeplocalizer.tracing import Doubled, leaves, output_shapes, resized, trace
from deeplocalizer.units import Layer


@dataclass(frozen=True)
class Row:
    """One line of a listing.

    Parameters
    ----------
    layer : str
        Module path, with an index where the output holds several tensors.
    module : str
        Type of the module.
    call : int
        Which call of the module within one forward pass, from 0.
    shape, axes : str
        Shape of the output for one stimulus as its units have it, and its meaning; empty where there are no units.
    parameters : int
        Trainable numbers inside.
    note : str
        Why it cannot be recorded, or not beside another; empty where it can.
    """

    layer: str
    module: str
    call: int
    shape: str
    axes: str
    parameters: int
    note: str = ""


def table(network: Network, patterns: Sequence[str]) -> xr.Dataset:
    """Describe the layers of a network that match some patterns.

    Parameters
    ----------
    network : Network
    patterns : sequence of str
        As `hooks.find` takes them.

    Returns
    -------
    Dataset
        On ``layer``: ``module`` (its type), ``call``, ``output_shape`` (as text), ``channels`` and ``parameters``.
    """
    modules = hooks.find(network.module, patterns)
    example = torch.zeros(1, *network.specification.input_shape)
    layers = trace(network.module, modules, example)
    owners = [modules[hooks.Site(layer.name, layer.call).module] for layer in layers]
    parameters = [_parameters(owner) for owner in owners]

    def text(values: Sequence[str], meaning: str) -> tuple[str, np.ndarray, dict[str, str]]:
        return "layer", np.array(values, dtype=object), {"long_name": meaning}

    def number(values: Sequence[int], meaning: str) -> tuple[str, np.ndarray, dict[str, str]]:
        return "layer", np.array(values, dtype=np.int64), {"long_name": meaning}

    shapes = [" x ".join(map(str, layer.shape)) for layer in layers]
    return xr.Dataset(
        {
            "module": text([type(owner).__name__ for owner in owners], "type of the module"),
            "call": number([layer.call for layer in layers], "call of the module within one forward pass, from 0"),
            "output_shape": text(shapes, "shape of the output for one stimulus"),
            "axes": text([" ".join(layer.axes) for layer in layers], "meaning of that shape"),
            "channels": number([layer.channels for layer in layers], "number of channel units"),
            "parameters": number(parameters, "trainable numbers inside"),
        },
        coords={"layer": text([layer.name for layer in layers], "module path")},
    )


def listing(network: Network, patterns: Sequence[str] = ("**",)) -> list[Row]:
    """List every output of every module, in the order in which they run.

    Parameters
    ----------
    network : Network
    patterns : sequence of str
        As `hooks.find` takes them.

    Returns
    -------
    list of Row
        Modules that do not run come last.

    Raises
    ------
    ValueError
        If a pattern matches nothing.
    """
    modules = hooks.find(network.module, patterns)
    example = torch.zeros(1, *network.specification.input_shape)
    found: list[_Found] = []
    tellers = layouts.Tellers(leaves(network.module))

    def visit(site: hooks.Site, output: torch.Tensor) -> None:
        found.append(_Found(site, modules[site.module], output, output._version, tellers.last))

    # not in inference mode, where tensors carry no version
    with (
        torch.no_grad(),
        hooks.watching(modules) as gave,
        hooks.visiting(leaves(network.module), tellers),
        hooks.visiting(modules, visit),
    ):
        network.module(example)
    square = example.shape[2] == example.shape[3]
    larger = Doubled(network.module, modules, example)
    # with one image, an axis that does not follow the images may be as long as they are many
    other = resized(example)
    shapes = output_shapes(network.module, modules, other)
    rows = []
    for one in found:
        follows = _leads(one.output.shape, len(example)) and _leads(shapes.get(one.site, ()), len(other))
        rows.append(_row(one, _twin(one, found), follows, square, larger))
    return rows + _silent(modules, gave, {one.site.module for one in found})


@dataclass(frozen=True)
class _Found:
    """An output and what was known when it came."""

    site: hooks.Site
    owner: nn.Module
    output: torch.Tensor
    version: int
    before: layouts.Teller | None


def _twin(one: _Found, found: Sequence[_Found]) -> str:
    """Name the first site that gave the same output; an operation in place gives it in a higher version."""
    first = next(other for other in found if other.output is one.output and other.version == one.version)
    return "" if first is one else first.site.name


def _leads(shape: Sequence[int], count: int) -> bool:
    return len(shape) > 0 and shape[0] == count


def _row(one: _Found, twin: str, follows: bool, square: bool, larger: Doubled) -> Row:
    shape, axes, note = tuple(one.output.shape[1:]), "", f"the same output as {twin}" if twin else ""
    if not follows:
        shape, note = tuple(one.output.shape), "its rows are not stimuli"
    elif not 1 <= len(shape) <= 3:
        note = f"{len(shape)} axes per stimulus"
    else:
        try:
            layer = _laid_out(one, square, larger)
            shape, axes = layer.shape, " ".join(layer.axes)
        except ValueError:
            note = "it cannot be told which axis is the channel"
    kind = type(one.owner).__name__
    return Row(one.site.name, kind, one.site.call, " x ".join(map(str, shape)), axes, _parameters(one.owner), note)


def _laid_out(one: _Found, square: bool, larger: Doubled) -> Layer:
    """Bring the axes of an output in the order of its units, as recording does."""
    shape = tuple(one.output.shape[1:])
    known = layouts.Output(one.site.name, one.owner, shape, one.before, square)
    turned = layouts.turned(known, functools.partial(larger.shape, one.site))
    return Layer(one.site.name, one.site.call, (shape[-1], *shape[:-1]) if turned else shape, turned)


def _silent(modules: Mapping[str, nn.Module], gave: Mapping[str, str], listed: set[str]) -> list[Row]:
    """List the modules that gave no tensor of real numbers, or another name of one that did."""
    named = {modules[name]: name for name in listed}
    rows = []
    for name, module in modules.items():
        if name in listed:
            continue
        if module in named:
            note = f"another name of {named[module]}"
        elif name in gave:
            note = f"gives a {gave[name]}"
        else:
            note = "does not run"
        rows.append(Row(name, type(module).__name__, 0, "", "", _parameters(module), note))
    return rows


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())
