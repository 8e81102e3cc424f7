"""Inputs are resized to the shorter side, cropped at the centre and kept as bytes, in memory or image by image."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from deeplocalizer import inputs as inputs_room
from deeplocalizer import provenance, store
from deeplocalizer.inputs import Preprocessing, prepare
from deeplocalizer.stimuli import table
from deeplocalizer.stimuli.images import decode, encode_png
from deeplocalizer.stimuli.record import Record

SHARES = {"localize": 0.4, "select": 0.3, "test": 0.3}


def built(*images):
    records = [Record(f"s{i:02d}", encode_png(image), "made") for i, image in enumerate(images)]
    return table.build({"a": records}, SHARES, 2, seed=0)


def test_an_image_of_the_right_size_is_not_touched():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (8, 8), dtype=np.uint8) for _ in range(10)]
    inputs = prepare(built(*images), Preprocessing("L", 8, 8, "bicubic", (0.5,), (0.5,)))
    original = [images[int(name[1:])] for name in inputs["stimulus"].values]
    assert (inputs["pixel_values"].values[:, 0] == np.stack(original)).all()
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


def various(count=40):
    """Stimuli of two categories, whose images all differ in size."""
    rng = np.random.default_rng(0)
    records = {
        name: [
            Record(f"{name}{i:02d}", encode_png(rng.integers(0, 256, (9 + i, 12, 3), dtype=np.uint8)), "made")
            for i in range(count)
        ]
        for name in ("objects", "faces")
    }
    return table.build(records, SHARES, 2, seed=0)


RGB = Preprocessing("RGB", 8, 8, "bilinear", (0.4, 0.5, 0.6), (0.2,) * 3)


def stamped(dataset, stimuli):
    return provenance.stamp(dataset, "inputs", "Inputs", {"a": 1}, {"stimuli": stimuli})


def saved(folder):
    store.save(provenance.stamp(various(), "stimuli", "Stimuli", {}), folder / "stimuli.nc")
    return folder / "stimuli.nc"


def test_stimuli_stand_by_category_split_and_fold():
    stimuli = various()
    prepared = prepare(stimuli, RGB)
    rows = list(
        zip(*(prepared[name].values.tolist() for name in ("category", "split", "fold", "stimulus")), strict=True)
    )
    assert rows == sorted(rows)  # the stimuli of a study are sorted by id, so ties are too
    assert sorted(stimuli["stimulus"].values) == sorted(prepared["stimulus"].values)
    for name in ("category", "split", "fold", "group", "label"):
        expected = stimuli[name].sel(stimulus=prepared["stimulus"].values)
        np.testing.assert_array_equal(prepared[name], expected)


@pytest.mark.parametrize("slab", [1, 700, 16 * 2**20])
def test_image_by_image_gives_the_same_artefact(tmp_path, monkeypatch, slab):
    monkeypatch.setattr(inputs_room, "SLAB", slab)
    path, into = saved(tmp_path), tmp_path / "inputs.nc"
    whole = store.open(path, "stimuli")
    with store.lazy(path, "stimuli") as stimuli:
        inputs_room.write(stimuli, RGB, stamped(inputs_room.table(stimuli, RGB), stimuli), into)
    expected = stamped(prepare(whole, RGB), whole)
    store.save(expected, tmp_path / "saved.nc")
    assert (
        store.open(into, "inputs").attrs["content_digest"] == store.open(tmp_path / "saved.nc").attrs["content_digest"]
    )
    for row, name in enumerate(expected["stimulus"].values):
        image = decode(table.encoded(whole, list(whole["stimulus"].values).index(name)), name, "RGB")
        np.testing.assert_array_equal(expected["pixel_values"][row], RGB.frame(image))


class Interrupted(Preprocessing):
    left = 30

    def frame(self, image):
        Interrupted.left -= 1
        if not Interrupted.left:
            raise KeyboardInterrupt
        return super().frame(image)


def test_an_interrupted_job_leaves_nothing_and_the_next_gives_the_same_bytes(tmp_path):
    path = saved(tmp_path)
    for name, preprocessing in (("a.nc", RGB), ("b.nc", Interrupted(**vars(RGB))), ("b.nc", RGB)):
        with store.lazy(path, "stimuli") as stimuli:
            described = stamped(inputs_room.table(stimuli, RGB), stimuli)
            if preprocessing is RGB:
                inputs_room.write(stimuli, RGB, described, tmp_path / name)
                continue
            with pytest.raises(KeyboardInterrupt):
                inputs_room.write(stimuli, preprocessing, described, tmp_path / name)
            assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nc", "stimuli.nc"]
    assert (tmp_path / "a.nc").read_bytes() == (tmp_path / "b.nc").read_bytes()


def test_a_damaged_image_leaves_no_file(tmp_path):
    records = [Record(f"s{i:02d}", b"no image", "made") for i in range(10)]
    stimuli = table.build({"a": records}, SHARES, 2, seed=0).assign_attrs(content_digest="")
    preprocessing = Preprocessing("L", 8, 8, "bicubic", (0.5,), (0.5,))
    with pytest.raises(ValueError, match=r"'s00'.*not a readable image"):
        inputs_room.write(
            stimuli, preprocessing, stamped(inputs_room.table(stimuli, preprocessing), stimuli), tmp_path / "a.nc"
        )
    assert not list(tmp_path.iterdir())


MEMORY = """
import sys
from deeplocalizer import inputs, provenance, store
provenance.SLAB = inputs.SLAB = 4 * 2**20  # so that few stimuli are many slabs
preprocessing = inputs.Preprocessing("RGB", 224, 224, "bilinear", (0.5,) * 3, (0.5,) * 3)
with store.lazy(sys.argv[1], "stimuli") as stimuli:
    described = inputs.table(stimuli, preprocessing)
    inputs.write(stimuli, preprocessing, provenance.stamp(described, "inputs", "t", {}), sys.argv[2])
for line in open("/proc/self/status"):
    if line.startswith("VmHWM"):  # of this program alone: ru_maxrss begins with that of the parent
        print(int(line.split()[1]) / 1024)
"""


def peak(tmp_path, count):
    content = np.random.default_rng(0).integers(0, 256, (224, 224, 3), dtype=np.uint8)
    image = encode_png(content)  # 150 KB, which cannot be compressed
    records = [Record(f"s{i:05d}", image, "made") for i in range(count)]
    stimuli = provenance.stamp(table.build({"a": records}, SHARES, 2, seed=0), "stimuli", "Stimuli", {})
    store.save(stimuli, tmp_path / "stimuli.nc")
    command = [sys.executable, "-c", MEMORY, str(tmp_path / "stimuli.nc"), str(tmp_path / "inputs.nc")]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of a process from /proc")
def test_memory_is_flat_in_the_number_of_stimuli(tmp_path):
    """200 and 700 images: 30 and 105 MB of files, and as much of pixels."""
    assert peak(tmp_path, 700) - peak(tmp_path, 200) < 30
