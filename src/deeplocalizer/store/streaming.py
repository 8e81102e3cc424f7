"""Artefacts larger than memory, written in pieces.

stream           write an artefact piece by piece, whole or not at all
Stream           where its pieces go
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from deeplocalizer.provenance import SLAB
from deeplocalizer.store import disk, partial, places, rounding
from deeplocalizer.store.errors import ArtefactError
from deeplocalizer.store.large import Large
from deeplocalizer.unwritable import LITTLE, explained, require


class Stream:
    """Where the pieces of an artefact go; `stream` makes one.

    Attributes
    ----------
    resumed : bool
        Whether the pieces of a job that was killed are there already. Which of them are is for the caller to know,
        from a variable that it writes after them. What has no value yet reads as 0.
    """

    def __init__(self, path: Path, large: Mapping[str, Large], resumed: bool) -> None:
        self.resumed = resumed
        self._large, self._path = large, path
        with h5py.File(path, "r") as file:
            self._places = {name: places.locate(file[name]) for name in large}
        self._file = os.open(path, os.O_RDWR)

    def write(self, name: str, start: int, values: np.ndarray) -> None:
        """Write rows of a variable; threads may write different rows at once.

        Parameters
        ----------
        name : str
            One of the large variables.
        start : int
            Row at which the values begin. If the variable is contiguous, the values may have fewer axes than it:
            a row is then one entry of its last axes, and ``start`` counts rows over its leading axes, in C order.
            So values of one axis begin at a flat index.
        values : array (row, …)
            Of the declared type.

        Raises
        ------
        ArtefactError
            If there is no such variable, or the values have another type, do not fit its last axes or its size.
        UnwritableError
            If the disk is full.
        """
        declared = self._declared(name)
        given = np.asarray(values)
        if given.dtype != np.dtype(declared.dtype):
            raise ArtefactError(f"variable {name!r}: values are {given.dtype}, expected {np.dtype(declared.dtype)}")
        row = given.shape[1:]
        whole_rows = declared.chunks is None or given.ndim == len(declared.shape)
        if not given.ndim or not whole_rows or row != declared.shape[len(declared.shape) - len(row) :]:
            raise ArtefactError(f"variable {name!r}: values {given.shape} do not fit rows of {dict(declared.dims)}")
        count = math.prod(declared.shape[: len(declared.shape) - len(row)])
        self._check_range(name, start, start + len(given), count)
        rows = given.astype(declared.stored, copy=False).reshape(len(given), math.prod(row))
        with explained(self._path):
            places.write(self._file, self._places[name], start, rows)

    def read(self, name: str, start: int, stop: int) -> np.ndarray:
        """Read rows of a variable along its first axis, as they were written.

        Raises
        ------
        ArtefactError
            If there is no such variable, or the rows are outside.
        """
        declared = self._declared(name)
        self._check_range(name, start, stop, declared.shape[0])
        rows = np.empty((stop - start, math.prod(declared.shape[1:])), dtype=declared.stored)
        places.read(self._file, self._places[name], start, rows)
        return rows.astype(declared.dtype, copy=False).reshape(stop - start, *declared.shape[1:])

    def fingerprint(self, name: str) -> str:
        """Give the SHA-256 of a variable's values in C order, read as they were written: HDF5 takes twice as long."""
        declared, sha = self._declared(name), hashlib.sha256()
        total = math.prod(declared.shape)
        # a contiguous variable is read as a column of single values, one in chunks by its rows
        width = 1 if declared.chunks is None else declared.shape[1]
        step = max(1, SLAB // max(1, width * declared.stored.itemsize))
        rows = np.empty((step, width), dtype=declared.stored)
        for start in range(0, total // max(width, 1), step):
            some = rows[: min(step, total // width - start)]
            places.read(self._file, self._places[name], start, some)
            sha.update(some.data)
        return sha.hexdigest()

    def extents(self) -> Iterator[tuple[int, int]]:
        """Give first byte and length of every piece of the file that holds values as they are."""
        for place in self._places.values():
            yield from places.extents(place)

    def flush(self) -> None:
        """See to it that everything written so far is on the disk, even if the machine fails."""
        with explained(self._path):
            os.fsync(self._file)

    def close(self) -> None:
        """Write no more."""
        os.close(self._file)

    def _declared(self, name: str) -> Large:
        if name not in self._large:
            raise ArtefactError(f"no large variable {name!r}; declared are {', '.join(map(repr, self._large))}")
        return self._large[name]

    @staticmethod
    def _check_range(name: str, start: int, stop: int, count: int) -> None:
        if not 0 <= start <= stop <= count:
            raise ArtefactError(f"variable {name!r}: rows {start} to {stop} are outside; it has {count}")


@contextmanager
def stream(
    path: str | os.PathLike[str], template: xr.Dataset, large: Mapping[str, Large], key: str = ""
) -> Iterator[Stream]:
    """Write an artefact in pieces, in constant memory, whole or not at all.

    The pieces go into ``.{name}.partial`` beside the destination. At the end of the context it gets its
    ``content_digest`` and its name. It holds no filters, so values go to the disk as they are; only variables with
    ``significant_bits`` are rounded and compressed (zlib, the one filter that every reader has) when all is written.

    Parameters
    ----------
    path : path
        Destination; its folder is made if need be. A failure leaves what was there before.
    template : Dataset
        Coordinates, small variables and attributes, stamped by `provenance.stamp`.
    large : mapping of Large
        The variables that are written in pieces.
    key : str
        What the values depend on. If not empty, a failed or killed job leaves its partial file, and the next one
        with the same key, template and large variables takes it up again. One job at a time.

    Yields
    ------
    Stream

    Raises
    ------
    ArtefactError
        If the template was not stamped, or a large variable cannot be streamed or contradicts the template.
    UnwritableError
        If there is no room, which is asked before anything else is done, no permission, or the disk is read-only.
    """
    destination = Path(path)
    disk.check(template, destination)
    for name, variable in large.items():
        variable.check(name, destination)
        _check_against(template, name, variable, destination)
    unfinished, sealed = (destination.with_name(f".{destination.name}.{end}") for end in ("partial", "sealed.partial"))
    with explained(destination):
        destination.parent.mkdir(parents=True, exist_ok=True)
        resumed = bool(key) and partial.resumable(unfinished, template, large, key)
        if not resumed:
            unfinished.unlink(missing_ok=True)  # of other work: its room is needed
            require(destination, template.nbytes + sum(variable.nbytes for variable in large.values()) + LITTLE)
            partial.begin(unfinished, template, large, key)
    try:
        pieces = Stream(unfinished, large, resumed)
        try:
            yield pieces
            rounds = any(variable.significant_bits is not None for variable in large.values())
            hashed = {} if rounds else {name: pieces.fingerprint(name) for name in large}
        finally:
            pieces.close()
        with explained(destination):
            require(destination, LITTLE)  # while what is there can still be taken up; HDF5 crashes on a full disk
            if rounds:
                partial.create(sealed, template, large, compress=True)
                rounding.rewrite(unfinished, sealed, large)
                content = partial.fingerprint(sealed)
            else:
                content = partial.fingerprint(unfinished, hashed)
                os.replace(unfinished, sealed)  # a job that is killed from here on leaves nothing half to take up
            partial.seal(sealed, content)
            disk.publish(sealed, destination, [] if rounds else pieces.extents())
        unfinished.unlink(missing_ok=True)
    finally:
        disk.discard(sealed)
        if not key:
            disk.discard(unfinished)


def _check_against(template: xr.Dataset, name: str, variable: Large, destination: Path) -> None:
    if name in template.variables:
        raise ArtefactError(f"{destination}: variable {name!r} is in the template and among the large ones")
    for dimension, size in variable.dims.items():
        if dimension not in template.dims and dimension in template.variables:
            raise ArtefactError(f"{destination}: variable {name!r} has a dimension {dimension!r}, a label on another")
        if template.sizes.get(dimension, size) != size:
            raise ArtefactError(
                f"{destination}: variable {name!r} has {size} along {dimension!r}, the template "
                f"{template.sizes[dimension]}"
            )
