"""The architecture of a network: the layers that are recorded, and those that could be.

table            name, module, call, shape and parameters of each layer that matches some patterns
listing          every output of every module and operation, also of those that cannot be recorded, as they run
Row              one line of such a listing
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr

from deeplocalizer import hooks, tracing
from deeplocalizer.models.network import Network


@dataclass(frozen=True)
class Row:
    """One line of a listing.

    Parameters
    ----------
    layer : str
        Module path or name of an operation, with an index where the output holds several tensors.
    module : str
        Type of the module.
    call : int
        Which call of it within one forward pass, from 0.
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
    """Describe the layers of a network that match some patterns, and how they are connected.

    Parameters
    ----------
    network : Network
    patterns : sequence of str
        As `hooks.find` takes them.

    Returns
    -------
    Dataset
        On ``layer``: ``module`` (its type), ``call``, ``output_shape`` (as text), ``channels``, ``parameters`` and
        ``same_as``; on ``edge``: ``source`` and ``target``, positions on ``layer``; on ``left_out``: ``reason``.
    """
    example = torch.zeros(1, *network.specification.input_shape)
    chosen = tracing.select(network.module, patterns, example)
    layers = chosen.layers
    sites = [hooks.Site(layer.name, layer.call) for layer in layers]
    owners = [chosen.places[site.place] for site in sites]
    place = {site: index for index, site in enumerate(sites)}
    edges = tracing.edges(network.module, chosen.places, sites, example)
    same = [" ".join(map(str, chosen.others.get(site, ()))) for site in sites]
    shapes = [" x ".join(map(str, layer.shape)) for layer in layers]
    return xr.Dataset(
        {
            "module": _text("layer", [_kind(owner) for owner in owners], "type of the module, or operation"),
            "call": _number("layer", [site.call for site in sites], "call of the place in a forward pass, from 0"),
            "output_shape": _text("layer", shapes, "shape of the output for one stimulus"),
            "axes": _text("layer", [" ".join(layer.axes) for layer in layers], "meaning of that shape"),
            "channels": _number("layer", [layer.channels for layer in layers], "number of channel units"),
            "parameters": _number("layer", [_parameters(owner) for owner in owners], "trainable numbers inside"),
            "same_as": _text("layer", same, "other outputs that match and are the same, so not recorded again"),
            "source": _number("edge", [place[one] for one, _ in edges], "layer that feeds the target"),
            "target": _number("edge", [place[other] for _, other in edges], "layer that is fed, with none between"),
            "reason": _text("left_out", list(chosen.left_out.values()), "why the output has no units"),
        },
        coords={
            "layer": _text("layer", [layer.name for layer in layers], "module path, or name of an operation"),
            "left_out": _text("left_out", list(chosen.left_out), "output that matches but is not recorded"),
        },
    )


def listing(network: Network, patterns: Sequence[str] = ("**", "**()")) -> list[Row]:
    """List every output of every module and operation, in the order in which they run.

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
    example = torch.zeros(1, *network.specification.input_shape)
    places = hooks.find(network.module, patterns, tracing.operations(network.module, example))
    with torch.no_grad(), hooks.watching(places) as gave:
        findings = tracing.survey(network.module, places, example)
    chosen = [one for one in findings if hooks.rank(patterns, one.site) is not None]
    return [_row(one) for one in chosen] + _silent(places, gave, {one.site.place for one in findings})


def _row(one: tracing.Finding) -> Row:
    kind, count = _kind(one.place), _parameters(one.place)
    if one.layer is None:
        given = one.shape if one.note == tracing.FOLDED else one.shape[1:]
        return Row(one.site.name, kind, one.site.call, " x ".join(map(str, given)), "", count, one.note)
    note = f"the same output as {one.twin}" if one.twin else ""
    shape, axes = " x ".join(map(str, one.layer.shape)), " ".join(one.layer.axes)
    return Row(one.site.name, kind, one.site.call, shape, axes, count, note)


def _silent(places: Mapping[str, hooks.Place], gave: Mapping[str, str], listed: set[str]) -> list[Row]:
    """List the modules that gave no tensor of real numbers, or another name of one that did."""
    named = {places[name]: name for name in listed}
    rows = []
    for name, place in places.items():
        if name in listed or isinstance(place, hooks.Operation):
            continue
        if place in named:
            note = f"another name of {named[place]}"
        elif name in gave:
            note = f"gives a {gave[name]}"
        else:
            note = "does not run"
        rows.append(Row(name, _kind(place), 0, "", "", _parameters(place), note))
    return rows


def _kind(place: hooks.Place) -> str:
    return "operation" if isinstance(place, hooks.Operation) else type(place).__name__


def _parameters(place: hooks.Place) -> int:
    return 0 if isinstance(place, hooks.Operation) else sum(each.numel() for each in place.parameters())


def _text(along: str, values: Sequence[str], meaning: str) -> tuple[str, np.ndarray, dict[str, str]]:
    # an empty array of objects would come back as numbers
    return along, np.array(values, dtype=object if values else str), {"long_name": meaning}


def _number(along: str, values: Sequence[int], meaning: str) -> tuple[str, np.ndarray, dict[str, str]]:
    return along, np.array(values, dtype=np.int64), {"long_name": meaning}
