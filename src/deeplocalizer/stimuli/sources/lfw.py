"""Faces and backgrounds of Labeled Faces in the Wild, as scikit-image ships them.

faces            100 photographs of faces, 25 x 25, grey
backgrounds      100 patches of the same photographs' kind without a face

`skimage.data.lfw_subset` holds 200 crops of the LFW data set (Huang et al. 2007, UMass TR 07-49), faces first. It
names no identities, so each face is a group of its own.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import skimage.data

from deeplocalizer import seeding
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record

FACES = 100  # the first hundred are faces (documentation of lfw_subset)


def faces(count: int | None, seed: int) -> Iterator[Record]:
    """Yield photographs of faces in a seeded order."""
    return _draw(range(FACES), "face", count, seed)


def backgrounds(count: int | None, seed: int) -> Iterator[Record]:
    """Yield patches without a face in a seeded order."""
    return _draw(range(FACES, 2 * FACES), "background", count, seed)


def _draw(indices: range, name: str, count: int | None, seed: int) -> Iterator[Record]:
    images = skimage.data.lfw_subset()
    order = seeding.generator(seed, "lfw", name).permutation(np.asarray(indices))
    for index in order[:count]:
        pixels = np.round(images[index] * 255).astype(np.uint8)
        yield Record(f"lfw-{name}-{index:03d}", encode_png(pixels), f"skimage.data.lfw_subset()[{index}]")
