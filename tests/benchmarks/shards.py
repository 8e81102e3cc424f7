"""Measure how recording scales over shards, and what gathering them costs.

    python -m tests.benchmarks shards

Shards are jobs of processes, as many at a time as there are cores; each computes on one thread and has started, and
loaded its libraries, before the clock does. ``efficiency`` is the speed-up over one shard divided by the number of
jobs at a time: 1 is perfect, and no machine gives a speed-up beyond its cores. Where other work runs beside it, look at
``cpu_s``, the CPU time of all jobs: what scattering costs. ``identical`` compares what was gathered with what one job
recorded, by the digests of contents.
"""

from __future__ import annotations

import multiprocessing
import os
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from pathlib import Path

import torch
import xarray as xr

from deeplocalizer import gathering, recording, store
from tests.benchmarks import made
from tests.benchmarks.tables import Row

LAYERS = ["layer*.*"]
NETWORK = "resnet18"
ARTEFACTS = ("activations.nc", "moments.nc")


def main(shards: Sequence[int] = (1, 2, 4, 8), stimuli: int = 768, side: int = 112, batch: int = 16) -> list[Row]:
    """Record the same stimuli as a whole and in shards."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made.written(folder / "inputs.nc", stimuli, side)
        whole = 0.0
        for number in shards:
            cores = min(number, os.cpu_count() or 1)
            wall, cpu = _scattered(folder, number, batch, cores)
            start = time.perf_counter()
            digests = _gathered(folder, number)
            gathering_s = time.perf_counter() - start if number > 1 else 0.0
            if not rows:
                whole, expected = wall * cores, digests
            rows.append(
                {
                    "shards": number,
                    "at_a_time": cores,
                    "seconds": wall,
                    "stimuli_per_s": stimuli / wall,
                    "speed_up": whole / wall,
                    "efficiency": whole / wall / cores,
                    "cpu_s": cpu,
                    "gathering_s": gathering_s,
                    "identical": digests == expected,
                }
            )
    return rows


def _scattered(folder: Path, shards: int, batch: int, cores: int) -> tuple[float, float]:
    """Record all shards; give the seconds, and those of CPU time of all jobs."""
    context = multiprocessing.get_context("spawn")
    ready = context.Barrier(cores + 1)
    with context.Pool(cores, _prepare, (ready,)) as pool:
        ready.wait()
        start = time.perf_counter()
        taken = pool.starmap(_record, [(folder, number, shards, batch) for number in range(shards)], chunksize=1)
        return time.perf_counter() - start, sum(taken)


def _prepare(ready: Barrier) -> None:
    """Get a process ready."""
    torch.set_num_threads(1)
    with torch.inference_mode():
        made.resnet(NETWORK)(torch.zeros(1, 3, 64, 64))
    ready.wait()


def _record(folder: Path, number: int, shards: int, batch: int) -> float:
    """Record one shard, as a job does; give its seconds of CPU time."""
    start = time.process_time()
    place = _place(folder, number, shards)
    place.mkdir(parents=True, exist_ok=True)
    model = made.resnet(NETWORK)
    with store.lazy(folder / "inputs.nc", "inputs") as inputs:
        reductions = ["mean", "position"]
        prepared = recording.prepare(model, LAYERS, inputs, reductions, batch, torch.device("cpu"))
        shard = (number, shards) if shards > 1 else None
        recording.record_to(prepared, *(place / name for name in ARTEFACTS), made.stamp, shard)
    return time.process_time() - start


def _gathered(folder: Path, shards: int) -> list[str]:
    """Put shards together; give the digests of the contents."""
    target = folder / f"{shards}"
    if shards > 1:
        parts = [[str(_place(folder, number, shards) / name) for number in range(shards)] for name in ARTEFACTS]
        gathering.gather(*parts, [str(target / name) for name in ARTEFACTS], made.stamp)
    digests = []
    for name in ARTEFACTS:
        with xr.open_dataset(target / name, engine="h5netcdf") as found:
            digests.append(found.attrs["content_digest"])
    return digests


def _place(folder: Path, number: int, shards: int) -> Path:
    return folder / f"{shards}" / (f"{number}" if shards > 1 else "")
