"""Hold a preprocessing against the library's own, on images made for it.

probes           images of odd sizes that show every pixel's place and value
normalisation    the mean and the standard deviation that a library's pipeline amounts to
refuse_other     refuse a pipeline that gives other numbers than the library's
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image

from deeplocalizer.inputs import Pipeline

Full = Callable[[Image.Image], np.ndarray]
SIZES = ((301, 400), (333, 250), (640, 97), (225, 225))  # width, height; odd differences show how a crop is rounded
TOLERANCE = 1e-5  # of the normalised pixels, which the library may keep in 32 bits


def probes(mode: str) -> list[Image.Image]:
    """Make images of odd sizes, with a gradient and noise."""
    images = []
    for width, height in SIZES:
        rng = np.random.default_rng([width, height])
        ramp = np.add.outer(np.linspace(0, 128, height), np.linspace(0, 127, width))
        pixels = (ramp[..., None] + rng.integers(0, 2, (height, width, 3)) * 40).clip(0, 255).astype(np.uint8)
        images.append(Image.fromarray(pixels).convert(mode))
    return images


def normalisation(full: Full, mode: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Work out the mean and the standard deviation that a library's pipeline amounts to.

    A pipeline that resizes, crops and then scales each channel is known by what it makes of black and of white.
    """
    black, white = (full(Image.new(mode, (256, 256), level)) for level in ("black", "white"))
    low, high = (values.reshape(len(values), -1).mean(axis=1, dtype=np.float64) for values in (black, white))
    std = 1 / (high - low)
    mean = -low * std
    return tuple(mean.tolist()), tuple(std.tolist())


def refuse_other(pipeline: Pipeline, full: Full, name: str) -> None:
    """Refuse a pipeline that does not give what the library's own gives, after normalisation.

    Raises
    ------
    ValueError
        Naming the model and what is different.
    """
    mean, std = (np.array(values)[:, None, None] for values in (pipeline.mean, pipeline.std))
    shape: tuple[int, ...] | None = None
    for image in probes(pipeline.mode):
        expected, frame = full(image), pipeline.frame(image)
        if frame.dtype != np.uint8:
            raise ValueError(
                f"{name}: its preprocessing cannot be kept as uint8 pixels but gives {frame.dtype}; give "
                "'preprocessing'"
            )
        if frame.ndim != 3 or len(frame) != len(pipeline.mean):
            raise ValueError(
                f"{name}: its preprocessing gives an array of shape {frame.shape}, no image; give 'preprocessing'"
            )
        if shape is not None and frame.shape != shape:
            raise ValueError(
                f"{name}: its preprocessing gives images of different sizes, {shape[1:]} and {frame.shape[1:]}; give "
                "'preprocessing' with one size for all"
            )
        shape = frame.shape
        found = (frame / 255 - mean) / std
        if found.shape != expected.shape or np.abs(found - expected).max() > TOLERANCE * max(1, np.abs(expected).max()):
            raise ValueError(
                f"{name}: its preprocessing does more than resize, crop and normalise each channel "
                f"({pipeline.attributes()['pipeline']}); give 'preprocessing'"
            )
