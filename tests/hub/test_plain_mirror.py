"""A mirror that answers 404 without the Hub's own words gives what the Hub gives."""

import itertools
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from deeplocalizer import hub
from deeplocalizer.hub.errors import absent, transient
from deeplocalizer.models import repository
from tests.serving.hub import celeba_files

NAME = "tpremoli/CelebA-attrs"


@pytest.fixture(scope="module")
def files():
    files = celeba_files({"train": 40}, rows_per_group=20, side=24)
    return {path: content for path, content in files.items() if path != "README.md"}


def test_rows_come_without_a_readme(plain, files, downloads):
    sha = plain.add_dataset(NAME, files)
    rows = hub.rows(NAME, sha, "train", 0, downloads, ["image", "Male"])
    assert len(list(itertools.islice(rows, 40))) == 40


def test_an_abbreviated_sha_is_that_of_main_or_one_of_its_commits(plain, files, downloads):
    first, last = plain.add_dataset(NAME, files), plain.add_dataset(NAME, {"data.csv": b"a\n1\n"})
    assert hub.resolve(NAME, last[:7], downloads) == last
    assert hub.resolve(NAME, first[:7], downloads) == first


def test_without_a_list_of_commits_main_is_still_compared(plain, files, downloads):
    first, last = plain.add_dataset(NAME, files), plain.add_dataset(NAME, {"data.csv": b"a\n1\n"})
    plain.fault("/commits/", "404")
    assert hub.resolve(NAME, last[:7], downloads) == last
    with pytest.raises(hub.HubError, match=f"not found out.*main is at {last}.*40 digits"):
        hub.resolve(NAME, first[:7], downloads)


def test_what_is_not_there_is_named(plain, files, downloads):
    sha = plain.add_dataset(NAME, files)
    with pytest.raises(hub.HubError, match=f"no such revision.*main is at {sha}"):
        hub.resolve(NAME, "v9", downloads)
    with pytest.raises(hub.HubError, match="no/such.*check its name"):
        hub.resolve("no/such", "main", downloads)


def test_an_optional_file_of_a_model_may_be_absent(plain, downloads):
    sha = plain.add_model("lab/net", {"config.json": b"{}", "model.safetensors": bytes(64)})
    folder = repository.configuration("lab/net", sha)
    assert sorted(path.name for path in folder.iterdir()) == ["config.json"]
    repository.refuse_without_safetensors("lab/net", sha)
    assert [path.name for path in repository.weights("lab/net", sha)] == ["model.safetensors"]
    bare = plain.add_model("lab/bare", {"config.json": b"{}"})
    with pytest.raises(ValueError, match="no safetensors file"):
        repository.refuse_without_safetensors("lab/bare", bare)


def test_a_date_to_come_back_at_is_heeded(plain, monkeypatch):
    plain.fault("/api/", "429", retry_after=format_datetime(datetime.now(UTC) + timedelta(seconds=200), usegmt=True))
    with pytest.raises(HfHubHTTPError) as caught:
        HfApi().repo_info("a/b")
    again, wait = transient(caught.value)
    assert again and 100 < wait <= 200
    assert not absent(caught.value)
