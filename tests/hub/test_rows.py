"""Rows are drawn in a seeded order, cost what they weigh, and are fetched once."""

import io
import itertools
import os
import signal
import subprocess
import sys

import numpy as np
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value

from deeplocalizer import hub
from tests.serving.hub import HubServer, celeba_files, dataset_files, environment, jpeg, redirected

NAME = "tpremoli/CelebA-attrs"
COLUMNS = ["image", "Male", "Smiling"]


@pytest.fixture(scope="module")
def files():
    return celeba_files({"train": 2000, "validation": 150, "test": 90}, rows_per_group=100, side=48)


@pytest.fixture
def sha(reached, files):
    return reached.add_dataset(NAME, files)


def truth(files, subset):
    return pq.read_table(io.BytesIO(files[f"data/{subset}-00000-of-00001.parquet"]))


def draw(sha, downloads, count=None, subset="train", seed=0, columns=COLUMNS):
    return list(itertools.islice(hub.rows(NAME, sha, subset, seed, downloads, columns), count))


def test_every_row_comes_once_and_is_what_the_file_holds(files, sha, downloads):
    rows = draw(sha, downloads, subset="validation")
    expected = truth(files, "validation").select(COLUMNS).to_pylist()
    assert sorted(row.index for row in rows) == list(range(150))
    assert all(row.values == expected[row.index] for row in rows)
    assert [row.index for row in rows] != sorted(row.index for row in rows)


def test_two_hundred_rows_cost_three_row_groups(reached, files, sha, downloads):
    content = files["data/train-00000-of-00001.parquet"]
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    groups = sorted(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
    hub.columns(NAME, sha, "train", downloads)
    reached.forget()
    assert len(draw(sha, downloads, 200)) == 200
    footer = metadata.serialized_size + 2 * 65536  # its end is read ahead, to find where it begins
    assert reached.bytes_sent < sum(groups[-3:]) + footer < len(content) / 3


def test_columns_that_are_not_asked_for_are_not_fetched(reached, downloads):
    rng = np.random.default_rng(0)
    heavy = [rng.bytes(2000).hex() for _ in range(300)]
    whole = Dataset.from_dict({"heavy": heavy, "light": list(range(300))})
    sha = reached.add_dataset(NAME, dataset_files({"train": whole}))
    rows = draw(sha, downloads, columns=["light"])
    assert sorted(row.values["light"] for row in rows) == list(range(300))
    assert all(set(row.values) == {"light"} for row in rows)
    assert reached.bytes_sent < sum(map(len, heavy)) / 3


@pytest.mark.parametrize(("fewer", "more"), [(1, 2), (37, 38), (99, 305), (200, 1200)])
def test_asking_for_more_keeps_what_was_there(reached, sha, downloads, fewer, more):
    first = draw(sha, downloads, fewer)
    before = reached.bytes_sent
    assert draw(sha, downloads, more)[:fewer] == first
    again = draw(sha, downloads / "anew", more)
    assert again == draw(sha, downloads, more)
    assert before <= reached.bytes_sent


def test_a_second_draw_asks_for_nothing(reached, sha, downloads):
    first = draw(sha, downloads, 250)
    reached.forget()
    assert draw(sha, downloads, 250) == first
    assert reached.requests == []


def test_another_seed_gives_other_rows_and_shares_what_was_fetched(reached, sha, downloads):
    first = draw(sha, downloads, subset="test")
    reached.forget()
    second = draw(sha, downloads, subset="test", seed=1)
    assert [row.key for row in first] != [row.key for row in second]
    assert {row.key for row in first} == {row.key for row in second}
    assert reached.requests == []


def test_a_draw_does_not_depend_on_the_number_of_files_looked_into(reached, downloads):
    sha = reached.add_dataset(NAME, celeba_files({"train": 200}, rows_per_group=5, files=20, side=16))
    rows = draw(sha, downloads)
    assert len({row.key for row in rows}) == len(rows) == 200
    assert len({row.shard for row in rows[:60]}) > 3


def test_rows_are_spread_over_a_data_set_that_is_sorted(reached, downloads):
    features = Features({"label": ClassLabel(names=[f"kind {i}" for i in range(10)])})
    whole = Dataset.from_dict({"label": sorted(list(range(10)) * 100)}, features=features)
    sha = reached.add_dataset(NAME, dataset_files({"train": whole}, rows_per_group=20))
    rows = draw(sha, downloads, 200, columns=["label"])
    assert len({row.values["label"] for row in rows}) >= 5  # read from the start, they would be two


def test_what_is_here_needs_no_network(reached, sha, downloads, tmp_path):
    first = draw(sha, downloads, 120)
    with HubServer() as gone:
        pass
    for offline in (True, False):
        with redirected(gone, tmp_path / "other home", offline=offline):
            assert draw(sha, downloads, 120) == first


def test_what_is_missing_offline_is_named(reached, sha, downloads, tmp_path):
    draw(sha, downloads, 120)
    with redirected(reached, tmp_path / "home", offline=True):
        with pytest.raises(
            hub.HubError, match=f"{NAME}.*'train'.*train-00000.*run the same command once without HF_HUB"
        ):
            draw(sha, downloads, 900)
        with pytest.raises(hub.HubError, match=f"{NAME}.*'test'.*run the same command once without HF_HUB_OFFLINE=1"):
            draw(sha, downloads, 1, subset="test")


def test_a_process_offline_draws_what_is_here(reached, sha, downloads, tmp_path):
    draw(sha, downloads, 120)
    reached.forget()
    code = f"""
import itertools, pathlib
from deeplocalizer import hub
rows = hub.rows({NAME!r}, {sha!r}, "train", 0, pathlib.Path({str(downloads)!r}), {COLUMNS!r})
print(len(list(itertools.islice(rows, 120))))
"""
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(reached, tmp_path / "anew", offline=True),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.strip() == "120"
    assert reached.requests == []


def test_a_killed_draw_goes_on_where_it_was(reached, sha, downloads, tmp_path):
    code = f"""
import pathlib
from deeplocalizer import hub
for row in hub.rows({NAME!r}, {sha!r}, "train", 0, pathlib.Path({str(downloads)!r}), {COLUMNS!r}):
    print(row.key, flush=True)
"""
    reached.fault("/cdn/", "stall", after=8)  # two for the footer, one for each row group
    process = subprocess.Popen(
        [sys.executable, "-c", code], env=environment(reached, tmp_path / "home"), stdout=subprocess.PIPE, text=True
    )
    seen = [process.stdout.readline().strip() for _ in range(300)]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    reached.heal()
    kept = [path.name.split(".")[0] for path in downloads.rglob("rows-*/*.parquet")]
    assert len(kept) >= 3
    fetched = {request.range for request in reached.requests if request.path.startswith("/cdn/") and request.sent}
    reached.forget()
    rows = draw(sha, downloads, 700)
    assert [row.key for row in rows[:300]] == seen
    again = {request.range for request in reached.requests if request.path.startswith("/cdn/")}
    assert again
    assert not again & fetched
    assert rows == draw(sha, downloads / "undisturbed", 700)


def test_a_half_written_file_is_not_taken_for_a_whole_one(reached, sha, downloads):
    first = draw(sha, downloads, 100)
    blocks = sorted(downloads.rglob("rows-*/*.parquet"))
    (blocks[0].parent / ".torn.part").write_bytes(blocks[0].read_bytes()[:1000])
    blocks[0].write_bytes(blocks[0].read_bytes()[:1000])
    assert draw(sha, downloads, 100) == first


def test_a_damaged_block_is_fetched_again(reached, sha, downloads, caplog, tmp_path):
    first = draw(sha, downloads, 100)
    block = sorted(downloads.rglob("rows-*/*.parquet"))[0]

    def damage():
        content = bytearray(block.read_bytes())
        content[len(content) // 2] ^= 1
        block.write_bytes(content)

    damage()
    assert draw(sha, downloads, 100) == first
    assert f"{block} is damaged" in caplog.text
    damage()
    with redirected(reached, tmp_path / "home", offline=True):
        with pytest.raises(hub.HubError, match="train-00000-of-00001.parquet is not here yet.*HF_HUB_OFFLINE=1"):
            draw(sha, downloads, 100)


def test_a_missing_split_names_those_there_are(sha, downloads):
    with pytest.raises(hub.HubError, match="'val'.*no such split.*'train', 'validation', 'test'"):
        draw(sha, downloads, 1, subset="val")


def test_a_missing_column_names_those_that_are_near(sha, downloads):
    with pytest.raises(hub.HubError, match="no column 'Smilling'.*Smiling"):
        draw(sha, downloads, 1, columns=["image", "Smilling"])


def test_a_commit_that_is_gone_is_named(reached, sha, downloads):
    reached.add_dataset(NAME, {"data/train-00000-of-00001.parquet": b"x"})
    reached.forget_commit(NAME, sha)
    with pytest.raises(hub.HubError, match=f"{NAME} at {sha[:7]}.*no such revision.*set `revision`"):
        draw(sha, downloads, 1)


def test_several_configurations_must_be_told_apart(reached, downloads):
    small = Dataset.from_dict({"number": [1, 2, 3]})
    one = dataset_files({"train": small}, configuration="one")
    two = dataset_files({"train": small.map(lambda row: {"number": row["number"] * 10})}, configuration="two")
    named = "".join(f"- config_name: {name}\n  data_files: {name}/train-*\n" for name in ("one", "two"))
    readme = f"---\nconfigs:\n{named}---\n"
    sha = reached.add_dataset(NAME, {**one, **two}, readme=readme)
    with pytest.raises(hub.HubError, match="set `configuration`.*one.*two"):
        draw(sha, downloads, 1, columns=["number"])
    with pytest.raises(hub.HubError, match="set `configuration`.*three.*one.*two"):
        list(hub.rows(NAME, sha, "train", 0, downloads, ["number"], configuration="three"))
    rows = list(hub.rows(NAME, sha, "train", 0, downloads, ["number"], configuration="two"))
    assert sorted(row.values["number"] for row in rows) == [10, 20, 30]


def test_a_data_set_that_is_a_script_is_refused(reached, downloads):
    sha = reached.add_dataset(NAME, {"CelebA-attrs.py": b"raise SystemExit('executed')"}, readme="# A script\n")
    with pytest.raises(hub.HubError, match="script.*nothing from the network is executed"):
        draw(sha, downloads, 1)


def test_a_folder_of_images_names_the_revision_that_helps(reached, downloads):
    rng = np.random.default_rng(0)
    pictures = {f"train/{kind}/{index}.jpg": jpeg(rng, 16) for kind in ("cat", "dog") for index in range(3)}
    sha = reached.add_dataset("someone/pets", pictures)
    with pytest.raises(hub.HubError, match="not in Parquet files: set `revision` to refs/convert/parquet"):
        hub.columns("someone/pets", sha, "train", downloads)
    images = Dataset.from_dict({"image": list(map(dict, [{"bytes": p, "path": None} for p in pictures.values()]))})
    content = io.BytesIO()
    images.cast_column("image", Image()).to_parquet(content)
    converted = reached.add_dataset("someone/pets", {"default/train/0000.parquet": content.getvalue()})
    reached.branch("someone/pets", "refs/convert/parquet", converted)
    sha = hub.resolve("someone/pets", "refs/convert/parquet", downloads)
    rows = list(hub.rows("someone/pets", sha, "train", 0, downloads, ["image"]))
    assert {row.values["image"]["bytes"] for row in rows} == set(pictures.values())


def test_a_file_of_text_is_drawn_from_too(reached, downloads):
    lines = "\n".join(["number,square", *(f"{index},{index**2}" for index in range(1200))])
    sha = reached.add_dataset("someone/numbers", {"train.csv": lines.encode()})
    first = list(itertools.islice(hub.rows("someone/numbers", sha, "train", 0, downloads, ["square"]), 30))
    rows = list(hub.rows("someone/numbers", sha, "train", 0, downloads, ["square"]))
    assert rows[:30] == first
    assert sorted(row.values["square"] for row in rows) == [index**2 for index in range(1200)]
    assert all(row.values["square"] == row.index**2 for row in rows)


def test_the_length_of_a_split_is_that_of_its_files(reached, sha, downloads):
    assert [hub.length(NAME, sha, subset, downloads) for subset in ("train", "validation", "test")] == [2000, 150, 90]


def test_importing_the_room_loads_no_torch():
    code = "import sys, deeplocalizer.hub; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_kinds_of_columns_are_known(reached, downloads):
    features = Features(
        {
            "picture": Image(),
            "kind": ClassLabel(names=["a", "b"]),
            "number": Value("int32"),
            "flag": Value("bool"),
            "name": Value("string"),
            "score": Value("float32"),
        }
    )
    image = {"bytes": jpeg(np.random.default_rng(0), 8), "path": None}
    row = {"picture": [image], "kind": [1], "number": [2], "flag": [True], "name": ["x"], "score": [0.5]}
    sha = reached.add_dataset(NAME, dataset_files({"train": Dataset.from_dict(row, features=features)}))
    found = hub.columns(NAME, sha, "train", downloads)
    assert {name: column.kind for name, column in found.items()} == {
        "picture": "image",
        "kind": "label",
        "number": "integer",
        "flag": "integer",
        "name": "text",
        "score": "other",
    }
    assert found["kind"].names == ("a", "b")
