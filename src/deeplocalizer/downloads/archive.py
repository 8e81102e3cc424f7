"""One member of a zip archive on a server, without the rest of it.

member           the bytes of a member
extract          the member as a file in a folder
discard          delete that file again

The archive's directory stands at its end, so that a few requests for ranges find a member, and its own bytes are all
that is read beside. fsspec reads the ranges, zipfile the archive; a range that fails is asked for again by itself.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import itertools
import logging
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import aiohttp
from fsspec.asyn import sync  # type: ignore[import-untyped]
from fsspec.implementations.http import HTTPFile, HTTPFileSystem  # type: ignore[import-untyped]

from deeplocalizer.downloads import disk, offline, transport
from deeplocalizer.downloads.errors import DownloadError
from deeplocalizer.downloads.manifest import File, Manifest, Target
from deeplocalizer.downloads.patience import Limits, Trouble, pause
from deeplocalizer.provenance import digest

LOG = logging.getLogger("deeplocalizer")
DIRECTORY_BLOCK = 64 * 1024  # bytes read ahead while the member is being found
SHARE = 16  # a block is this part of the member, so that the last one reads little beyond it
LARGEST_BLOCK = 4 * 1024**2
PIECE = 1024**2
LARGEST = 4 * 1024**3  # bytes of a member; COCO's largest has 0.5 GB
SWOLLEN = 100  # times the compressed size; COCO's JSON shrinks to a tenth
EVERY = 10.0  # seconds between two lines on the progress
T = TypeVar("T")


def member(url: str, name: str, folder: Path, limits: Limits | None = None) -> bytes:
    """Give the bytes of a member; see `extract`."""
    return extract(url, name, folder, limits).path.read_bytes()


def extract(url: str, name: str, folder: Path, limits: Limits | None = None) -> File:
    """Fetch one member of a zip archive over HTTP ranges.

    Parameters
    ----------
    url : str
        The archive, on a server that answers ranges.
    name : str
        The member, with its folders in the archive.
    folder : path
        Where the member is kept, with the manifest of `manifest.Manifest`; a member that is there with its digest is
        not fetched again.
    limits : Limits, optional
        They hold for each range; ``size`` does not apply.

    Raises
    ------
    DownloadError
        If the archive cannot be had or read, has no such member, or the disk has no room for it.
    """
    limits = limits or Limits()
    manifest = Manifest(folder)
    target = _target(url, name)
    held = manifest.held(target)
    if held is not None:
        return held
    if offline.setting():
        raise offline.refusal(f"{name} of {url}")
    with _named(url, name):
        size = _size(url, limits)
        with _open(url, size, DIRECTORY_BLOCK, limits) as archive:
            info = _find(archive, url, name)
        _refuse_bomb(info, url)
        disk.require(folder, info.file_size, f"{name} of {url}")
        block = min(max(info.compress_size // SHARE, DIRECTORY_BLOCK), LARGEST_BLOCK)
        LOG.info(f"fetching {name} of {url} ({disk.readable(info.compress_size)})")
        with _open(url, size, block, limits) as archive:
            return manifest.keep(target, _pieces(archive, _find(archive, url, name)))


def discard(url: str, name: str, folder: Path) -> None:
    """Delete a member from the folder; it is fetched again when it is next asked for."""
    Manifest(folder).discard(_target(url, name))


class _Ranges(HTTPFile):  # type: ignore[misc]
    """A file on a server, read range by range, each with its own attempts."""

    def __init__(self, fs: HTTPFileSystem, url: str, size: int, block: int, session: Any, limits: Limits) -> None:
        self._limits = limits
        super().__init__(
            fs,
            url,
            session=session,
            block_size=block,
            cache_type="readahead",
            size=size,
            loop=fs.loop,
            max_redirects=limits.redirects,
        )

    def _fetch_range(self, start: int, end: int) -> bytes:
        def ask() -> bytes:
            content: bytes = HTTPFile._fetch_range(self, start, end)
            if len(content) != end - start:
                raise Trouble(f"{len(content):,} bytes came where {end - start:,} were asked for", passing=True)
            return content

        return _patiently(ask, f"{self.url}, bytes {start:,} to {end:,}", self._limits)


def _patiently(ask: Callable[[], T], what: str, limits: Limits) -> T:
    """Ask, and ask again where that may help, but not for longer than a drought."""
    begun = time.monotonic()
    for attempt in itertools.count():
        try:
            return ask()
        except Trouble as trouble:
            found = trouble
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            found = transport.trouble(error, limits)
        except ValueError as error:  # of fsspec, where the answer is not the range that was asked for
            found = Trouble(f"the server does not answer ranges, which reading one member needs: {error}", False)
        if found.asks_too_much(limits):
            raise DownloadError(
                f"{what}: {found.reason}: the server asks to wait {found.wait:g} s, longer than is waited for "
                f"({limits.longest_pause:g} s); run again after that time"
            ) from found
        dry = time.monotonic() - begun > limits.drought
        if dry or not found.passing or attempt + 1 >= limits.attempts:
            raise DownloadError(f"{what}: {found.reason} (attempt {attempt + 1} of {limits.attempts})") from found
        time.sleep(pause(attempt, found, limits))
    raise AssertionError("attempts do not end by themselves")


def _file_system(limits: Limits) -> HTTPFileSystem:
    return HTTPFileSystem(
        client_kwargs=transport.settings(limits), max_redirects=limits.redirects, skip_instance_cache=True
    )


def _size(url: str, limits: Limits) -> int:
    if not url.startswith(("http://", "https://")):
        raise DownloadError(f"{url}: the address is neither http nor https")
    # headers are all that is read, in two requests where the first one fails
    fs = _file_system(dataclasses.replace(limits, total=min(limits.total, limits.drought / 3)))
    info = _patiently(lambda: fs.info(url), url, limits)
    if not info["size"]:
        raise DownloadError(f"{url}: the server does not say how large the archive is, or it is empty")
    if info.get("mimetype", "").startswith("text/"):
        raise DownloadError(f"{url}: not a zip archive: the server sent {info['mimetype']} ({info['size']:,} bytes)")
    return int(info["size"])


@contextlib.contextmanager
def _open(url: str, size: int, block: int, limits: Limits) -> Iterator[zipfile.ZipFile]:
    fs = _file_system(limits)
    with _Ranges(fs, url, size, block, sync(fs.loop, fs.set_session), limits) as stream:
        with zipfile.ZipFile(stream) as archive:
            yield archive


def _find(archive: zipfile.ZipFile, url: str, name: str) -> zipfile.ZipInfo:
    names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if name in names:
        return archive.getinfo(name)
    same = [other for other in names if PurePosixPath(other).name == PurePosixPath(name).name]
    near = same or difflib.get_close_matches(name, names, n=3)
    hint = f"; near it are {', '.join(near)}" if near else f"; it has {', '.join(names[:5])}"
    raise DownloadError(f"{url}: the archive has no member {name!r}{hint} ({len(names):,} members in all)")


def _refuse_bomb(info: zipfile.ZipInfo, url: str) -> None:
    """Refuse a member that unpacks to far more than any data set has; zipfile gives no more than is declared."""
    if info.file_size > LARGEST or (info.file_size > PIECE and info.file_size > SWOLLEN * info.compress_size):
        raise DownloadError(
            f"{url}: member {info.filename!r} would grow from {disk.readable(info.compress_size)} to "
            f"{disk.readable(info.file_size)}; at most {disk.readable(LARGEST)}, and {SWOLLEN} times its "
            "size, are unpacked"
        )


def _pieces(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    done, reported = 0, time.monotonic()
    with archive.open(info) as stream:
        while piece := stream.read(PIECE):
            yield piece
            done += len(piece)
            if time.monotonic() - reported >= EVERY:
                reported = time.monotonic()
                LOG.info(f"{info.filename}: {disk.readable(done)} of {disk.readable(info.file_size)}")


@contextlib.contextmanager
def _named(url: str, name: str) -> Iterator[None]:
    """Say which archive and member could not be read."""
    try:
        yield
    except zipfile.BadZipFile as error:
        raise DownloadError(f"{url}: not a zip archive, or a damaged one, at member {name!r}: {error}") from error
    except (zlib.error, EOFError) as error:
        raise DownloadError(f"{url}: member {name!r} is damaged: {error}") from error
    except DownloadError:
        raise
    except RuntimeError as error:  # a password, or a compression that zipfile does not know
        raise DownloadError(f"{url}: member {name!r} cannot be read (encrypted?): {error}") from error


def _target(url: str, name: str) -> Target:
    return Target(f"{digest([url, name])[:12]}-{PurePosixPath(name).name}", f"{url}#{name}")
