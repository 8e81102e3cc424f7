"""Put the shards of a recording together.

gather           responses and moments of all shards, as one job would have recorded them

Responses are copied; moments go on merging along the tree that their shards began. So the arrays are the same, bit for
bit, for any number of shards.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import xarray as xr

from deeplocalizer import recorded, store, units
from deeplocalizer.moments.tree import Node, Tree

SLAB = 1 << 26  # bytes copied at a time
ALIKE = ("batch_size", "model", "weights_digest", "stimuli_digest", "configuration_digest", "sources")

Paths = Sequence[str | os.PathLike[str]]
Stamp = Callable[[xr.Dataset, str], xr.Dataset]


def gather(activations: Paths, parts: Paths, into: tuple[str, str], stamp: Stamp) -> None:
    """Put the shards of a recording together.

    Parameters
    ----------
    activations, parts : sequence of path
        What the shards recorded, in their order.
    into : (path, path)
        Destinations of the responses and of the moments.
    stamp : callable
        Stamps a dataset as ``activations`` or ``moments``.

    Raises
    ------
    ArtefactError, UnitsMismatchError, ValueError
        If a file is damaged, shards are of other units or of another recording, or blocks are missing, doubled or
        out of order.
    """
    with _opened(activations, "activations") as shards:
        _refuse_others(shards, activations)
        _join(shards, into[0], stamp)
    with _opened(parts, "parts") as shards:
        _refuse_others(shards, parts)
        _sum(shards, into[1], stamp)


@contextlib.contextmanager
def _opened(paths: Paths, kind: str) -> Iterator[list[xr.Dataset]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(store.lazy(path, kind)) for path in paths]


def _refuse_others(shards: Sequence[xr.Dataset], paths: Paths) -> None:
    """Refuse shards that are not those of one recording, all of them, in their order."""
    units.align(*shards)
    reached = total = 0
    for shard, path in zip(shards, paths, strict=True):
        for name in ALIKE:
            given, expected = (one.attrs.get(name) for one in (shard, shards[0]))
            if given != expected:
                raise ValueError(f"{path}: its {name} is {given}, that of {paths[0]} is {expected}: not one recording")
        start, stop, total = (int(edge) for edge in shard.attrs["blocks"])
        if start != reached:
            raise ValueError(f"{path}: the shard begins with block {start}; expected block {reached}")
        reached = stop
    if reached != total:
        raise ValueError(f"{paths[-1]}: the last shard ends before block {reached}; the recording has {total} blocks")


def _join(shards: Sequence[xr.Dataset], path: str, stamp: Stamp) -> None:
    """Copy the responses of all shards, one after another."""
    first = shards[0]
    along = {
        name: ("stimulus", np.concatenate([shard[name].values for shard in shards]), column.attrs)
        for name, column in first.coords.items()
        if column.dims == ("stimulus",)
    }
    others = {name: column for name, column in first.coords.items() if column.dims == ("unit",)}
    template = _stamped(xr.Dataset(coords={**along, **others}), first, "activations", stamp)
    response = first["activation"]
    bits = response.attrs.get("_QuantizeBitRoundNumberOfSignificantBits")
    shape = {"stimulus": template.sizes["stimulus"], "unit": first.sizes["unit"]}
    large = recorded.response(shape, None if bits is None else int(bits))
    if 0 in large.shape:
        empty = np.empty(large.shape, dtype=np.float32)
        store.save(template.assign(activation=(tuple(large.dims), empty, dict(large.attributes))), path)
        return
    with store.stream(path, template, {"activation": large}) as stream:
        row = 0
        for shard in shards:
            step = max(1, SLAB // (4 * shape["unit"]))
            for start in range(0, shard.sizes["stimulus"], step):
                values = shard["activation"][start : start + step].values
                stream.write("activation", row, values)
                row += len(values)


def _sum(shards: Sequence[xr.Dataset], path: str, stamp: Stamp) -> None:
    """Merge the moments of each cell, one cell at a time."""
    first = shards[0]
    axes = {name: first.sizes[name] for name in recorded.CELLS}
    held: dict[int, list[tuple[int, int]]] = {}
    for number, shard in enumerate(shards):
        for row, cell in enumerate(shard["cell"].values.tolist()):
            held.setdefault(cell, []).append((number, row))
    count = np.zeros(int(np.prod(list(axes.values()))), dtype=np.int32)
    for cell, places in held.items():
        count[cell] = sum(int(shards[number]["count"].values[row]) for number, row in places)
    meaning = {"long_name": "number of stimuli"}
    kept = {name: column for name, column in first.coords.items() if "node" not in column.dims}
    counted = (recorded.CELLS, count.reshape(*axes.values()), meaning)
    template = _stamped(xr.Dataset({"count": counted}, coords=kept), first, "moments", stamp)
    large = recorded.large_moments({**axes, "unit": first.sizes["unit"]})
    with store.stream(path, template, large) as stream:
        for cell, places in held.items():
            total = _total(shards, places)
            stream.write("mean", cell, total.mean[None])
            stream.write("m2", cell, total.m2[None])


def _total(shards: Sequence[xr.Dataset], places: Sequence[tuple[int, int]]) -> Node:
    number, row = places[0]
    tree = Tree(*(int(shards[number][edge].values[row]) for edge in ("first", "stop")))
    for number, row in places:
        one = shards[number].isel(node=row)
        tree.put(int(one["level"]), int(one["index"]), Node(int(one["count"]), one["mean"].values, one["m2"].values))
    return tree.total()


def _stamped(dataset: xr.Dataset, shard: xr.Dataset, kind: str, stamp: Stamp) -> xr.Dataset:
    """Stamp what was gathered as if it had been recorded at once, by the software of the shards."""
    stamped = ("artefact", "title", "Conventions", "parameters", "configuration_digest", "sources", "content_digest")
    own = {name: value for name, value in shard.attrs.items() if name not in (*stamped, "blocks")}
    return stamp(dataset.assign_attrs(own), kind).assign_attrs(software=shard.attrs["software"])
