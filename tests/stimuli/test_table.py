"""The table of stimuli keeps every byte, and its splits are disjoint and complete."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.datasets import load_digits

from deeplocalizer import provenance, store
from deeplocalizer.stimuli import drawn, sources, table
from deeplocalizer.stimuli.images import decode, encode_png
from deeplocalizer.stimuli.record import Attribute, Drawn, Record, Refused

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


def draw(source, count=None, seed=0):
    asked = {"source": source} | ({} if count is None else {"count": count})
    return sources.draw("a", asked, seed, SHARES, Path("nowhere")).records


def pictures(count, seed=0, prefix="p", **known):
    noise = np.random.default_rng(seed).integers(0, 256, (count, 6, 6), dtype=np.uint8)
    return [Record(f"{prefix}{i:03d}", encode_png(pixels), "made", **known) for i, pixels in enumerate(noise)]


def composed(parts, shares=SHARES, **changes):
    chosen = {"categories": {name: {"source": "made"} for name in parts}, "splits": shares, "folds": 4} | changes
    return table.compose({name: drawn.table(part) for name, part in parts.items()}, chosen, seed=0)


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
    few, many = draw(source, 20, seed=3), draw(source, 50, seed=3)
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


@settings(max_examples=30, deadline=None)
@given(few=st.integers(40, 60), more=st.integers(0, 60), groups=st.integers(15, 80), seed=st.integers(0, 20))
def test_what_comes_later_moves_nothing(few, more, groups, seed):
    """More stimuli of one category, and another category beside it: every stimulus keeps its split and its fold."""
    made = [replace(record, group=f"g{i % groups}") for i, record in enumerate(pictures(few + more))]
    before = table.build({"a": made[:few]}, SHARES, 4, seed)
    after = table.build({"a": made, "b": pictures(40, seed=1, prefix="q")}, SHARES, 4, seed)
    kept = after.sel(stimulus=before["stimulus"].values)
    assert (kept["split"].values == before["split"].values).all()
    assert (kept["fold"].values == before["fold"].values).all()


def test_a_group_stays_together_across_categories():
    one = [replace(record, group=f"anna{i % 10}") for i, record in enumerate(pictures(40))]
    two = [replace(record, group=f"anna{i % 10}") for i, record in enumerate(pictures(40, seed=1, prefix="q"))]
    frame = table.build({"a": one, "b": two}, SHARES, 4, seed=0)[["split", "fold", "group"]].to_dataframe()
    assert (frame.groupby("group")[["split", "fold"]].nunique() == 1).all().all()


def test_splits_of_a_source_are_kept_and_others_dealt():
    fixed = [replace(record, split=("localize", "select", "test")[i % 3]) for i, record in enumerate(pictures(30))]
    shares = {"localize": 0.5, "select": 0.25, "test": 0.25}
    built = table.build({"a": fixed, "b": pictures(40, seed=1, prefix="q")}, shares, 4, seed=0)
    frame = built[["category", "split"]].to_dataframe()
    assert frame.loc[[r.id for r in fixed], "split"].tolist() == [r.split for r in fixed]
    assert frame[frame["category"] == "b"]["split"].value_counts().to_dict() == {
        "localize": 20,
        "select": 10,
        "test": 10,
    }
    with pytest.raises(ValueError, match=r"group 'x' is in the splits 'localize' and 'select'"):
        table.build({"a": [replace(record, group="x") for record in fixed]}, shares, 4, seed=0)


def test_attributes_and_refusals_survive_the_file(tmp_path):
    marks = [{"Smiling": i % 2} if i % 3 else {"Smiling": 1, "Young": 0} for i in range(20)]
    people = [replace(r, attributes=m, licence="ours") for r, m in zip(pictures(20), marks, strict=True)]
    vocabulary = {"Smiling": Attribute("celeba"), "Young": Attribute("celeba", "age")}
    given_ = Drawn(tuple(people), (Refused("p999", "no picture"),), vocabulary, {"repository": "a/b"})
    store.save(provenance.stamp(drawn.table(given_), "drawn", "Drawn", {}), tmp_path / "a.nc")
    saved = store.open(tmp_path / "a.nc", "drawn")
    back, prints = drawn.read(saved)
    assert back == given_
    assert len(set(prints)) == 20
    chosen = {"categories": {"a": {}, "b": {}}, "splits": SHARES, "folds": 2}
    other = drawn.table(Drawn(tuple(pictures(20, seed=1, prefix="q"))))
    store.save(
        provenance.stamp(table.compose({"a": saved, "b": other}, chosen, 0), "stimuli", "S", {}), tmp_path / "s.nc"
    )
    stimuli = store.open(tmp_path / "s.nc")
    has = stimuli["has_attribute"].to_pandas()
    for record in people:
        assert has.loc[record.id].to_dict() == {"Smiling": -1, "Young": -1} | dict(record.attributes)
    assert (has.loc[[record.id for record in pictures(20, prefix="q")]] == -1).all().all()
    assert stimuli["parent"].sel(attribute="Young") == "age"
    assert stimuli["refused_reason"].values.tolist() == ["no picture"]
    assert stimuli["refused_category"].values.tolist() == ["a"]
    assert set(stimuli["licence"].values) == {"ours", ""}


def test_nothing_left_out_and_no_attributes_survive_the_file_too(tmp_path):
    given_ = Drawn(tuple(pictures(20)))
    store.save(provenance.stamp(drawn.table(given_), "drawn", "Drawn", {}), tmp_path / "a.nc")
    assert drawn.read(store.open(tmp_path / "a.nc"))[0] == given_


def test_a_picture_is_in_one_category_and_once_in_it():
    made = pictures(20)
    twice = [*made, replace(made[3], id="again")]
    built = composed({"a": Drawn(tuple(twice)), "b": Drawn(tuple(pictures(20, seed=1, prefix="q")))})
    assert "again" not in built["stimulus"].values
    assert built["refused_id"].values.tolist() == ["again"]
    assert built["refused_reason"].values.tolist() == ["the same picture as p003"]
    with pytest.raises(ValueError, match=r"'again' of category 'b' is the same picture as 'p003' of category 'a'"):
        composed({"a": Drawn(tuple(made)), "b": Drawn((*pictures(20, seed=1, prefix="q"), twice[-1]))})


def test_one_category_can_be_saved_anew_and_all_be_matched():
    parts = {"a": Drawn(tuple(pictures(20))), "b": Drawn(tuple(pictures(20, seed=1, prefix="q")))}
    plain = composed(parts)
    categories = {"a": {"resave": 75, "label": "x"}, "b": {}}
    saved = composed(parts, categories=categories)
    formats = {name: {Image.open(io.BytesIO(table.encoded(saved, i))).format for i in range(40)
                      if saved["category"].values[i] == name} for name in "ab"}  # fmt: skip
    assert formats == {"a": {"JPEG"}, "b": {"PNG"}}
    assert (saved["original_digest"].values == plain["digest"].values).all()
    assert set(saved["label"].values) == {"x", ""}
    matched = composed(parts, matching={"jpeg": 50})
    assert {Image.open(io.BytesIO(table.encoded(matched, i))).format for i in range(40)} == {"JPEG"}


def test_mistakes_are_named():
    with pytest.raises(ValueError, match=r"'r00' occurs 2 times"):
        table.build({"a": records(12), "b": records(12)}, SHARES, 2, seed=0)
    with pytest.raises(ValueError, match=r"'a' has no stimulus for the split"):
        table.build({"a": records(12, group="one")}, SHARES, 2, seed=0)
    with pytest.raises(ValueError, match=r"has 100 stimuli; 101 were asked for"):
        draw("lfw_faces", 101)
    with pytest.raises(ValueError, match=r"has 100 stimuli; 101 were asked for"):
        sources.draw("a", {"source": "lfw_faces", "count": 101}, 0, {"localize": 0.5, "test": 0.3}, Path("nowhere"))
    with pytest.raises(ValueError, match="needs a count"):
        draw("photograph_patches")
    with pytest.raises(ValueError, match="'lfw' is unknown; allowed are celeba"):
        draw("lfw", 1)
    with pytest.raises(ValueError, match=r"'broken'.*not a readable image"):
        decode(b"\x89PNG nothing", "broken", "L")
