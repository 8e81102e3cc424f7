"""The first candidates that can be had are had, whatever the server does, and nothing is asked for twice."""

import dataclasses
import datetime
import email.utils
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.downloads.files import Target, fetch, lacking
from deeplocalizer.stimuli.images import check
from tests.downloads.conftest import QUICK, limits_for
from tests.serving.images import ImageServer, jpeg


def offer(server, number, start=0):
    names = [f"{index:03d}.jpg" for index in range(start, start + number)]
    return [Target(name, server.add(f"/{name}", jpeg(index))) for index, name in enumerate(names)]


def names(fetched):
    return [file.name for file in fetched.files]


def test_files_are_the_bytes_that_the_server_has(server, tmp_path, quick):
    targets = offer(server, 20)
    fetched = fetch(targets, 12, tmp_path, check, quick)
    assert names(fetched) == [target.name for target in targets[:12]]
    assert fetched.failures == ()
    for file in fetched.files:
        assert file.path.read_bytes() == server.files[f"/{file.name}"].content
    assert sorted(server.asked) == sorted(f"/{target.name}" for target in targets[:12])


def test_a_second_run_asks_for_nothing(server, tmp_path, quick):
    targets = offer(server, 20)
    server.fault("/003.jpg", "status", status=404)
    server.fault("/005.jpg", "status", status=503)
    first = fetch(targets, 10, tmp_path, check, quick)
    server.forget()
    server.heal()  # what was settled stays settled: a draw must not change from run to run
    assert fetch(targets, 10, tmp_path, check, quick).files == first.files
    assert fetch(targets, 4, tmp_path, check, quick).files == first.files[:4]
    assert server.requests == []
    more = fetch(targets, 14, tmp_path, check, quick)
    assert more.files[:10] == first.files
    assert sorted(server.asked) == ["/012.jpg", "/013.jpg", "/014.jpg", "/015.jpg"]


PERMANENT = [
    ("status", {"status": 404}, "HTTP 404 Not Found"),
    ("status", {"status": 410}, "HTTP 410 Gone"),
    ("status", {"status": 403}, "HTTP 403 Forbidden"),
    ("status", {"status": 204}, "HTTP 204 No Content"),
    ("html", {}, "not an image: the server sent text/html"),
    ("loop", {}, "redirected more than 5 times (a loop?)"),
    ("redirect", {"location": "file:///etc/passwd"}, "neither http nor https"),
    ("redirect", {"location": "ftp://127.0.0.1/x"}, "neither http nor https"),
    ("corrupt", {}, "refused: stimulus '001.jpg'"),
]
PASSING = [
    ("status", {"status": 429}, "HTTP 429 Too Many Requests (3 attempts)"),
    ("status", {"status": 503}, "HTTP 503 Service Unavailable (3 attempts)"),
    ("status", {"status": 500}, "HTTP 500 Internal Server Error (3 attempts)"),
    ("stall", {}, "nothing came for 0.15 s (3 attempts)"),
    ("stall-body", {}, "nothing came for 0.15 s (3 attempts)"),
    ("drip", {}, "the answer was not complete after 0.3 s (3 attempts)"),
    ("drip-headers", {}, "the answer was not complete after 0.3 s (3 attempts)"),
    ("truncate", {}, "truncated"),
    ("undeclared", {}, "refused: stimulus '001.jpg'"),
    ("reset", {}, "ServerDisconnectedError"),
]
IDS = [f"{kind}-{'-'.join(map(str, how.values()))}" for kind, how, _ in PERMANENT + PASSING]


@pytest.mark.parametrize(("kind", "how", "reason"), PERMANENT + PASSING, ids=IDS)
def test_what_stays_wrong_is_named_and_replaced(server, tmp_path, kind, how, reason):
    targets = offer(server, 6)
    server.fault("/001.jpg", kind, **how)
    fetched = fetch(targets, 4, tmp_path, check, limits_for(kind))
    assert names(fetched) == ["000.jpg", "002.jpg", "003.jpg", "004.jpg"]
    (failure,) = fetched.failures
    assert (failure.name, failure.url) == ("001.jpg", targets[1].url)
    assert reason in failure.reason
    assert not (tmp_path / "001.jpg").exists()
    if kind not in ("loop", "redirect", "reset"):  # where a kept connection is closed, the client itself asks twice
        assert server.asked.count("/001.jpg") == (1 if kind == "status" and (kind, how, reason) in PERMANENT else 3)


@pytest.mark.parametrize(("kind", "how", "reason"), PASSING, ids=IDS[len(PERMANENT) :])
def test_what_goes_wrong_once_is_tried_again(server, tmp_path, kind, how, reason):
    targets = offer(server, 6)
    server.fault("/001.jpg", kind, times=2, **how)
    fetched = fetch(targets, 4, tmp_path, check, limits_for(kind))
    assert names(fetched) == ["000.jpg", "001.jpg", "002.jpg", "003.jpg"]
    assert fetched.failures == ()
    assert server.asked.count("/001.jpg") >= 3


@pytest.mark.parametrize("form", ["seconds", "date", "nonsense"])
def test_a_server_that_asks_to_wait_is_waited_for_within_reason(server, tmp_path, quick, form):
    soon = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=3)
    header = {
        "seconds": "1",
        "date": email.utils.format_datetime(soon, usegmt=True),
        "nonsense": "later",
    }[form]
    target = offer(server, 1)
    server.fault("/000.jpg", "status", times=1, status=429, retry_after=header)
    begun = time.monotonic()
    fetch(target, 1, tmp_path, check, dataclasses.replace(quick, longest_pause=5.0))
    # a clock that runs on is the only thing relied on: a wait cannot be shorter than it was asked to be
    assert time.monotonic() - begun >= {"seconds": 1.0, "date": 1.0, "nonsense": 0.0}[form]
    assert server.asked == ["/000.jpg"] * 2


def test_a_server_that_asks_to_wait_for_too_long_ends_the_fetch_and_the_next_run_goes_on(server, tmp_path, quick):
    targets = offer(server, 30)
    fetch(targets, 3, tmp_path, check, quick)
    for target in targets:
        server.fault(f"/{target.name}", "status", status=429, retry_after=7200)
    server.forget()
    with pytest.raises(DownloadError, match=r"asks to wait 7200 s, longer than .*run again.* 3 of 30 images") as caught:
        fetch(targets, 30, tmp_path, check, quick)
    assert "HTTP 429" in str(caught.value)
    assert len(server.requests) <= quick.concurrency
    server.heal()
    assert names(fetch(targets, 30, tmp_path, check, quick)) == [target.name for target in targets]


def test_all_wait_together_for_a_server_that_wants_fewer_requests(server, tmp_path, quick):
    targets = offer(server, 20)
    server.fault("/000.jpg", "status", times=1, status=429, retry_after=1)
    limits = dataclasses.replace(quick, concurrency=1, longest_pause=5.0)
    fetch(targets[1:2], 1, tmp_path, check, limits)
    server.forget()
    begun = time.monotonic()
    fetch(targets, 20, tmp_path, check, dataclasses.replace(limits, concurrency=2))
    assert time.monotonic() - begun >= 1.0
    assert server.asked.count("/000.jpg") == 2 and len(server.requests) == 20


@pytest.mark.parametrize(("kind", "how"), [("stall", {}), ("drip", {}), ("status", {"status": 503, "retry_after": 1})])
def test_a_host_that_gives_nothing_for_long_is_judged_before_all_attempts_are_used_up(server, tmp_path, kind, how):
    targets = offer(server, 40)
    for target in targets:
        server.fault(f"/{target.name}", kind, **how)
    limits = dataclasses.replace(limits_for(kind), attempts=1000, give_up=1000, drought=0.5, concurrency=4)
    with pytest.raises(DownloadError, match="gives nothing: .*running again goes on"):
        fetch(targets, 40, tmp_path, check, limits)
    assert len(set(server.asked)) <= 3 * limits.concurrency
    server.heal()
    assert names(fetch(targets, 40, tmp_path, check, QUICK)) == [target.name for target in targets]


def test_a_host_that_gives_files_now_and_then_is_not_judged(server, tmp_path):
    targets = offer(server, 30)
    bad = [3, 4, 5, 12, 13, 20, 28, 29]
    for index in bad:
        server.fault(f"/{index:03d}.jpg", "stall")
    limits = dataclasses.replace(limits_for("stall"), read=5, total=0.3, attempts=1000, drought=1.0, concurrency=2)
    expected = [f"{index:03d}.jpg" for index in range(30) if index not in bad]
    assert names(fetch(targets, 22, tmp_path, check, limits)) == expected


@pytest.mark.parametrize(("kind", "how"), [("html", {}), ("loop", {}), ("corrupt", {})])
def test_content_that_is_wrong_once_is_looked_at_again(server, tmp_path, quick, kind, how):
    targets = offer(server, 6)
    times = 6 if kind == "loop" else 1  # one attempt follows five redirects
    server.fault("/001.jpg", kind, times=times, **how)
    assert fetch(targets, 4, tmp_path, check, quick).failures == ()


def test_what_was_replaced_is_told_once_with_what_asks_for_it_again(server, tmp_path, quick, caplog):
    targets = offer(server, 8)
    server.fault("/001.jpg", "status", status=503)
    server.fault("/003.jpg", "status", status=404)
    with caplog.at_level("INFO", "deeplocalizer"):
        first = fetch(targets, 4, tmp_path, check, quick)
        (told,) = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
        assert f"{targets[1].url}: HTTP 503" in told and f"{targets[3].url}: HTTP 404" in told
        manifest = tmp_path / "manifest.jsonl"
        assert told.count(f"delete their lines in {manifest}") == 1
        caplog.clear()
        server.heal()
        assert fetch(targets, 4, tmp_path, check, quick).files == first.files
        assert not caplog.records
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(line for line in lines if "reason" not in line))
    assert names(fetch(targets, 4, tmp_path, check, quick)) == [target.name for target in targets[:4]]


def test_no_more_are_asked_for_at_once_than_allowed(tmp_path, quick):
    with ImageServer(delay=0.05) as server:
        targets = offer(server, 24)
        fetch(targets, 24, tmp_path, check, dataclasses.replace(quick, concurrency=3))
        assert 1 < server.most_parallel <= 3


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bad=st.sets(st.integers(0, 19)), count=st.integers(1, 20), concurrency=st.integers(1, 20))
def test_files_do_not_depend_on_how_many_are_fetched_at_once(server, tmp_path_factory, bad, count, concurrency):
    targets = offer(server, 20)
    server.heal()
    for index in bad:
        server.fault(f"/{index:03d}.jpg", "status", status=404)
    expected = [index for index in range(20) if index not in bad][:count]
    limits = dataclasses.replace(QUICK, concurrency=concurrency, give_up=100)
    folder = tmp_path_factory.mktemp("fetched")
    if len(expected) < count:
        with pytest.raises(DownloadError, match=f"only {len(expected)} of {count} images could be had"):
            fetch(targets, count, folder, check, limits)
        return
    fetched = fetch(targets, count, folder, check, limits)
    assert names(fetched) == [f"{index:03d}.jpg" for index in expected]
    assert [failure.name for failure in fetched.failures if failure.name < f"{expected[-1]:03d}.jpg"] == [
        f"{index:03d}.jpg" for index in sorted(bad) if index < expected[-1]
    ]


def test_without_a_count_all_that_can_be_had_are_fetched(server, tmp_path, quick):
    server.fault("/002.jpg", "status", status=404)
    fetched = fetch(offer(server, 5), None, tmp_path, check, quick)
    assert names(fetched) == ["000.jpg", "001.jpg", "003.jpg", "004.jpg"]
    assert [failure.name for failure in fetched.failures] == ["002.jpg"]


def test_no_more_candidates_are_read_than_needed(server, tmp_path, quick):
    read = []

    def candidates():
        for target in offer(server, 50):
            read.append(target.name)
            yield target

    fetch(candidates(), 5, tmp_path, check, quick)
    assert len(read) == 5


def test_a_shortage_names_the_first_reasons(server, tmp_path, quick):
    for index in range(4):
        server.fault(f"/{index:03d}.jpg", "status", status=404)
    with pytest.raises(DownloadError) as caught:
        fetch(offer(server, 6), 5, tmp_path, check, quick)
    message = str(caught.value)
    assert "only 2 of 5 images could be had; 4 candidates failed" in message
    assert "/000.jpg: HTTP 404" in message and "and 1 more" in message


@pytest.mark.parametrize(("kind", "how"), [("status", {"status": 503}), ("html", {}), ("status", {"status": 403})])
def test_a_host_that_gives_nothing_is_given_up_and_no_candidate_is_spoilt(server, tmp_path, quick, kind, how):
    targets = offer(server, 100)
    kept = fetch(targets, 3, tmp_path, check, quick)
    for target in targets:
        server.fault(f"/{target.name}", kind, **how)
    server.forget()
    with pytest.raises(DownloadError) as caught:
        fetch(targets, 100, tmp_path, check, quick)
    message = str(caught.value)
    host = server.url.removeprefix("http://")
    assert f"{host} gives nothing: 10 of the images failed in a row" in message
    assert f"3 of 100 images are in {tmp_path}" in message and "running again goes on" in message
    assert len(set(server.asked)) <= 10 + quick.concurrency
    server.heal()
    assert names(fetch(targets, 100, tmp_path, check, quick)) == [target.name for target in targets]
    assert names(kept) == ["000.jpg", "001.jpg", "002.jpg"]


def test_a_refused_connection_and_an_unknown_host_are_named(server, tmp_path, quick):
    with ImageServer() as gone:
        closed = gone.url
    for base, reason in [(closed, "Connect call failed"), ("http://images.invalid", "images.invalid has no address")]:
        targets = [Target(f"{index}.jpg", f"{base}/{index}.jpg") for index in range(50)]
        with pytest.raises(DownloadError, match=reason):
            fetch(targets, 50, tmp_path, check, dataclasses.replace(quick, give_up=3, attempts=2, total=5))


def test_other_addresses_than_http_are_refused(server, tmp_path, quick):
    secret = tmp_path / "secret.jpg"
    secret.write_bytes(jpeg(0))
    targets = [Target("secret.jpg", secret.as_uri()), *offer(server, 2)]
    fetched = fetch(targets, 2, tmp_path / "kept", check, quick)
    assert names(fetched) == ["000.jpg", "001.jpg"]
    assert "neither http nor https" in fetched.failures[0].reason


def test_redirects_are_followed_and_a_type_that_is_not_given_is_taken(server, tmp_path, quick):
    server.add("/moved.jpg", jpeg(1), "")
    server.fault("/000.jpg", "redirect", location="/moved.jpg")
    fetched = fetch(offer(server, 1), 1, tmp_path, check, quick)
    assert fetched.files[0].path.read_bytes() == jpeg(1)


@pytest.mark.parametrize("kind", ["plain", "lengthless"])
def test_a_file_that_is_too_large_is_refused(server, tmp_path, quick, kind):
    targets = offer(server, 2)
    server.add("/000.jpg", bytes(500_000))
    if kind != "plain":
        server.fault("/000.jpg", kind)
    fetched = fetch(targets, 1, tmp_path, check, dataclasses.replace(quick, size=100_000))
    assert "100,000" in fetched.failures[0].reason
    assert names(fetched) == ["001.jpg"]


@pytest.mark.parametrize("name", ["../up.jpg", "a/b.jpg", "manifest.jsonl", ".hidden", "", "a\\b.jpg"])
def test_names_cannot_leave_the_folder(server, tmp_path, quick, name):
    with pytest.raises(ValueError, match="not the plain name of a file"):
        fetch([Target(name, f"{server.url}/000.jpg")], 1, tmp_path, check, quick)
    with pytest.raises(ValueError, match="is given to two candidates"):
        fetch(offer(server, 2) * 2, 4, tmp_path, check, quick)


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"])
def test_offline_nothing_is_asked_for_and_what_is_missing_is_named(server, tmp_path, quick, monkeypatch, variable):
    targets = offer(server, 8)
    server.fault("/001.jpg", "status", status=503)
    first = fetch(targets, 5, tmp_path, check, quick)
    server.forget()
    monkeypatch.setenv(variable, "1")
    again = fetch(targets, 5, tmp_path, check, quick)
    assert again.files == first.files
    assert [failure.name for failure in again.failures] == ["001.jpg"]
    with pytest.raises(DownloadError, match=f"006.jpg .*; run the same command once without {variable}=1"):
        fetch(targets, 6, tmp_path, check, quick)
    assert server.requests == []


@pytest.mark.parametrize("harm", ["altered", "shortened", "deleted", "torn manifest", "no manifest", "other address"])
def test_what_was_harmed_on_disk_is_fetched_again(server, tmp_path, quick, harm):
    targets = offer(server, 6)
    fetch(targets, 6, tmp_path, check, quick)
    server.forget()
    path, manifest = tmp_path / "002.jpg", tmp_path / "manifest.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    last = json.loads(lines[-1])["name"]
    match harm:
        case "altered":
            path.write_bytes(path.read_bytes()[:-1] + b"?")
        case "shortened":
            path.write_bytes(path.read_bytes()[:100])
        case "deleted":
            path.unlink()
        case "torn manifest":
            manifest.write_bytes(b"".join(lines)[:-20])
        case "no manifest":
            manifest.unlink()
        case "other address":
            targets[2] = Target("002.jpg", server.add("/other.jpg", jpeg(99)))
    fetched = fetch(targets, 6, tmp_path, check, quick)
    assert [file.path.read_bytes() for file in fetched.files] == [
        server.files[target.url.removeprefix(server.url)].content for target in targets
    ]
    expected = {"torn manifest": [f"/{last}"], "no manifest": [f"/{target.name}" for target in targets]}
    assert sorted(server.asked) == expected.get(harm, ["/other.jpg" if harm == "other address" else "/002.jpg"])
    server.forget()
    fetch(targets, 6, tmp_path, check, quick)
    assert server.requests == []


CHILD = """
import signal, sys
from pathlib import Path
signal.signal(signal.SIGINT, signal.default_int_handler)  # which shells take from what runs in the background
from deeplocalizer.downloads.files import Limits, Target, fetch
url, folder, number = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
targets = [Target(f"{index:03d}.jpg", f"{url}/{index:03d}.jpg") for index in range(number)]
fetch(targets, number, folder, None, Limits(concurrency=4))
"""


def child(server, folder, number, **kwargs):
    return subprocess.Popen([sys.executable, "-c", CHILD, server.url, str(folder), str(number)], **kwargs)


def wait_until(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "waited for a minute"
        time.sleep(0.02)


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_fetch_goes_on_where_it_was(server, tmp_path, quick, sign):
    targets = offer(server, 40)
    server.hold_after(17)
    process = child(server, tmp_path, 40, stderr=subprocess.PIPE)
    wait_until(lambda: len(server.requests) == 17 + 4 and len(list(tmp_path.glob("*.jpg"))) == 17)
    os.kill(process.pid, sign)
    _, said = process.communicate(timeout=30)
    assert process.returncode == -sign
    if sign == signal.SIGINT:
        assert b"KeyboardInterrupt" in said and b"never retrieved" not in said
    # what a kill in the middle of a write leaves
    with (tmp_path / "manifest.jsonl").open("ab") as stream:
        stream.write(b'{"name": "039.jpg", "ur')
    (tmp_path / ".039.jpg.00000000.partial").write_bytes(b"half")
    had = {f"/{path.name}" for path in tmp_path.glob("*.jpg")}
    recorded = {f"/{json.loads(line)['name']}" for line in (tmp_path / "manifest.jsonl").read_bytes().splitlines()[:-1]}
    server.heal()
    server.forget()
    fetched = fetch(targets, 40, tmp_path, check, quick)
    assert len(had) == 17 and recorded <= had and len(recorded) >= 16
    assert set(server.asked) == {f"/{target.name}" for target in targets} - recorded
    assert [file.path.read_bytes() for file in fetched.files] == [jpeg(index) for index in range(40)]


def test_two_processes_can_share_a_folder(tmp_path, quick):
    with ImageServer(delay=0.01) as server:
        targets = offer(server, 60)
        processes = [child(server, tmp_path, 60) for _ in range(2)]
        assert [process.wait(timeout=60) for process in processes] == [0, 0]
        assert sorted(server.asked) == sorted({f"/{target.name}" for target in targets})
        server.forget()
        fetched = fetch(targets, 60, tmp_path, check, quick)
        assert server.requests == []
        assert [file.path.read_bytes() for file in fetched.files] == [jpeg(index) for index in range(60)]
        assert list(tmp_path.glob(".*")) == []


def test_what_is_lacking_is_known_without_asking(server, tmp_path, quick):
    targets = offer(server, 6)
    server.fault("/001.jpg", "status", status=404)
    fetch(targets, 3, tmp_path, check, quick)
    assert lacking(targets, tmp_path) == targets[4:]


def test_it_works_where_a_loop_is_running_as_in_a_notebook(server, tmp_path, quick):
    import asyncio

    async def cell():
        return fetch(offer(server, 3), 3, tmp_path, check, quick)

    assert len(asyncio.run(cell()).files) == 3
