"""What no artefact holds, found before anything is read: a file may be somebody else's.

check            refuse a file that would read other files, run a filter's plugin, or unfold to more than it holds
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import h5py

from deeplocalizer.store.errors import ArtefactError

# deflate, shuffle and Fletcher's checksum are HDF5's own; any other is a plugin from HDF5_PLUGIN_PATH
FILTERS = frozenset([h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32])
GROWTH = 1100  # deflate makes at most 1,032 bytes of one
LEAST = 2**20  # bytes of a variable that are read whatever the file holds of it
SCALE, BARE = b"DIMENSION_SCALE", b"This is a netCDF dimension but not a netCDF variable"
MOST = 100_000  # objects in a file


def check(path: Path) -> None:
    """Refuse a file that would read other files, run a filter's plugin, or unfold to more than it holds.

    Parameters
    ----------
    path : path
        Of a NetCDF-4 file; one that HDF5 cannot open is left to whoever reads it.

    Raises
    ------
    ArtefactError
        Naming the variable.
    """
    try:
        file = h5py.File(path, "r")
    except OSError:
        return
    with file:
        size = path.stat().st_size
        for name, variable in _variables(file, path):
            _check_storage(name, variable, path)
            _check_size(name, variable, size, path)


def _variables(file: h5py.File, path: Path) -> Iterator[tuple[str, h5py.Dataset]]:
    """Give the variables of the root group; artefacts have no other group, and no links."""
    if len(file) > MOST:
        raise ArtefactError(f"{path}: holds {len(file):,} variables; no artefact has over {MOST:,}")
    for name in file:
        link = file.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ArtefactError(f"{path}: {name!r} is a link to another place; artefacts hold what they name")
        found = file[name]
        if isinstance(found, h5py.Group):
            raise ArtefactError(f"{path}: holds a group {name!r}; artefacts have none")
        if isinstance(found, h5py.Dataset) and not _is_bare_dimension(found):
            yield name, found


def _is_bare_dimension(found: h5py.Dataset) -> bool:
    """Say whether it is netCDF's note of a dimension's length, which is no variable and never read."""
    return bytes(found.attrs.get("NAME", b"")).startswith(BARE) if found.attrs.get("CLASS") == SCALE else False


def _check_storage(name: str, variable: h5py.Dataset, path: Path) -> None:
    plist = variable.id.get_create_plist()
    if plist.get_layout() == h5py.h5d.VIRTUAL or plist.get_external_count():
        raise ArtefactError(f"{path}: the values of {name!r} lie in another file; artefacts hold their own")
    filters = {plist.get_filter(index)[0] for index in range(plist.get_nfilters())}
    if filters - FILTERS:
        strange = ", ".join(map(str, sorted(filters - FILTERS)))
        raise ArtefactError(f"{path}: {name!r} needs the filter {strange}, a plugin; artefacts are read without any")


def _check_size(name: str, variable: h5py.Dataset, size: int, path: Path) -> None:
    said = math.prod(variable.shape or (0,)) * variable.dtype.itemsize
    held = variable.id.get_storage_size()
    if held > size or said > max(LEAST, GROWTH * held):
        raise ArtefactError(
            f"{path}: {name!r} says that it has {said:,} bytes, of which the file of {size:,} bytes holds "
            f"{min(held, size):,}; truncated, or none of ours"
        )
