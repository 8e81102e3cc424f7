"""Inputs are resized to the shorter side, cropped at the centre and kept as bytes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

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


@settings(max_examples=150, deadline=None)
@given(
    width=st.integers(1, 90),
    height=st.integers(1, 90),
    resize=st.integers(1, 70),
    crop=st.integers(1, 80),
    resample=st.sampled_from(["nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"]),
    mode=st.sampled_from(["L", "RGB"]),
)
def test_every_pixel_is_torchvisions(width, height, resize, crop, resample, mode):
    shape = (height, width) if mode == "L" else (height, width, 3)
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))
    expected = np.asarray(Compose([Resize(resize, InterpolationMode(resample)), CenterCrop(crop)])(image))
    found = Preprocessing(mode, resize, crop, resample, (0.5,), (0.5,)).frame(image)
    np.testing.assert_array_equal(found if mode == "RGB" else found[0], expected.T.swapaxes(-1, -2))


def test_what_the_report_says_is_kept():
    inputs = prepare(built(*[np.zeros((9, 8), dtype=np.uint8)] * 10), Preprocessing("L", 8, 6, "box", (0.5,), (0.5,)))
    assert inputs.attrs["preprocessing_resize"] == 8 and inputs.attrs["preprocessing_crop"] == 6
    assert inputs.attrs["preprocessing_mode"] == "L" and inputs.attrs["preprocessing_resample"] == "box"
    assert inputs.attrs["preprocessing_pipeline"].startswith("resized (box) to 8 pixels at the shorter side")


class Ragged(Preprocessing):
    def frame(self, image):
        return np.asarray(image)[None]


def test_images_of_different_sizes_are_refused_by_name():
    images = [np.zeros((8, 8 + i // 9), dtype=np.uint8) for i in range(10)]
    with pytest.raises(ValueError, match=r"'s09': its pixels come out in the shape \(1, 8, 9\), those of 's00'"):
        prepare(built(*images), Ragged("L", 8, 8, "bicubic", (0.5,), (0.5,)))
