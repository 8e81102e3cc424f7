"""Files of weights in torch's own cache.

fetch            a file of weights, from the cache or from its address, held against the digest in its name
"""

from __future__ import annotations

import contextlib
import logging
import re
import socket
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import torch
from huggingface_hub import constants

from deeplocalizer.downloads import disk
from deeplocalizer.downloads.patience import Limits, Trouble, pause, retry_after

logger = logging.getLogger(__name__)
DIGEST = re.compile(r"-([0-9a-f]+)\.")
PASSING = (408, 425, 429, 500, 502, 503, 504)


def fetch(url: str, nbytes: float, what: str, limits: Limits | None = None) -> Path:
    """Give a file of weights, from torch's cache or from its address.

    Parameters
    ----------
    url : str
        The first digits of its SHA-256 stand in its name, as in ``resnet34-b627a593.pth``.
    nbytes : float
        Its size, about; for the check of free space.
    what : str
        What it is, for messages.
    limits : Limits, optional
        Of the download.

    Raises
    ------
    ValueError
        If it is not there and cannot be fetched, with the command that fetches it.
    DownloadError
        If there is no room for it.
    """
    limits = limits or Limits()
    path = Path(torch.hub.get_dir()) / "checkpoints" / Path(urlsplit(url).path).name
    if path.is_file():
        return path
    command = f"curl --fail --location --create-dirs --output {path} {url}"
    if constants.HF_HUB_OFFLINE:
        raise ValueError(
            f"{what}: {path} is not there and the network is off (HF_HUB_OFFLINE). Where there is one, run: {command}"
        )
    disk.require(path.parent, nbytes, what)
    path.parent.mkdir(parents=True, exist_ok=True)
    logger.info("fetching %s (%s)", url, disk.readable(nbytes))
    digest = DIGEST.search(path.name)
    for attempt in range(limits.attempts):
        try:
            with _patience(limits.read):
                torch.hub.download_url_to_file(url, str(path), digest.group(1) if digest else None, progress=False)
            return path
        except (OSError, RuntimeError) as error:  # torch says by a RuntimeError that the digest is another
            found = _trouble(error)
            if not found.passing or attempt == limits.attempts - 1:
                raise ValueError(
                    f"{what}: {url} cannot be fetched: {found.reason}. To fetch it by hand, run: {command}"
                ) from error
            seconds = pause(attempt, found, limits)
            logger.warning("%s: %s; trying again in %.1f seconds", url, found.reason, seconds)
            time.sleep(seconds)
    raise AssertionError("unreachable")


def _trouble(error: Exception) -> Trouble:
    if isinstance(error, urllib.error.HTTPError):
        return Trouble(f"HTTP {error.code}", error.code in PASSING, retry_after(error.headers.get("Retry-After")))
    return Trouble(f"{type(error).__name__}: {error}", passing=True)


@contextlib.contextmanager
def _patience(seconds: float) -> Iterator[None]:
    """Limit the silence of a server: torch sets no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
