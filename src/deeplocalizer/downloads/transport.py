"""One answer of a server, or what went wrong in words.

session          a client for HTTP with the time-outs of `Limits`
settings         the same as arguments, for libraries that make their own client
get              the body of one answer, checked as far as HTTP goes
trouble          what an exception of the client means
host             host of an address

The client is aiohttp. Its time-outs bound a whole answer, from the name of the host to the last byte; those of urllib3
and requests begin anew with each packet, so that a server that drips, be it in the headers, holds them for ever. It is
also the client beneath fsspec, which reads archives.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies

import aiohttp

from deeplocalizer._version import __version__
from deeplocalizer.downloads.patience import Limits, Trouble, retry_after

PASSING = {408, 425, 429}  # and all of 500 to 599
BINARY = {"application/octet-stream", "binary/octet-stream"}  # what stores say of files whose type they do not know
INSIDE = "an address within this network"
CHUNK = 64 * 1024


class PrivateAddressError(OSError):
    """An address within this network, or of this machine."""


@dataclass(frozen=True)
class Answer:
    """A body, and whether the server said how long it is, so that a truncated one could not pass."""

    content: bytes
    whole: bool


def settings(limits: Limits) -> dict[str, Any]:
    """Give the arguments of a client with the time-outs of ``limits``; it heeds proxies of the environment."""
    return {
        "timeout": aiohttp.ClientTimeout(total=limits.total, sock_connect=limits.connect, sock_read=limits.read),
        "headers": {"User-Agent": f"deeplocalizer/{__version__}", "Accept-Encoding": "identity"},
        "trust_env": True,
    }


def session(limits: Limits) -> aiohttp.ClientSession:
    """Make a client; close it (it is an asynchronous context)."""
    # a proxy, which may well be near, decides for itself
    guarded = limits.public and not {"http", "https", "all"} & set(getproxies())
    connector = aiohttp.TCPConnector(limit=limits.concurrency, socket_factory=_public if guarded else None)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **settings(limits))


async def get(client: aiohttp.ClientSession, url: str, limits: Limits) -> Answer:
    """Get an image.

    Parameters
    ----------
    client : ClientSession
    url : str
    limits : Limits

    Raises
    ------
    Trouble
        If there is no whole answer in time, or it is not an image by its status, type or size.
    """
    if urlsplit(url).scheme not in ("http", "https"):
        raise Trouble("the address is neither http nor https", passing=False)
    try:
        async with client.get(url, max_redirects=limits.redirects) as response:
            _accept_status(response)
            _accept_type(response)
            content = await _body(response, limits.size)
            whole = response.content_length is not None or "chunked" in response.headers.get("Transfer-Encoding", "")
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise trouble(error, limits) from error
    if not content:
        raise Trouble("the answer is empty", passing=True)
    return Answer(content, whole)


def trouble(error: BaseException, limits: Limits) -> Trouble:
    """Say what an exception of the client means."""
    if isinstance(getattr(error, "os_error", error), PrivateAddressError):
        reason = f"it leads to {INSIDE}, where data sets have nothing to ask for; HF_ENDPOINT names a mirror there"
        return Trouble(reason, passing=False)
    match error:
        case aiohttp.ConnectionTimeoutError():
            return Trouble(f"no connection within {limits.connect:g} s", passing=True)
        case aiohttp.SocketTimeoutError():
            return Trouble(f"nothing came for {limits.read:g} s", passing=True)
        case TimeoutError():
            return Trouble(f"the answer was not complete after {limits.total:g} s", passing=True)
        case aiohttp.TooManyRedirects():
            return Trouble(f"redirected more than {limits.redirects} times (a loop?)", passing=False, doubtful=True)
        case aiohttp.ClientResponseError() if error.status >= 300 and error.status != 400:
            wait = error.headers.get("Retry-After") if error.headers else None
            return _status_trouble(error.status, error.message, wait)
        case aiohttp.InvalidURL() | aiohttp.NonHttpUrlClientError():
            return Trouble(f"address or redirect that is neither http nor https: {error}", passing=False)
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientConnectorSSLError():
            return Trouble(f"no trusted connection: {error}", passing=False)
        case aiohttp.ClientConnectorDNSError():
            return Trouble(f"its host {error.host} has no address: {error.os_error}", passing=True)
        case aiohttp.ClientPayloadError():
            return Trouble(f"truncated: {error}", passing=True)
        case FileNotFoundError() if error.__cause__ is not None:
            return trouble(error.__cause__, limits)  # fsspec says so whatever went wrong
    return Trouble(f"{type(error).__name__}: {error}", passing=True)


def host(url: str) -> str:
    """Give the host of an address, with its port."""
    return urlsplit(url).netloc


def _public(found: aiohttp.AddrInfoType) -> socket.socket:
    """Open a socket to an address of the internet; the names and redirects that led to it have been resolved."""
    family, kind, protocol, _, place = found
    if not ipaddress.ip_address(str(place[0]).partition("%")[0]).is_global:
        raise PrivateAddressError(errno.EACCES, INSIDE)  # of several addresses the same words, else they are lost
    return socket.socket(family=family, type=kind, proto=protocol)


def _status_trouble(status: int, reason: str | None, wait: str | None) -> Trouble:
    passing = status in PASSING or status >= 500
    return Trouble(
        f"HTTP {status} {reason or ''}".strip(), passing, retry_after(wait) if passing else None, busy=status == 429
    )


def _accept_status(response: aiohttp.ClientResponse) -> None:
    if response.status != 200:
        raise _status_trouble(response.status, response.reason, response.headers.get("Retry-After"))


def _accept_type(response: aiohttp.ClientResponse) -> None:
    declared = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if declared and declared not in BINARY and not declared.startswith("image/"):
        raise Trouble(f"not an image: the server sent {declared}", passing=False, doubtful=True)


async def _body(response: aiohttp.ClientResponse, most: int) -> bytes:
    if (response.content_length or 0) > most:
        raise Trouble(f"it has {response.content_length:,} bytes; {most:,} are the most allowed", passing=False)
    content = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        content += chunk
        if len(content) > most:
            raise Trouble(f"it has more than the {most:,} bytes that are allowed", passing=False)
    return bytes(content)
