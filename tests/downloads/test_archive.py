"""One member comes whole, or the reason is named; the rest of the archive stays where it is."""

import dataclasses

import numpy as np
import pytest

from deeplocalizer.downloads import disk
from deeplocalizer.downloads.archive import discard, extract, member
from deeplocalizer.downloads.errors import DownloadError
from tests.downloads.conftest import limits_for
from tests.serving.images import archive

PATH, NAME = "/annotations.zip", "annotations/instances_val2017.json"
BIG = "annotations/instances_train2017.json"


@pytest.fixture(scope="module")
def members():
    rng = np.random.default_rng(0)
    return {
        BIG: rng.bytes(8_000_000),
        NAME: rng.bytes(200_000),
        "annotations/captions_train2017.json": rng.bytes(12_000_000),
    }


@pytest.fixture(scope="module")
def packed(members):
    return archive(members)


@pytest.fixture
def url(server, packed):
    return server.add(PATH, packed, "application/zip")


def test_a_small_member_of_a_large_archive_costs_little(server, url, members, tmp_path, quick):
    assert len(server.files[PATH].content) > 20_000_000
    assert member(url, NAME, tmp_path, quick) == members[NAME]
    assert server.sent < 200_000 + 200_000
    assert len(server.requests) < 20


def test_a_large_member_costs_little_more_than_its_size_in_few_requests(server, url, members, tmp_path, quick):
    assert member(url, BIG, tmp_path, quick) == members[BIG]
    assert server.sent < 1.15 * len(members[BIG])
    assert len(server.requests) < 40


def test_a_second_time_nothing_is_asked_for(server, url, members, tmp_path, quick, monkeypatch):
    extract(url, NAME, tmp_path, quick)
    server.forget()
    assert member(url, NAME, tmp_path, quick) == members[NAME]
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert member(url, NAME, tmp_path, quick) == members[NAME]
    assert server.requests == []


@pytest.mark.parametrize("harm", ["altered", "discarded"])
def test_a_harmed_member_is_fetched_again(server, url, members, tmp_path, quick, harm):
    file = extract(url, NAME, tmp_path, quick)
    if harm == "altered":
        file.path.write_bytes(bytes(file.size))
    else:
        discard(url, NAME, tmp_path)
        assert not file.path.exists()
    assert member(url, NAME, tmp_path, quick) == members[NAME]


def test_offline_a_missing_member_is_named(server, url, tmp_path, quick, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(DownloadError, match=f"{NAME} of {url} is not on this machine.*once without HF_HUB_OFFLINE=1"):
        member(url, NAME, tmp_path, quick)
    assert server.requests == []


PASSING = [
    ("status", {"status": 429, "retry_after": 0}),
    ("status", {"status": 503}),
    ("truncate", {}),
    ("stall", {}),
    ("stall-body", {}),
    ("reset", {}),
    ("short", {}),
]


@pytest.mark.parametrize(("kind", "how"), PASSING, ids=[kind + str(how.get("status", "")) for kind, how in PASSING])
def test_what_goes_wrong_for_a_while_is_tried_again(server, url, members, tmp_path, kind, how):
    server.fault(PATH, kind, times=2, **how)
    patient = dataclasses.replace(limits_for(kind), attempts=4)
    assert member(url, NAME, tmp_path, patient) == members[NAME]


def test_a_range_that_fails_does_not_cost_those_before_it(server, url, members, tmp_path, quick):
    original, hits = server.files, []

    class Failing(dict):
        def get(self, path, default=None):
            hits.append(path)
            if len(hits) % 4 == 0:
                server.fault(PATH, "status", times=1, status=503)
            return original.get(path, default)

    server.files = Failing(original)
    assert member(url, BIG, tmp_path, quick) == members[BIG]
    assert any(request.status == 503 for request in server.requests)
    assert server.sent < 1.15 * len(members[BIG])


STAYING = [
    ("status", {"status": 404}, "HTTP 404"),
    ("status", {"status": 403}, "HTTP 403"),
    ("status", {"status": 503}, "HTTP 503.*attempt 3 of 3"),
    ("loop", {}, "redirected more than 5 times"),
    ("redirect", {"location": "ftp://127.0.0.1/x"}, "neither http nor https"),
    ("html", {}, "not a zip archive: the server sent text/html"),
    ("whole", {}, "does not answer ranges"),
    ("lengthless", {}, "does not say how large"),
    ("stall", {}, "nothing came for 0.15 s"),
    ("drip-headers", {}, "not complete after 0.3 s"),
    ("short", {}, "bytes came where"),
    ("corrupt", {}, "damaged"),
]


@pytest.mark.parametrize(
    ("kind", "how", "reason"), STAYING, ids=[f"{kind}{how.get('status', '')}" for kind, how, _ in STAYING]
)
def test_what_stays_wrong_is_named(server, url, tmp_path, kind, how, reason):
    server.fault(PATH, kind, **how)
    wanted = "annotations/captions_train2017.json" if kind == "corrupt" else NAME
    with pytest.raises(DownloadError, match=reason) as caught:
        member(url, wanted, tmp_path, limits_for(kind))
    assert url in str(caught.value)
    assert not [path for path in tmp_path.iterdir() if path.name != "manifest.jsonl"]
    if kind == "whole":
        assert server.sent < 5_000_000


@pytest.mark.parametrize("kind", ["stall", "drip-headers", "reset"])
def test_a_server_that_gives_nothing_for_long_is_not_asked_for_ever(server, url, tmp_path, kind):
    server.fault(PATH, kind)
    with pytest.raises(DownloadError, match="of 100000"):
        member(url, NAME, tmp_path, dataclasses.replace(limits_for(kind), attempts=100_000, drought=0.5))


def test_a_server_that_asks_to_wait_for_too_long_is_not_waited_for(server, url, tmp_path, quick):
    server.fault(PATH, "status", status=429, retry_after=7200)
    with pytest.raises(DownloadError, match="asks to wait 7200 s, longer than .*; run again"):
        member(url, NAME, tmp_path, quick)


def test_what_is_no_archive_is_named(server, tmp_path, quick):
    url = server.add("/other.zip", bytes(100_000), "application/zip")
    with pytest.raises(DownloadError, match=f"{url}: not a zip archive"):
        member(url, NAME, tmp_path, quick)
    with pytest.raises(DownloadError, match="neither http nor https"):
        member("file:///etc/passwd", NAME, tmp_path, quick)


def test_a_missing_member_names_those_near_it(url, tmp_path, quick):
    with pytest.raises(DownloadError, match=f"no member 'annotations/instances_val2014.json'; near it are {NAME}"):
        member(url, "annotations/instances_val2014.json", tmp_path, quick)
    with pytest.raises(DownloadError, match=f"near it are {NAME}"):
        member(url, "instances_val2017.json", tmp_path, quick)
    with pytest.raises(DownloadError, match="it has annotations/"):
        member(url, "zebra", tmp_path, quick)


def test_room_is_asked_for_before_the_member(server, url, members, tmp_path, quick, monkeypatch):
    monkeypatch.setattr(disk, "LEAST_MARGIN", 10**18)
    with pytest.raises(DownloadError, match=f"{BIG} of {url}: 8.0 MB are to be downloaded"):
        member(url, BIG, tmp_path, quick)
    assert server.sent < 500_000
