"""Variables that are too large to be held.

Large            what such a variable is, before it has values
chunks           the chunks of activations that read fast in both directions
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from deeplocalizer.provenance import digest
from deeplocalizer.store.disk import refuse_halves
from deeplocalizer.store.errors import ArtefactError

STIMULI, UNITS = 256, 512  # of a chunk: 512 KiB of float32; measured by tests/benchmarks/store.py
BITS = 23  # explicit significand of a float32


@dataclass(frozen=True)
class Large:
    """What a variable is that is written in pieces.

    Parameters
    ----------
    dims : mapping of int
        Its dimensions in order, with their sizes.
    dtype : str or dtype
        Booleans are kept as xarray keeps them; 16-bit floats are refused.
    attributes : mapping
        Attributes of the variable.
    chunks : tuple of int, optional
        Sizes of its chunks, for two dimensions only; contiguous if not given.
    significant_bits : int, optional
        Keep this many bits of the significand of float32 values (1 to 23), by netCDF's own quantisation BitRound.
    """

    dims: Mapping[str, int]
    dtype: npt.DTypeLike
    attributes: Mapping[str, object] = field(default_factory=dict)
    chunks: tuple[int, ...] | None = None
    significant_bits: int | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes of its dimensions."""
        return tuple(self.dims.values())

    @property
    def nbytes(self) -> int:
        """Bytes of its values."""
        return math.prod(self.shape) * self.stored.itemsize

    @property
    def stored(self) -> np.dtype:
        """Type of its values in the file, little-endian: int8 for booleans, as xarray has it."""
        dtype = np.dtype(self.dtype)
        return np.dtype("<i1") if dtype.kind == "b" else dtype.newbyteorder("<")

    @property
    def layout(self) -> list[object]:
        """Everything that two equal ones share, in a form that JSON can hold."""
        attributes = digest({name: np.asarray(value).tolist() for name, value in self.attributes.items()})
        return [list(self.dims.items()), np.dtype(self.dtype).str, attributes, self.chunks, self.significant_bits]

    def check(self, name: str, destination: Path) -> None:
        """Refuse what cannot be streamed.

        Raises
        ------
        ArtefactError
            If it is no number, a 16-bit float, chunked in other than two dimensions, or quantised and not float32.
        """
        where, dtype = f"{destination}: variable {name!r}", np.dtype(self.dtype)
        refuse_halves(destination, name, dtype)
        if dtype.kind not in "biuf" or dtype.itemsize > 8:
            raise ArtefactError(f"{where} is {dtype}; only booleans, integers and floats can be streamed")
        if not self.dims:
            raise ArtefactError(f"{where} has no dimension; a single number belongs into the template")
        if self.chunks is not None and (len(self.chunks) != 2 or len(self.dims) != 2 or min(self.chunks) < 1):
            raise ArtefactError(f"{where}: chunks {self.chunks} for {dict(self.dims)}; expected two sizes for two dims")
        if self.significant_bits is not None and (dtype != np.float32 or not 1 <= self.significant_bits <= BITS):
            raise ArtefactError(
                f"{where}: {self.significant_bits} significant bits of {dtype}; expected 1 to {BITS} bits of float32"
            )


def chunks(stimuli: int, units: int) -> tuple[int, int]:
    """Choose chunks for activations (stimulus, unit) in which a block of stimuli and a slab of units read fast.

    A slab of all stimuli and 512 units then lies in pieces of 512 KiB, and so does a block of 256 stimuli. Chunks are
    made a little smaller where this saves room at the borders of the variable.

    Parameters
    ----------
    stimuli, units : int
        Sizes of the variable.

    Returns
    -------
    tuple of int
        Stimuli and units of a chunk.
    """
    return _even(stimuli, STIMULI), _even(units, UNITS)


def _even(size: int, most: int) -> int:
    """Cut a size into pieces of nearly one size, none above the most."""
    pieces = max(1, -(-size // most))
    return max(1, -(-size // pieces))
