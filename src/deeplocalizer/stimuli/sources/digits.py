"""Handwritten digits, as scikit-learn ships them.

digits           1,797 digits, 8 x 8, grey, white on black, labelled "0" to "9"

They are the test set of the UCI data set "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak 1998). Its 13
writers are not named, so one writer's digits can lie in several splits.
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits

from deeplocalizer import seeding
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Draw, Drawn, Record

INK = 16  # the data count inked pixels of 4 x 4 blocks


def digits(draw: Draw) -> Drawn:
    """Draw digits."""
    data = load_digits()
    order = seeding.generator(draw.seed, "digits").permutation(len(data.images))[: draw.count]
    return Drawn(tuple(_record(data.images[index], str(data.target[index]), int(index)) for index in order))


def _record(ink: np.ndarray, label: str, index: int) -> Record:
    pixels = np.round(ink / INK * 255).astype(np.uint8)
    return Record(f"digit-{index:04d}", encode_png(pixels), f"sklearn.datasets.load_digits().images[{index}]", label)
