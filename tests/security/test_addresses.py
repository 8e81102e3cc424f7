"""A data set of the internet does not have this machine ask its own network."""

import asyncio
import socket

import pytest
from huggingface_hub import constants

from deeplocalizer import hub
from deeplocalizer.downloads import files, transport
from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.downloads.files import Limits, Target
from deeplocalizer.downloads.patience import Trouble
from tests.serving.images import ImageServer, jpeg

PUBLIC = Limits(attempts=1, connect=5, total=10, backoff=0.01, public=True)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server():
    with ImageServer() as server:
        yield server


def refusal(url, limits=PUBLIC):
    async def ask():
        async with transport.session(limits) as client:
            await transport.get(client, url, limits)

    with pytest.raises(Trouble) as caught:
        asyncio.run(ask())
    return caught.value


def test_an_address_in_this_network_is_asked_nothing(server):
    server.add("/x.jpg", jpeg(1))
    port = server.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "2130706433"):
        trouble = refusal(f"http://{host}:{port}/x.jpg")
        assert not trouble.passing or host == "2130706433"
    assert not server.requests


@pytest.mark.parametrize(
    "place",
    [
        "127.0.0.1",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "0.0.0.0",
        "100.64.0.1",
        "::1",
        "fe80::1%lo",
    ],
)
def test_no_socket_is_opened_into_this_network(place):
    with pytest.raises(transport.PrivateAddressError):
        transport._public((socket.AF_INET, socket.SOCK_STREAM, 0, "", (place, 80)))


def test_a_socket_is_opened_to_the_internet():
    transport._public((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("8.8.8.8", 80))).close()


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x/y", "data:image/png;base64,", "//x", "/etc/passwd", ""])
def test_other_schemes_are_refused(url):
    assert "neither http nor https" in refusal(url, Limits()).reason


def test_a_fetch_says_why(server, tmp_path):
    targets = [Target("x.jpg", server.add("/x.jpg", jpeg(1)))]
    with pytest.raises(DownloadError, match="it leads to an address within this network, where data sets have nothing"):
        files.fetch(targets, 1, tmp_path, limits=PUBLIC)
    assert not server.requests
    assert len(files.fetch([Target("y.jpg", targets[0].url)], None, tmp_path, limits=Limits()).files) == 1


@pytest.mark.parametrize("name", ["../x.jpg", "/x.jpg", "a/b.jpg", "..", ".", "", "manifest.jsonl", "x\0"])
def test_a_name_of_a_file_stays_in_its_folder(tmp_path, name):
    with pytest.raises(ValueError):  # noqa: PT011
        files.fetch([Target(name, "http://127.0.0.1:9/x.jpg")], 1, tmp_path / "folder", limits=Limits(attempts=1))
    assert not [one for one in tmp_path.rglob("*") if one.is_file()]


@pytest.mark.parametrize(
    ("server", "inside"),
    [
        ("https://huggingface.co", False),
        ("https://hub.university.edu:8080", True),  # its name is known elsewhere, too, or looks so
        ("https://both.university.edu", False),
        ("https://unknown.university.edu", False),
        ("http://127.0.0.1:5000", True),
        ("http://[::1]:5000", True),
        ("http://10.1.2.3", True),
        ("http://8.8.8.8", False),
        ("http://hub", True),
        ("https://hub.lab.internal", True),
    ],
)
def test_a_mirror_in_this_network_may_name_others_in_it(monkeypatch, server, inside):
    known = {
        "huggingface.co": ["18.154.1.1", "2600:9000::1"],
        "hub.university.edu": ["10.9.8.7", "fe80::1%eth0"],
        "both.university.edu": ["10.9.8.7", "18.154.1.1"],
    }

    def resolve(host, port):
        if host not in known and host.strip("0123456789.:"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (place, 0)) for place in known.get(host, [host])]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    assert hub.local(server) is inside
    monkeypatch.setattr(constants, "ENDPOINT", server)
    assert hub.local() is inside
