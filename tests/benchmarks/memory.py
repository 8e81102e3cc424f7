"""Measure the peak memory of recording against the number of stimuli and of units, each in a process of its own.

    python -m tests.benchmarks memory

Inputs are written piece by piece and recorded into files by the same process. ``start_MB`` is its peak when the network
is there and before any stimulus is; ``more_MB`` is what recording adds. Responses of position units are stored in the
series over stimuli, so that there is much to be held if anything held it; the series over units takes moments only.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks.tables import Row

SIDE = 16  # pixels, in the series over stimuli: 11264 units


def main(
    stimuli: Sequence[int] = (100, 1000, 10_000),
    sides: Sequence[int] = (16, 64, 192),
    networks: Sequence[str] = ("resnet34",),
    few: int = 64,
    side: int = 224,
    batch: int = 32,
) -> list[Row]:
    """Measure both series, and some networks of full size."""
    rows = [_child("stimuli", "small", count, SIDE, batch, "store") for count in stimuli]
    rows += [_child("units", "small", few, length, batch, "moments") for length in sides]
    for name in networks:
        rows += [_child("network", name, few, side, batch, what) for what in ("bare", "moments")]
    return rows


def _child(series: str, network: str, stimuli: int, side: int, batch: int, what: str) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tests.benchmarks.peak", network, stimuli, side, batch, what, folder]
        start = time.perf_counter()
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, cwd=Path(__file__).parents[2])
        if done.returncode:
            raise RuntimeError(f"recording {stimuli} stimuli of {side} pixels failed: {done.stderr}")
        found = json.loads(done.stdout)
    return {
        "series": series,
        "network": network,
        "stimuli": stimuli,
        **found,
        "seconds": time.perf_counter() - start,
    }
