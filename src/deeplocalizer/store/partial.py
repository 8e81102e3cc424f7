"""The file beside its destination that takes the pieces of an artefact.

resumable        whether it is there and can be taken up again
begin            make it
create           make a NetCDF-4 file whose large variables have a place and no values
fingerprint      the digest of what is in it
seal             write that into it
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import h5netcdf
import h5py
import numpy as np
import xarray as xr

from deeplocalizer.provenance import digest, digest_content
from deeplocalizer.store import disk, rounding
from deeplocalizer.store.large import Large

KEY, LAYOUT = "_stream_key", "_stream_layout"  # only while the file is not whole


def resumable(path: Path, template: xr.Dataset, large: Mapping[str, Large], key: str) -> bool:
    """Say whether the file is there and has the same key and layout."""
    return _marks(path) == (key, _layout(template, large))


def begin(path: Path, template: xr.Dataset, large: Mapping[str, Large], key: str) -> None:
    """Make the file; there must be room for it, as HDF5 crashes on a full disk."""
    fresh = path.with_name(f"{path.name}.new")  # renamed, so that a killed job never leaves half a structure
    try:
        create(fresh, template, large, compress=False)
        with h5netcdf.File(fresh, "a") as file:
            file.attrs[KEY], file.attrs[LAYOUT] = key, _layout(template, large)
        os.replace(fresh, path)
    finally:
        disk.discard(fresh)


def create(path: Path, template: xr.Dataset, large: Mapping[str, Large], compress: bool) -> None:
    """Make a NetCDF-4 file with small variables as they are and large ones without values.

    Without compression, each large variable has its place in the file at once. With it, those that are quantised
    are to be written through a filter.
    """
    bare = template.drop_encoding()  # how the template was read does not change how it is written
    bare.to_netcdf(path, engine="h5netcdf", format="NETCDF4", encoding=disk.encoding(bare))
    with h5netcdf.File(path, "a") as file:
        for name, variable in large.items():
            _declare(file, name, variable, template, compress and variable.significant_bits is not None)


def fingerprint(path: Path, known: Mapping[str, str] | None = None) -> str:
    """Give the content digest of a file whose values are all there; see `provenance.digest_content`."""
    with xr.open_dataset(path, engine="h5netcdf") as dataset:
        dataset.attrs = {name: value for name, value in dataset.attrs.items() if name not in (KEY, LAYOUT)}
        return digest_content(dataset, known)


def seal(path: Path, content: str) -> None:
    """Write its content digest into a file that is whole."""
    with h5netcdf.File(path, "a") as file:
        for mark in (KEY, LAYOUT):
            if mark in file.attrs:
                del file.attrs[mark]
        file.attrs["content_digest"] = content


def _declare(file: h5netcdf.File, name: str, variable: Large, template: xr.Dataset, compress: bool) -> None:
    for dimension, size in variable.dims.items():
        if dimension not in file.dimensions:
            file.dimensions[dimension] = size
    early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    early.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    filters: dict[str, object] = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
    chunks = variable.chunks and tuple(min(c, max(s, 1)) for c, s in zip(variable.chunks, variable.shape, strict=True))
    made = file.create_variable(
        name,
        tuple(variable.dims),
        dtype=variable.stored,
        chunks=chunks or (rounding.pieces(variable.shape) if compress else None),
        **(filters if compress else {"dcpl": early}),
    )
    for attribute, value in {**variable.attributes, **_conventions(variable, template)}.items():
        made.attrs[attribute] = value
    if variable.significant_bits is not None:
        made.attrs.update(rounding.attributes(variable.significant_bits, str(variable.attributes.get("comment", ""))))


def _conventions(variable: Large, template: xr.Dataset) -> dict[str, str]:
    """Say what xarray says of a variable: its coordinates, and that bytes are booleans."""
    labels = [
        str(n) for n, c in template.coords.items() if n not in template.dims and set(c.dims) <= set(variable.dims)
    ]
    found = {"coordinates": " ".join(labels)} if labels else {}
    return found | ({"dtype": "bool"} if np.dtype(variable.dtype).kind == "b" else {})


def _layout(template: xr.Dataset, large: Mapping[str, Large]) -> str:
    outer = [digest_content(template), template.attrs.get("software", "")]
    return digest([outer, {name: variable.layout for name, variable in large.items()}])


def _marks(path: Path) -> tuple[str, str] | None:
    """Read key and layout of a file that a killed job may have left."""
    if not path.is_file():
        return None
    try:
        with h5netcdf.File(path, "r") as file:
            return str(file.attrs.get(KEY, "")), str(file.attrs.get(LAYOUT, ""))
    except (OSError, KeyError):
        return None  # damaged: it is made anew
