"""Samples of the stimuli."""

import io

import numpy as np
import pytest
from PIL import Image

from deeplocalizer.plots import drawing, stimuli
from deeplocalizer.stimuli import people
from deeplocalizer.stimuli.images import encode_png
from deeplocalizer.stimuli.record import Record
from deeplocalizer.stimuli.table import build, encoded
from tests.plots.conftest import artists, texts


def test_every_category_and_split_has_its_samples_and_number(table, config):
    figure = stimuli.draw(table, list(config["stimuli"]["categories"]))
    panels = artists(figure)
    for category in config["stimuli"]["categories"]:
        for split in ("train", "localize", "select", "test"):
            members = np.flatnonzero((table["category"].values == category) & (table["split"].values == split))
            panel = panels[f"samples/{category}/{split}"]
            assert panel.get_xlabel() == f"n = {len(members)}"
            assert len(panel.images) == 6
            pictures = {np.asarray(Image.open(io.BytesIO(encoded(table, i))).convert("RGB")).tobytes() for i in members}
            assert {np.asarray(image.get_array()).tobytes() for image in panel.images} <= pictures
    assert {"faces", "train", "test"} <= set(texts(figure))


def test_few_large_and_oblong_images():
    rng = np.random.default_rng(0)
    records = {
        name: [
            Record(f"{name}{i}", encode_png(rng.integers(0, 256, (300, 150, 3), dtype=np.uint8)), "made up")
            for i in range(4)
        ]
        for name in ("wide_open_landscapes", "b")
    }
    table = build(records, {"localize": 0.5, "test": 0.5}, 2, seed=0)
    figure = stimuli.draw(table, ["wide_open_landscapes", "b"])
    panel = artists(figure)["samples/b/test"]
    assert len(panel.images) == 2
    left, right, bottom, top = panel.images[0].get_extent()
    assert (right - left) / (bottom - top) == pytest.approx(0.5)
    # an image of the size of a stamp needs no more pixels
    assert max(panel.images[0].get_array().shape) <= stimuli.LARGEST
    assert "wide open landscapes" in texts(figure)


def test_a_file_is_the_same_every_time(table, tmp_path):
    for name in ("one.svg", "two.svg"):
        drawing.save(stimuli.draw(table, ["faces", "objects", "digits"]), tmp_path / name, "Stimuli")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_faces_of_celeba_are_not_shown_unless_they_are_to_be(table):
    of = {"faces": {"source": "celeba"}, "objects": {"source": "coco", "repository": "phiyodr/coco2017"}}
    assert people.withheld(of, False) == ["faces"]
    assert people.withheld(of, True) == []
    # the same images by another way
    assert people.withheld({"a": {"source": "hub", "repository": "somebody/CelebA-HQ"}}, False) == ["a"]
    figure = stimuli.draw(table, ["faces", "objects"], ["faces"])
    panels = artists(figure)
    for split in ("train", "localize", "select", "test"):
        hidden = panels[f"samples/faces/{split}"]
        assert not hidden.images and hidden.get_xlabel() == "n = 10"
        assert hidden.texts[0].get_text() == stimuli.NOT_SHOWN
        assert len(panels[f"samples/objects/{split}"].images) == 6


def test_very_many_photographs_make_no_large_file(tmp_path):
    rng = np.random.default_rng(0)
    names = [f"kind{i}" for i in range(8)]
    photograph = encode_png(rng.integers(0, 256, (200, 260, 3), dtype=np.uint8))
    records = {name: [Record(f"{name}-{i}", photograph, "made up") for i in range(12)] for name in names}
    table = build(records, {"train": 0.25, "localize": 0.25, "select": 0.25, "test": 0.25}, 2, seed=0)
    drawing.save(stimuli.draw(table, names), tmp_path / "figure.svg", "Stimuli")
    # noise does not shrink, so this is the largest that it can be
    assert (tmp_path / "figure.svg").stat().st_size < 6e6
    assert stimuli._side(1) == stimuli.LARGEST
    assert stimuli._side(10**6) == stimuli.SMALLEST
