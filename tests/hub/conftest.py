import pytest
from huggingface_hub import constants

from deeplocalizer.hub import remote
from tests.serving.hub import HubServer, redirected


@pytest.fixture
def server():
    with HubServer() as server:
        yield server


@pytest.fixture
def reached(server, tmp_path, monkeypatch):
    """The server, in place of the Hub for this process, and little patience with it."""
    monkeypatch.setattr(remote, "PATIENCE", remote.Patience(tries=3, first_wait=0.01, longest_wait=0.02))
    monkeypatch.setattr(constants, "HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr(constants, "HF_HUB_ETAG_TIMEOUT", 1)
    with redirected(server, tmp_path / "home"):
        yield server


@pytest.fixture
def plain(tmp_path, monkeypatch):
    """A mirror, in place of the Hub, that says of what is not there the status 404 alone."""
    monkeypatch.setattr(remote, "PATIENCE", remote.Patience(tries=2, first_wait=0.01, longest_wait=0.02))
    with HubServer(plain=True) as server, redirected(server, tmp_path / "home"):
        yield server


@pytest.fixture
def downloads(tmp_path):
    return tmp_path / "downloads"
