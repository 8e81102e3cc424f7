"""Some columns of all rows, and no others."""

import pytest

from deeplocalizer import hub
from tests.serving.hub import coco_files, redirected

NAME = "phiyodr/coco2017"


@pytest.fixture
def sha(reached):
    train = [{"image_id": index, "license": index % 8} for index in range(500, 250, -1)]
    return reached.add_dataset(NAME, coco_files({"train": train, "validation": [{"image_id": 7}]}))


def test_a_table_holds_all_rows_of_the_columns_in_their_order(sha, downloads):
    table = hub.table(NAME, sha, "train", ["image_id", "coco_url"], downloads)
    assert list(table.columns) == ["image_id", "coco_url"]
    assert table["image_id"].tolist() == list(range(500, 250, -1))
    assert table["coco_url"][0].endswith("/train2017/000000000500.jpg")


def test_captions_are_lists(sha, downloads):
    table = hub.table(NAME, sha, "validation", ["captions"], downloads)
    assert list(table["captions"][0]) == [f"caption {index} of image 7" for index in range(5)]


def test_a_second_call_asks_for_nothing_and_works_offline(reached, sha, downloads, tmp_path):
    first = hub.table(NAME, sha, "train", ["image_id"], downloads)
    reached.forget()
    assert hub.table(NAME, sha, "train", ["image_id"], downloads).equals(first)
    assert reached.requests == []
    with redirected(reached, tmp_path / "home", offline=True):
        assert hub.table(NAME, sha, "train", ["image_id"], downloads).equals(first)
        with pytest.raises(hub.HubError, match="'train': columns license.*HF_HUB_OFFLINE=1"):
            hub.table(NAME, sha, "train", ["license"], downloads)


def test_a_damaged_table_is_fetched_again(sha, downloads):
    first = hub.table(NAME, sha, "train", ["image_id"], downloads)
    (kept,) = downloads.rglob("table-*.parquet")
    kept.write_bytes(kept.read_bytes()[:100])
    assert hub.table(NAME, sha, "train", ["image_id"], downloads).equals(first)


def test_a_missing_column_is_named(sha, downloads):
    with pytest.raises(hub.HubError, match="no column 'coco_ulr'.*coco_url"):
        hub.table(NAME, sha, "train", ["coco_ulr"], downloads)


def test_a_table_of_text_files_is_read_too(reached, downloads):
    sha = reached.add_dataset("someone/numbers", {"train.csv": b"a,b\n1,2\n3,4\n"})
    assert hub.table("someone/numbers", sha, "train", ["b"], downloads)["b"].tolist() == [2, 4]
