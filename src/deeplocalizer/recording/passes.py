"""The forward passes of a recording.

Recording        what is recorded: a network, its units, the stimuli and their course
run              record some blocks into a sink
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from torch import nn

from deeplocalizer import allocation
from deeplocalizer.course import Course
from deeplocalizer.hooks import Place, Site, visiting
from deeplocalizer.models.feeding import feed
from deeplocalizer.moments.tree import Node
from deeplocalizer.progress import Progress
from deeplocalizer.recording.columns import Book
from deeplocalizer.recording.crossing import Crossing
from deeplocalizer.recording.journal import Pending
from deeplocalizer.recording.recorder import Collector, Recorder, home
from deeplocalizer.recording.reduce import reduce
from deeplocalizer.recording.sinks import Sink, Slot
from deeplocalizer.recording.trees import Trees
from deeplocalizer.recording.ways import steered
from deeplocalizer.recording.writer import Writer

EVERY = 20.0  # seconds between two entries in the journal, at least
SHARE = 20  # an entry may cost one part in so many of the time


@dataclass(frozen=True, eq=False)
class Recording:
    """What is recorded.

    Parameters
    ----------
    model : Module
        In evaluation mode, on the device.
    places : dict of Module or Operation
    book : Book
    inputs : Dataset
        As `inputs.prepare` makes it; the pixels may be lazy.
    course : Course
    device : device
    ways : tuple of str
        How it is run faster; see `ways.WAYS`.
    deviation : float
        How far that takes the responses from what they are, as `faster.deviation` says it.
    """

    model: nn.Module
    places: dict[str, Place]
    book: Book
    inputs: xr.Dataset
    course: Course
    device: torch.device
    ways: tuple[str, ...] = ()
    deviation: float = 0.0


class _NotFiniteError(ValueError):
    """The responses to a block are not finite."""

    def __init__(self, block: int) -> None:
        super().__init__(f"block {block}")
        self.block = block


def run(
    recording: Recording,
    blocks: range,
    sink: Sink,
    pending: Pending | None = None,
    remember: Callable[[int, Pending], None] | None = None,
    begun: int | None = None,
) -> None:
    """Record some blocks into a sink.

    Parameters
    ----------
    recording : Recording
    blocks : range
        Its stop is that of the whole job, its start where the job goes on.
    sink : Sink
        Used from one thread beside this one.
    pending : mapping, optional
        The moments that were pending when the job was interrupted.
    remember : callable, optional
        Called now and then, from that thread, with the next block and what is pending then.
    begun : int, optional
        The first block of the whole job; where it goes on, by default.

    Raises
    ------
    ValueError
        If an output is not finite, naming layer and stimulus, or the sites change from one pass to the next.
    """
    course, book = recording.course, recording.book
    begun = blocks.start if begun is None else begun
    row = course.block(begun).start
    recorder = Recorder(book, min(course.batch_size, len(course.order)), recording.device)
    collector = Collector(book) if "compile" in recording.ways else None
    trees = Trees(course, blocks, _placed(pending or {}, home(recording.device)))
    clock = _Clock(remember)
    feeding = feed(recording.inputs, (course.order[course.block(index)] for index in blocks), recording.device)
    progress = Progress(course.block(blocks.stop - 1).stop - row, start=course.block(blocks.start).start - row)
    try:
        with (
            allocation.kept(),
            torch.inference_mode(),
            visiting(recording.places, collector or recorder, book.turned) as restart,
            steered(recording.model, recording.ways, recording.device, course.batch_size) as network,
            Writer() as writer,
            contextlib.closing(feeding),
            progress,
        ):
            for index, images in zip(blocks, feeding, strict=True):
                runs = course.runs(index)
                restart()
                recorder.begin(runs)
                network(images)
                if collector is not None:
                    recorder.take(collector)
                nodes = recorder.end()
                responses = recorder.responses().clone() if len(book.kept) else None
                finished = trees.add(index, runs, nodes)
                results = _Results(index, nodes, responses, finished, Crossing(recording.device))
                writer.submit(results.put_into(sink, course.block(index).start))
                if clock.due() and index + 1 < blocks.stop:
                    writer.submit(clock.entry(index + 1, trees.pending))
                progress.advance(len(images))
    except _NotFiniteError as error:
        _blame(recording, error.block)
        raise


def _placed(pending: Pending, device: torch.device) -> Pending:
    """Bring what was pending to where it goes on merging."""

    def tensor(values: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(values).to(device)

    return {
        cell: {place: Node(node.count, tensor(node.mean), tensor(node.m2)) for place, node in nodes.items()}
        for cell, nodes in pending.items()
    }


class _Clock:
    """Say when the next entry in the journal is due: seldom enough that it costs little."""

    def __init__(self, remember: Callable[[int, Pending], None] | None) -> None:
        self._remember = remember
        self._next = time.monotonic() + EVERY
        self._waiting = False

    def due(self) -> bool:
        return self._remember is not None and not self._waiting and time.monotonic() >= self._next

    def entry(self, block: int, pending: Pending) -> Callable[[], None]:
        """Give the task that makes an entry."""
        self._waiting = True

        def task() -> None:
            start = time.monotonic()
            if self._remember is not None:
                self._remember(block, pending)
            end = time.monotonic()
            self._next, self._waiting = end + max(EVERY, SHARE * (end - start)), False

        return task


@dataclass(frozen=True, eq=False)
class _Results:
    """What a block gave, on the device."""

    block: int
    nodes: list[Node]
    responses: torch.Tensor | None
    finished: list[tuple[Slot, Node]]
    crossing: Crossing

    def put_into(self, sink: Sink, row: int) -> Callable[[], None]:
        """Give the task that brings it to the host and into the sink."""

        def task() -> None:
            with self.crossing.crossed():
                # a sum is finite if all its terms are: sums of float64 cannot overflow on responses of float32
                if not all(bool(torch.isfinite(node.mean.sum())) for node in self.nodes):
                    raise _NotFiniteError(self.block)
                if self.responses is not None:
                    sink.rows(row, self.responses.cpu().numpy())
                for slot, node in self.finished:
                    sink.node(slot, Node(node.count, node.mean.cpu().numpy(), node.m2.cpu().numpy()))

        return task


def _blame(recording: Recording, block: int) -> None:
    """Name the first stimulus of a block whose response is not finite, and the layer.

    Raises
    ------
    ValueError
    """
    positions = recording.course.order[recording.course.block(block)]
    wrong: list[tuple[int, str, float]] = []

    def visit(site: Site, output: torch.Tensor) -> None:
        for columns in recording.book.columns.get(site, ()):
            values = reduce(output, columns.reduction, site)
            for place in torch.nonzero(~torch.isfinite(values))[:1].tolist():
                wrong.append((place[0], site.name, float(values[place[0], place[1]])))

    images = next(feed(recording.inputs, [positions], recording.device))
    with torch.inference_mode(), visiting(recording.places, visit, recording.book.turned):
        recording.model(images)
    for row, layer, value in sorted(wrong, key=lambda one: one[0])[:1]:
        stimulus = str(recording.inputs["stimulus"].values[positions[row]])
        raise ValueError(f"layer {layer!r} gives {value} for stimulus {stimulus!r}") from None
    first, last = (str(recording.inputs["stimulus"].values[positions[end]]) for end in (0, -1))
    raise ValueError(
        f"some response to the stimuli {first!r} to {last!r} is not finite, but running them again it is: the device "
        "does not compute reliably"
    )
