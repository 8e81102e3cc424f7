"""An end for answers that drip.

Paced            connections on which no answer may come more slowly than a pace
pace             have a client use them

The client's own limits begin anew with each packet, so that a server that sends a byte a second, be it of the headers,
holds it for ever. Here the time that is spent waiting for an answer, from its first byte on, is added up.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore2
from huggingface_hub import constants
from huggingface_hub.utils import httpx

SLOWEST = 10_000  # bytes a second; below, a connection is given up and made anew


class Paced(httpcore2.NetworkBackend):
    """Connections on which no answer may come more slowly than `SLOWEST`, after HF_HUB_DOWNLOAD_TIMEOUT seconds."""

    def __init__(self, inner: httpcore2.NetworkBackend) -> None:
        self.inner = inner

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect."""
        return _Stream(self.inner.connect_tcp(host, port, timeout, local_address, socket_options))

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        """Connect."""
        return _Stream(self.inner.connect_unix_socket(path, timeout, socket_options))

    def sleep(self, seconds: float) -> None:
        """Sleep."""
        self.inner.sleep(seconds)


class _Stream(httpcore2.NetworkStream):
    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self.inner = inner
        self.waited, self.received = 0.0, 0

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        left = float(constants.HF_HUB_DOWNLOAD_TIMEOUT) + self.received / SLOWEST - self.waited
        if left <= 0:
            raise self._too_slow()
        begin = time.monotonic()
        try:
            content = self.inner.read(max_bytes, left if timeout is None else min(left, timeout))
        except httpcore2.ReadTimeout as error:
            if self.received and (timeout is None or left < timeout):
                raise self._too_slow() from error
            raise
        finally:
            # what is done with the answer in between is not the server's time
            self.waited += time.monotonic() - begin
        self.received += len(content)
        return content

    def _too_slow(self) -> httpcore2.ReadTimeout:
        return httpcore2.ReadTimeout(f"only {self.received} bytes came, at less than {SLOWEST // 1000} kB a second")

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.waited, self.received = 0.0, 0  # another request
        self.inner.write(buffer, timeout)

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


def pace(client: httpx.Client) -> None:
    """Have a client, and what it reaches through proxies, use paced connections."""
    for transport in (client._transport, *client._mounts.values()):
        pool = getattr(transport, "_pool", None)
        if pool is not None and not isinstance(pool._network_backend, Paced):
            pool._network_backend = Paced(pool._network_backend)
