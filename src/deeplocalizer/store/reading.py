"""Artefacts read back, and refused where they are truncated, foreign, of another kind or altered.

open             read an artefact into memory
lazy             read an artefact piece by piece
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import xarray as xr

from deeplocalizer.provenance import digest_content
from deeplocalizer.store import footer, refusing
from deeplocalizer.store.errors import ArtefactError
from deeplocalizer.whole import again

HDF5 = b"\x89HDF\r\n\x1a\n"


def open(path: str | os.PathLike[str], artefact: str | None = None) -> xr.Dataset:
    """Read an artefact into memory and check it.

    Parameters
    ----------
    path : path
        A file that `save` or `stream` wrote.
    artefact : str, optional
        The kind that is expected.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArtefactError
        If the file is truncated, not NetCDF, not ours, of another kind, or its content was altered.
    """
    source = _existing(path)
    footer.check(source, again(source))
    with _readable(source):
        refusing.check(source)
        dataset = xr.load_dataset(source, engine="netcdf4")
    _check_kind(dataset, source, artefact)
    _check_content(dataset, source)
    return dataset


@contextmanager
def lazy(path: str | os.PathLike[str], artefact: str | None = None, verify: bool = True) -> Iterator[xr.Dataset]:
    """Read an artefact piece by piece: only what is asked for is loaded, while the context lasts.

    Reads through h5netcdf, which several threads may use at once (netCDF4 crashes). Take a part before its values:
    ``dataset["activation"][:, 0:100].values``.

    Parameters
    ----------
    path : path
        A file that `save` or `stream` wrote.
    artefact : str, optional
        The kind that is expected.
    verify : bool
        Whether to read everything once, in slabs of at most 64 MiB, to check the content digest.

    Yields
    ------
    Dataset

    Raises
    ------
    FileNotFoundError, ArtefactError
        As `open`; altered values of large variables are noticed only with ``verify``.
    """
    source = _existing(path)
    footer.check(source, again(source))
    with _readable(source):
        refusing.check(source)
        dataset = xr.open_dataset(source, engine="h5netcdf")
    with dataset:
        _check_kind(dataset, source, artefact)
        if verify:
            with _readable(source):
                _check_content(dataset, source)
        yield dataset


def _existing(path: str | os.PathLike[str]) -> Path:
    source = Path(path)
    if not source.is_file():
        raise FileNotFoundError(f"{source}: no such file")
    if not os.access(source, os.R_OK):
        raise PermissionError(f"{source}: you may not read it; see its owner and mode")
    return source


@contextmanager
def _readable(source: Path) -> Iterator[None]:
    try:
        yield
    except (ArtefactError, MemoryError):
        raise
    except Exception as error:  # of a damaged file, libraries raise whatever they stumble over
        found = f"{source.stat().st_size} bytes; {_looks_like(source)}"
        raise ArtefactError(f"{source}: not a readable NetCDF-4 file ({found}): {error}; {again(source)}") from error


def _looks_like(source: Path) -> str:
    """Guess from the first bytes of a file what became of it."""
    with source.open("rb") as file:
        begin = file.read(len(HDF5))
    if begin == HDF5[: len(begin)]:
        return "truncated or damaged?"
    return "NetCDF-3, of another program?" if begin.startswith(b"CDF") else "of another program?"


def _check_kind(dataset: xr.Dataset, source: Path, artefact: str | None) -> None:
    found = dataset.attrs.get("artefact")
    if found is None:
        raise ArtefactError(
            f"{source}: a NetCDF file, but not of DeepLocalizer (no attribute 'artefact'); {again(source)}"
        )
    if artefact is not None and found != artefact:
        raise ArtefactError(f"{source}: holds {found!r}, expected {artefact!r}; {again(source)}")


def _check_content(dataset: xr.Dataset, source: Path) -> None:
    if dataset.attrs.get("content_digest") != digest_content(dataset):
        raise ArtefactError(
            f"{source}: its content does not match its content_digest; it was altered or damaged; {again(source)}"
        )
