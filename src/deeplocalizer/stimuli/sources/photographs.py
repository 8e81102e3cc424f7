"""Square patches of the photographs that ship inside scikit-image, those without people or animals.

patches          grey patches of 25 x 25 pixels, seeded; the patches of one photograph are one group

Photographs of a person (astronaut, camera), of an animal's face (chelsea) and of coins with portraits are left out. A
patch covers a quarter to a half of the photograph's shorter side and is averaged down to the size of the LFW crops, so
that resolution does not tell the categories apart.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import skimage.data
from PIL import Image

from deeplocalizer import seeding
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Draw, Drawn, Record

# all of these lie inside the wheel; others would be downloaded
PHOTOGRAPHS = (
    "brick",
    "cell",
    "clock",
    "coffee",
    "grass",
    "gravel",
    "hubble_deep_field",
    "immunohistochemistry",
    "moon",
    "page",
    "retina",
    "rocket",
    "stereo_motorcycle",
    "text",
)
SIZE = 25
LEAST_CONTRAST = 8.0  # standard deviation in grey levels; below, a patch shows nothing
ATTEMPTS = 200


def patches(draw: Draw) -> Drawn:
    """Draw patches, one from each photograph in turn.

    Raises
    ------
    ValueError
        If no count is given: there is no end to the patches.
    """
    if draw.count is None:
        raise ValueError(f"category {draw.category!r}: 'photograph_patches' needs a count: say how many patches to cut")
    return Drawn(tuple(_patches(draw.count, draw.seed)))


def _patches(count: int, seed: int) -> Iterator[Record]:
    photographs = {name: _grey(name) for name in PHOTOGRAPHS}
    streams = {name: seeding.generator(seed, "photographs", name) for name in PHOTOGRAPHS}
    for index in range(count):
        name = PHOTOGRAPHS[index % len(PHOTOGRAPHS)]
        pixels, place = _cut(photographs[name], streams[name], name)
        number = index // len(PHOTOGRAPHS)
        yield Record(
            f"patch-{name}-{number:03d}",
            encode_png(pixels),
            f"skimage.data.{name}(){place}",
            group=f"photograph-{name}",
        )


def _grey(name: str) -> Image.Image:
    pixels = getattr(skimage.data, name)()
    pixels = pixels[0] if isinstance(pixels, tuple) else pixels  # the motorcycle is a stereo pair with its disparity
    return Image.fromarray(pixels).convert("L")


def _cut(photograph: Image.Image, rng: np.random.Generator, name: str) -> tuple[np.ndarray, str]:
    """Cut a patch that shows something; say where."""
    shorter = min(photograph.size)
    for _ in range(ATTEMPTS):
        side = int(rng.integers(max(SIZE, shorter // 4), shorter // 2 + 1))
        left = int(rng.integers(photograph.width - side + 1))
        top = int(rng.integers(photograph.height - side + 1))
        box = (left, top, left + side, top + side)
        pixels = np.asarray(photograph.resize((SIZE, SIZE), Image.Resampling.BOX, box=box))
        if pixels.std() >= LEAST_CONTRAST:
            return pixels, f"[{top}:{top + side}, {left}:{left + side}]"
    raise ValueError(f"photograph {name!r}: no patch with contrast in {ATTEMPTS} attempts")
