"""Small disks of a test's own, as only root has them.

small_disk       a file system of some bytes, in memory, mounted while the context lasts
resize           give it another size
read_only        make it read-only, or writable again
can_mount        why a test cannot have one; empty if it can
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a file system of some bytes on a folder, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(folder: Path, size: int) -> None:
    """Give a small disk another size; what is on it stays."""
    subprocess.run(["mount", "-o", f"remount,size={size}", str(folder)], check=True)


def read_only(folder: Path, on: bool = True) -> None:
    """Make a small disk read-only, or writable again."""
    subprocess.run(["mount", "-o", f"remount,{'ro' if on else 'rw'}", str(folder)], check=True)


@cache
def can_mount() -> str:
    """Say why a test cannot have a small disk; nothing if it can."""
    if os.geteuid():
        return "only root may mount a small disk"
    with tempfile.TemporaryDirectory() as folder:
        try:
            with small_disk(Path(folder), 1 << 20):
                return ""
        except (OSError, subprocess.CalledProcessError) as error:
            return f"no small disk can be mounted here: {error}"
