"""Localize units in a notebook: from a frame of activations to a ranking.

localize         rank units by a contrast of positive and other rows
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from deeplocalizer import contrast, moments, units
from deeplocalizer.provenance import digest_bytes

RANKS = ("t", "d", "difference")
BLOCK = 64  # rows taken to float64 at a time
STATISTICS = ("difference", "t", "df", "log10_p", "log10_p_greater", "log10_q", "d", "dead")


def localize(frame: pd.DataFrame, statistic: str = "t") -> pd.DataFrame:
    """Rank units by how much more they respond to positive rows than to the others.

    Parameters
    ----------
    frame : DataFrame
        One row a stimulus, with ``id`` (unique), ``positive`` (boolean) and ``activations`` (arrays of one shape, of
        any number of dimensions: every element is a unit). `torch_activations` makes one.
    statistic : str
        What ranks them: ``t`` (Welch, the default), ``d`` (Cohen) or ``difference``.

    Returns
    -------
    DataFrame
        One row a unit, the most preferring first; ties and dead units by index, dead units last. Columns: ``unit``
        (index into the flattened activations), where it is (``layer``, ``call``, ``channel``, ``y``, ``x``, ``token``
        if the frame comes from `torch_activations`, else ``axis_0``, ``axis_1``, … for arrays of several dimensions),
        ``difference``, ``t``, ``df``, ``log10_p`` (two-sided), ``log10_p_greater``, ``log10_q``, ``d`` and ``dead``.

    Raises
    ------
    ValueError
        If a column is missing, an id occurs twice, shapes differ, an activation is not finite, or there are fewer than
        two rows of either kind; the message names the row.
    """
    if statistic not in RANKS:
        raise ValueError(f"statistic {statistic!r} is unknown; allowed are {', '.join(RANKS)}")
    _refuse_bad_frame(frame)
    arrays = _arrays(frame)
    both = _moments(arrays, frame["positive"].to_numpy().astype(np.int64))
    samples = [
        xr.Dataset(
            {
                "count": ((), both.count[cell]),
                "mean": ("unit", both.mean[cell]),
                "m2": ("unit", both.m2[cell]),
            }
        )
        for cell in (1, 0)
    ]
    precision = contrast.FLOAT32 if arrays[0].dtype.itemsize <= 4 else contrast.FLOAT64
    statistics = contrast.two_samples(samples[0], samples[1], precision)
    ranked = pd.DataFrame({"unit": np.arange(arrays[0].size), **_places(frame, arrays[0].shape)})
    for name in STATISTICS:
        ranked[name] = statistics[name].values
    order = np.lexsort((ranked["unit"], -ranked[statistic], ranked["dead"]))
    return ranked.iloc[order].reset_index(drop=True)


def refuse_bad_task(frame: pd.DataFrame, *columns: str) -> None:
    """Refuse a frame that lacks a column, repeats an id or does not say what is positive.

    Raises
    ------
    ValueError
    """
    for column in ("id", "positive", *columns):
        if column not in frame.columns:
            raise ValueError(f"the frame has no column {column!r}; it has {', '.join(map(str, frame.columns))}")
    twice = frame["id"].duplicated()
    if twice.any():
        raise ValueError(f"id {frame['id'][twice].iloc[0]!r} occurs more than once; ids must be unique")
    odd = [value for value in frame["positive"] if value is pd.NA or value not in (True, False)]
    if odd:
        raise ValueError(f"column 'positive' holds {odd[0]!r}; expected True or False")


def signature(activations: np.ndarray) -> str:
    """Tell one row of activations from another by its type, its shape and its first numbers."""
    return digest_bytes(f"{activations.dtype}{activations.shape}".encode() + activations.reshape(-1)[:256].tobytes())


def _refuse_bad_frame(frame: pd.DataFrame) -> None:
    refuse_bad_task(frame, "activations")
    counts = {kind: int((frame["positive"].astype(bool) == kind).sum()) for kind in (True, False)}
    for kind, count in counts.items():
        if count < 2:
            raise ValueError(f"{count} rows have positive == {kind}; a contrast needs two or more of each kind")


def _arrays(frame: pd.DataFrame) -> list[np.ndarray]:
    """Give the activations of every row, checked to be numbers of one shape."""
    arrays = [np.asarray(value) for value in frame["activations"]]
    for name, array in zip(frame["id"], arrays, strict=True):
        if array.dtype.kind not in "biuf":
            raise ValueError(f"row {name!r}: activations of type {array.dtype}; expected numbers")
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"row {name!r}: activations of shape {array.shape}; row {frame['id'].iloc[0]!r} has {arrays[0].shape}"
            )
        if array.size == 0 or not np.isfinite(array).all():
            raise ValueError(f"row {name!r}: activations are {'empty' if array.size == 0 else 'not all finite'}")
    return arrays


def _moments(arrays: list[np.ndarray], positive: np.ndarray) -> moments.Moments:
    """Compute the moments of both kinds of rows, block by block: a copy of everything in float64 may not fit."""
    total: moments.Moments | None = None
    for start in range(0, len(arrays), BLOCK):
        rows = np.stack([array.reshape(-1) for array in arrays[start : start + BLOCK]])
        part = moments.of(rows, positive[start : start + BLOCK], 2)
        total = part if total is None else moments.merge(total, part)
    assert total is not None  # there are four rows or more
    return total


def _places(frame: pd.DataFrame, shape: tuple[int, ...]) -> dict[str, Any]:
    """Say where each unit is."""
    # attributes of a frame survive the replacement of a column, so they may speak of other activations
    known = signature(np.asarray(frame["activations"].iloc[0])) in frame.attrs.get("layers_of", ())
    layers = frame.attrs.get("layers", ()) if known else ()
    sizes = [int(np.prod(size)) for _, _, size in layers]
    if layers and sum(sizes) == int(np.prod(shape)):
        return _within_layers(layers, sizes)
    if len(shape) < 2:
        return {}
    index = np.unravel_index(np.arange(int(np.prod(shape))), shape)
    return dict(zip((f"axis_{axis}" for axis in range(len(shape))), index, strict=True))


def _within_layers(layers: Sequence[tuple[str, int, Sequence[int]]], sizes: Sequence[int]) -> dict[str, Any]:
    """Name the layer of each unit, and its place there as far as the shapes are understood."""
    places: dict[str, Any] = {
        "layer": np.repeat([name for name, _, _ in layers], sizes),
        "call": np.repeat([call for _, call, _ in layers], sizes),
    }
    if all(1 <= len(size) <= 3 for _, _, size in layers):
        table = units.table([units.Layer(name, call, tuple(size)) for name, call, size in layers], ["position"])
        columns = {name: table[name].values for name in ("channel", "y", "x", "token")}
        places |= {name: column for name, column in columns.items() if (column != units.ABSENT).any()}
    return places
