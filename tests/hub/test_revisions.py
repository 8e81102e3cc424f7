"""A revision is found out once, and then stays what it was."""

import logging

import pytest

from deeplocalizer import hub

NAME = "someone/things"


@pytest.fixture
def shas(reached):
    return [reached.add_dataset(NAME, {"data.csv": f"a\n{index}\n".encode()}) for index in range(3)]


def test_a_full_sha_needs_no_request(reached, downloads):
    sha = "0123456789abcdef0123456789abcdef01234567"
    assert hub.resolve(NAME, sha, downloads) == sha
    assert reached.requests == []


def test_a_branch_is_pinned_though_it_moves(reached, shas, downloads, caplog):
    assert hub.resolve(NAME, "main", downloads) == shas[-1]
    later = reached.add_dataset(NAME, {"data.csv": b"a\n9\n"})
    reached.forget()
    with caplog.at_level(logging.INFO, "deeplocalizer"):
        assert hub.resolve(NAME, "main", downloads) == shas[-1]
    assert reached.requests == []
    assert "pinned" in caplog.text
    assert "revisions.json" in caplog.text
    assert hub.resolve(NAME, "main", downloads / "elsewhere") == later


@pytest.mark.parametrize("index", [0, 1, 2])
def test_an_abbreviated_sha_is_found_among_the_commits(reached, shas, downloads, index):
    assert hub.resolve(NAME, shas[index][:7], downloads) == shas[index]
    reached.forget()
    assert hub.resolve(NAME, shas[index][:7], downloads) == shas[index]
    assert reached.requests == []


def test_a_tag_is_resolved(reached, shas, downloads):
    reached.branch(NAME, "v1.0", shas[1])
    assert hub.resolve(NAME, "v1.0", downloads) == shas[1]


def test_models_and_datasets_of_one_name_are_told_apart(reached, shas, downloads):
    model = reached.add_model(NAME, {"config.json": b"{}"})
    assert hub.resolve(NAME, "main", downloads, kind="model") == model
    assert hub.resolve(NAME, "main", downloads) == shas[-1]


@pytest.mark.parametrize("revision", ["abcdef0", "v9"])
def test_an_unknown_revision_names_where_main_is(shas, downloads, revision):
    with pytest.raises(hub.HubError, match=f"{NAME} at revision '{revision}'.*main is at {shas[-1]}.*set `revision`"):
        hub.resolve(NAME, revision, downloads)


def test_an_unknown_repository_is_named(reached, downloads):
    with pytest.raises(hub.HubError, match="no/such.*hf auth login"):
        hub.resolve("no/such", "main", downloads)


@pytest.mark.parametrize("name", ["noslash", "../../etc", "a/b/c", "-a/b"])
def test_a_name_that_is_none_is_refused(downloads, name):
    with pytest.raises(hub.HubError, match="owner/name"):
        hub.resolve(name, "main", downloads)


def test_a_damaged_record_is_named(reached, shas, downloads):
    hub.resolve(NAME, "main", downloads)
    (record,) = downloads.rglob("revisions.json")
    record.write_text('{"main": "12')
    with pytest.raises(hub.HubError, match="revisions.json is damaged; delete it"):
        hub.resolve(NAME, "main", downloads)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("html", "page instead of data"),
        ("loop", "redirects without end"),
        ("stall", "stalled"),
        ("503", "status 503; tried 3 times"),
        ("401", "hf auth login"),
        ("gated", "hf auth login"),
    ],
)
def test_faults_are_named(reached, shas, downloads, kind, reason):
    reached.fault("/api/datasets", kind)
    with pytest.raises(hub.HubError, match=f"{NAME} at revision 'main'.*{reason}"):
        hub.resolve(NAME, "main", downloads)
    assert not list(downloads.rglob("revisions.json"))


def test_a_server_that_is_busy_for_a_moment_is_asked_again(reached, shas, downloads, caplog):
    reached.fault("/api/datasets", "429", times=1, retry_after=1)
    assert hub.resolve(NAME, "main", downloads) == shas[-1]
    assert "status 429" in caplog.text
    assert "trying again in 1." in caplog.text


def test_a_server_that_asks_for_hours_is_given_up_at_once(reached, shas, downloads):
    reached.fault("/api/datasets", "429", retry_after=7200)
    with pytest.raises(hub.HubError, match="asks to wait 7200 seconds"):
        hub.resolve(NAME, "main", downloads)
    assert len(reached.requests) == 1
