"""One process at a time, also across the machines of a cluster.

taking           wait until no other process works on something, and work on it

A Snakemake that is killed leaves its jobs alive. The one that is started next may run the same jobs again: two
processes that write one file would mix in it.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path

log = logging.getLogger("deeplocalizer")
REMOVED = {errno.ENOENT, errno.ESTALE}  # the second is what NFS says of it


@contextlib.contextmanager
def taking(path: str | os.PathLike[str], tell: Callable[[str], None] = log.warning) -> Iterator[None]:
    """Wait until no other process works on what a path stands for, and work on it.

    The lock is the operating system's, on a file ``.{name}.lock`` beside the path: it ends with its process, however
    that ends. The file is removed in the end; one that a killed process left is taken over.

    Parameters
    ----------
    path : path
        What is worked on; its folder is made if need be.
    tell : callable
        Takes a sentence that says which process is waited for, or that nothing can be locked here.

    Notes
    -----
    Some network file systems know no locks (NFS does, Lustre if it is mounted with ``flock``). There, nothing is waited
    for, and it is told so.
    """
    lock = Path(path).with_name(f".{Path(path).name}.lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = _taken(lock, path, tell)
    except OSError as error:
        tell(f"{lock}: cannot be written ({error}); see to it that no other process works on {path}")
        yield
        return
    try:
        with contextlib.suppress(OSError):  # who holds it is said for those who wait, and for nothing else
            os.ftruncate(file, 0)
            os.pwrite(file, f"process {os.getpid()} on {platform.node()}".encode(), 0)
        yield
    finally:
        with contextlib.suppress(OSError):  # what is left of a lock locks nothing
            lock.unlink()
        os.close(file)


def _taken(lock: Path, path: str | os.PathLike[str], tell: Callable[[str], None]) -> int:
    """Open the file and lock it."""
    while True:
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(file, 200, 0).decode(errors="replace") or "another process"
                tell(
                    f"{path}: {holder} works on this, too: was the Snakemake that started it killed? It is waited for; "
                    "end it to go on at once"
                )
                fcntl.flock(file, fcntl.LOCK_EX)
            if os.path.samestat(os.fstat(file), os.stat(lock)):
                return file
        except OSError as error:
            if error.errno not in REMOVED:
                tell(
                    f"{lock}: this file system has no locks ({error}); see to it that no other process works on {path}"
                )
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # its holder has removed it meanwhile
