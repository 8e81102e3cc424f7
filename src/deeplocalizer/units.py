"""One dimension, ``unit``, that means the same in every file of a model.

Layer            where units are recorded: a name, a call, the shape of one response and how it lies in memory
table            the coordinates of ``unit`` for a list of layers
distinct         the reductions that a layer has
digest           a fingerprint of those coordinates
align            refuse two datasets whose units differ
within           refuse a dataset with a unit that another does not have
layer_names      the name of each unit's layer
label            a short name for each unit
turned           the layers whose module gives its axes in another order
decode           the words behind a coordinate of flag codes
escape           a word as it must stand among flag_meanings
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

import numpy as np
import xarray as xr

COORDINATES = ("layer", "call", "channel", "y", "x", "token", "reduction")
REDUCTIONS = ("position", "mean", "max", "class_token")
ABSENT = -1  # the value of a coordinate that a unit does not have
TURNED = "turned"  # attribute of ``layer``: the turned layers, each as its escaped name, ``#`` and its call


class UnitsMismatchError(ValueError):
    """Two datasets do not describe the same units."""


@dataclass(frozen=True)
class Layer:
    """A named place in the model and the shape of its response to one stimulus.

    Parameters
    ----------
    name : str
        Module path.
    call : int
        Which call of the module within one forward pass, from 0.
    shape : tuple of int
        Shape without the batch: ``(channel,)``, ``(channel, y, x)`` or ``(token, channel)``.
    turned : bool
        The module itself gives ``(y, x, channel)`` or ``(channel, token)``; `hooks.visiting` turns it to ``shape``.
    """

    name: str
    call: int
    shape: tuple[int, ...]
    turned: bool = False

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the dimensions of one response."""
        known = {1: ("channel",), 2: ("token", "channel"), 3: ("channel", "y", "x")}
        if len(self.shape) not in known:
            raise ValueError(
                f"layer {self.name!r} (call {self.call}) gives a response of shape {self.shape} per stimulus; "
                "expected (channel,), (token, channel) or (channel, y, x)"
            )
        return known[len(self.shape)]

    @property
    def channels(self) -> int:
        """Number of channels."""
        return self.shape[self.axes.index("channel")]


def table(layers: Sequence[Layer], reductions: Sequence[str]) -> xr.Dataset:
    """Give every unit of some layers its coordinates.

    Parameters
    ----------
    layers : sequence of Layer
        In the order of recording.
    reductions : sequence of str
        ``position`` gives a unit per element, any other a unit per channel; layer by layer, in this order; see
        `distinct`.

    Returns
    -------
    Dataset
        Coordinates only, on ``unit`` (int64, from 0): layer and reduction as flag codes, call, channel, y, x and token
        (-1 where a unit has none); attribute ``units_digest``. ``layer`` lists the turned layers in an attribute.

    Raises
    ------
    ValueError
        If a layer is listed twice, a reduction is unknown or a shape is not understood.
    """
    _refuse_unknown(reductions)
    places = [(layer.name, layer.call) for layer in layers]
    if len(set(places)) != len(places):
        twice = next(place for place in places if places.count(place) > 1)
        raise ValueError(f"layer {twice[0]!r} (call {twice[1]}) is listed twice")
    names = list(dict.fromkeys(layer.name for layer in layers))
    blocks = [
        _block(layer, names.index(layer.name), reduction)
        for layer in layers
        for reduction in distinct(layer, reductions)
    ]
    if not blocks:
        raise ValueError("no layers and reductions given: there are no units")
    columns = {name: np.concatenate([block[name] for block in blocks]).astype(_dtype(name)) for name in COORDINATES}
    coordinates = {name: ("unit", column, _attributes(name, names)) for name, column in columns.items()}
    if any(layer.turned for layer in layers):
        coordinates["layer"][2][TURNED] = " ".join(_place(layer.name, layer.call) for layer in layers if layer.turned)
    unit = np.arange(len(columns["layer"]), dtype=np.int64)
    dataset = xr.Dataset(coords={"unit": ("unit", unit, {"long_name": "unit of the model"}), **coordinates})
    dataset.attrs["units_digest"] = digest(dataset)
    return dataset


def distinct(layer: Layer, reductions: Sequence[str]) -> list[str]:
    """Give the reductions that a layer has.

    Parameters
    ----------
    layer : Layer
    reductions : sequence of str

    Returns
    -------
    list of str
        A layer without space or tokens has nothing to reduce: its units are there once, under the first. Maps have no
        class token, nor have tokens that are a square of patches and nothing else; the others have it first.

    Raises
    ------
    ValueError
        If a layer is left without any.
    """
    axes = layer.axes
    if len(axes) == 1:
        return list(reductions[:1])
    if "token" in axes and _has_class_token(layer.shape[axes.index("token")]):
        return list(reductions)
    kept = [reduction for reduction in reductions if reduction != "class_token"]
    if not kept:
        raise ValueError(
            f"layer {layer.name!r} has no class token: its response of shape {layer.shape} is ({', '.join(axes)}); "
            "record mean, max or position too"
        )
    return kept


def _has_class_token(tokens: int) -> bool:
    """Say whether tokens are more than the patches of a square image."""
    return tokens == 1 or math.isqrt(tokens) ** 2 != tokens


def digest(dataset: xr.Dataset) -> str:
    """Fingerprint the coordinates of ``unit`` (hex SHA-256)."""
    sha = hashlib.sha256()
    for name in ("unit", *COORDINATES):
        column = dataset[name]
        sha.update(f"{name}:{column.attrs.get('flag_meanings', '')}:{column.attrs.get(TURNED, '')}".encode())
        sha.update(np.ascontiguousarray(column.values, dtype="<i8").tobytes())
    return sha.hexdigest()


def align(*datasets: xr.Dataset) -> str:
    """Refuse datasets that do not describe the same units; return their common digest.

    Raises
    ------
    UnitsMismatchError
        Naming what differs: the number of units or the layers.
    """
    digests = [dataset.attrs.get("units_digest") for dataset in datasets]
    for dataset, value in zip(datasets, digests, strict=True):
        title = dataset.attrs.get("title", "a dataset")
        if value is None:
            raise UnitsMismatchError(f"{title} has no attribute 'units_digest': its units cannot be checked")
        if value != digests[0]:
            raise _mismatch(datasets[0], dataset)
    return str(digests[0])


def within(part: xr.Dataset, whole: xr.Dataset) -> None:
    """Refuse a dataset with a unit that another does not have; those whose responses are stored may be fewer.

    Raises
    ------
    UnitsMismatchError
        Naming the number of units and the layers of both.
    """
    known, wanted = whole["unit"].values, part["unit"].values
    if np.isin(wanted, known).all():
        order = np.argsort(known, kind="stable")
        places = order[np.searchsorted(known, wanted, sorter=order)]
        table = xr.Dataset(coords={name: whole[name] for name in ("unit", *COORDINATES)}).isel(unit=places)
        if digest(table) == digest(part):
            return
    raise _mismatch(part, whole)


def turned(dataset: xr.Dataset) -> frozenset[tuple[str, int]]:
    """Give the name and the call of every layer whose module gives its axes in another order; see `Layer`."""
    places = (place.rsplit("#", 1) for place in dataset["layer"].attrs.get(TURNED, "").split())
    return frozenset((unquote(name), int(call)) for name, call in places)


def decode(coordinate: xr.DataArray) -> np.ndarray:
    """Replace the flag codes of a coordinate by their words (CF conventions, section 3.5)."""
    words = np.array([unquote(word) for word in coordinate.attrs["flag_meanings"].split()])
    values = np.atleast_1d(coordinate.attrs["flag_values"])
    order = np.argsort(values)
    return words[order][np.searchsorted(values, coordinate.values, sorter=order)]


def escape(word: str) -> str:
    """Make a word fit for ``flag_meanings``, a list separated by blanks; `decode` undoes it."""
    return quote(word, safe="[]()/:+@")


def layer_names(dataset: xr.Dataset) -> np.ndarray:
    """Name the layer of each unit, as an array of str (unit,)."""
    return decode(dataset["layer"])


def label(dataset: xr.Dataset) -> np.ndarray:
    """Name each unit briefly, for example ``conv2:14`` or ``conv2:14 (3, 5)``, as an array of str (unit,)."""
    labels = []
    columns = (
        layer_names(dataset),
        *(dataset[name].values for name in ("call", "channel", "y", "x", "token")),
    )
    for name, call, channel, y, x, token in zip(*columns, strict=True):
        text = f"{name}:{channel}" if call == 0 else f"{name}#{call}:{channel}"
        text += f" ({y}, {x})" if y != ABSENT else ""
        labels.append(text + (f" [{token}]" if token != ABSENT else ""))
    return np.array(labels)


def _place(name: str, call: int) -> str:
    return f"{escape(name)}#{call}"


def _block(layer: Layer, code: int, reduction: str) -> dict[str, np.ndarray]:
    """Lay out the units of one layer under one reduction, in C order of the response."""
    axes, shape = (layer.axes, layer.shape) if reduction == "position" else (("channel",), (layer.channels,))
    grid = np.indices(shape).reshape(len(shape), -1)
    count = grid.shape[1]
    block = {name: np.full(count, ABSENT) for name in COORDINATES}
    block |= dict(zip(axes, grid, strict=True))
    if reduction == "class_token" and "token" in layer.axes:
        block["token"] = np.zeros(count, dtype=int)
    block["layer"] = np.full(count, code)
    block["call"] = np.full(count, layer.call)
    block["reduction"] = np.full(count, REDUCTIONS.index(reduction))
    return block


def _dtype(name: str) -> str:
    return {"reduction": "int8", "call": "int16"}.get(name, "int32")


def _attributes(name: str, layers: Sequence[str]) -> dict[str, object]:
    if name not in ("layer", "reduction"):
        return {"comment": f"{ABSENT} where the unit has none"}
    words = layers if name == "layer" else REDUCTIONS
    return {
        "flag_values": np.arange(len(words), dtype=_dtype(name)),
        "flag_meanings": " ".join(escape(word) for word in words),
    }


def _refuse_unknown(reductions: Sequence[str]) -> None:
    for reduction in reductions:
        if reduction not in REDUCTIONS:
            raise ValueError(f"reduction {reduction!r} is unknown; allowed are {', '.join(REDUCTIONS)}")


def _mismatch(first: xr.Dataset, second: xr.Dataset) -> UnitsMismatchError:
    one, other = (dataset.attrs.get("title", "a dataset") for dataset in (first, second))
    return UnitsMismatchError(f"the units of {one} and {other} differ: {_summary(first)} against {_summary(second)}")


def _summary(dataset: xr.Dataset) -> str:
    names = list(dict.fromkeys(layer_names(dataset)))
    shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
    return f"{dataset.sizes['unit']} units of {len(names)} layers ({shown})"
