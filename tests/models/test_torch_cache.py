"""Weights of torchvision come into torch's cache once, and only whole."""

import contextlib
import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import torch
from huggingface_hub import constants

from deeplocalizer.downloads.patience import Limits
from deeplocalizer.models import torch_cache, weights
from deeplocalizer.models.description import describe

CONTENT = b"weights" * 1000
QUICK = Limits(attempts=2, backoff=0.0, read=2.0)


@contextlib.contextmanager
def serving(*answers):
    """Answer each request with the next status and body, the last for ever."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answers[min(len(asked), len(answers) - 1)]
            asked.append(self.path)
            self.send_response(status)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/net-{hashlib.sha256(CONTENT).hexdigest()[:8]}.pth", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("first", [(200, CONTENT), (503, b""), (200, CONTENT[:50]), (200, b"x" * len(CONTENT))])
def test_a_file_comes_once_and_whole(first, tmp_path):
    with serving(first, (200, CONTENT)) as (url, asked):
        path = torch_cache.fetch(url, 7000, "w", QUICK)
        assert path.read_bytes() == CONTENT and path.parent == tmp_path / "hub" / "checkpoints"
        assert [file.name for file in path.parent.iterdir()] == [path.name]
        count = len(asked)
        assert torch_cache.fetch(url, 7000, "w", QUICK) == path
        assert len(asked) == count == (1 if first == (200, CONTENT) else 2)


def test_what_cannot_be_had_is_named_with_the_command_that_helps(tmp_path):
    with serving((404, b"")) as (url, asked):
        with pytest.raises(ValueError, match=rf"w: .* cannot be fetched: HTTP 404.*run: curl .*--output .* {url}"):
            torch_cache.fetch(url, 7000, "w", QUICK)
        assert len(asked) == 1  # asking again cannot help
    with serving((200, b"x" * len(CONTENT))) as (url, _), pytest.raises(ValueError, match="invalid hash value"):
        torch_cache.fetch(url, 7000, "w", QUICK)
    assert not any((tmp_path / "hub" / "checkpoints").iterdir())


def test_offline_nothing_is_asked(monkeypatch, tmp_path):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    described = describe("torchvision:squeezenet1_1", downloads=tmp_path)
    with pytest.raises(ValueError, match=r"squeezenet1_1-.*is not there and the network is off.*run: curl"):
        weights.obtain(described, "pretrained", 0, tmp_path)


def test_the_cache_is_used(tmp_path, monkeypatch):
    import torchvision

    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    model = torchvision.models.squeezenet1_1()
    torch.save(model.state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    described = describe("torchvision:squeezenet1_1", downloads=tmp_path)
    found = weights.obtain(described, "pretrained", 0, tmp_path)
    assert torch.equal(found.module.classifier[1].weight, model.classifier[1].weight)
    (folder / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"PK damaged")
    with pytest.raises(ValueError, match=r"squeezenet1_1-b8a52dc0\.pth: "):
        weights.obtain(described, "pretrained", 0, tmp_path)
