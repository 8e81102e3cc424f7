"""Freed memory is kept and not asked for again, and given back in the end."""

import platform
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from deeplocalizer import allocation

ROOT = Path(__file__).parents[1]
PIECE = 64 << 20  # bytes; larger than what glibc would keep by itself
glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")


def faults(times=5):
    """Count the pages that the system has to give for as many pieces, one after another."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        np.empty(PIECE, dtype=np.uint8).fill(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()


@glibc
def test_freed_memory_is_kept_and_goes_back_in_the_end():
    """In a process of its own: what others freed before changes what glibc keeps by itself."""
    code = "from tests.test_allocation import freed_memory; freed_memory()"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def freed_memory():
    """Free and ask again, without and with what is to be tested."""
    outside = faults()
    with allocation.kept():
        faults(1)
        inside, held = faults(), resident()
        with allocation.kept():
            pass
        assert faults() <= inside + 50  # the inner context does not end the outer one
    # NumPy may ask for huge pages, so that even five pieces are few faults; kept, they are almost none
    assert inside < outside / 4
    assert resident() < held - PIECE / 2


def test_where_there_is_no_glibc_nothing_happens(monkeypatch):
    monkeypatch.setattr(platform, "libc_ver", lambda: ("", ""))
    with allocation.kept():
        assert allocation._depth == 0


@glibc
def test_it_ends_after_an_exception():
    with pytest.raises(RuntimeError), allocation.kept():
        raise RuntimeError
    assert allocation._depth == 0
