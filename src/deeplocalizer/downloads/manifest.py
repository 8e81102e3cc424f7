"""What a folder of downloads holds, by digest, and what could not be had.

Target           what is wanted: a name in the folder and an address
File             what is there
Failure          what could not be had, and why
Manifest         the record of a folder, one line of JSON for each file or failure

A file is written beside its destination and renamed, then its line is appended in one write, so several processes can
share a folder. A killed one leaves a file without a line, or a torn line: both only mean that a file is fetched again.
No file is forced to disk: after a crash of the machine, digests tell which ones are damaged.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import io
import json
import logging
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeplocalizer import whole
from deeplocalizer.unwritable import explained

LOG = logging.getLogger("deeplocalizer")
NAME = "manifest.jsonl"


@dataclass(frozen=True)
class Target:
    """What is wanted: its name in the folder, and its address."""

    name: str
    url: str


@dataclass(frozen=True)
class File:
    """A file that is there: name, address it came from, place, SHA-256 (hex) and bytes."""

    name: str
    url: str
    path: Path
    sha256: str
    size: int


@dataclass(frozen=True)
class Failure:
    """What could not be had: name, address, why, and whether asking again may help."""

    name: str
    url: str
    reason: str
    passing: bool = False


class Manifest:
    """The record of a folder.

    Parameters
    ----------
    folder : path
        Made if need be.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.path = folder / NAME
        content = self.path.read_bytes() if self.path.exists() else b""
        self._read, self._lines = len(content), content.count(b"\n")
        self._entries = dict(_entries(self.path, content, 1))
        whole.sweep(folder, ".*.partial", ".*.lock")

    def refresh(self) -> None:
        """Learn what other processes have recorded meanwhile."""
        if not self.path.exists():
            return
        with self.path.open("rb") as stream:
            stream.seek(self._read)
            content = stream.read()
        content = content[: content.rfind(b"\n") + 1]  # a line that is being written is read the next time
        self._entries.update(_entries(self.path, content, self._lines + 1))
        self._read += len(content)
        self._lines += content.count(b"\n")

    @contextlib.contextmanager
    def claim(self, target: Target) -> Iterator[bool]:
        """Say whether a target is this process's to fetch; while the context lasts, no other is told so.

        Where the file system knows no locks, every process is told so: the worst is that a file is fetched twice.
        """
        path = self.folder / f".{target.name}.lock"
        with path.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.close()  # while others are waited for, their files must not add up
                yield False
                return
            except OSError:
                LOG.debug("%s: cannot be locked", path, exc_info=True)
            try:
                yield True
            finally:
                path.unlink(missing_ok=True)

    def held(self, target: Target) -> File | None:
        """Give a file that is there and has its digest; None if it must be fetched."""
        file = self.recorded(target)
        if file is None or not _intact(file):
            return None
        return file

    def recorded(self, target: Target) -> File | None:
        """Give a file that is there and has its size, without reading it."""
        entry = self._entries.get(target.name)
        if entry is None or "sha256" not in entry or entry.get("url") != target.url:
            return None
        path = self.folder / target.name
        if not path.is_file() or path.stat().st_size != entry["size"]:
            return None
        return File(target.name, target.url, path, entry["sha256"], entry["size"])

    def failure(self, target: Target) -> Failure | None:
        """Give why a target could not be had, if that is settled."""
        entry = self._entries.get(target.name)
        if entry is None or "reason" not in entry or entry.get("url") != target.url:
            return None
        return Failure(target.name, target.url, entry["reason"])

    def keep(self, target: Target, content: Iterable[bytes]) -> File:
        """Write a file beside its destination, rename it, and record it.

        Parameters
        ----------
        target : Target
        content : iterable of bytes
            The file in pieces. If it raises, nothing is left.
        """
        path = self.folder / target.name
        partial = self.folder / f".{target.name}.{secrets.token_hex(4)}.partial"
        sha, size = hashlib.sha256(), 0
        try:
            with explained(path):
                begun = partial.open("xb", buffering=0)
            with begun as stream:
                for piece in content:
                    with explained(path):
                        _write(stream, piece)
                    sha.update(piece)
                    size += len(piece)
            os.replace(partial, path)
        finally:
            with contextlib.suppress(OSError):  # what a read-only disk says of it would hide the reason
                partial.unlink()
        file = File(target.name, target.url, path, sha.hexdigest(), size)
        self._append({"name": file.name, "url": file.url, "sha256": file.sha256, "size": file.size})
        return file

    def settle(self, failure: Failure) -> None:
        """Record that a target cannot be had: it is not asked for again."""
        if self.failure(Target(failure.name, failure.url)) is None:
            self._append({"name": failure.name, "url": failure.url, "reason": failure.reason})

    def discard(self, target: Target) -> None:
        """Delete a file that has served its purpose."""
        (self.folder / target.name).unlink(missing_ok=True)

    def _append(self, entry: dict[str, Any]) -> None:
        line = json.dumps(entry).encode() + b"\n"
        # opened for each line: another process may have left a torn one, which must not swallow ours
        with self.path.open("ab+", buffering=0) as stream:
            if stream.tell() and (stream.seek(-1, os.SEEK_END), stream.read(1))[1] != b"\n":
                line = b"\n" + line
            if stream.write(line) != len(line):
                raise OSError(errno.ENOSPC, "a line was not written whole", str(self.path))
        self._entries[entry["name"]] = entry


def _entries(path: Path, content: bytes, first: int) -> Iterator[tuple[str, dict[str, Any]]]:
    for number, line in enumerate(content.splitlines(), start=first):
        entry = _entry(line)
        if entry is not None:
            yield entry["name"], entry
        elif line.strip():
            LOG.warning("%s: line %d is damaged and left out; what it recorded is fetched again", path, number)


def _entry(line: bytes) -> dict[str, Any] | None:
    with contextlib.suppress(ValueError):
        entry = json.loads(line)
        recorded = isinstance(entry, dict) and isinstance(entry.get("name"), str)
        if recorded and (isinstance(entry.get("size"), int) or isinstance(entry.get("reason"), str)):
            return dict(entry)
    return None


def _write(stream: io.FileIO, piece: bytes) -> None:
    left = memoryview(piece)
    while left:
        left = left[stream.write(left) :]


def _intact(file: File) -> bool:
    with file.path.open("rb") as stream:
        if hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256:
            return True
    LOG.warning("%s: its content does not match its digest; it is fetched again", file.path)
    return False
