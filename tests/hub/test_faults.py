"""What goes wrong for a moment is tried again; what stays wrong is named, and nothing that came is lost."""

import itertools

import pytest
from huggingface_hub.utils import httpx

from deeplocalizer import hub
from deeplocalizer.hub import remote
from deeplocalizer.models import repository
from tests.serving.hub import HubServer, celeba_files, redirected

NAME = "tpremoli/CelebA-attrs"
COLUMNS = ["image", "Male"]


@pytest.fixture(scope="module")
def files():
    return celeba_files({"train": 300}, rows_per_group=20, side=24)


@pytest.fixture
def sha(reached, files):
    return reached.add_dataset(NAME, files)


def draw(sha, downloads, count):
    return list(itertools.islice(hub.rows(NAME, sha, "train", 0, downloads, COLUMNS), count))


PASSING = [
    ("/cdn/", "stall", {}),
    ("/cdn/", "429", {"retry_after": 1}),
    ("/cdn/", "503", {}),
    ("/cdn/", "500", {}),
    ("/cdn/", "truncate", {}),
    (r"\.parquet$", "stall", {}),
    (r"\.parquet$", "503", {}),
    ("README.md", "stall", {}),
    ("README.md", "429", {"retry_after": 1}),
    ("/tree/", "stall", {}),
    ("/tree/", "truncate", {}),
]


@pytest.mark.parametrize(("where", "kind", "how"), PASSING, ids=[f"{where}-{kind}" for where, kind, _ in PASSING])
def test_what_goes_wrong_once_is_tried_again(reached, sha, downloads, where, kind, how):
    reached.fault(where, kind, times=1, **how)
    rows = draw(sha, downloads, 50)
    assert len(rows) == 50
    assert any(fault.times == 0 for fault in reached.faults)
    reached.heal()
    assert rows == draw(sha, downloads / "undisturbed", 50)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("stall", "stalled: nothing came in 1 seconds; tried 3 times"),
        ("drip", "connection broke: only .* bytes came.*tried 3 times"),
        ("429", "status 429.*tried 3 times"),
        ("503", "status 503; tried 3 times"),
        ("truncate", "connection broke.*tried 3 times"),
        ("html", "a page came instead of data"),
        ("loop", "redirects without end"),
        ("401", "hf auth login"),
        ("gated", "hf auth login"),
        ("corrupt", "damaged"),
    ],
)
def test_what_stays_wrong_is_named_and_what_came_is_kept(reached, sha, downloads, kind, reason):
    first = draw(sha, downloads, 30)
    reached.fault("/cdn/", kind)
    kept = len(list(downloads.rglob("rows-*/*.parquet"))) * 20
    with pytest.raises(
        hub.HubError, match=f"{NAME} at {sha[:7]}, split 'train', file data/train-00000-of-00001.parquet.*{reason}"
    ) as caught:
        draw(sha, downloads, 300)
    assert f"{kept} rows are kept" in str(caught.value)
    assert ("the same command goes on" in str(caught.value)) == (kind != "corrupt")
    reached.heal()
    rows = draw(sha, downloads, 300)
    assert rows[:30] == first
    assert len({row.key for row in rows}) == 300


@pytest.mark.parametrize(
    ("where", "kind", "reason"),
    [
        ("README.md", "html", "does not answer as a Hub does"),
        ("README.md", "loop", "redirects without end"),
        ("README.md", "gated", "hf auth login"),
        ("README.md", "401", "hf auth login"),
        ("/tree/", "html", "page instead of data"),
        ("/tree/", "403", "hf auth login"),
        (r"\.parquet$", "html", "does not answer as a Hub does"),
    ],
)
def test_what_stays_wrong_before_the_first_row_is_named(reached, sha, downloads, where, kind, reason):
    reached.fault(where, kind)
    with pytest.raises(hub.HubError, match=f"{NAME} at {sha[:7]}, split 'train'.*{reason}"):
        draw(sha, downloads, 1)


def test_a_corrupt_parquet_file_is_named(reached, downloads, files):
    path = "data/train-00000-of-00001.parquet"
    content = files[path]
    sha = reached.add_dataset(NAME, {**files, path: content[:-400] + bytes(400)})
    with pytest.raises(hub.HubError, match=f"{path} is no readable Parquet file.*the Hub's own copy is damaged"):
        draw(sha, downloads, 1)


def test_a_corrupt_row_group_is_named(reached, downloads, files):
    path = "data/train-00000-of-00001.parquet"
    content = files[path]
    sha = reached.add_dataset(NAME, {**files, path: bytes(len(content) // 2) + content[len(content) // 2 :]})
    with pytest.raises(hub.HubError, match=f"{path}, row group .* is damaged.*the Hub's own copy") as caught:
        draw(sha, downloads, 300)
    assert "the same command" not in str(caught.value)


@pytest.mark.parametrize("left", [0, 100])
def test_a_kept_block_that_is_cut_short_is_fetched_again(reached, sha, downloads, left):
    rows = draw(sha, downloads, 60)
    block = next(iter(sorted(downloads.rglob("rows-*/*.parquet"))))
    block.write_bytes(block.read_bytes()[:left])
    got = list(itertools.islice(hub.rows(NAME, sha, "train", 0, downloads, COLUMNS, expected=60), 60))
    assert got == rows


def test_a_server_that_knows_no_ranges_is_named(reached, sha, downloads):
    reached.fault("/cdn/", "whole")
    with pytest.raises(hub.HubError, match="whole files only"):
        draw(sha, downloads, 1)


def test_a_server_that_is_gone_is_named(tmp_path, downloads, monkeypatch):
    monkeypatch.setattr(remote, "PATIENCE", remote.Patience(tries=2, first_wait=0.01))
    with HubServer() as gone:
        pass
    with redirected(gone, tmp_path / "home"):
        with pytest.raises(hub.HubError, match=f"{NAME}.*{gone.url} cannot be reached"):
            hub.resolve(NAME, "main", downloads)
        with pytest.raises(hub.HubError, match=f"{NAME}.*{gone.url} cannot be reached"):
            draw("0" * 40, downloads, 1)


def test_a_page_instead_of_a_file_of_a_model_is_named(reached):
    sha = reached.add_model("lab/net", {"config.json": b"{}" * 100})
    reached.fault("config.json", "html", method="GET")
    with pytest.raises(hub.HubError, match="config.json of lab/net.*sign-in page"):
        repository.configuration("lab/net", sha)


def test_a_longer_limit_of_the_library_gives_way(reached):
    request = httpx.Request("HEAD", reached.url, extensions={"timeout": httpx.Timeout(60).as_dict()})
    remote._end_silence(request)
    assert set(request.extensions["timeout"].values()) == {1.0}


def test_a_pinned_revision_that_vanished_names_the_record(reached, sha, downloads):
    assert hub.resolve(NAME, "main", downloads) == sha
    reached.forget_commit(NAME, sha)
    with pytest.raises(hub.HubError, match=r"no such revision.*delete revisions\.json"):
        draw(sha, downloads, 1)
