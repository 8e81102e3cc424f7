"""Model inputs: stimuli decoded once, at the size that a model wants.

Pipeline         what `prepare` asks of a preprocessing
Preprocessing    resize to the shorter side and keep the centre, as torchvision does
prepare          decode, resize and crop every stimulus, in memory
write            the same, image by image into an artefact that need not fit in memory
table            all but the pixels
order            in which the stimuli stand
centre           the central part of an image
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from PIL import Image

from deeplocalizer import store
from deeplocalizer.stimuli.images import decode

SLAB = 16 * 2**20  # bytes of image files that are read at a time
PIXELS = {"long_name": "image, 0 to 255"}
KEPT = ("category", "label", "split", "fold", "group")


class Pipeline(Protocol):
    """What `prepare` asks of a preprocessing."""

    @property
    def mode(self) -> str:
        """PIL mode of the images that it takes."""

    @property
    def mean(self) -> tuple[float, ...]:
        """What is subtracted from each channel, on a scale from 0 to 1."""

    @property
    def std(self) -> tuple[float, ...]:
        """What then divides each channel."""

    def frame(self, image: Image.Image) -> np.ndarray:
        """Turn an image of that mode into uint8 pixels (channel, y, x)."""

    def attributes(self) -> Mapping[str, str | int]:
        """Say how: ``mode``, ``resize``, ``crop``, ``resample``, ``library`` and ``pipeline``, a sentence."""


@dataclass(frozen=True)
class Preprocessing:
    """Resize to the shorter side and keep the centre, as torchvision does.

    Parameters
    ----------
    mode : str
        PIL mode: ``L`` (grey, one channel) or ``RGB``.
    resize : int
        Length of the shorter side after resizing, in pixels.
    crop : int
        Side of the central square that is kept, in pixels.
    resample : str
        PIL resampling filter: ``bilinear``, ``bicubic``, …
    mean, std : tuple of float
        Normalisation of each channel on a scale from 0 to 1; applied on the device, not here.
    library : str
        Whose preprocessing it is.
    """

    mode: str
    resize: int
    crop: int
    resample: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    library: str = "deeplocalizer"

    def frame(self, image: Image.Image) -> np.ndarray:
        """Turn an image into uint8 pixels (channel, y, x), as ``Resize`` and ``CenterCrop`` of torchvision do."""
        width, height = image.size
        if min(width, height) != self.resize:
            longer = int(self.resize * max(width, height) / min(width, height))  # torchvision truncates
            size = (self.resize, longer) if width <= height else (longer, self.resize)
            image = image.resize(size, Image.Resampling[self.resample.upper()])
        pixels = np.asarray(centre(image, self.crop))
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    def attributes(self) -> Mapping[str, str | int]:
        """Say how images are resized and cropped."""
        return {
            "mode": self.mode,
            "resize": self.resize,
            "crop": self.crop,
            "resample": self.resample,
            "library": self.library,
            "pipeline": f"resized ({self.resample}) to {self.resize} pixels at the shorter side, of which the central "
            f"{self.crop} × {self.crop} were kept",
        }


def centre(image: Image.Image, side: int) -> Image.Image:
    """Cut the central square out of an image, with black added where the image is smaller, as torchvision does."""
    width, height = image.size
    if width < side or height < side:
        left, top = max(0, (side - width) // 2), max(0, (side - height) // 2)
        padded = Image.new(image.mode, (max(width, side), max(height, side)))
        padded.paste(image, (left, top))
        image, (width, height) = padded, padded.size
    # Python rounds halves to even, and so does torchvision's crop
    left, top = round((width - side) / 2), round((height - side) / 2)
    return image.crop((left, top, left + side, top + side))


def prepare(stimuli: xr.Dataset, preprocessing: Pipeline) -> xr.Dataset:
    """Decode, resize and crop every stimulus, in memory.

    Parameters
    ----------
    stimuli : Dataset
        As `stimuli.table` makes it; it may be opened lazily.
    preprocessing : Pipeline

    Returns
    -------
    Dataset
        ``pixel_values`` (stimulus, channel, y, x), uint8, with ``mean`` and ``std`` (channel,) for the normalisation
        on the device, and what is known of each stimulus as coordinates. The stimuli stand in `order`.

    Raises
    ------
    ValueError
        If an image cannot be decoded, or comes out in another shape than the ones before it; names the stimulus.
    """
    pixels = np.empty(_shape(stimuli, preprocessing), dtype=np.uint8)
    for row, frame in _frames(stimuli, preprocessing):
        pixels[row] = frame
    return table(stimuli, preprocessing).assign(pixel_values=(("stimulus", "channel", "y", "x"), pixels, PIXELS))


def write(stimuli: xr.Dataset, preprocessing: Pipeline, described: xr.Dataset, path: str | os.PathLike[str]) -> None:
    """Decode, resize and crop every stimulus into an artefact, image by image.

    Memory does not grow with the number of stimuli if they are opened lazily (`store.lazy`). The pixels lie in one
    piece and without a filter, so a block of stimuli reads at the speed of the disk.

    Parameters
    ----------
    stimuli, preprocessing
        As `prepare` takes them.
    described : Dataset
        As `table` makes it, stamped by `provenance.stamp`.
    path : path
        Destination, of the same content as a stamped `prepare` that was saved.

    Raises
    ------
    ValueError
        As `prepare`; there is no file then.
    """
    shape = _shape(stimuli, preprocessing)
    dims = dict(zip(("stimulus", "channel", "y", "x"), shape, strict=True))
    with store.stream(path, described, {"pixel_values": store.Large(dims, "uint8", PIXELS)}) as pieces:
        for row, frame in _frames(stimuli, preprocessing):
            pieces.write("pixel_values", row, frame[None])


def table(stimuli: xr.Dataset, preprocessing: Pipeline) -> xr.Dataset:
    """Give all but the pixels: normalisation, what is known of each stimulus and how its pixels come about."""
    ordered = stimuli[["stimulus", *KEPT]].isel(stimulus=order(stimuli)).load()
    return xr.Dataset(
        {
            "mean": ("channel", np.array(preprocessing.mean), {"comment": "subtracted after division by 255"}),
            "std": ("channel", np.array(preprocessing.std), {"comment": "divides after the subtraction"}),
        },
        coords={name: ordered[name].variable for name in ("stimulus", *KEPT)},
        attrs={f"preprocessing_{key}": value for key, value in preprocessing.attributes().items()},
    )


def order(stimuli: xr.Dataset) -> np.ndarray:
    """Give the order of the inputs: by category, split and fold, so that each of these is one block to read.

    Returns
    -------
    ndarray of int (stimulus,)
        Positions in the stimuli; what is alike keeps its order.
    """
    return np.lexsort([stimuli["fold"].values, *(stimuli[name].values.astype(str) for name in ("split", "category"))])


def _frames(stimuli: xr.Dataset, preprocessing: Pipeline) -> Iterator[tuple[int, np.ndarray]]:
    """Give the row and the pixels of each stimulus, in the order of their files."""
    ids = stimuli["stimulus"].values
    shape = None
    for name, row, content in zip(map(str, ids), np.argsort(order(stimuli)), _files(stimuli), strict=True):
        frame = _frame(decode(content, name, preprocessing.mode), name, preprocessing)
        shape = shape or frame.shape
        if frame.shape != shape:
            raise ValueError(
                f"stimulus {name!r}: its pixels come out in the shape {frame.shape}, those of {str(ids[0])!r} in "
                f"{shape}; the model's preprocessing must give every image one size"
            )
        yield int(row), frame


def _files(stimuli: xr.Dataset) -> Iterator[bytes]:
    """Give the image file of each stimulus, read many at a time: in the artefact they are compressed together."""
    end = np.cumsum(stimuli["encoded_size"].values, dtype=np.int64)
    start = end - stimuli["encoded_size"].values
    first = 0
    while first < len(end):
        last = max(first + 1, int(np.searchsorted(end, start[first] + SLAB, side="right")))
        slab = stimuli["encoded"][start[first] : end[last - 1]].values
        for index in range(first, last):
            yield slab[start[index] - start[first] : end[index] - start[first]].tobytes()
        first = last


def _shape(stimuli: xr.Dataset, preprocessing: Pipeline) -> tuple[int, ...]:
    """Give the shape of the pixels of all stimuli, from the first."""
    first = next(_frames(stimuli, preprocessing), None)
    return (stimuli.sizes["stimulus"], *((len(preprocessing.mean), 0, 0) if first is None else first[1].shape))


def _frame(image: Image.Image, name: str, preprocessing: Pipeline) -> np.ndarray:
    try:
        frame = preprocessing.frame(image)
    except Exception as error:
        raise ValueError(
            f"stimulus {name!r}: an image of {image.width} x {image.height} cannot be preprocessed: {error}"
        ) from error
    if frame.dtype != np.uint8:
        raise ValueError(f"stimulus {name!r}: the preprocessing gives {frame.dtype}, expected uint8")
    return frame
