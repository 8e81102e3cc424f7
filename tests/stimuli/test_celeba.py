"""Faces come from CelebA's own splits, with their attributes, and asking for more keeps them where they were."""

import io
import os
import signal
import subprocess
import sys
from collections import Counter

import pyarrow.parquet as pq
import pytest

from deeplocalizer import hub
from deeplocalizer.configuration.sources import SOURCES
from deeplocalizer.stimuli.record import Attribute, Draw
from deeplocalizer.stimuli.sources.celeba import LICENCE, celeba
from tests.serving.hub import CELEBA_ATTRIBUTES, HubServer, celeba_files, environment, redirected

NAME = "tpremoli/CelebA-attrs"
SHARES = {"localize": 0.5, "select": 0.2, "test": 0.3}
SUBSETS = {"train": "train", "localize": "train", "select": "validation", "test": "test"}


@pytest.fixture(scope="module")
def files():
    return celeba_files({"train": 240, "validation": 80, "test": 120}, rows_per_group=20, side=32)


@pytest.fixture(scope="module")
def server(files):
    with HubServer() as server:
        server.add_dataset(NAME, files)
        yield server


@pytest.fixture
def reached(server, tmp_path):
    server.forget()
    with redirected(server, tmp_path / "home"):
        yield server


@pytest.fixture
def ask(reached, tmp_path):
    def ask(count, shares=SHARES, seed=0, **settings):
        given = {"repository": NAME, "revision": "main", "subset": SUBSETS, "exclude": [], "require": [], **settings}
        return celeba(Draw("faces", given, count, seed, shares, tmp_path / "downloads"))

    return ask


def test_each_split_of_the_study_comes_from_its_split_of_celeba(ask, files):
    drawn = ask(100)
    assert Counter(record.split for record in drawn.records) == {"localize": 50, "select": 20, "test": 30}
    assert all(record.id.startswith(f"celeba-{SUBSETS[record.split]}-") for record in drawn.records)
    assert len({record.id for record in drawn.records}) == 100
    for record in drawn.records:
        subset = SUBSETS[record.split]
        table = pq.read_table(io.BytesIO(files[f"data/{subset}-00000-of-00001.parquet"]))
        row = table.slice(int(record.id.rsplit("-", 1)[1]), 1).to_pylist()[0]
        assert record.encoded == row["image"]["bytes"]
        assert record.source.endswith(f", {subset}, {row['image']['path']}")
        assert record.attributes == {name: int(row[name] == 1) for name in CELEBA_ATTRIBUTES}


def test_what_is_known_of_faces(ask, reached):
    drawn = ask(5)
    sha = reached.repositories["dataset", NAME].branches["main"]
    assert drawn.vocabulary == dict.fromkeys(CELEBA_ATTRIBUTES, Attribute("celeba"))
    assert drawn.origin == {"repository": NAME, "revision": sha, "subset": "train, validation, test"}
    assert {record.licence for record in drawn.records} == {LICENCE}
    assert f"{NAME}@{sha[:7]}, " in drawn.records[0].source
    assert drawn.refused == ()


@pytest.mark.parametrize("subset", [SUBSETS, "test"])
@pytest.mark.parametrize(("fewer", "more"), [(1, 7), (30, 31), (40, 110)])
def test_asking_for_more_keeps_every_face_in_its_split(ask, fewer, more, subset):
    assert ask(more, subset=subset).records[:fewer] == ask(fewer, subset=subset).records


def test_a_second_draw_asks_for_nothing_and_works_offline(ask, reached, tmp_path):
    first = ask(60)
    reached.forget()
    assert ask(60) == first
    assert reached.requests == []
    with redirected(reached, tmp_path / "home", offline=True):
        assert ask(60) == first
        with pytest.raises(hub.HubError, match="HF_HUB_OFFLINE=1"):
            ask(240)


def test_a_small_draw_does_not_cost_the_data_set(ask, tmp_path):
    ask(30)
    assert len(list(tmp_path.rglob("rows-*/*.parquet"))) <= 8  # of 22 row groups, for 15, 6 and 9 faces


def test_one_split_is_left_to_be_dealt(ask):
    drawn = ask(50, subset="test")
    assert {record.split for record in drawn.records} == {""}
    assert all(record.id.startswith("celeba-test-") for record in drawn.records)


def test_splits_of_the_study_that_share_one_of_celeba_share_no_face(ask):
    drawn = ask(60, shares={"train": 0.5, "localize": 0.3, "select": 0.1, "test": 0.1})
    ids = {split: {r.id for r in drawn.records if r.split == split} for split in ("train", "localize")}
    assert len(ids["train"]) == 30
    assert not ids["train"] & ids["localize"]


def test_without_a_count_every_face_comes(ask):
    drawn = ask(None, shares={"train": 0.2, "localize": 0.4, "select": 0.2, "test": 0.2})
    assert len({record.id for record in drawn.records}) == len(drawn.records) == 440
    counts = Counter(record.split for record in drawn.records)
    assert (counts["select"], counts["test"]) == (80, 120)
    assert abs(counts["localize"] - 160) <= 1


def test_a_study_that_uses_a_part_gets_a_part(ask):
    drawn = ask(100, shares={"localize": 0.3, "test": 0.2})
    assert Counter(record.split for record in drawn.records) == {"localize": 30, "test": 20}


def test_attributes_can_be_excluded_and_required(ask):
    without = ask(40, exclude=["Male", "Young"])
    assert not any(record.attributes["Male"] or record.attributes["Young"] for record in without.records)
    some = ask(40, require=["Eyeglasses", "Wearing_Hat"])
    assert all(record.attributes["Eyeglasses"] or record.attributes["Wearing_Hat"] for record in some.records)


def test_a_shortage_is_named_before_any_image_comes(ask, reached, files):
    with pytest.raises(ValueError, match="'faces': split 'train'.*has 240 rows in all; 300 are needed for the 600"):
        ask(600)
    assert reached.bytes_sent < sum(map(len, files.values())) / 4


def test_a_shortage_of_what_is_wanted_is_named(ask):
    with pytest.raises(ValueError, match=r"split 'test'.*has \d+ rows that can be used; 110 are needed"):
        ask(110, subset="test", exclude=["Male"])


def test_an_unknown_attribute_names_those_that_are_near(ask):
    with pytest.raises(ValueError, match="exclude names attribute 'Eyeglass'.*Eyeglasses"):
        ask(5, exclude=["Eyeglass"])


def test_a_split_of_the_study_without_faces_is_named(ask):
    with pytest.raises(ValueError, match="no split of the data set for 'select'"):
        ask(5, subset={"localize": "train", "test": "test"})


def test_zero_is_absent_too(reached, ask):
    reached.add_dataset("zero/attributes", celeba_files({"train": 10}, absent=0, paths=False, side=16))
    drawn = ask(10, repository="zero/attributes", subset="train")
    assert {value for record in drawn.records for value in record.attributes.values()} == {0, 1}
    assert drawn.records[0].source.split(", ")[-1].startswith("data/train-00000-of-00001.parquet row ")


def test_what_is_no_attribute_is_named(reached, ask):
    reached.add_dataset("odd/attributes", celeba_files({"train": 10}, absent=2, side=16))
    with pytest.raises(ValueError, match="odd/attributes, split 'train', row .* column '.*' holds 2"):
        ask(10, repository="odd/attributes", subset="train")


def test_an_unreadable_image_is_refused_by_name_and_replaced(reached, ask, files):
    import datasets

    table = pq.read_table(io.BytesIO(files["data/test-00000-of-00001.parquet"])).slice(0, 30)
    rows = table.to_pylist()
    for row in rows[::3]:
        row["image"]["bytes"] = row["image"]["bytes"][:200]
    rows[1]["image"] = None
    buffer = io.BytesIO()
    datasets.Dataset.from_list(rows, features=datasets.Features.from_arrow_schema(table.schema)).to_parquet(buffer)
    reached.add_dataset("damaged/faces", {"data/test-00000-of-00001.parquet": buffer.getvalue()})
    drawn = ask(19, repository="damaged/faces", subset="test")
    good = {f"celeba-test-00000-{index:07d}" for index in range(30) if index % 3 and index != 1}
    assert {record.id for record in drawn.records} == good
    refused = {one.id: one.reason for one in drawn.refused}
    assert set(refused) <= {f"celeba-test-00000-{index:07d}" for index in [*range(0, 30, 3), 1]}
    assert any("no image" in reason for reason in refused.values()) or "celeba-test-00000-0000001" not in refused
    with pytest.raises(ValueError, match="has 19 rows that can be used; 20 are needed"):
        ask(20, repository="damaged/faces", subset="test")


def test_a_data_set_without_images_is_named(reached, ask):
    reached.add_dataset("no/images", {"train.csv": b"a\n1\n"})
    with pytest.raises(ValueError, match="no/images, split 'train': it has no column 'image' of images"):
        ask(1, repository="no/images", subset="train")


def test_the_defaults_of_the_configuration_are_what_the_source_takes():
    assert set(SOURCES["celeba"].defaults) == {"repository", "revision", "subset", "exclude", "require"}


def test_a_killed_draw_goes_on(server, files, tmp_path):
    code = f"""
import pathlib
from deeplocalizer.stimuli.record import Draw
from deeplocalizer.stimuli.sources.celeba import celeba
settings = dict(repository={NAME!r}, revision="main", subset={SUBSETS!r}, exclude=[], require=[])
drawn = celeba(Draw("faces", settings, 150, 0, {SHARES!r}, pathlib.Path({str(tmp_path / "downloads")!r})))
print(*(record.id + record.split for record in drawn.records), sep="\\n")
"""
    start = [sys.executable, "-c", code]
    server.fault("/cdn/", "stall", after=12)
    process = subprocess.Popen(start, env=environment(server, tmp_path / "home"), stdout=subprocess.DEVNULL)
    blocks = tmp_path / "downloads"
    while process.poll() is None and len(list(blocks.rglob("rows-*/*.parquet"))) < 3:
        pass
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    server.heal()
    kept = {path.name for path in blocks.rglob("rows-*/*.parquet")}
    run = {"env": environment(server, tmp_path / "home"), "capture_output": True, "text": True, "check": True}
    resumed = subprocess.run(start, **run).stdout
    assert kept <= {path.name for path in blocks.rglob("rows-*/*.parquet")}
    server.forget()
    assert subprocess.run(start, **run).stdout == resumed
    assert subprocess.run(start, **run | {"env": environment(server, tmp_path / "new", offline=True)}).stdout == resumed
    assert server.requests == []
    assert len(resumed.split()) == 150


def test_images_that_another_program_wrote_are_images_too(ask, reached, files):
    plain = {}
    for path, content in files.items():
        if path.endswith(".parquet"):
            buffer = io.BytesIO()
            pq.write_table(pq.read_table(io.BytesIO(content)).replace_schema_metadata(None), buffer)
            plain[path] = buffer.getvalue()
    reached.add_dataset("someone/faces", plain)
    assert len(ask(30, repository="someone/faces").records) == 30
