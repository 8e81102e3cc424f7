"""Preprocessing by timm itself.

Pipeline         timm's evaluation transform, up to its uint8 pixels
describe         the preprocessing of a model, in the words of `models.pipelines`
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image
from timm.data.config import resolve_data_config
from timm.data.transforms_factory import create_transform
from torchvision.transforms import Compose, Normalize

from deeplocalizer.inputs import Preprocessing
from deeplocalizer.models.libraries.probing import refuse_other
from deeplocalizer.models.pipelines import plain

KEYS = ("input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode")


@dataclass(frozen=True)
class Pipeline:
    """timm's evaluation transform, up to its uint8 pixels.

    Parameters
    ----------
    data : mapping
        As `timm.data.resolve_data_config` gives it.
    transform : Compose
        Without conversion to a tensor and normalisation.
    mode : str
    mean, std : tuple of float
    """

    data: Mapping[str, Any]
    transform: Compose
    mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def rebuilt(cls, description: Mapping[str, Any]) -> Pipeline:
        """Rebuild it from a specification."""
        data = description["data"]
        # everything up to the conversion to a tensor works on PIL images
        transform = Compose(_full(data).transforms[:-2])
        return cls(data, transform, description["mode"], tuple(description["mean"]), tuple(description["std"]))

    def frame(self, image: Image.Image) -> np.ndarray:
        """Turn an image into uint8 pixels (channel, y, x)."""
        pixels = np.asarray(self.transform(image))
        return pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)

    def attributes(self) -> Mapping[str, str | int]:
        """Say how images are resized and cropped."""
        height, width = self.data["input_size"][1:]
        size = " × ".join(str(math.floor(side / self.data["crop_pct"])) for side in (height, width))
        words = {
            "squash": f"squashed to {size} pixels, of which the central {height} × {width} were kept",
            "border": f"fitted into {size} pixels with borders in the mean colour, of which the central "
            f"{height} × {width} were kept",
        }
        otherwise = f"resized to cover {size} pixels, of which the central {height} × {width} were kept"
        return {
            "mode": self.mode,
            "resize": size,
            "crop": f"{height} × {width}",
            "resample": self.data["interpolation"],
            "library": "timm",
            "pipeline": f"{words.get(self.data['crop_mode'], otherwise)} ({self.data['interpolation']})",
        }


def describe(pretrained_cfg: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Describe how a model wants its images.

    Parameters
    ----------
    pretrained_cfg : mapping
        Of the model.
    name : str
        The model, for the message of an error.

    Raises
    ------
    ValueError
        If its resampling is not the same from one time to the next, or its images have neither 1 nor 3 channels.
    """
    resolved = resolve_data_config(pretrained_cfg=dict(pretrained_cfg))  # type: ignore[no-untyped-call]
    data: dict[str, Any] = {
        key: list(resolved[key]) if isinstance(resolved[key], tuple) else resolved[key] for key in KEYS
    }
    if data["interpolation"] == "random":
        raise ValueError(f"{name}: its configuration draws the resampling filter at random; give 'preprocessing'")
    channels, height, width = data["input_size"]
    if channels not in (1, 3):
        raise ValueError(f"{name}: wants images of {channels} channels; grey (1) and colour (3) are supported")
    data["mean"], data["std"] = ([float(value) for value in data[key]][:channels] for key in ("mean", "std"))
    description: dict[str, Any] = {
        "kind": "timm",
        "library": "timm",
        "mode": "L" if channels == 1 else "RGB",
        "mean": data["mean"],
        "std": data["std"],
        "size": [height, width],
        "data": data,
    }
    transform = _full(data)
    if not isinstance(transform.transforms[-1], Normalize):
        raise ValueError(f"{name}: timm's transform does not end in a normalisation; give 'preprocessing'")

    def full(image: Image.Image) -> np.ndarray:
        return transform(image).numpy()

    refuse_other(Pipeline.rebuilt(description), full, name)
    if data["crop_mode"] in (None, "center") and height == width:
        # in this mode timm uses torchvision's own Resize and CenterCrop, which need no torch
        resize = math.floor(height / data["crop_pct"])
        simple = Preprocessing(
            description["mode"],
            resize,
            height,
            data["interpolation"],
            tuple(data["mean"]),
            tuple(data["std"]),
            "timm",
        )
        refuse_other(simple, full, name)
        return plain(simple)
    return description


def _full(data: Mapping[str, Any]) -> Any:
    return create_transform(
        input_size=tuple(data["input_size"]),
        is_training=False,
        interpolation=data["interpolation"],
        mean=tuple(data["mean"]),
        std=tuple(data["std"]),
        crop_pct=data["crop_pct"],
        crop_mode=data["crop_mode"],
    )
