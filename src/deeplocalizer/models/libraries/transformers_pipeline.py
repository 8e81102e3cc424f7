"""Preprocessing by the image processors of transformers themselves.

Pipeline         an image processor, up to its uint8 pixels
describe         the preprocessing in a folder, in the words of `models.pipelines`

Processors come with two backends. That of PIL is taken wherever there is one: it gives the same pixels as the image
processors with which most models were published.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import transformers
from PIL import Image

from deeplocalizer.models.libraries.probing import normalisation, refuse_other

BYTE = 1 / 255
SHOWN = ("do_resize", "size", "crop_pct", "resample", "do_center_crop", "crop_size", "do_pad", "pad_size")


@dataclass(frozen=True)
class Pipeline:
    """An image processor, up to its uint8 pixels.

    Parameters
    ----------
    processor : image processor of transformers
    mode : str
    mean, std : tuple of float
    """

    processor: Any
    mode: str
    mean: tuple[float, ...]
    std: tuple[float, ...]

    @classmethod
    def rebuilt(cls, description: Mapping[str, Any]) -> Pipeline:
        """Rebuild it from a specification."""
        known = getattr(transformers, description["processor"], None)
        if known is None:
            raise ValueError(
                f"transformers {transformers.__version__} has no image processor {description['processor']!r}"
            )
        processor = known.from_dict(dict(description["settings"]))
        return cls(processor, description["mode"], tuple(description["mean"]), tuple(description["std"]))

    def frame(self, image: Image.Image) -> np.ndarray:
        """Turn an image into uint8 pixels (channel, y, x)."""
        # EfficientNet's normalises a second time where include_top is set
        more = {"include_top": False} if getattr(self.processor, "include_top", None) is not None else {}
        made = self.processor(images=image, do_rescale=False, do_normalize=False, return_tensors="np", **more)
        return np.asarray(made["pixel_values"][0])

    def full(self, image: Image.Image) -> np.ndarray:
        """Turn an image into what the processor itself gives."""
        return np.asarray(self.processor(images=image, return_tensors="np")["pixel_values"][0])

    def attributes(self) -> Mapping[str, str | int]:
        """Say how images are resized and cropped."""
        known = self.processor
        resized, cropped = bool(getattr(known, "do_resize", False)), bool(getattr(known, "do_center_crop", False))
        resample = "none"
        if resized and known.resample is not None:
            resample = Image.Resampling(int(known.resample)).name.lower()
        settings = {key: _plain(getattr(known, key, None)) for key in SHOWN}
        shown = ", ".join(f"{key} {_words(value)}" for key, value in settings.items() if value not in (None, False))
        return {
            "mode": self.mode,
            "resize": _words(settings["size"]) if resized else "none",
            "crop": _words(settings["crop_size"]) if cropped else "none",
            "resample": resample,
            "library": "transformers",
            "pipeline": f"resized and cropped by {type(known).__name__} of transformers ({_backend(known)} backend; "
            f"{shown.replace('resample ' + _words(settings['resample']), 'resample ' + resample)})",
        }


def describe(folder: Path, channels: int, name: str) -> dict[str, Any]:
    """Describe how a model wants its images.

    Parameters
    ----------
    folder : path
        With ``preprocessor_config.json``.
    channels : int
        Of the model's images.
    name : str
        The model, for the message of an error.

    Raises
    ------
    ValueError
        If transformers does not know the image processor, or it does more than resize, crop and normalise.
    """
    try:
        processor = transformers.AutoImageProcessor.from_pretrained(  # type: ignore[no-untyped-call]
            folder, backend="pil", trust_remote_code=False, local_files_only=True
        )
    except (ValueError, OSError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{name}: its image processor cannot be made: {reason}; give 'preprocessing'") from error
    mode = "L" if channels == 1 else "RGB"
    mean, std = _normalisation(processor, mode, channels, name)
    made = Pipeline(processor, mode, mean, std)
    try:
        refuse_other(made, made.full, name)
    except (TypeError, KeyError) as error:
        raise ValueError(
            f"{name}: {type(processor).__name__} does not resize and crop alone ({error}); give 'preprocessing'"
        ) from error
    height, width = made.frame(Image.new(mode, (300, 200))).shape[1:]
    return {
        "kind": "transformers",
        "library": "transformers",
        "mode": mode,
        "mean": list(mean),
        "std": list(std),
        "size": [height, width],
        "processor": type(processor).__name__,
        "settings": json.loads(json.dumps(processor.to_dict(), default=str)),
    }


def _normalisation(processor: Any, mode: str, channels: int, name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Take mean and standard deviation as the processor says them, or as they show where it says them otherwise."""
    usual = getattr(processor, "do_rescale", False) and abs(getattr(processor, "rescale_factor", 0) - BYTE) < 1e-9
    odd = getattr(processor, "rescale_offset", False) or getattr(processor, "include_top", False)
    if usual and not odd:
        if not processor.do_normalize:
            return (0.0,) * channels, (1.0,) * channels
        mean, std = (np.broadcast_to(getattr(processor, key), channels) for key in ("image_mean", "image_std"))
        return tuple(map(float, mean)), tuple(map(float, std))
    unknown = (0.0,) * channels
    try:
        return normalisation(Pipeline(processor, mode, unknown, unknown).full, mode)
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(
            f"{name}: {type(processor).__name__} gives no pixels ({error}); give 'preprocessing'"
        ) from error


def _backend(processor: Any) -> str:
    return str(getattr(processor, "backend", "PIL")).replace("pil", "PIL")


def _plain(value: Any) -> Any:
    """Give a setting as JSON can hold it: sizes are objects of their own."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return {key: part for key, part in dict(value).items() if part is not None}


def _words(value: Any) -> str:
    if isinstance(value, dict):
        if value.keys() == {"height", "width"}:
            return f"{value['height']} × {value['width']}"
        return ", ".join(f"{key.replace('_', ' ')} {part}" for key, part in value.items())
    return str(value)
