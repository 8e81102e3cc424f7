"""Any data set on the Hub becomes stimuli by a map of its columns."""

from collections import Counter

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Features, Image, Value

from deeplocalizer import hub
from deeplocalizer.configuration.sources import complete
from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.stimuli.record import Attribute, Draw
from deeplocalizer.stimuli.sources.hub_rows import hub as source
from tests.serving.hub import HubServer, dataset_files, jpeg, redirected
from tests.serving.images import ImageServer

NAME = "someone/animals"
KINDS = ["cat", "dog", "horse", "snake"]
SHARES = {"localize": 0.5, "select": 0.2, "test": 0.3}


def animals(count, start=0):
    rng = np.random.default_rng(start)
    features = Features(
        {
            "picture": Image(),
            "kind": ClassLabel(names=KINDS),
            "owner": Value("int64"),
            "name": Value("string"),
            "terms": Value("string"),
            "furry": Value("bool"),
            "asleep": Value("int8"),
        }
    )
    kinds = sorted(index % 4 for index in range(count))
    columns = {
        "picture": [{"bytes": jpeg(rng, 16), "path": None} for _ in range(count)],
        "kind": kinds,
        "owner": [index // 3 for index in range(count)],
        "name": [f"animal {start + index}" for index in range(count)],
        "terms": ["CC BY 4.0"] * count,
        "furry": [kind < 3 for kind in kinds],
        "asleep": [None if index % 5 == 0 else index % 2 for index in range(count)],
    }
    return Dataset.from_dict(columns, features=features)


@pytest.fixture(scope="module")
def server():
    with HubServer() as server:
        splits = {"train": animals(200), "test": animals(100, 1000)}
        server.add_dataset(NAME, dataset_files(splits, rows_per_group=10))
        yield server


@pytest.fixture
def reached(server, tmp_path):
    server.forget()
    with redirected(server, tmp_path / "home"):
        yield server


@pytest.fixture
def ask(reached, tmp_path):
    def ask(count, seed=0, shares=SHARES, columns=None, **settings):
        given = {"source": "hub", "repository": NAME, "columns": {"image": "picture", **(columns or {})}, **settings}
        filled = complete({"animals": given})["animals"]
        return source(Draw("animals", filled, count, seed, shares, tmp_path / "downloads"))

    return ask


def test_columns_become_what_is_known_of_a_stimulus(ask, reached):
    columns = {"label": "kind", "group": "owner", "id": "name", "licence": "terms", "attributes": ["furry", "asleep"]}
    drawn = ask(200, columns=columns)
    rows = {row["name"]: row for row in animals(200).cast_column("picture", Image(decode=False))}
    assert {record.id for record in drawn.records} == set(rows)
    for record in drawn.records:
        row = rows[record.id]
        assert record.encoded == row["picture"]["bytes"]
        assert (record.label, record.group, record.licence) == (KINDS[row["kind"]], str(row["owner"]), "CC BY 4.0")
        asleep = {} if row["asleep"] is None else {"asleep": row["asleep"]}
        assert record.attributes == {"furry": int(row["furry"]), **asleep}
        assert record.split == ""
    assert drawn.vocabulary == {name: Attribute(NAME) for name in ("furry", "asleep")}
    sha = reached.repositories["dataset", NAME].branches["main"]
    assert drawn.origin == {"repository": NAME, "revision": sha, "subset": "train"}


def test_without_a_map_ids_are_places(ask):
    drawn = ask(20)
    assert all(record.id.startswith("animals-train-00000-") for record in drawn.records)
    assert {record.label for record in drawn.records} == {""}
    assert drawn.records[0].source.split(", ")[1] == "train"


@pytest.mark.parametrize("fewer", [1, 25, 60])
def test_asking_for_more_keeps_what_was_there(ask, fewer):
    assert ask(90).records[:fewer] == ask(fewer).records


@pytest.mark.parametrize("wanted", ["horse", 2, ["horse"], [2]])
def test_labels_are_wanted_by_name_or_number(ask, wanted):
    drawn = ask(30, columns={"label": "kind"}, where={"kind": wanted})
    assert {record.label for record in drawn.records} == {"horse"}


def test_only_the_part_that_is_wanted_is_fetched(ask, tmp_path):
    drawn = ask(None, columns={"label": "kind"}, where={"kind": ["snake"]})
    assert len(drawn.records) == 50
    assert len(list(tmp_path.rglob("rows-*/*.parquet"))) == 5  # of twenty row groups


def test_several_columns_narrow_it_down(ask):
    drawn = ask(
        None, columns={"label": "kind", "attributes": ["furry"]}, where={"kind": ["dog", "snake"], "furry": True}
    )
    assert Counter(record.label for record in drawn.records) == {"dog": 50}


def test_splits_of_the_data_set_become_those_of_the_study(ask):
    subset = {"localize": "train", "select": "train", "test": "test"}
    drawn = ask(100, subset=subset)
    assert Counter(record.split for record in drawn.records) == {"localize": 50, "select": 20, "test": 30}
    assert all(record.id.startswith(f"animals-{subset[record.split]}-") for record in drawn.records)
    assert len({record.id for record in drawn.records}) == 100


def test_a_second_draw_asks_for_nothing_and_works_offline(ask, reached, tmp_path):
    first = ask(50, where={"kind": "cat"})
    reached.forget()
    with redirected(reached, tmp_path / "home", offline=True):
        assert ask(50, where={"kind": "cat"}) == first
    assert reached.requests == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"columns": {"label": "kid"}}, "columns: label names column 'kid'; someone/animals has kind"),
        ({"columns": {"attributes": ["fury"]}}, r"columns: attributes\[0\] names column 'fury'.*furry"),
        ({"columns": {"image": "owner"}}, "column 'owner' of someone/animals holds no images but integers"),
        ({"where": {"sort": 1}}, "where: sort names column 'sort'"),
        ({"where": {"kind": "hose"}}, "where: kind names label 'hose'; the data set has horse"),
        ({"where": {"kind": 7}}, "names label 7"),
        ({"where": {"owner": "me"}}, "where: owner names 'me', which no row has: the column holds whole numbers"),
        ({"where": {"name": 3}}, "where: name names 3, which no row has: the column holds texts"),
        ({"columns": {"id": "owner"}}, "two rows have the id '.*'; the column of ids must differ"),
        ({"where": {"kind": "cat"}}, "'animals': split 'train' .* has 50 rows that can be used; 150 are needed"),
    ],
)
def test_mistakes_are_named(ask, settings, message):
    with pytest.raises(ValueError, match=message):
        ask(150, **settings)


def test_a_split_that_is_not_there_is_named(ask):
    with pytest.raises(hub.HubError, match="no such split; there are 'train', 'test'"):
        ask(1, subset="validation")


def test_a_shortage_is_named_before_any_image_comes(ask, reached, tmp_path):
    with pytest.raises(ValueError, match="has 200 rows in all; 201 are needed"):
        ask(201)
    assert not list(tmp_path.rglob("rows-*/*.parquet"))


@pytest.fixture
def photographs(reached):
    rng = np.random.default_rng(9)
    with ImageServer() as images:
        addresses = [images.add(f"/{index}.jpg", jpeg(rng, 16)) for index in range(30)]
        addresses[4] = "ftp://elsewhere/4.jpg"
        whole = Dataset.from_dict({"url": addresses, "kind": [index % 2 for index in range(30)]})
        reached.add_dataset("someone/addresses", dataset_files({"train": whole}, rows_per_group=10))
        yield images


def test_images_are_fetched_by_their_addresses(ask, photographs, reached):
    drawn = ask(15, repository="someone/addresses", columns={"image": "url", "label": "kind"})
    contents = {served.content for served in photographs.files.values()}
    assert len(drawn.records) == 15
    assert {record.encoded for record in drawn.records} <= contents
    assert {record.label for record in drawn.records} == {"0", "1"}
    reached.forget()
    photographs.forget()
    assert ask(15, repository="someone/addresses", columns={"image": "url", "label": "kind"}) == drawn
    assert (reached.requests, photographs.requests) == ([], [])
    more = ask(25, repository="someone/addresses", columns={"image": "url", "label": "kind"})
    assert more.records[:15] == drawn.records


def test_an_address_that_gives_nothing_is_refused_and_replaced(ask, photographs):
    photographs.fault("/7.jpg", "status", status=404)
    photographs.fault("/8.jpg", "html")
    drawn = ask(None, repository="someone/addresses", columns={"image": "url"})
    assert len(drawn.records) == 27
    reasons = {one.id: one.reason for one in drawn.refused}
    assert set(reasons) == {f"addresses-train-00000-{index:07d}" for index in (4, 7, 8)}
    assert "no address" in reasons["addresses-train-00000-0000004"]
    assert "404" in reasons["addresses-train-00000-0000007"]
    with pytest.raises(DownloadError):
        ask(28, repository="someone/addresses", columns={"image": "url"})
