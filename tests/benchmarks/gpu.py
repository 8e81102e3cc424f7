"""Measure recording on a CUDA device: beside the bare forward pass, and how busy the device is.

    python -m tests.benchmarks gpu

The bare pass is run at several batch sizes on images that lie on the device already; the fastest is taken for the rest.
Then the bare pass and recordings alternate, all fed from a file by the project's own reader; ``fed_ratio`` is the wall
time of the bare pass on images that lie there, divided by the wall time of this one. ``busy`` is the share of wall time
in which any kernel or copy is at work, by PyTorch's profiler, in a pass of its own.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import torch
import xarray as xr
from torch import nn
from torch.profiler import ProfilerActivity, profile

from deeplocalizer import recording, store
from deeplocalizer.models.feeding import batches
from tests.benchmarks import made
from tests.benchmarks.tables import Row, spread

CHANNELS = ["conv1", "bn1", "relu", "layer*.*.conv*", "layer*.*.bn*", "layer*.*.relu", "layer*.*.downsample.*"]
POSITIONS = ["layer*.*"]


def main(
    networks: Sequence[str] = ("resnet18", "resnet34"),
    stimuli: int = 8192,
    side: int = 224,
    sizes: Sequence[int] = (64, 128, 256, 512, 1024),
    rounds: int = 5,
) -> list[Row]:
    """Measure some networks; nothing where there is no CUDA device."""
    if not torch.cuda.is_available():
        print("There is no CUDA device here: nothing is measured.")
        return []
    device = torch.device("cuda")
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made.written(folder / "inputs.nc", stimuli, side)
        with store.lazy(folder / "inputs.nc", "inputs", verify=False) as inputs:
            for network in networks:
                rows += _network(network, made.resnet(network).to(device), inputs, sizes, rounds, folder)
    return rows


def _network(
    name: str, model: nn.Module, inputs: xr.Dataset, sizes: Sequence[int], rounds: int, folder: Path
) -> list[Row]:
    count = inputs.sizes["stimulus"]
    rates = {size: _resident(model, inputs, size) for size in sizes}
    best = max(rates, key=rates.__getitem__)
    ways = _ways(model, inputs, best, folder)
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for go in ways.values():
        go()
    for number in range(rounds):
        for way in list(ways) if number % 2 == 0 else reversed(ways):
            seconds[way].append(_wall(ways[way]))
    return [
        {
            "network": name,
            "way": way,
            "batch": best,
            **spread("wall_ratio", [one / bare for one, bare in zip(taken, seconds["bare"], strict=True)]),
            "fed_ratio": count / rates[best] / statistics.median(taken),
            "stimuli_per_s": count / statistics.median(taken),
            "busy": _busy(ways[way]),
        }
        for way, taken in seconds.items()
    ]


def _ways(model: nn.Module, inputs: xr.Dataset, batch: int, folder: Path) -> dict[str, Callable[[], None]]:
    device = torch.device("cuda")
    prepared = partial(recording.prepare, model, inputs=inputs, batch_size=batch, device=device)
    channels = prepared(CHANNELS, reductions=["mean"])
    positions = prepared(POSITIONS, reductions=["position"])

    def bare() -> None:
        with torch.inference_mode():
            for _, images in batches(inputs, batch, device):
                model(images)

    def record(one: recording.Recording) -> None:
        recording.record_to(one, folder / "activations.nc", folder / "moments.nc", made.stamp)

    return {
        "bare": bare,
        "channel units, files": partial(record, channels),
        "position moments, files": partial(record, positions),
    }


def _resident(model: nn.Module, inputs: xr.Dataset, size: int, passes: int = 20) -> float:
    """Give the stimuli a second of the bare pass, with images that lie on the device."""
    _, images = next(batches(inputs.isel(stimulus=slice(size)), size, torch.device("cuda")))

    def go() -> None:
        with torch.inference_mode():
            for _ in range(passes):
                model(images)

    go()
    return passes * len(images) / _wall(go)


def _wall(go: Callable[[], None]) -> float:
    torch.cuda.synchronize()
    start = time.perf_counter()
    go()
    torch.cuda.synchronize()
    return time.perf_counter() - start


def _busy(go: Callable[[], None]) -> float:
    """Give the share of time in which the device works."""
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        wall = _wall(go)
    spans = [
        (event.time_range.start, event.time_range.end)
        for event in seen.events()
        if event.device_type == torch.autograd.DeviceType.CUDA
    ]
    return covered(spans) / 1e6 / wall


def covered(spans: Iterable[tuple[float, float]]) -> float:
    """Give the length of what some spans cover together."""
    total, reached = 0.0, float("-inf")
    for start, end in sorted(spans):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
