"""Files of the cache: whole or not at all, and known by their digest.

write            write a file beside its place, then rename it
keep             write a file whose name carries its digest
recall           read one back, if it is there and undamaged
names            the kept files that begin like this
"""

from __future__ import annotations

import functools
import logging
import os
import tempfile
from pathlib import Path

from deeplocalizer import whole
from deeplocalizer.provenance import digest_bytes
from deeplocalizer.unwritable import explained

logger = logging.getLogger(__name__)
DIGITS = 32  # of the digest in a name


def write(path: Path, content: bytes) -> None:
    """Write a file beside its place, then rename it: a killed job leaves no half file."""
    with explained(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


@functools.cache
def _sweep(folder: Path) -> None:
    """Do so once in a process."""
    whole.sweep(folder, ".*.part")


def keep(folder: Path, name: str, content: bytes, suffix: str) -> Path:
    """Write a file whose name carries its digest."""
    path = folder / f"{name}.{digest_bytes(content)[:DIGITS]}{suffix}"
    write(path, content)
    return path


def recall(folder: Path, name: str, suffix: str) -> bytes | None:
    """Read a kept file back.

    Returns
    -------
    bytes or None
        None if it is not there, or damaged: a damaged one is deleted, with a warning that names it.
    """
    for path in names(folder, name, suffix):
        content = path.read_bytes()
        if path.name == f"{name}.{digest_bytes(content)[:DIGITS]}{suffix}":
            return content
        logger.warning("%s is damaged: it is deleted and will be fetched again", path)
        path.unlink()
    return None


def names(folder: Path, name: str, suffix: str) -> list[Path]:
    """List the kept files of a name (``*``: of any)."""
    return sorted(folder.glob(f"{name}.{'?' * DIGITS}{suffix}"))
