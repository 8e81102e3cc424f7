"""Reduced precision, by netCDF's own quantisation BitRound.

bit_round        keep some bits of the significand
attributes       what a file says of it
pieces           chunks of a variable that had none
rewrite          copy a file, with quantised variables rounded and compressed
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5netcdf
import numpy as np

from deeplocalizer.store.large import BITS, Large

ATTRIBUTE = "_QuantizeBitRoundNumberOfSignificantBits"
FILL = np.float32(9.969209968386869e36)  # netCDF's fill value, which its quantisation leaves alone
PIECE = 2**19  # values of a chunk: 2 MiB of float32
STRIPE = 2**24  # values that are rounded at a time: 64 MiB of float32


def bit_round(values: np.ndarray, bits: int) -> np.ndarray:
    """Keep some explicit bits of the significand, as netCDF-C does for ``BitRound``.

    Half of the last kept bit is added to the magnitude, and what is below that bit is cut: to nearest, halves away
    from zero. NaN, infinities, zeros and netCDF's fill value stay; a value within rounding of the largest float32
    becomes infinite.

    Parameters
    ----------
    values : array of float32
    bits : int
        1 to 23.

    Returns
    -------
    array of float32

    References
    ----------
    Kouznetsov (2021), A note on precision-preserving compression of scientific data, Geosci. Model Dev. 14.
    """
    whole = np.ascontiguousarray(values, dtype=np.float32)
    cut = BITS - bits
    if not cut:
        return whole.copy()
    rounded = whole.view(np.uint32) + np.uint32(1 << (cut - 1))
    rounded &= np.uint32(0xFFFFFFFF >> cut << cut)
    found = rounded.view(np.float32)
    kept = np.isnan(whole) | (whole == FILL)  # adding to some NaN would make zeros of them
    found[kept] = whole[kept]
    return found


def attributes(bits: int, comment: str) -> dict[str, object]:
    """Say what was rounded and how large the error is.

    Returns
    -------
    dict
        netCDF's attribute, ``largest_relative_error`` and a sentence at the end of the comment.
    """
    error = 2.0 ** -(bits + 1)
    sentence = (
        f"rounded to {bits} significant bits after the first (BitRound), so each value is wrong by at most "
        f"{error:.2g} of itself"
    )
    return {
        ATTRIBUTE: np.int32(bits),
        "largest_relative_error": error,
        "comment": f"{comment}; {sentence}" if comment else sentence,
    }


def pieces(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Choose chunks of 2 MiB at most that follow the order of the values."""
    chosen: list[int] = []
    room = PIECE
    for size in reversed(shape):
        chosen.insert(0, max(1, min(size, room)))
        room //= chosen[0]
    return tuple(chosen)


def rewrite(source: Path, target: Path, large: Mapping[str, Large]) -> None:
    """Fill the large variables of one file from another, with quantised ones rounded, a few chunks at a time."""
    with h5netcdf.File(source, "r") as old, h5netcdf.File(target, "a") as new:
        for name, variable in large.items():
            bits = variable.significant_bits
            for part in _parts(variable.shape, new.variables[name].chunks):
                values = old.variables[name][part]
                new.variables[name][part] = values if bits is None else bit_round(values, bits)


def _parts(shape: tuple[int, ...], chunks: tuple[int, ...] | None) -> Iterator[tuple[slice, ...]]:
    """Cut a variable into parts of 64 MiB at most, on the borders of its chunks."""
    step = list(chunks or (1,) * len(shape))
    for axis in reversed(range(len(shape))):
        others = math.prod(step) // step[axis]
        step[axis] *= max(1, min(STRIPE // (others * step[axis]), -(-shape[axis] // step[axis])))
    counts = [-(-size // each) for size, each in zip(shape, step, strict=True)]
    for index in np.ndindex(*counts):
        yield tuple(slice(i * each, (i + 1) * each) for i, each in zip(index, step, strict=True))
