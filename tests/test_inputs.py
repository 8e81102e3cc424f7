"""Inputs are resized to the shorter side, cropped at the centre and kept as bytes."""

import numpy as np
import pytest

from deeplocalizer.inputs import Preprocessing, prepare
from deeplocalizer.stimuli import table
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record

SHARES = {"localize": 0.4, "select": 0.3, "test": 0.3}


def built(*images):
    records = [Record(f"s{i:02d}", encode_png(image), "made") for i, image in enumerate(images)]
    return table.build({"a": records}, SHARES, 2, seed=0)


def test_an_image_of_the_right_size_is_not_touched():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (8, 8), dtype=np.uint8) for _ in range(10)]
    inputs = prepare(built(*images), Preprocessing("L", 8, 8, "bicubic", (0.5,), (0.5,)))
    assert (inputs["pixel_values"].values[:, 0] == np.stack(images)).all()
    assert inputs["pixel_values"].dims == ("stimulus", "channel", "y", "x")


def test_a_wide_image_keeps_its_centre():
    image = np.zeros((10, 30), dtype=np.uint8)
    image[:, 10:20] = 255
    inputs = prepare(built(*[image] * 10), Preprocessing("L", 10, 10, "nearest", (0.5,), (0.5,)))
    assert (inputs["pixel_values"] == 255).all()


def test_grey_becomes_three_channels_where_a_model_wants_them():
    image = np.full((6, 6), 77, dtype=np.uint8)
    inputs = prepare(built(*[image] * 10), Preprocessing("RGB", 6, 6, "bilinear", (0.5,) * 3, (0.5,) * 3))
    assert inputs.sizes["channel"] == 3
    assert (inputs["pixel_values"] == 77).all()


def test_a_damaged_image_is_named():
    records = [Record(f"s{i:02d}", b"no image", "made") for i in range(10)]
    with pytest.raises(ValueError, match=r"'s00'.*not a readable image"):
        prepare(
            table.build({"a": records}, SHARES, 2, seed=0),
            Preprocessing("L", 8, 8, "bicubic", (0.5,), (0.5,)),
        )
