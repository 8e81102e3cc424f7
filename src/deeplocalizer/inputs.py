"""Model inputs: stimuli decoded once, at the size that a model wants.

Pipeline         what `prepare` asks of a preprocessing
Preprocessing    resize to the shorter side and keep the centre, as torchvision does
prepare          decode, resize and crop every stimulus
centre           the central part of an image
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr
from PIL import Image

from deeplocalizer.stimuli.images import decode
from deeplocalizer.stimuli.table import encoded


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
    """Decode, resize and crop every stimulus.

    Parameters
    ----------
    stimuli : Dataset
        As `stimuli.table` makes it.
    preprocessing : Pipeline

    Returns
    -------
    Dataset
        ``pixel_values`` (stimulus, channel, y, x), uint8, with ``mean`` and ``std`` (channel,) for the normalisation
        on the device, and what is known of each stimulus as coordinates.

    Raises
    ------
    ValueError
        If an image cannot be decoded, or comes out in another shape than the ones before it; names the stimulus.
    """
    kept = ("category", "label", "split", "fold", "group")
    dataset = xr.Dataset(
        {
            "pixel_values": (
                ("stimulus", "channel", "y", "x"),
                _frames(stimuli, preprocessing),
                {"long_name": "image, 0 to 255"},
            ),
            "mean": (
                "channel",
                np.array(preprocessing.mean),
                {"comment": "subtracted after division by 255"},
            ),
            "std": ("channel", np.array(preprocessing.std), {"comment": "divides after the subtraction"}),
        },
        coords={"stimulus": stimuli["stimulus"], **{name: stimuli[name] for name in kept}},
    )
    return dataset.assign_attrs({f"preprocessing_{key}": value for key, value in preprocessing.attributes().items()})


def _frames(stimuli: xr.Dataset, preprocessing: Pipeline) -> np.ndarray:
    """Fill one array, frame by frame: a list of them would take the memory twice."""
    ids = stimuli["stimulus"].values
    pixels = np.empty((0, len(preprocessing.mean), 0, 0), dtype=np.uint8)
    for index, name in enumerate(map(str, ids)):
        frame = _frame(decode(encoded(stimuli, index), name, preprocessing.mode), name, preprocessing)
        if index == 0:
            pixels = np.empty((len(ids), *frame.shape), dtype=np.uint8)
        if frame.shape != pixels.shape[1:]:
            raise ValueError(
                f"stimulus {name!r}: its pixels come out in the shape {frame.shape}, those of {str(ids[0])!r} in "
                f"{pixels.shape[1:]}; the model's preprocessing must give every image one size"
            )
        pixels[index] = frame
    return pixels


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
