"""The table of stimuli keeps every byte, and its splits are disjoint and complete."""

import io

import numpy as np
import pytest
import skimage.data
from PIL import Image
from sklearn.datasets import load_digits

from deeplocalizer.stimuli import sources, table
from deeplocalizer.stimuli.images import decode
from deeplocalizer.stimuli.record import Record

SHARES = {"train": 0.4, "localize": 0.2, "select": 0.2, "test": 0.2}
DEMO = {
    "categories": {
        "faces": {"source": "lfw_faces", "label": "face"},
        "backgrounds": {"source": "lfw_backgrounds", "label": "non-face"},
        "patches": {"source": "photograph_patches", "label": "non-face", "count": 100},
        "digits": {"source": "digits", "count": 300},
    },
    "splits": SHARES,
    "folds": 8,
}


@pytest.fixture(scope="module")
def stimuli():
    return table.gather(DEMO, seed=0)


def records(count, prefix="r", group=""):
    return [Record(f"{prefix}{i:02d}", bytes([i] * (i + 1)), "made", group=group) for i in range(count)]


def test_the_demo_has_the_sizes_that_it_claims(stimuli):
    frame = stimuli[["category", "split"]].reset_coords().to_dataframe()
    counts = frame.groupby(["category", "split"]).size().unstack()
    assert counts.loc["faces"].to_dict() == {"localize": 20, "select": 20, "test": 20, "train": 40}
    assert counts.loc["backgrounds"].to_dict() == {"localize": 20, "select": 20, "test": 20, "train": 40}
    assert counts.loc["digits"].sum() == 300


def test_pixels_are_those_of_the_libraries(stimuli):
    faces, digits = skimage.data.lfw_subset(), load_digits()
    for index in range(stimuli.sizes["stimulus"]):
        kind, number = str(stimuli["stimulus"].values[index]).rsplit("-", 1)
        pixels = np.asarray(Image.open(io.BytesIO(table.encoded(stimuli, index))))
        if kind.startswith("lfw"):
            assert np.abs(pixels - faces[int(number)] * 255).max() <= 0.5
            assert str(stimuli["category"].values[index]) == ("faces" if int(number) < 100 else "backgrounds")
        elif kind == "digit":
            assert np.abs(pixels - digits.images[int(number)] / 16 * 255).max() <= 0.5
            assert str(stimuli["label"].values[index]) == str(digits.target[int(number)])


def test_a_photograph_lies_in_one_split(stimuli):
    frame = stimuli[["category", "split", "group"]].reset_coords().to_dataframe()
    patches = frame[frame["category"] == "patches"]
    assert (patches.groupby("group")["split"].nunique() == 1).all()
    assert patches["group"].nunique() > 10
    assert patches["split"].nunique() == 4


def test_folds_respect_groups_and_are_even(stimuli):
    frame = stimuli[["category", "split", "fold", "group"]].reset_coords().to_dataframe()
    assert (frame.groupby(["split", "group"])["fold"].nunique() == 1).all()
    faces = frame[(frame["category"] == "faces") & (frame["split"] == "localize")]
    assert faces["fold"].value_counts().between(2, 3).all()


def test_the_same_seed_gives_the_same_table_and_another_one_another(stimuli):
    assert table.gather(DEMO, seed=0).identical(stimuli)
    other = table.gather(DEMO, seed=1)
    assert other.attrs["stimuli_digest"] != stimuli.attrs["stimuli_digest"]


@pytest.mark.parametrize("source", ["lfw_faces", "lfw_backgrounds", "photograph_patches", "digits"])
def test_asking_for_more_keeps_what_was_there(source):
    few, many = sources.load(source, 20, seed=3), sources.load(source, 50, seed=3)
    assert many[:20] == few
    assert len({record.id for record in many}) == 50


def test_bytes_survive_whatever_their_length():
    made = records(20)
    built = table.build({"a": made}, SHARES, 2, seed=0)
    for index, name in enumerate(built["stimulus"].values):
        assert table.encoded(built, index) == next(r.encoded for r in made if r.id == name)


def test_what_the_splits_leave_over_is_left_out():
    built = table.build({"a": records(20)}, {"localize": 0.25, "select": 0.25, "test": 0.25}, 2, seed=0)
    assert built.sizes["stimulus"] == 15
    assert sorted(set(built["split"].values)) == ["localize", "select", "test"]


def test_the_order_of_categories_does_not_matter():
    one, two = records(12, "p"), records(12, "q")
    first = table.build({"a": one, "b": two}, SHARES, 2, seed=0)
    second = table.build({"b": two, "a": one}, SHARES, 2, seed=0)
    assert first.identical(second)


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"'r00' occurs 2 times"):
        table.build({"a": records(12), "b": records(12)}, SHARES, 2, seed=0)
    with pytest.raises(ValueError, match=r"'a' has no stimulus for the split"):
        table.build({"a": records(12, group="one")}, SHARES, 2, seed=0)
    with pytest.raises(ValueError, match=r"has 100 stimuli; 101 were asked for"):
        sources.load("lfw_faces", 101, seed=0)
    with pytest.raises(ValueError, match="needs a count"):
        sources.load("photograph_patches", None, seed=0)
    with pytest.raises(ValueError, match="'lfw' is unknown; allowed are lfw_faces"):
        sources.load("lfw", 1, seed=0)
    with pytest.raises(ValueError, match=r"'broken'.*not a readable image"):
        decode(b"\x89PNG nothing", "broken", "L")
