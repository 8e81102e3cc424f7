"""Artefacts that fit in memory, written at once.

save             write a dataset beside its destination, then rename it
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import xarray as xr

from deeplocalizer.provenance import digest_content
from deeplocalizer.store import disk
from deeplocalizer.unwritable import explained


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
    UnwritableError
        If the disk is full or read-only, or the folder may not be written to.
    """
    destination = Path(path)
    disk.check(dataset, destination)
    complete = dataset.assign_attrs(content_digest=digest_content(dataset))
    with explained(destination, complete.nbytes):
        destination.parent.mkdir(parents=True, exist_ok=True)
        for abandoned in destination.parent.glob(f".{destination.name}.*.partial"):
            abandoned.unlink(missing_ok=True)  # of a job that was killed; two jobs never write one artefact
        handle, partial = tempfile.mkstemp(prefix=f".{destination.name}.", suffix=".partial", dir=destination.parent)
        os.close(handle)
    try:
        with explained(destination, complete.nbytes):
            complete.to_netcdf(partial, engine="netcdf4", format="NETCDF4", encoding=disk.encoding(complete))
            disk.publish(partial, destination)
    finally:
        disk.discard(partial)
