"""What is said where a file cannot be written.

flush            see to it that the content of a file is on the disk
explained        say why a file could not be written, where a library does not
require          refuse to begin what would not fit on the disk
reason           the same for an error that has already happened, wherever it was
refusal          ask a folder why it takes no file
readable         a number of bytes in words
UnwritableError  a file could not be written: no room, no permission, a disk that is read-only

Libraries say little of a full disk: netCDF calls it "HDF error" and, when it makes a file, "Permission denied". So
after a failure that names no cause, the folder itself is asked, by writing a little into it.
"""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

FULL = {errno.ENOSPC, errno.EDQUOT}
FORBIDDEN = {errno.EACCES, errno.EPERM}
KNOWN = FULL | {errno.EROFS, errno.EIO, errno.EFBIG}  # what these say needs no second look
LITTLE = 1 << 20  # bytes; a disk that has no room for them is full


class UnwritableError(OSError):
    """A file could not be written; ``errno`` says why, as the message does in words."""

    def __str__(self) -> str:
        """Give the words alone."""
        return str(self.strerror)


def flush(path: str | os.PathLike[str]) -> None:
    """See to it that the content of a file is on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def explained(destination: str | os.PathLike[str], needed: float | None = None) -> Iterator[None]:
    """Say why a file could not be written, whatever the library that wrote it says.

    Parameters
    ----------
    destination : path
        What was to be written.
    needed : float, optional
        Its bytes, as far as they are known.

    Raises
    ------
    UnwritableError
        In place of any error, if its folder is full, read-only or may not be written to. Other errors are left alone.
    """
    try:
        yield
    except UnwritableError:
        raise
    except Exception as error:
        target = Path(destination)
        known = isinstance(error, OSError) and error.errno in KNOWN
        number = error.errno if known and isinstance(error, OSError) else refusal(target.parent)
        if number is None:
            raise
        raise UnwritableError(number, _words(target, number, needed)) from error


def require(destination: str | os.PathLike[str], needed: float) -> None:
    """Refuse to begin what would not fit on the disk.

    Parameters
    ----------
    destination : path
        What is to be written; its folder exists.
    needed : float
        Its bytes.

    Raises
    ------
    UnwritableError
        If fewer are free, or the folder refuses even a little: a quota may be used up.
    """
    target = Path(destination)
    number = refusal(target.parent)
    if number is not None:
        raise UnwritableError(number, _words(target, number, needed))
    usage = shutil.disk_usage(target.parent)
    if usage.total and usage.free < needed:  # some network file systems say of everything that it is 0
        raise UnwritableError(errno.ENOSPC, _words(target, errno.ENOSPC, needed))


def reason(error: BaseException, places: Iterable[str | os.PathLike[str]]) -> str:
    """Say what an error means that has already happened, if it is of the disk.

    Parameters
    ----------
    error : exception
    places : iterable of path
        Folders that may be full, for an error that does not say where it was.

    Returns
    -------
    str
        Empty if it is of something else, or says it itself.
    """
    if isinstance(error, UnwritableError) or not isinstance(error, OSError) or error.errno not in FULL:
        return ""
    if isinstance(error.filename, str) and error.filename:
        return _words(Path(error.filename), error.errno, None)
    full = sorted({str(Path(place).absolute()) for place in places if refusal(Path(place)) in FULL})
    return f"the disk is full; no room is left in {' and '.join(full)}; make room and run again" if full else ""


def refusal(folder: Path) -> int | None:
    """Ask a folder why it takes no file; None if it does.

    Returns
    -------
    int or None
        The number of the error (``errno``) that writing a little gave.
    """
    existing = next((place for place in [folder.absolute(), *folder.absolute().parents] if place.is_dir()), None)
    if existing is None:
        return None
    try:
        with tempfile.TemporaryFile(dir=existing, prefix=".room.", buffering=0) as probe:
            left = LITTLE
            while left:
                left -= probe.write(bytes(left)) or 0
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno
    return None


def readable(size: float) -> str:
    """Put a number of bytes into words, for example ``1.4 GB``."""
    units = ("bytes", "kB", "MB", "GB", "TB", "PB", "EB")
    rank = min(len(units) - 1, int(math.log10(size) // 3)) if size >= 1 else 0
    return f"{size / 1000**rank:.{0 if rank == 0 else 1}f} {units[rank]}"


def _words(target: Path, number: int, needed: float | None) -> str:
    """Say what is wrong with a place and what to do."""
    folder, said = target.parent, os.strerror(number)
    wanted = "" if needed is None else f"{readable(needed)} are to be written, "
    if number in FULL:
        free = f"{readable(_free(folder))} are free in {folder}" if number == errno.ENOSPC else f"for {folder}"
        return f"{target}: the disk is full ({said}): {wanted}{free}; make room and run again"
    if number == errno.EROFS:
        return f"{target}: cannot be written ({said}): mount it writable, or run in another folder (--directory)"
    if number in FORBIDDEN:
        return f"{target}: cannot be written ({said}): you may not write into {folder}; see its owner and mode"
    return f"{target}: cannot be written ({said}): see the disk and its mount, then run again"


def _free(folder: Path) -> int:
    existing = next(place for place in [folder.absolute(), *folder.absolute().parents] if place.is_dir())
    return shutil.disk_usage(existing).free
