"""Keep memory that was freed, rather than ask the system for it anew in every forward pass.

kept             keep it for as long as the context lasts

On a CPU, PyTorch takes the memory of each output from the C library, which gives large pieces back to the system as
soon as they are freed. Getting them again, page by page, costs about a tenth of a forward pass of large batches.
"""

from __future__ import annotations

import contextlib
import ctypes
import platform
import threading
from collections.abc import Callable, Iterator

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # glibc's malloc.h
EVERYTHING = 2**31 - 1
USUAL = {MMAP_THRESHOLD: 32 << 20, TRIM_THRESHOLD: 64 << 20}  # where glibc's own adjustment ends

_lock = threading.Lock()
_depth = 0


@contextlib.contextmanager
def kept() -> Iterator[None]:
    """Keep freed memory for as long as the context lasts; then it goes back to the system.

    Notes
    -----
    For the whole process, where the C library is glibc; elsewhere nothing changes. It takes no more memory than the
    process has at its peak.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    _count(1, lambda: _set(libc, dict.fromkeys(USUAL, EVERYTHING)))
    try:
        yield
    finally:
        _count(-1, lambda: _give_back(libc))


def _count(change: int, act: Callable[[], object]) -> None:
    """Act when the first context begins and when the last one ends."""
    global _depth
    with _lock:
        outermost = _depth + min(change, 0) == 0
        _depth += change
        if outermost:
            act()


def _set(libc: ctypes.CDLL, thresholds: dict[int, int]) -> None:
    for name, value in thresholds.items():
        libc.mallopt(name, value)


def _give_back(libc: ctypes.CDLL) -> None:
    _set(libc, USUAL)
    libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
