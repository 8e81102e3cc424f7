"""What stands at the end of an artefact, behind the NetCDF file, and tells damage from content before HDF5 reads it.

append           write the digest of a file behind it
check            refuse a file whose bytes are not those that were written

HDF5 believes what it reads: of a file with a few wrong bytes it may crash the process or never come back. So every
byte that it interprets is digested when a file is written, and checked before it is opened. The values of large
variables, which lie in the file as they are, are left out: they are checked by the content digest. Readers of NetCDF
do not see the footer, as the file says itself where it ends. Files without one are of an earlier version.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path

from deeplocalizer.store.errors import ArtefactError

MAGIC = b"DLfooter"
TAIL = len(MAGIC) + 8  # bytes: the length of the footer, then the magic word
PIECE = 1 << 22  # bytes that are read at a time
_ENDS = {0: 40, 1: 44, 2: 28, 3: 28}  # by the version of HDF5's superblock, where it says at which byte the file ends
Extents = Iterable[tuple[int, int]]  # first byte, length


def append(path: str | os.PathLike[str], values: Extents = ()) -> None:
    """Write the digest of a file behind it.

    Parameters
    ----------
    path : path
    values : iterable of (int, int)
        First byte and length of what lies in the file as it is, and is left out.
    """
    left_out = _joined(values)
    known = {"left_out": left_out, "sha256": _digest(Path(path), Path(path).stat().st_size, left_out)}
    content = json.dumps(known, separators=(",", ":")).encode()
    with open(path, "ab") as file:
        file.write(content + len(content).to_bytes(8, "little") + MAGIC)


def check(path: Path, advice: str) -> None:
    """Refuse a file whose bytes are not those that were written.

    Parameters
    ----------
    path : path
    advice : str
        What to do, for the message.

    Raises
    ------
    ArtefactError
        If what HDF5 would interpret was altered. A file without a footer passes if it ends where it says itself that
        it does.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - TAIL))
        tail = file.read()
        length = int.from_bytes(tail[: -len(MAGIC)], "little")
        if len(tail) < TAIL or not tail.endswith(MAGIC) or not 0 < length <= size - TAIL:
            _check_end(path, tail, size, advice)
            return
        file.seek(size - TAIL - length)
        content = file.read(length)
    try:
        known = json.loads(content)
        left_out = [(int(first), int(count)) for first, count in known["left_out"]]
        same = known["sha256"] == _digest(path, size - TAIL - length, left_out)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):  # whatever somebody wrote there
        same = False
    if not same:
        raise ArtefactError(f"{path}: not the bytes that were written, so it was altered or damaged; {advice}")


def _check_end(path: Path, tail: bytes, size: int, advice: str) -> None:
    """Refuse a file that lost its footer, or more of its end; what is no HDF5 is left to readers."""
    if size != (_end(path) or size):
        zeros = "ends in zeros: truncated, or did the machine fail?"
        said = f"{size} bytes; {'truncated or damaged?' if any(tail) else zeros}"
        raise ArtefactError(f"{path}: not a readable NetCDF-4 file ({said}); {advice}")


def _end(path: Path) -> int | None:
    """Give the byte at which a file of HDF5 says that it ends; None if it does not begin as one."""
    with path.open("rb") as file:
        begin = file.read(64)
    if len(begin) < 64 or not begin.startswith(b"\x89HDF\r\n\x1a\n") or begin[8] not in _ENDS:
        return None
    return int(struct.unpack_from("<Q", begin, _ENDS[begin[8]])[0])


def _digest(path: Path, size: int, left_out: Extents) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as file:
        for first, last in _between(size, left_out):
            file.seek(first)
            while first < last:
                piece = file.read(min(PIECE, last - first))
                if not piece:
                    break
                sha.update(piece)
                first += len(piece)
    return sha.hexdigest()


def _between(size: int, left_out: Extents) -> Iterator[tuple[int, int]]:
    """Give first and last byte of what is not left out."""
    end = 0
    for first, count in left_out:
        if not end <= first <= first + count <= size:
            raise ValueError("what is left out is not in order")
        yield end, first
        end = first + count
    yield end, size


def _joined(extents: Extents) -> list[tuple[int, int]]:
    """Sort extents and join those that touch each other."""
    joined: list[tuple[int, int]] = []
    for first, count in sorted(extents):
        if joined and sum(joined[-1]) == first:
            joined[-1] = joined[-1][0], joined[-1][1] + count
        elif count:
            joined.append((first, count))
    return joined
