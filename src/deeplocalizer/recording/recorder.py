"""The visitor that reads responses and takes their moments, while the network runs.

Recorder         responses and moments of one forward pass after another
home             the device that takes moments
Collector        responses only, for a network that is compiled with its hooks
"""

from __future__ import annotations

import numpy as np
import torch

from deeplocalizer import units
from deeplocalizer.course import Run
from deeplocalizer.hooks import Site
from deeplocalizer.leaf import leaf
from deeplocalizer.moments.tree import Node
from deeplocalizer.recording.columns import Book, Columns
from deeplocalizer.recording.reduce import reduce


def home(device: torch.device) -> torch.device:
    """Give the device that takes moments: Apple's knows no float64, and leaves them to the CPU."""
    return torch.device("cpu") if device.type == "mps" else device


class Recorder:
    """Read the responses and the moments of one forward pass after another.

    Parameters
    ----------
    book : Book
    batch_size : int
    device : device
        Where everything is reduced.

    Notes
    -----
    Position units are reduced to their moments inside the hook, while the output is at hand; the others are gathered in
    a buffer and reduced together after the pass.
    """

    def __init__(self, book: Book, batch_size: int, device: torch.device) -> None:
        self._book, self._home = book, home(device)
        self._buffer = torch.empty((batch_size, len(book.buffered)), dtype=torch.float32, device=device)
        channel = book.table["reduction"].values[book.buffered] != units.REDUCTIONS.index("position")
        self._channel = None if channel.all() else torch.from_numpy(np.flatnonzero(channel)).to(device)
        self._units = None if self._covers_all() else torch.from_numpy(book.buffered[channel]).to(self._home)
        places = np.searchsorted(book.buffered, book.kept)
        self._kept = None if len(places) == len(book.buffered) else torch.from_numpy(places).to(device)
        self._counts: dict[Site, int] = {}
        self._runs: list[Run] = []

    def begin(self, runs: list[Run]) -> None:
        """Prepare for a pass over the rows of some runs."""
        self._runs, self._counts = runs, {}
        total = self._book.table.sizes["unit"]
        self._mean, self._m2 = torch.empty((2, len(runs), total), dtype=torch.float64, device=self._home)

    def __call__(self, site: Site, output: torch.Tensor) -> None:
        """Reduce or copy an output at once: the next operation may overwrite it in place."""
        found = self._book.columns.get(site)
        if found is None:
            return
        self._counts[site] = len(output)
        if len(output) != self._rows:
            return  # `end` refuses it by name
        for columns in found:
            self._take(reduce(output, columns.reduction, site), columns)

    def take(self, collector: Collector) -> None:
        """Take what was collected in the place of visits."""
        for site, parts in collector.parts.items():
            self._counts[site] = len(parts[0])
            if len(parts[0]) == self._rows:
                for columns, values in zip(self._book.columns[site], parts, strict=True):
                    self._take(values, columns)
        collector.parts.clear()

    def end(self) -> list[Node]:
        """Give the moments of each run.

        Raises
        ------
        ValueError
            If a layer did not run as it did before, or gave other rows than stimuli.
        """
        self._refuse_other_sites()
        if len(self._book.buffered):
            rows = self._buffer[: self._rows]
            rows = (rows if self._channel is None else rows[:, self._channel]).to(self._home)
            for index, run in enumerate(self._runs):
                self._take_moments(rows[run.rows], index)
        return [
            Node(run.rows.stop - run.rows.start, mean, m2)
            for run, mean, m2 in zip(self._runs, self._mean, self._m2, strict=True)
        ]

    def responses(self) -> torch.Tensor:
        """Give the responses of the units that are kept, (stimulus, unit), float32, on the device; not a copy."""
        rows = self._buffer[: self._rows]
        return rows if self._kept is None else rows[:, self._kept]

    @property
    def _rows(self) -> int:
        return self._runs[-1].rows.stop

    def _covers_all(self) -> bool:
        return len(self._book.buffered) == self._book.table.sizes["unit"] and self._channel is None

    def _take(self, values: torch.Tensor, columns: Columns) -> None:
        if columns.buffer is not None:
            self._buffer[: self._rows, columns.buffer] = values
        if columns.reduction == "position":
            values = values.to(self._home)
            for index, run in enumerate(self._runs):
                leaf(values[run.rows], (self._mean[index, columns.units], self._m2[index, columns.units]))

    def _take_moments(self, rows: torch.Tensor, index: int) -> None:
        if self._units is None:
            leaf(rows, (self._mean[index], self._m2[index]))
        else:
            self._mean[index, self._units], self._m2[index, self._units] = leaf(rows)

    def _refuse_other_sites(self) -> None:
        if self._counts.keys() != self._book.columns.keys():
            odd = sorted(self._counts.keys() ^ self._book.columns.keys(), key=str)[0]
            raise ValueError(f"layer {odd.name!r} (call {odd.call}) is not called alike in every forward pass")
        for site, rows in self._counts.items():
            if rows != self._rows:
                raise ValueError(f"layer {site.name!r} gives {rows} rows for {self._rows} stimuli")


class Collector:
    """The visitor of a network that is compiled: it reduces, and does nothing that would have to be compiled too.

    Parameters
    ----------
    book : Book

    Attributes
    ----------
    parts : dict of list of Tensor (stimulus, unit)
        For each site the responses under each of its reductions, copies.
    """

    def __init__(self, book: Book) -> None:
        self._columns = book.columns
        self.parts: dict[Site, list[torch.Tensor]] = {}

    def __call__(self, site: Site, output: torch.Tensor) -> None:
        """Reduce and copy an output."""
        found = self._columns.get(site)
        if found is not None:
            self.parts[site] = [reduce(output, columns.reduction, site).clone() for columns in found]
