"""A server of images and archives on the loopback device, with faults that can be switched on and off.

ImageServer      serves bytes, counts what is asked of it, and goes wrong as it is told
Request          one request as it came, and what was sent
jpeg             a photograph-like picture that no other seed gives
instances        COCO's instance annotations as JSON
archive          a zip archive
"""

from __future__ import annotations

import contextlib
import io
import json
import threading
import time
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import numpy as np
from PIL import Image

FAULTS = {
    "stall": "takes the request and never answers",
    "stall-body": "sends the headers and half the body, then nothing",
    "drip": "sends the body byte by byte",
    "drip-headers": "sends headers without end, one at a time",
    "status": "answers with a status (how: status, retry_after)",
    "truncate": "closes the connection after half the body",
    "undeclared": "says nothing of the length and closes after half the body",
    "html": "answers 200 with a page (how: length)",
    "loop": "redirects to itself",
    "redirect": "redirects elsewhere (how: location)",
    "corrupt": "changes bytes of the body",
    "reset": "closes the connection without a word",
    "whole": "ignores ranges",
    "short": "sends less of a range than was asked for, and says so",
    "lengthless": "does not say how long the body is, nor that it has ranges",
}


@dataclass(frozen=True)
class Request:
    """One request: method, path, range asked for, status and bytes of the body that were sent."""

    method: str
    path: str
    range: str
    status: int
    sent: int


@dataclass
class Fault:
    """What goes wrong on a path: kind, how often still (None: always), and how."""

    kind: str
    times: int | None
    how: Mapping[str, Any]


@dataclass
class Served:
    """What a path holds."""

    content: bytes
    content_type: str


@dataclass
class ImageServer:
    """A server on a free port of 127.0.0.1; a context manager.

    Parameters
    ----------
    delay : float
        Seconds that each answer takes, so that requests overlap.
    """

    delay: float = 0.0
    files: dict[str, Served] = field(default_factory=dict)
    faults: dict[str, Fault] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    parallel: int = 0
    most_parallel: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)
    closing: threading.Event = field(default_factory=threading.Event)
    holding_from: int | None = None

    def __enter__(self) -> ImageServer:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.images = self
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its address, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, path: str, content: bytes, content_type: str = "image/jpeg") -> str:
        """Serve bytes on a path; give their address."""
        self.files[path] = Served(content, content_type)
        return self.url + path

    def fault(self, path: str, kind: str, times: int | None = None, **how: Any) -> None:
        """Go wrong on a path, so many times or always."""
        assert kind in FAULTS, kind
        self.faults[path] = Fault(kind, times, how)

    def heal(self) -> None:
        """Go wrong no more."""
        self.faults.clear()
        self.holding_from = None

    def hold_after(self, count: int) -> None:
        """Answer so many requests; keep all later ones waiting."""
        self.holding_from = len(self.requests) + count

    def forget(self) -> None:
        """Count anew."""
        with self.lock:
            self.requests.clear()
            self.most_parallel = 0

    @property
    def asked(self) -> list[str]:
        """Paths in the order in which they were asked for."""
        return [request.path for request in self.requests]

    @property
    def sent(self) -> int:
        """Bytes of all bodies that were sent."""
        return sum(request.sent for request in self.requests)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # idle connections of clients would hold it
    request_queue_size = 64
    images: ImageServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that went away are part of the game."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: requests are counted."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        images = cast(_Server, self.server).images
        with self._counted(images) as held:
            if held:
                images.closing.wait()
                self.close_connection = True
                return
            if images.delay:
                time.sleep(images.delay)
            fault = self._fault(images)
            served = images.files.get(self.path)
            self._faulty(images, fault, served) if fault else self._plain(served)

    @contextlib.contextmanager
    def _counted(self, images: ImageServer) -> Iterator[bool]:
        self._status, self._sent = 0, 0
        with images.lock:
            held = images.holding_from is not None and len(images.requests) >= images.holding_from
            position = len(images.requests)
            images.requests.append(Request(self.command, self.path, self._range(), 0, 0))
            images.parallel += 1
            images.most_parallel = max(images.most_parallel, images.parallel)
        try:
            yield held
        finally:
            with images.lock:
                images.parallel -= 1
                if position < len(images.requests):
                    images.requests[position] = Request(
                        self.command, self.path, self._range(), self._status, self._sent
                    )

    def _range(self) -> str:
        return self.headers.get("Range") or ""

    def _fault(self, images: ImageServer) -> Fault | None:
        with images.lock:
            fault = images.faults.get(self.path)
            if fault is None or fault.times == 0:
                return None
            if fault.times is not None:
                fault.times -= 1
            return fault

    def _faulty(self, images: ImageServer, fault: Fault, served: Served | None) -> None:
        content = served.content if served else b""
        content_type = served.content_type if served else "image/jpeg"
        match fault.kind:
            case "stall":
                images.closing.wait()
                self.close_connection = True
            case "stall-body":
                self._half(content, content_type)
                images.closing.wait()
            case "drip":
                self._begin(200, len(content), content_type)
                self._drip(images, (bytes([byte]) for byte in content))
            case "drip-headers":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n")
                self._drip(images, (f"X-{index}: 1\r\n".encode() for index in range(10_000)))
            case "status":
                after = {"Retry-After": str(fault.how["retry_after"])} if "retry_after" in fault.how else {}
                self._begin(fault.how["status"], 0, "text/plain", after)
            case "truncate":
                self._half(content, content_type)
            case "undeclared":
                self._begin(200, None, content_type)
                self._write(content[: len(content) // 2])
                self.close_connection = True
            case "html":
                page = b"<html>Please log in to the network</html>".ljust(fault.how.get("length", 0))
                self._begin(200, len(page), "text/html; charset=utf-8")
                self._write(page)
            case "loop":
                self._begin(302, 0, content_type, {"Location": self.path})
            case "redirect":
                self._begin(302, 0, content_type, {"Location": fault.how["location"]})
            case "corrupt":
                damaged = bytearray(content)
                damaged[len(damaged) // 3 : len(damaged) // 2] = bytes(len(damaged) // 2 - len(damaged) // 3)
                self._plain(Served(bytes(damaged), content_type))
            case "reset":
                self.close_connection = True
            case "whole":
                self._begin(200, len(content), content_type)
                self._write(content)
            case "short":
                self._plain(served, short=True)
            case "lengthless":
                self._begin(200, None, content_type)
                self._write(content)
                self.close_connection = True

    def _half(self, content: bytes, content_type: str) -> None:
        first, last = _span(self._range(), len(content))
        part = content[first : last + 1]
        extra = {"Content-Range": f"bytes {first}-{last}/{len(content)}"} if self._range() else {}
        self._begin(206 if self._range() else 200, len(part), content_type, extra)
        self._write(part[: len(part) // 2])
        self.close_connection = True

    def _plain(self, served: Served | None, short: bool = False) -> None:
        if served is None:
            self._begin(404, 0, "text/plain")
            return
        content = served.content
        if not self._range():
            self._begin(200, len(content), served.content_type, {"Accept-Ranges": "bytes"})
            self._write(content)
            return
        first, last = _span(self._range(), len(content))
        last = first + (last - first) // 2 if short else last
        extra = {"Content-Range": f"bytes {first}-{last}/{len(content)}", "Accept-Ranges": "bytes"}
        self._begin(206, last - first + 1, served.content_type, extra)
        self._write(content[first : last + 1])

    def _begin(
        self, status: int, length: int | None, content_type: str, extra: Mapping[str, str] | None = None
    ) -> None:
        self._status = status
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        self.end_headers()

    def _write(self, content: bytes) -> None:
        if self.command == "HEAD":
            return
        view = memoryview(content)
        for start in range(0, len(view), 65536):
            self.wfile.write(view[start : start + 65536])
            self._sent += len(view[start : start + 65536])

    def _drip(self, images: ImageServer, pieces: Iterable[bytes]) -> None:
        self.close_connection = True
        for piece in pieces:
            self.wfile.write(piece)
            self.wfile.flush()
            if images.closing.wait(0.03):
                return


def _span(asked: str, size: int) -> tuple[int, int]:
    if not asked:
        return 0, size - 1
    first, last = asked.removeprefix("bytes=").split("-")
    if not first:
        return max(0, size - int(last)), size - 1
    return int(first), min(int(last or size - 1), size - 1)


def jpeg(seed: int, side: int = 48) -> bytes:
    """Encode noise on a gradient: no two seeds give the same."""
    rng = np.random.default_rng(seed)
    pixels = np.linspace(30, 220, side)[:, None, None] + rng.normal(0, 20, (side, side, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, format="JPEG", quality=90)
    return buffer.getvalue()


def instances(
    images: Mapping[int, Iterable[int]],
    categories: Mapping[int, tuple[str, str]],
    licences: Mapping[int, tuple[str, str]],
) -> bytes:
    """Write annotations in the schema of COCO's ``instances_*.json``.

    Parameters
    ----------
    images : mapping of int to ints
        The categories of the objects in each image, one for each object.
    categories : mapping of (name, supercategory)
    licences : mapping of (name, url)
    """
    objects = [(image, category) for image, members in images.items() for category in members]
    return json.dumps(
        {
            "info": {"description": "COCO 2017 Dataset", "year": 2017},
            "licenses": [{"url": url, "id": key, "name": name} for key, (name, url) in licences.items()],
            "images": [
                {"license": 1, "file_name": f"{image:012d}.jpg", "height": 480, "width": 640, "id": image}
                for image in images
            ],
            "annotations": [
                {
                    "segmentation": [[510.66, 423.01, 511.72, 420.03]],
                    "area": 702.1057,
                    "iscrowd": index % 2,
                    "image_id": image,
                    "bbox": [473.07, 395.93, 38.65, 28.67],
                    "category_id": category,
                    "id": index,
                }
                for index, (image, category) in enumerate(objects)
            ],
            "categories": [
                {"supercategory": parent, "id": key, "name": name} for key, (name, parent) in categories.items()
            ],
        }
    ).encode()


def archive(members: Mapping[str, bytes], stored: Iterable[str] = ()) -> bytes:
    """Pack a zip archive; members in ``stored`` are not compressed."""
    buffer, stored = io.BytesIO(), set(stored)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in members.items():
            packed.writestr(name, content, zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED)
    return buffer.getvalue()
