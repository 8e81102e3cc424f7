"""The responses of one layer, as the features of a probe.

Place            which units a readout reads
find             find them by layer and reduction
responses        their responses to some stimuli
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

import numpy as np
import xarray as xr

from deeplocalizer import units

LARGEST = 20_000  # features; of 5,000 stimuli that is 0.8 GB, of which a fit takes three times as much
SLAB = 1024  # stimuli that are read at a time


@dataclass(frozen=True)
class Place:
    """Which units a readout reads.

    Parameters
    ----------
    layer : str
    call : int
    reduction : str
    columns : slice
        Among the units whose responses are stored, in the order of the layer's elements.
    """

    layer: str
    call: int
    reduction: str
    columns: slice


def find(activations: xr.Dataset, layer: str, reduction: str, name: str) -> Place:
    """Find the units that a readout reads.

    Parameters
    ----------
    activations : Dataset
        With the coordinates of the units whose responses are stored.
    layer : str
        Name of a layer; one that runs several times as ``name#call``, from 0.
    reduction : str
        A layer without space or tokens has nothing to reduce: its units are found under whichever they are stored.
    name : str
        Of the readout, for the message of an error.

    Raises
    ------
    ValueError
        If the layer or the reduction is not among the stored, if it is not said which call of the layer is meant, or
        there are more than `LARGEST` features.
    """
    code, call = _site(activations, layer, name)
    members = (activations["layer"].values == code) & (activations["call"].values == call)
    stored = activations["reduction"].values
    wanted = _code(activations["reduction"], reduction)
    if not (members & (stored == wanted)).any():
        wanted = _unreduced(activations, members, reduction, f"readout {name!r}: layer {layer!r}")
    columns = np.flatnonzero(members & (stored == wanted))
    if len(columns) > LARGEST:
        raise ValueError(
            f"readout {name!r}: layer {layer!r} has {len(columns):,} {reduction} units; expected at most {LARGEST:,} "
            "features, so take the channels (reduction mean or max)"
        )
    if columns[-1] - columns[0] + 1 != len(columns):
        raise ValueError(f"readout {name!r}: the units of layer {layer!r} do not stand together in the activations")
    word = str(units.decode(activations["layer"].isel(unit=columns[:1]))[0])
    return Place(word, call, reduction, slice(int(columns[0]), int(columns[-1]) + 1))


def responses(activations: xr.Dataset, place: Place, rows: np.ndarray, name: str) -> np.ndarray:
    """Read responses, a slab of stimuli at a time, and only slabs with a wanted stimulus.

    Parameters
    ----------
    activations : Dataset
        ``activation`` (stimulus, unit); may be opened lazily.
    place : Place
    rows : ndarray of int (sample,)
        Stimuli, in the order wanted.
    name : str
        Of the readout, for the message of an error.

    Returns
    -------
    ndarray of float64 (sample, feature)

    Raises
    ------
    ValueError
        If a response is not finite, or all are constant.
    """
    found = np.empty((len(rows), place.columns.stop - place.columns.start))
    stored = activations["activation"].isel(unit=place.columns)
    for start in range(0, stored.sizes["stimulus"], SLAB):
        mine = np.flatnonzero((rows >= start) & (rows < start + SLAB))
        if len(mine):
            found[mine] = stored.isel(stimulus=slice(start, start + SLAB)).values[rows[mine] - start]
    where = f"readout {name!r}: layer {place.layer!r}"
    finite = np.isfinite(found).all(axis=1)
    if not finite.all():
        wrong = activations["stimulus"].values[rows[~finite][0]]
        raise ValueError(f"{where} has a response to stimulus {str(wrong)!r} that is not finite")
    if (found == found[0]).all():
        raise ValueError(f"{where} responds to all {len(rows)} stimuli alike; there is nothing to read")
    return found


def _site(activations: xr.Dataset, layer: str, name: str) -> tuple[int, int]:
    """Give the flag code of a layer and the call that is meant."""
    codes, calls = activations["layer"].values, activations["call"].values
    plain, _, number = layer.rpartition("#")
    there = set(np.unique(codes).tolist())
    for word, asked in ((layer, ""), (plain, number)):
        code = _code(activations["layer"], word)
        if code not in there:
            continue
        found = np.unique(calls[codes == code]).tolist()
        if not asked and len(found) == 1:
            return code, int(found[0])
        if asked.isdecimal() and int(asked) in found:
            return code, int(asked)
        allowed = ", ".join(f"{word}#{call}" for call in found)
        raise ValueError(f"readout {name!r}: layer {layer!r} must say which call is read; expected one of {allowed}")
    names = units.decode(xr.DataArray(np.array(sorted(there)), attrs=activations["layer"].attrs)).tolist()
    near = difflib.get_close_matches(layer, names, n=3)
    raise ValueError(
        f"readout {name!r}: no responses of a layer {layer!r} are stored; "
        + (f"did you mean {', '.join(near)}?" if near else f"stored are those of {', '.join(names[:8])}")
    )


def _unreduced(activations: xr.Dataset, members: np.ndarray, reduction: str, where: str) -> int:
    """Give the one reduction under which a layer without space or tokens is stored."""
    stored, every = activations["reduction"].values, activations["reduction"]
    has = np.unique(stored[members]).tolist()
    if len(has) == 1:
        spatial = any((activations[axis].values[members] != units.ABSENT).any() for axis in ("y", "x", "token"))
        # maps and tokens have a place or a token under these
        flat = has[0] in (_code(every, "position"), _code(every, "class_token")) and not spatial
        # maps and tokens have their mean and max wherever any layer has them
        elsewhere = reduction in ("mean", "max") and bool((stored == _code(every, reduction)).any())
        if flat or elsewhere:
            return int(has[0])
    words = units.decode(xr.DataArray(np.array(has), attrs=every.attrs)).tolist()
    raise ValueError(
        f"{where}: responses of reduction {reduction!r} are not stored; stored are {', '.join(words)} "
        "(see the reductions under recording, and which of them are kept)"
    )


def _code(coordinate: xr.DataArray, word: str) -> int:
    """Give the flag code of a word; -1 if there is none."""
    words = coordinate.attrs["flag_meanings"].split()
    escaped = units.escape(word)
    return int(np.atleast_1d(coordinate.attrs["flag_values"])[words.index(escaped)]) if escaped in words else -1
