"""Where a number came from: digests, versions and the stamp that every artefact carries.

digest           fingerprint of anything that JSON can hold
digest_bytes     fingerprint of bytes
digest_content   fingerprint of a dataset: names, dimensions, types, values and attributes, in constant memory
software         versions of the packages at work
stamp            write title, parameters, sources, seed and versions into a dataset's attributes
"""

from __future__ import annotations

import hashlib
import json
import math
import platform
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

import numpy as np
import xarray as xr

from deeplocalizer._version import __version__
from deeplocalizer.vocabulary import explain

PACKAGES = (
    "numpy",
    "scipy",
    "xarray",
    "netCDF4",
    "h5netcdf",
    "h5py",
    "pandas",
    "torch",
    "torchvision",
    "transformers",
    "timm",
    "datasets",
    "PIL",
    "skimage",
    "sklearn",
)
SLAB = 1 << 24  # bytes of a variable that are hashed at a time
_DISTRIBUTIONS = {"PIL": "pillow", "skimage": "scikit-image", "sklearn": "scikit-learn"}


def digest(value: object) -> str:
    """Fingerprint a value that JSON can hold (hex SHA-256 of its canonical form)."""
    return digest_bytes(json.dumps(value, sort_keys=True, separators=(",", ":")).encode())


def digest_bytes(content: bytes | memoryview) -> str:
    """Fingerprint bytes (hex SHA-256)."""
    return hashlib.sha256(content).hexdigest()


def digest_content(dataset: xr.Dataset, known: Mapping[str, str] | None = None) -> str:
    """Fingerprint a dataset, whatever order its variables stand in (hex SHA-256).

    Parameters
    ----------
    dataset : Dataset
    known : mapping of str, optional
        SHA-256 of the values of some variables, as bytes in C order, from whoever has just written them.

    Notes
    -----
    The digest of a dataset is that of the digests of its variables, and each of these is of a name, dimensions,
    attributes, type, shape and the SHA-256 of the values in C order. So a large variable, opened lazily, is read in
    slabs of at most 16 MiB and never held.

    The attributes ``content_digest`` and ``software`` do not count, so that the same numbers made with another
    patch release of a package keep their fingerprint.
    """
    hashed = known or {}
    variables = {
        str(name): _digest_variable(dataset[name].variable, hashed.get(str(name))) for name in dataset.variables
    }
    outer = {k: v for k, v in dataset.attrs.items() if k not in ("content_digest", "software")}
    return digest([variables, _plain(outer)])


def software() -> dict[str, str]:
    """Give the versions of Python, of this package and of those scientific packages that are loaded."""
    loaded = [name for name in PACKAGES if name in sys.modules]
    versions = {name: metadata.version(_DISTRIBUTIONS.get(name, name)) for name in loaded}
    return {"deeplocalizer": __version__, "python": platform.python_version(), **versions}


def stamp(
    dataset: xr.Dataset,
    artefact: str,
    title: str,
    parameters: Mapping[str, object],
    sources: Mapping[str, xr.Dataset] | None = None,
) -> xr.Dataset:
    """Write where a dataset came from into its attributes.

    Parameters
    ----------
    dataset : Dataset
        Not changed.
    artefact : str
        Its kind in the data contract, such as ``moments``.
    title : str
        One line on what it holds.
    parameters : mapping
        The part of the configuration (and the seed) that determined it; JSON must be able to hold it.
    sources : mapping of Dataset, optional
        What it was computed from; their ``content_digest`` is noted under the given names.

    Returns
    -------
    Dataset
        With ``artefact``, ``title``, ``Conventions``, ``parameters``, ``configuration_digest``, ``sources`` and
        ``software``, and with the seed, the model and the digests of units, stimuli and weights where a source has
        them. No times, no hosts: equal work gives equal bytes.
    """
    sources = sources or {}
    inherited: dict[str, object] = {}
    for source in sources.values():
        kept = ("units_digest", "stimuli_digest", "weights_digest", "model", "seed")
        inherited |= {key: source.attrs[key] for key in kept if key in source.attrs}
    if "seed" in parameters:
        inherited["seed"] = parameters["seed"]
    return explain(dataset).assign_attrs(
        {
            **inherited,
            **dataset.attrs,
            "Conventions": "CF-1.11",
            "artefact": artefact,
            "title": title,
            "parameters": json.dumps(parameters, sort_keys=True),
            "configuration_digest": digest(parameters),
            "sources": json.dumps({name: source.attrs["content_digest"] for name, source in sources.items()}),
            "software": json.dumps(software()),
        }
    )


def _digest_variable(variable: xr.Variable, values: str | None = None) -> str:
    text = variable.dtype.kind in "OUST"
    kind = "text" if text else variable.dtype.str
    content = _digest_values(variable, text) if values is None else values
    return digest([list(variable.dims), _plain(variable.attrs), kind, list(variable.shape), content])


def _digest_values(variable: xr.Variable, text: bool) -> str:
    sha = hashlib.sha256()
    for index in _slabs(variable):
        values = variable[index].values
        if text:
            sha.update("".join(f"{len(each)}:{each}" for each in map(str, values.ravel())).encode())
        else:
            sha.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)
    return sha.hexdigest()


def _slabs(variable: xr.Variable) -> Iterator[tuple[int | slice, ...]]:
    """Cut a variable into slabs that follow each other in C order, on the borders of its chunks where these fit."""
    shape = variable.shape
    if variable.nbytes <= SLAB or not shape:
        yield ()
        return
    row = [variable.dtype.itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    axis = next((axis for axis, size in enumerate(row) if size <= SLAB), len(shape) - 1)
    step = max(1, SLAB // row[axis])
    chunk = (variable.encoding.get("chunksizes") or shape)[axis]
    if chunk < step:
        step -= step % chunk
    for outer in np.ndindex(shape[:axis]):
        for start in range(0, shape[axis], step):
            yield (*outer, slice(start, start + step))


def _plain(attributes: Mapping[Any, object]) -> dict[str, Any]:
    # numbers come back from a file as NumPy scalars and arrays, so both must look alike,
    # and an array of one comes back as a scalar
    plain = {str(key): np.atleast_1d(np.asarray(value)).tolist() for key, value in attributes.items()}
    return json.loads(json.dumps(plain, default=str))
