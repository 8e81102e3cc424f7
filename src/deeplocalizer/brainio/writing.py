"""An assembly on disk, whole or not at all.

write            an assembly beside its destination, slab by slab, then renamed
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import netCDF4
import numpy as np
import xarray as xr

from deeplocalizer.brainio.layout import DATA, DIMENSIONS

CHUNK = (128, 4096)  # where the source has no chunks: reads fast by presentation and by neuroid
SLAB = 64 * 2**20  # bytes copied at once
STRINGS = 65536  # strings written at once: as Python objects they are large


def write(made: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write an assembly beside its destination, slab by slab, and rename it.

    Parameters
    ----------
    made : Dataset
        As `assembly` makes it; of values that are not loaded, at most `SLAB` bytes or one chunk are held at once.
    path : path
        Destination; its folder is made if need be. The file has the chunks of the source and no compression.
    """
    destination = Path(path)
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_name(f".{destination.name}.partial")
    try:
        with netCDF4.Dataset(partial, "w", format="NETCDF4") as file:
            _write(made, file)
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(destination)
    finally:
        partial.unlink(missing_ok=True)


def _write(made: xr.Dataset, file: netCDF4.Dataset) -> None:
    for dimension in DIMENSIONS:
        file.createDimension(dimension, made.sizes[dimension])
    for name, column in made.coords.items():
        text = column.dtype.kind == "U"
        variable = file.createVariable(str(name), str if text else column.dtype, column.dims, fill_value=False)
        variable.setncatts(column.attrs)
        for start in range(0, column.size, STRINGS):
            part = column.values[start : start + STRINGS]
            variable[start : start + STRINGS] = part.astype(object) if text else part
    values, shape = made[DATA], tuple(made.sizes[name] for name in DIMENSIONS)
    own = values.encoding.get("chunksizes") or CHUNK
    chunks = tuple(min(size, whole) for size, whole in zip(own, shape, strict=True))
    copy = file.createVariable(DATA, np.float32, DIMENSIONS, chunksizes=chunks, fill_value=False)
    copy.setncatts({**values.attrs, "coordinates": " ".join(map(str, made.coords))})
    file.setncatts(made.attrs)
    for rows, columns in _slabs(shape, chunks):
        copy[rows, columns] = values[rows, columns].values


def _slabs(shape: tuple[int, ...], chunks: tuple[int, ...]) -> Iterator[tuple[slice, slice]]:
    """Cut an array along its chunks, into slabs of about `SLAB` bytes: no chunk is read or written twice."""
    width = chunks[1] * max(1, SLAB // (4 * chunks[0] * chunks[1]))
    for row in range(0, shape[0], chunks[0]):
        for column in range(0, shape[1], width):
            yield slice(row, row + chunks[0]), slice(column, column + width)
