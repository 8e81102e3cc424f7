"""Where recorded responses and moments go.

Sink             what takes them
Memory           arrays
Files            artefacts that are written piece by piece
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from deeplocalizer.moments.tree import Node
from deeplocalizer.store import Stream

Slot = tuple[int, int, int]  # cell, level, index


class Sink(Protocol):
    """What takes responses and moments, from one thread."""

    def rows(self, start: int, values: np.ndarray) -> None:
        """Take the responses (stimulus, unit) of the stimuli from some row on."""

    def node(self, slot: Slot, node: Node) -> None:
        """Take moments that are as finished as they get here, as arrays on the host."""


class Memory:
    """Arrays.

    Parameters
    ----------
    stimuli, kept, cells, units : int
        How many there are.
    """

    def __init__(self, stimuli: int, kept: int, cells: int, units: int) -> None:
        self.activation = np.empty((stimuli, kept), dtype=np.float32)
        self.mean, self.m2 = np.zeros((2, cells, units))

    def rows(self, start: int, values: np.ndarray) -> None:
        """Take responses."""
        self.activation[start : start + len(values)] = values

    def node(self, slot: Slot, node: Node) -> None:
        """Take the moments of a whole cell."""
        self.mean[slot[0]], self.m2[slot[0]] = node.mean, node.m2


class Files:
    """Artefacts that are written piece by piece.

    Parameters
    ----------
    activations : Stream, optional
        With ``activation`` (stimulus, unit); None where no responses are kept.
    moments : Stream
        With ``mean`` and ``m2``, their last axis the units.
    first : int
        The row of the course that is the first of the file.
    places : mapping of int
        The row of the file that each slot has, over the leading axes of ``mean``.
    """

    def __init__(self, activations: Stream | None, moments: Stream, first: int, places: Mapping[Slot, int]) -> None:
        self._activations, self._moments, self._first, self._places = activations, moments, first, places

    def rows(self, start: int, values: np.ndarray) -> None:
        """Take responses."""
        if self._activations is not None:
            self._activations.write("activation", start - self._first, values)

    def node(self, slot: Slot, node: Node) -> None:
        """Take moments."""
        place = self._places[slot]
        self._moments.write("mean", place, node.mean[None])
        self._moments.write("m2", place, node.m2[None])

    def flush(self) -> None:
        """See to it that everything so far is on the disk."""
        for stream in (self._activations, self._moments):
            if stream is not None:
                stream.flush()
