"""Reading from the Hub with patience.

Patience         how often to try, and how long to wait
patiently        make a call, and make it again where that may help
require_network  refuse what is missing where the network is off
local            whether a server, such as a mirror of the Hub, stands in this network
address          where a file of a repository is
RemoteFile       a file of a repository, read by ranges, as a Python file
"""

from __future__ import annotations

import io
import ipaddress
import logging
import random
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, httpx

from deeplocalizer.downloads import offline
from deeplocalizer.hub.errors import NO_HUB, OFFLINE, HubError, Truncated, explain, transient
from deeplocalizer.hub.pace import pace

logger = logging.getLogger(__name__)
INSIDE = (".local", ".internal", ".lan")  # names of hosts that no other network knows
T = TypeVar("T")


@dataclass(frozen=True)
class Patience:
    """How often to try, and how long to wait.

    Parameters
    ----------
    tries : int
        How often in all.
    first_wait, longest_wait : float
        Seconds before the second try, doubled from try to try, up to the longest; a random share of up to a half is
        added, so that many jobs do not come back at once.
    longest_asked : float
        Seconds that a server may ask to wait (the Hub counts requests over five minutes); asked for more, give up.
    total : float
        Seconds of failing, pauses that a server asked for aside, after which there is no further try.
    """

    tries: int = 5
    first_wait: float = 1.0
    longest_wait: float = 30.0
    longest_asked: float = 310.0
    total: float = 90.0


PATIENCE = Patience()


def patiently(call: Callable[[], T], what: str, tries: int | None = None) -> T:
    """Make a call, and make it again where that may help.

    Parameters
    ----------
    call : callable
    what : str
        What is being fetched, for messages.
    tries : int, optional
        How often, if not as `PATIENCE` says.

    Raises
    ------
    HubError
        Naming what was being fetched, why it failed and what helps: at once where trying again cannot help.
    """
    most, waited = tries or PATIENCE.tries, 0.0
    begin = time.monotonic()
    for attempt in range(1, most + 1):
        try:
            _limit_silence()
            return call()
        except Exception as error:
            again, asked = transient(error)
            reason = explain(error).removeprefix(f"{what}: ")
            if not again or asked > PATIENCE.longest_asked:
                wished = f" (it asks to wait {asked:g} seconds)" if again else ""
                raise HubError(f"{what}: {reason}{wished}") from error
            if attempt == most or time.monotonic() - begin - waited > PATIENCE.total:
                raise HubError(f"{what}: {reason}; tried {attempt} times") from error
            wait = asked or min(PATIENCE.longest_wait, PATIENCE.first_wait * 2 ** (attempt - 1))
            wait *= 1 + random.random() / 2
            logger.warning("%s: %s; trying again in %.1f seconds", what, reason, wait)
            time.sleep(wait)
            waited += asked
    raise AssertionError("unreachable")


def require_network(what: str) -> None:
    """Refuse what is missing where the network is off.

    Raises
    ------
    HubError
        If HF_HUB_OFFLINE is set, or what the libraries take for it.
    """
    if constants.HF_HUB_OFFLINE or offline.setting():
        raise HubError(f"{what} is not here yet and the network is off (HF_HUB_OFFLINE); {OFFLINE}")


def local(server: str | None = None) -> bool:
    """Say whether a server stands in this network, as a mirror may: then its data sets may name others there.

    Parameters
    ----------
    server : str, optional
        Its address; by default that of the Hub that is asked.
    """
    host = urlsplit(constants.ENDPOINT if server is None else server).hostname or ""
    if not set(host) & set(".:") or host.endswith(INSIDE):
        return True
    if offline.setting():
        return False  # nothing is asked, not even names of hosts
    try:
        places = {str(found[4][0]).partition("%")[0] for found in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return False  # whoever asks it says that it is not found
    return not any(ipaddress.ip_address(place).is_global for place in places)


def address(repository: str, sha: str, path: str) -> str:
    """Give the address of a file of a data set."""
    return hf_hub_url(repository, path, repo_type="dataset", revision=sha)


class RemoteFile(io.RawIOBase):
    """A file of a repository, read by ranges: what is not asked for is not fetched.

    Parameters
    ----------
    url : str
    what : str
        The file, for messages.
    """

    def __init__(self, url: str, what: str) -> None:
        super().__init__()
        self._url = url
        self._what = what
        self._place = 0
        self._size = patiently(self._find_size, what)

    @property
    def size(self) -> int:
        """Bytes of the whole file."""
        return self._size

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Give the place of the next byte."""
        return self._place

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go somewhere."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._place, io.SEEK_END: self._size}[whence]
        self._place = base + offset
        return self._place

    def read(self, size: int = -1) -> bytes:
        """Read so many bytes, or all that are left."""
        stop = self._size if size is None or size < 0 else min(self._size, self._place + size)
        if stop <= self._place:
            return b""
        first, last = self._place, stop - 1
        content = patiently(lambda: _range(self._url, first, last), self._what)
        self._place = stop
        return content

    def _find_size(self) -> int:
        metadata = get_hf_file_metadata(self._url, timeout=constants.HF_HUB_ETAG_TIMEOUT)
        if metadata.size is None or metadata.commit_hash is None:
            raise HubError(f"{constants.ENDPOINT} {NO_HUB}")
        return metadata.size


def _limit_silence() -> None:
    """Have every request end that a server leaves without an answer.

    Several calls of huggingface_hub set no limit of their own, some forbid one, and would wait for ever.
    """
    session = get_session()
    pace(session)
    hooks = session.event_hooks
    if _end_silence not in hooks["request"]:
        session.event_hooks = {
            "request": [*hooks["request"], _end_silence],
            "response": [*hooks["response"], _say_what_is_absent],
        }


def _end_silence(request: httpx.Request) -> None:
    limit = float(constants.HF_HUB_DOWNLOAD_TIMEOUT)
    limits = httpx.Timeout(limit).as_dict()
    set_already = {key: value for key, value in request.extensions.get("timeout", {}).items() if value is not None}
    # huggingface_hub tries six times by itself: with its own limit of a minute, a silent server would take many
    shortest = {key: min(limit, set_already.get(key, limit)) for key in limits}
    request.extensions = {**request.extensions, "timeout": shortest}


def _say_what_is_absent(response: httpx.Response) -> None:
    """Add the Hub's word for an absent file: mirrors leave it out, and the libraries know no other."""
    path = response.request.url.path
    if (
        response.status_code == 404
        and "X-Error-Code" not in response.headers
        and ("/resolve/" in path or "/tree/" in path)
    ):
        response.headers["X-Error-Code"] = "EntryNotFound"


def _range(url: str, first: int, last: int) -> bytes:
    size = last - first + 1
    headers = {**build_hf_headers(), "Range": f"bytes={first}-{last}", "Accept-Encoding": "identity"}
    session = get_session()
    with session.stream("GET", url, headers=headers, follow_redirects=True) as response:
        if response.is_error:
            response.read()
        hf_raise_for_status(response)
        if "text/html" in response.headers.get("Content-Type", ""):
            raise HubError("a page came instead of data: check HF_ENDPOINT and the network (a sign-in page?)")
        if response.status_code != 206 and first > 0:
            raise HubError("the server gives whole files only, not parts of them: check HF_ENDPOINT and proxies")
        content = _body(response.iter_bytes(), size)
    if len(content) < size:
        raise Truncated(f"{len(content)} of {size} bytes came")
    return content[:size]


def _body(pieces: Iterable[bytes], size: int) -> bytes:
    """Gather so much of a body; `pace` ends one that drips."""
    content = bytearray()
    for piece in pieces:
        content += piece
        if len(content) >= size:
            break
    return bytes(content)
