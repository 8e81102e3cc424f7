"""The course of a recording: which stimuli are run in which block, and which blocks belong to which cell.

Run              the stimuli of one cell within a block
Course           the stimuli in the order of their cells, cut into blocks at absolute positions

A cell is one combination of category, split and fold. As the stimuli are sorted by cell, only one cell's moments are
unfinished at a time, and a shard is a range of blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import xarray as xr


class Run(NamedTuple):
    """The stimuli of one cell within a block: neighbouring rows of it."""

    cell: int
    rows: slice


@dataclass(frozen=True, eq=False)
class Course:
    """The stimuli in the order in which they are recorded.

    Parameters
    ----------
    order : ndarray (row,), int64
        The position of each stimulus among the inputs, sorted by cell; stimuli of one cell keep their order.
    cell : ndarray (row,), int64
        The cell of each stimulus, in that order: ``(category * splits + split) * folds + fold``.
    categories, splits : tuple of str
        Sorted; those that have stimuli.
    folds : int
        The largest fold and one.
    batch_size : int
        Number of stimuli of a block.
    """

    order: np.ndarray
    cell: np.ndarray
    categories: tuple[str, ...]
    splits: tuple[str, ...]
    folds: int
    batch_size: int

    @classmethod
    def of(cls, inputs: xr.Dataset, batch_size: int, splits: Sequence[str] | None = None) -> Course:
        """Plan the recording of inputs.

        Parameters
        ----------
        inputs : Dataset
            With the coordinates category, split and fold on ``stimulus``.
        batch_size : int
        splits : sequence of str, optional
            The splits to record; all by default.

        Raises
        ------
        ValueError
            If there are no stimuli, or none in these splits (naming those that have stimuli), if a fold is negative,
            or the batch size is no positive number.
        """
        if batch_size < 1:
            raise ValueError(f"the batch size is {batch_size}; expected 1 or more")
        category, split = (inputs[name].values.astype(str) for name in ("category", "split"))
        fold = inputs["fold"].values.astype(np.int64)
        chosen = _chosen(split, splits)
        if fold[chosen].min() < 0:
            first = chosen[fold[chosen] < 0][0]
            raise ValueError(f"the stimulus at {first} is of fold {fold[first]}; expected 0 or more")
        categories, category_code = np.unique(category[chosen], return_inverse=True)
        split_names, split_code = np.unique(split[chosen], return_inverse=True)
        folds = int(fold[chosen].max()) + 1
        cell = (category_code * len(split_names) + split_code) * folds + fold[chosen]
        order = np.argsort(cell, kind="stable")
        ordered = cell[order].astype(np.int64)
        return cls(chosen[order], ordered, tuple(categories.tolist()), tuple(split_names.tolist()), folds, batch_size)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Numbers of categories, splits and folds: cells number them in C order."""
        return len(self.categories), len(self.splits), self.folds

    @property
    def counts(self) -> np.ndarray:
        """Number of stimuli of every cell (cell,), int64; a cell may have none."""
        return np.bincount(self.cell, minlength=int(np.prod(self.shape)))

    @property
    def blocks(self) -> int:
        """Number of blocks."""
        return -(-len(self.order) // self.batch_size)

    def block(self, index: int) -> slice:
        """Give the rows of a block: places in the order, not among the inputs.

        Raises
        ------
        IndexError
            If there is no such block.
        """
        if not 0 <= index < self.blocks:
            raise IndexError(f"there is no block {index}; there are {self.blocks}, the first of them 0")
        start = index * self.batch_size
        return slice(start, min(start + self.batch_size, len(self.order)))

    def runs(self, index: int) -> list[Run]:
        """Give the cells of a block, each with its rows within the block.

        Raises
        ------
        IndexError
            If there is no such block.
        """
        cells, starts, counts = np.unique(self.cell[self.block(index)], return_index=True, return_counts=True)
        found = zip(cells.tolist(), starts.tolist(), counts.tolist(), strict=True)
        return [Run(cell, slice(start, start + count)) for cell, start, count in found]

    def span(self, cell: int) -> tuple[int, int]:
        """Give the blocks that a cell lies in: the first, and the one after the last.

        Raises
        ------
        ValueError
            If the cell has no stimuli, naming it.
        """
        first, stop = (int(np.searchsorted(self.cell, cell, side)) for side in ("left", "right"))
        if first == stop:
            raise ValueError(f"{self.name(cell)} has no stimuli")
        return first // self.batch_size, (stop - 1) // self.batch_size + 1

    def name(self, cell: int) -> str:
        """Name a cell for a message.

        Raises
        ------
        IndexError
            If there is no such cell.
        """
        if not 0 <= cell < np.prod(self.shape):
            raise IndexError(f"there is no cell {cell}; there are {np.prod(self.shape)}, the first of them 0")
        category, split, fold = np.unravel_index(cell, self.shape)
        return f"category {self.categories[category]!r}, split {self.splits[split]!r}, fold {fold}"

    def shard(self, index: int, shards: int) -> range:
        """Give the blocks of a shard: neighbours, and as many as the other shards have, or one more or less.

        Parameters
        ----------
        index : int
            From 0.
        shards : int
            How many shards there are.

        Raises
        ------
        ValueError
            If there are more shards than blocks.
        IndexError
            If there is no such shard.
        """
        if not 1 <= shards <= self.blocks:
            raise ValueError(
                f"{len(self.order)} stimuli in batches of {self.batch_size} are {self.blocks} blocks, which cannot be "
                f"scattered over {shards} shards; expected 1 to {self.blocks} shards, or a smaller batch_size"
            )
        if not 0 <= index < shards:
            raise IndexError(f"there is no shard {index}; there are {shards}, the first of them 0")
        return range(index * self.blocks // shards, (index + 1) * self.blocks // shards)


def _chosen(split: np.ndarray, splits: Sequence[str] | None) -> np.ndarray:
    """Give the positions of the stimuli of some splits."""
    if len(split) == 0:
        raise ValueError("there are no stimuli to record")
    if splits is None:
        return np.arange(len(split))
    chosen = np.flatnonzero(np.isin(split, list(splits)))
    if len(chosen) == 0:
        there = ", ".join(sorted(set(split.tolist())))
        raise ValueError(f"no stimulus is in the splits {', '.join(splits)} that are to be recorded; there are {there}")
    return chosen
