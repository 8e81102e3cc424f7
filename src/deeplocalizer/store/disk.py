"""Files written beside their destination, and renamed when they are whole.

check            refuse a dataset that cannot become an artefact
encoding         how the variables of a dataset are written
publish          give a file that is whole its name
discard          delete a file that did not become whole
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import xarray as xr

from deeplocalizer.store import footer
from deeplocalizer.store.errors import ArtefactError
from deeplocalizer.unwritable import flush

COMPRESS_ABOVE = 4096  # bytes; below, a filter costs more than it saves


def check(dataset: xr.Dataset, destination: Path) -> None:
    """Refuse a dataset that was not stamped or holds what NetCDF cannot."""
    if "artefact" not in dataset.attrs:
        raise ArtefactError(f"{destination}: the dataset has no attribute 'artefact'; stamp it before saving")
    for name, variable in dataset.variables.items():
        refuse_halves(destination, str(name), variable.dtype)


def refuse_halves(destination: Path, name: str, dtype: np.dtype) -> None:
    """Refuse 16-bit floats: a reader that opens a NetCDF file with one in it crashes."""
    if dtype == np.float16:
        raise ArtefactError(f"{destination}: variable {name!r} is float16, which NetCDF cannot hold")


def encoding(dataset: xr.Dataset) -> dict[str, dict[str, object]]:
    """Compress what is large, with the one filter that every reader has; never add a fill value."""
    found: dict[str, dict[str, object]] = {}
    for name, variable in dataset.variables.items():
        numeric = variable.dtype.kind in "biuf"
        found[str(name)] = {"_FillValue": None} if variable.dtype.kind == "f" else {}
        if numeric and variable.nbytes > COMPRESS_ABOVE:
            found[str(name)] |= {"zlib": True, "complevel": 1, "shuffle": True}
    return found


def publish(partial: str | os.PathLike[str], destination: Path, values: footer.Extents = ()) -> None:
    """Give a file that is whole its footer, flush it, and put it in the place of what was there before."""
    footer.append(partial, values)
    flush(partial)
    os.chmod(partial, 0o666 & ~_umask())
    os.replace(partial, destination)


def discard(partial: str | os.PathLike[str]) -> None:
    """Delete a file that did not become whole, and give its room back even if a library still holds it open."""
    with contextlib.suppress(OSError):  # what a read-only disk says of it would hide the reason
        os.truncate(partial, 0)
        os.unlink(partial)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
