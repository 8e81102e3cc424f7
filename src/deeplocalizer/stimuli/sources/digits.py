"""Handwritten digits, as scikit-learn ships them.

digits           1,797 digits, 8 x 8, grey, white on black, labelled "0" to "9"

They are the test set of the UCI data set "Optical Recognition of Handwritten Digits" (Alpaydin & Kaynak 1998). Its 13
writers are not named, so one writer's digits can lie in several splits.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.datasets import load_digits

from deeplocalizer import seeding
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record

INK = 16  # the data count inked pixels of 4 x 4 blocks


def digits(count: int | None, seed: int) -> Iterator[Record]:
    """Yield digits in a seeded order."""
    data = load_digits()
    for index in seeding.generator(seed, "digits").permutation(len(data.images))[:count]:
        pixels = np.round(data.images[index] / INK * 255).astype(np.uint8)
        yield Record(
            f"digit-{index:04d}",
            encode_png(pixels),
            f"sklearn.datasets.load_digits().images[{index}]",
            label=str(data.target[index]),
        )
