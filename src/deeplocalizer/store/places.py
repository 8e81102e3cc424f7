"""Where the values of an unfiltered HDF5 variable lie in its file, and how to write and read them there.

Place            a variable that is contiguous or in chunks
locate           ask HDF5 where a variable lies
extents          first byte and length of what it takes
write            put rows in their place
read             get rows from their place

Every value has its place before the first is written, so no order is needed, no cache is held, threads may write
different rows at once, and the file can be read as NetCDF whenever the writer dies.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass

import h5py
import numpy as np


@dataclass(frozen=True)
class Place:
    """A variable that is contiguous or in chunks.

    Parameters
    ----------
    shape : tuple of int
        Two sizes where it has chunks.
    dtype : dtype
        As in the file.
    chunks : tuple of int
        The shape of the variable where it is contiguous: it is one chunk then.
    offsets : array
        Byte at which each chunk begins; one axis per axis of the variable.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    chunks: tuple[int, ...]
    offsets: np.ndarray

    @property
    def in_one(self) -> bool:
        """Whether all values follow each other, so that rows may have any length."""
        return self.offsets.size == 1 and self.chunks == self.shape


def locate(variable: h5py.Dataset) -> Place:
    """Ask HDF5 where a variable lies that has no filter and was allocated when it was made."""
    shape, dtype = variable.shape, variable.dtype
    if 0 in shape:
        return Place(shape, dtype, shape, np.zeros((1,) * len(shape), dtype=np.int64))
    if variable.chunks is None:
        return Place(shape, dtype, shape, np.full((1,) * len(shape), variable.id.get_offset(), dtype=np.int64))
    chunks = variable.chunks
    offsets = np.full([-(-size // step) for size, step in zip(shape, chunks, strict=True)], -1, dtype=np.int64)

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        offsets[tuple(first // step for first, step in zip(chunk.chunk_offset, chunks, strict=True))] = (
            chunk.byte_offset
        )

    variable.id.chunk_iter(note)
    if (offsets < 0).any():
        raise RuntimeError(f"variable {variable.name!r}: HDF5 did not allocate every chunk")
    return Place(shape, dtype, chunks, offsets)


def extents(place: Place) -> Iterator[tuple[int, int]]:
    """Give first byte and length of every piece of the file that a variable takes."""
    length = math.prod(place.chunks) * place.dtype.itemsize
    if math.prod(place.shape):
        yield from ((int(first), length) for first in place.offsets.flat)


def write(file: int, place: Place, start: int, rows: np.ndarray) -> None:
    """Put rows (row, value) in their place; ``start`` counts rows of the same length."""
    for byte, mine, columns in _pieces(place, start, len(rows), rows.shape[1]):
        block = rows[mine, columns]
        missing = 0 if place.in_one else place.chunks[-1] - block.shape[1]
        if missing > 0:  # a chunk at the border is whole in the file
            block = np.pad(block, ((0, 0), (0, missing)))
        _put(file, np.ascontiguousarray(block), byte)


def read(file: int, place: Place, start: int, rows: np.ndarray) -> None:
    """Fill rows (row, value) from their place; ``start`` counts rows of the same length."""
    for byte, mine, columns in _pieces(place, start, len(rows), rows.shape[1]):
        target = rows[mine, columns]
        wide = target.shape[1] if place.in_one else place.chunks[-1]
        block = np.empty((target.shape[0], wide), dtype=place.dtype)
        _get(file, block, byte)
        target[...] = block[:, : target.shape[1]]


def _pieces(place: Place, start: int, count: int, width: int) -> Iterator[tuple[int, slice, slice]]:
    """Cut rows at the borders of chunks: byte in the file, rows among the given, columns."""
    size = place.dtype.itemsize
    if not count or not math.prod(place.shape):
        return
    if place.in_one:
        yield int(place.offsets.flat[0]) + start * width * size, slice(0, count), slice(0, width)
        return
    tall, wide = place.chunks
    for i in range(start // tall, (start + count - 1) // tall + 1):
        first, last = max(start, i * tall), min(start + count, (i + 1) * tall)
        for j in range(-(-width // wide)):
            byte = int(place.offsets[i, j]) + (first - i * tall) * wide * size
            yield byte, slice(first - start, last - start), slice(j * wide, min((j + 1) * wide, width))


def _put(file: int, block: np.ndarray, byte: int) -> None:
    left = block.reshape(-1).view(np.uint8).data
    while left:
        done = os.pwrite(file, left, byte)
        left, byte = left[done:], byte + done


def _get(file: int, block: np.ndarray, byte: int) -> None:
    left = block.reshape(-1).view(np.uint8).data
    while left:
        done = os.preadv(file, [left], byte)
        if not done:
            raise EOFError(f"the file ends before byte {byte}")
        left, byte = left[done:], byte + done
