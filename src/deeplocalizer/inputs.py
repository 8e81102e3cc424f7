"""Model inputs: stimuli decoded once, at the size that a model wants.

Preprocessing    how a model wants its images
prepare          decode, resize and crop every stimulus
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import xarray as xr
from PIL import Image

from deeplocalizer.stimuli.images import decode
from deeplocalizer.stimuli.table import encoded


@dataclass(frozen=True)
class Preprocessing:
    """How a model wants its images.

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
    """

    mode: str
    resize: int
    crop: int
    resample: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def prepare(stimuli: xr.Dataset, preprocessing: Preprocessing) -> xr.Dataset:
    """Decode, resize and crop every stimulus.

    Parameters
    ----------
    stimuli : Dataset
        As `stimuli.table.build` makes it.
    preprocessing : Preprocessing

    Returns
    -------
    Dataset
        ``pixel_values`` (stimulus, channel, y, x), uint8, with ``mean`` and ``std`` (channel,) for the normalisation
        on the device, and what is known of each stimulus as coordinates.

    Raises
    ------
    ValueError
        If an image cannot be decoded, naming the stimulus.
    """
    ids = stimuli["stimulus"].values
    frames = [
        _frame(decode(encoded(stimuli, i), str(ids[i]), preprocessing.mode), preprocessing) for i in range(len(ids))
    ]
    kept = ("category", "label", "split", "fold", "group")
    dataset = xr.Dataset(
        {
            "pixel_values": (
                ("stimulus", "channel", "y", "x"),
                np.stack(frames),
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
    shown = {key: value for key, value in asdict(preprocessing).items() if key not in ("mean", "std")}
    return dataset.assign_attrs({f"preprocessing_{key}": value for key, value in shown.items()})


def _frame(image: Image.Image, preprocessing: Preprocessing) -> np.ndarray:
    scale = preprocessing.resize / min(image.size)
    width, height = (max(preprocessing.resize, round(side * scale)) for side in image.size)
    image = image.resize((width, height), Image.Resampling[preprocessing.resample.upper()])
    left, top = (width - preprocessing.crop) // 2, (height - preprocessing.crop) // 2
    pixels = np.asarray(image.crop((left, top, left + preprocessing.crop, top + preprocessing.crop)))
    return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
