"""Measure what recording costs beside the bare forward pass, and what other ways cost, in the same run.

    python -m tests.benchmarks forward

All ways are fed by the project's own reader and run on one thread. What is compared alternates: each round runs every
way once, in another order, with a bare pass before and after every three. A ratio is of CPU time, of all threads of the
process, to the bare passes around; the row "bare" shows how far noise alone goes. Preparation, such as tracing, comes
before and is not timed; opening, sealing and flushing files is.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
import xarray as xr
from torch import nn

from deeplocalizer import recording
from deeplocalizer.hooks import Site
from deeplocalizer.models.feeding import batches
from deeplocalizer.recording.passes import run
from deeplocalizer.recording.sinks import Memory
from tests.benchmarks import made, peers
from tests.benchmarks.tables import Row, spread

CPU = torch.device("cpu")
CHANNELS = ["conv1", "bn1", "relu", "layer*.*.conv*", "layer*.*.bn*", "layer*.*.relu", "layer*.*.downsample.*"]
POSITIONS = ["layer*.*"]
RESPONSES = "activations.nc"
TOGETHER = 3  # ways between two bare passes


class Seconds(NamedTuple):
    """What a pass through all stimuli took."""

    cpu: float
    wall: float


@dataclass
class Way:
    """One way through all stimuli; what it took and what the bare passes around it took, by round."""

    name: str
    does: str
    go: Callable[[Path], None]
    about: Row
    seconds: list[Seconds] = field(default_factory=list)
    bare: list[Seconds] = field(default_factory=list)
    stored: int = 0


def main(
    networks: Sequence[str] = ("resnet18", "resnet34"),
    stimuli: int = 64,
    side: int = 224,
    batch: int = 32,
    rounds: int = 3,
) -> list[Row]:
    """Measure all ways with some networks."""
    rows = []
    for name in networks:
        with made.one_thread():
            bare, *ways = _ways(made.resnet(name), made.inputs(stimuli, side), batch)
            for number in range(rounds):
                print(f"{name}: round {number + 1} of {rounds}", file=sys.stderr, flush=True)
                _round(bare, _order([bare, *ways], number))
        rows += [_row(name, way, stimuli) for way in (bare, *ways)]
    return rows


def _round(bare: Way, ways: Sequence[Way]) -> None:
    """Run every way once, some at a time between two bare passes."""
    before = _measured(bare)
    for start in range(0, len(ways), TOGETHER):
        together = ways[start : start + TOGETHER]
        for way in together:
            way.seconds.append(_measured(way))
        after = _measured(bare)
        for way in together:
            way.bare.append(Seconds((before.cpu + after.cpu) / 2, (before.wall + after.wall) / 2))
        before = after


def _measured(way: Way) -> Seconds:
    """Go once, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        cpu, wall = time.process_time(), time.perf_counter()
        way.go(Path(folder))
        seconds = Seconds(time.process_time() - cpu, time.perf_counter() - wall)
        responses = Path(folder) / RESPONSES
        way.stored = responses.stat().st_size if responses.exists() else 0
    return seconds


def _order(ways: Sequence[Way], number: int) -> list[Way]:
    """Begin elsewhere in every round, and go backwards in every other."""
    start = number * 5 % len(ways)
    turned = [*ways[start:], *ways[:start]]
    return turned if number % 2 == 0 else turned[::-1]


def _ways(model: nn.Module, inputs: xr.Dataset, batch: int) -> list[Way]:
    """Prepare what is compared, and run all of it on a batch: to warm up, and to see which values are right."""
    first = next(images for _, images in batches(inputs, batch, CPU))
    sites = peers.taps(model, first)
    bare = partial(_all, torch.inference_mode()(lambda images: model(images)), inputs, batch)
    ways = [Way("bare", "keeps nothing", bare, {})]
    prepared = partial(recording.prepare, model, inputs=inputs, batch_size=batch, device=CPU)
    channels = prepared(CHANNELS, reductions=["mean"])
    positions = prepared(POSITIONS, reductions=["position"])
    stored = prepared(POSITIONS, reductions=["position"], keep=["position"])
    about = _right(_means(model, inputs.isel(stimulus=slice(batch))), sites, model, first)
    ways += [
        Way("channel units", "means, moments; in memory", partial(_in_memory, channels), about),
        Way("channel units, files", "means, moments; NetCDF", partial(_in_files, channels), about),
        Way("position moments", "moments; in memory", partial(_in_memory, positions), _layers(positions)),
        Way("position moments, files", "moments; NetCDF", partial(_in_files, positions), _layers(positions)),
        Way("full store", "every value, moments; NetCDF", partial(_in_files, stored), _layers(stored)),
    ]
    for one in (channels, positions, stored):
        recording.try_out(one)
    for peer in peers.PEERS:
        step = torch.inference_mode()(peer.make(model, sites))
        about = _right(step(first), sites, model, first)
        ways.append(Way(peer.name, peer.does, partial(_all, step, inputs, batch), about))
    return ways


def _all(step: Callable[[torch.Tensor], object], inputs: xr.Dataset, batch: int, folder: Path) -> None:
    for _, images in batches(inputs, batch, CPU):
        step(images)


def _in_memory(prepared: recording.Recording, folder: Path) -> None:
    course, book = prepared.course, prepared.book
    sink = Memory(len(course.order), len(book.kept), len(course.counts), book.table.sizes["unit"])
    run(prepared, range(course.blocks), sink)


def _in_files(prepared: recording.Recording, folder: Path) -> None:
    recording.record_to(prepared, folder / RESPONSES, folder / "moments.nc", made.stamp)


def _means(model: nn.Module, inputs: xr.Dataset) -> peers.Values:
    """Record channel means, by site."""
    prepared = recording.prepare(model, CHANNELS, inputs, ["mean"], inputs.sizes["stimulus"], CPU)
    sink = Memory(inputs.sizes["stimulus"], len(prepared.book.kept), 1, prepared.book.table.sizes["unit"])
    run(prepared, range(1), sink)
    places = prepared.book.columns.items()
    return {site: torch.from_numpy(sink.activation[:, columns[0].buffer]) for site, columns in places}


def _right(values: peers.Values, sites: Sequence[Site], model: nn.Module, images: torch.Tensor) -> Row:
    return {"layers": len(values), "right": f"{peers.right(values, model, images)} of {len(sites)}"}


def _layers(prepared: recording.Recording) -> Row:
    return {"layers": len(prepared.book.columns), "units": prepared.book.table.sizes["unit"]}


def _row(network: str, way: Way, stimuli: int) -> Row:
    pairs = list(zip(way.seconds, way.bare, strict=True))
    wall = statistics.median(one.wall for one in way.seconds)
    return {
        "network": network,
        "way": way.name,
        "does": way.does,
        **{key: way.about.get(key, "") for key in ("layers", "units", "right")},
        **spread("cpu_ratio", [one.cpu / bare.cpu for one, bare in pairs]),
        "more_cpu_s": statistics.median(one.cpu - bare.cpu for one, bare in pairs),
        "wall_ratio": statistics.median(one.wall / bare.wall for one, bare in pairs),
        "stimuli_per_s": stimuli / wall,
        **({"stored_MB": way.stored / 1e6, "stored_MB_per_s": way.stored / 1e6 / wall} if way.stored else {}),
    }
