"""Faces and backgrounds of Labeled Faces in the Wild, as scikit-image ships them.

faces            100 photographs of faces, 25 x 25, grey
backgrounds      100 patches of the same photographs' kind without a face

`skimage.data.lfw_subset` holds 200 crops of the LFW data set (Huang et al. 2007, UMass TR 07-49), faces first. It
names no identities, so each face is a group of its own.
"""

from __future__ import annotations

import numpy as np
import skimage.data

from deeplocalizer import seeding
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Draw, Drawn, Record

FACES = 100  # the first hundred are faces (documentation of lfw_subset)


def faces(draw: Draw) -> Drawn:
    """Draw photographs of faces."""
    return _draw(range(FACES), "face", draw)


def backgrounds(draw: Draw) -> Drawn:
    """Draw patches without a face."""
    return _draw(range(FACES, 2 * FACES), "background", draw)


def _draw(indices: range, name: str, draw: Draw) -> Drawn:
    images = skimage.data.lfw_subset()
    order = seeding.generator(draw.seed, "lfw", name).permutation(np.asarray(indices))
    return Drawn(tuple(_record(images, int(index), name) for index in order[: draw.count]))


def _record(images: np.ndarray, index: int, name: str) -> Record:
    pixels = np.round(images[index] * 255).astype(np.uint8)
    return Record(f"lfw-{name}-{index:03d}", encode_png(pixels), f"skimage.data.lfw_subset()[{index}]")
