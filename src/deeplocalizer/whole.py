"""Files that are there whole or not at all.

writing          a place beside a destination; what is written there gets its name in the end
write            write text or bytes so
again            what to do about one that is damaged
sweep            delete what killed processes left beside them
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from deeplocalizer.unwritable import explained, flush

ABANDONED = 3600.0  # seconds without a write, after which a partial file has no writer


@contextlib.contextmanager
def writing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Give a place beside a destination, and rename what is there in the end.

    What a killed process left there is overwritten, so it does not pile up. One process at a time; see `turns`.

    Parameters
    ----------
    path : path
        Destination; its folder is made if need be. A failure leaves what was there before.

    Yields
    ------
    Path
        In the same folder.

    Raises
    ------
    UnwritableError
        If there is no room, no permission or the disk is read-only.
    """
    destination = Path(path)
    partial = destination.with_name(f".{destination.name}.partial")
    try:
        with explained(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
            yield partial
            flush(partial)
            os.replace(partial, destination)
    finally:
        with contextlib.suppress(OSError):  # what a read-only disk says of it would hide the reason
            partial.unlink()


def write(content: str | bytes, path: str | os.PathLike[str]) -> None:
    """Write text, as UTF-8, or bytes.

    Parameters
    ----------
    content : str or bytes
    path : path
        Destination; its folder is made if need be. A failure leaves what was there before.

    Raises
    ------
    UnwritableError
        If there is no room, no permission or the disk is read-only.
    """
    with writing(path) as partial:
        partial.write_bytes(content.encode() if isinstance(content, str) else content)


def again(path: str | os.PathLike[str]) -> str:
    """Say what to do about a damaged file that a job made; behind a link is one that studies share by a cache."""
    source = Path(path)
    damaged = f"it and {source.resolve()}, to which it links," if source.is_symlink() else "it"
    return f"delete {damaged} and run again: it is then made anew"


def sweep(folder: Path, *patterns: str) -> None:
    """Delete what killed processes left in a folder where several write files of their own names.

    Parameters
    ----------
    folder : path
    patterns : str
        Of the names of unfinished files. Another process may be writing the young ones: they stay for an hour.
    """
    for partial in (found for pattern in patterns for found in folder.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime > ABANDONED:
                partial.unlink()
