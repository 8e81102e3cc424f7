"""What a recording leaves on disk, before it has values.

activations      responses (stimulus, unit)
moments          moments of whole cells (category, split, fold, unit)
parts            moments of the cells of a shard, as far as they get there (node, unit)
slots            the nodes that a shard ends up with
"""

from __future__ import annotations

import numpy as np
import xarray as xr

from deeplocalizer import store
from deeplocalizer.course import Course
from deeplocalizer.moments.tree import pending

TITLES = {
    "activations": "Responses of the units to each stimulus",
    "moments": "Moments of the units' responses, by category, split and fold",
    "parts": "Moments of the units' responses in a shard",
}
KNOWN = ("category", "label", "split", "fold", "group")  # what is known of each stimulus
CELLS = ("category", "split", "fold")
_MEAN = {"long_name": "mean response"}
_M2 = {"long_name": "sum of squared deviations from the mean"}


def activations(
    course: Course, inputs: xr.Dataset, units: xr.Dataset, blocks: range, significant_bits: int | None = None
) -> tuple[xr.Dataset, dict[str, store.Large]]:
    """Lay out the responses to the stimuli of some blocks, in the order of the course.

    Parameters
    ----------
    course : Course
    inputs : Dataset
    units : Dataset
        Coordinates of the units that are kept.
    blocks : range
    significant_bits : int, optional
        Reduced precision; see `store.Large`.

    Returns
    -------
    Dataset, dict of Large
        Coordinates; and ``activation`` (stimulus, unit), float32.
    """
    rows = course.order[course.block(blocks[0]).start : course.block(blocks[-1]).stop]
    known = {name: inputs[name].isel(stimulus=rows) for name in ("stimulus", *KNOWN)}
    template = xr.Dataset(coords={**known, **units.coords}, attrs={**units.attrs, "batch_size": course.batch_size})
    shape = {"stimulus": len(rows), "unit": units.sizes["unit"]}
    return template, {"activation": response(shape, significant_bits)}


def response(shape: dict[str, int], significant_bits: int | None) -> store.Large:
    """Describe the variable ``activation`` of some shape (stimulus, unit)."""
    meaning = {"long_name": "response of the unit"}
    return store.Large(shape, "float32", meaning, store.chunks(*shape.values()), significant_bits)


def moments(course: Course, units: xr.Dataset) -> tuple[xr.Dataset, dict[str, store.Large]]:
    """Lay out the moments of all cells.

    Parameters
    ----------
    course : Course
    units : Dataset
        Coordinates of all units.

    Returns
    -------
    Dataset, dict of Large
        Coordinates and ``count`` (category, split, fold); and ``mean`` and ``m2`` (category, split, fold, unit).
    """
    folds = np.arange(course.folds, dtype=np.int8)
    axes = {"category": list(course.categories), "split": list(course.splits), "fold": folds}
    count = course.counts.reshape(course.shape).astype(np.int32)
    template = xr.Dataset(
        {"count": (CELLS, count, {"long_name": "number of stimuli"})},
        coords={**axes, **units.coords},
        attrs={**units.attrs, "batch_size": course.batch_size},
    )
    return template, large_moments({**dict(zip(CELLS, course.shape, strict=True)), "unit": units.sizes["unit"]})


def large_moments(shape: dict[str, int]) -> dict[str, store.Large]:
    """Describe the variables ``mean`` and ``m2`` of some shape, whose last axis is the unit."""
    return {"mean": store.Large(shape, "float64", _MEAN), "m2": store.Large(shape, "float64", _M2)}


def parts(
    course: Course, units: xr.Dataset, blocks: range
) -> tuple[xr.Dataset, dict[str, store.Large], dict[tuple[int, int, int], int]]:
    """Lay out the moments of the cells of a shard.

    Parameters
    ----------
    course : Course
    units : Dataset
    blocks : range
        The blocks of the shard.

    Returns
    -------
    Dataset, dict of Large, dict
        Coordinates, and on ``node``: the ``cell``, ``level`` and ``index`` in its tree, ``count``, and the blocks that
        the cell lies in, ``first`` and ``stop``; then ``mean`` and ``m2`` (node, unit); and the row of each slot.
    """
    places = slots(course, blocks)
    rows = [(*slot, _count(course, slot), *course.span(slot[0])) for slot in places]
    meanings = {
        "cell": "number of the (category, split, fold), in C order",
        "level": "height in the tree over the blocks of the cell",
        "index": "number of the node on its level",
        "count": "number of stimuli",
        "first": "first block that the cell lies in",
        "stop": "the block after the last that the cell lies in",
    }
    columns = zip(meanings.items(), np.array(rows, dtype=np.int64).T, strict=True)
    template = moments(course, units)[0].drop_vars("count")
    template = template.assign({name: ("node", column, {"long_name": meaning}) for (name, meaning), column in columns})
    return template, large_moments({"node": len(places), "unit": units.sizes["unit"]}), places


def slots(course: Course, blocks: range) -> dict[tuple[int, int, int], int]:
    """Number the nodes (cell, level, index) that a range of blocks ends up with, in the order of the blocks."""
    rows = slice(course.block(blocks[0]).start, course.block(blocks[-1]).stop)
    found = [
        (int(cell), *place)
        for cell in np.unique(course.cell[rows])
        for place in pending(*course.span(int(cell)), blocks.start, blocks.stop)
    ]
    return {slot: row for row, slot in enumerate(found)}


def _count(course: Course, slot: tuple[int, int, int]) -> int:
    """Count the stimuli of a cell in the blocks of a node."""
    cell, level, index = slot
    start, end = (min(edge << level, course.blocks) * course.batch_size for edge in (index, index + 1))
    return int(np.count_nonzero(course.cell[start:end] == cell))
