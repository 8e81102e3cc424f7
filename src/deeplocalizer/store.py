"""Artefacts on disk: one labelled NetCDF-4 file each, written whole or not at all.

save             write a dataset beside its destination, then rename it
open             read a dataset into memory; refuse what is truncated, foreign or altered
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from deeplocalizer.provenance import digest_content

COMPRESS_ABOVE = 4096  # bytes; below, a filter costs more than it saves


class ArtefactError(ValueError):
    """A file is not the artefact that it should be."""


def save(dataset: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Write an artefact atomically, with its ``content_digest``.

    Parameters
    ----------
    dataset : Dataset
        Stamped by `provenance.stamp`.
    path : path
        Destination; its folder is made if need be. A failure leaves what was there before.

    Raises
    ------
    ArtefactError
        If the dataset was not stamped or holds 16-bit floats, which NetCDF has not.
    """
    destination = Path(path)
    if "artefact" not in dataset.attrs:
        raise ArtefactError(f"{destination}: the dataset has no attribute 'artefact'; stamp it before saving")
    for name, variable in dataset.variables.items():
        if variable.dtype == np.float16:
            raise ArtefactError(f"{destination}: variable {name!r} is float16, which NetCDF cannot hold")
    complete = dataset.assign_attrs(content_digest=digest_content(dataset))
    destination.parent.mkdir(parents=True, exist_ok=True)
    for abandoned in destination.parent.glob(f".{destination.name}.*.partial"):
        abandoned.unlink(missing_ok=True)  # of a job that was killed; two jobs never write one artefact
    handle, partial = tempfile.mkstemp(prefix=f".{destination.name}.", suffix=".partial", dir=destination.parent)
    os.close(handle)
    try:
        complete.to_netcdf(partial, engine="netcdf4", format="NETCDF4", encoding=_encoding(complete))
        _flush(partial)
        os.chmod(partial, 0o666 & ~_umask())
        os.replace(partial, destination)
    finally:
        Path(partial).unlink(missing_ok=True)


def open(path: str | os.PathLike[str], artefact: str | None = None) -> xr.Dataset:
    """Read an artefact into memory and check it.

    Parameters
    ----------
    path : path
        A file that `save` wrote.
    artefact : str, optional
        The kind that is expected.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArtefactError
        If the file is truncated, not NetCDF, not ours, of another kind, or its content was altered.
    """
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    try:
        dataset = xr.load_dataset(source, engine="netcdf4")
    except (OSError, RuntimeError, ValueError) as error:
        size = source.stat().st_size
        raise ArtefactError(
            f"{source}: not a readable NetCDF-4 file ({size} bytes; truncated? Delete it and run again): {error}"
        ) from error
    found = dataset.attrs.get("artefact")
    if found is None:
        raise ArtefactError(f"{source}: a NetCDF file, but not of DeepLocalizer (no attribute 'artefact')")
    if artefact is not None and found != artefact:
        raise ArtefactError(f"{source}: holds {found!r}, expected {artefact!r}")
    if dataset.attrs.get("content_digest") != digest_content(dataset):
        raise ArtefactError(f"{source}: its content does not match its content_digest; it was altered or damaged")
    return dataset


def _encoding(dataset: xr.Dataset) -> dict[str, dict[str, object]]:
    """Compress what is large, with the one filter that every reader has; never add a fill value."""
    encoding: dict[str, dict[str, object]] = {}
    for name, variable in dataset.variables.items():
        numeric = variable.dtype.kind in "biuf"
        encoding[str(name)] = {"_FillValue": None} if variable.dtype.kind == "f" else {}
        if numeric and variable.nbytes > COMPRESS_ABOVE:
            encoding[str(name)] |= {"zlib": True, "complevel": 1, "shuffle": True}
    return encoding


def _flush(path: str) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
