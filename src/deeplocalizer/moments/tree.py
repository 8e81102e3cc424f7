"""Moments of one cell, merged along a binary tree over absolute block numbers.

Node             count, mean and m2 of the stimuli of some blocks
merged           the moments of two nodes taken together
leaf             the moments of one block, in NumPy
Tree             the nodes of one cell; they merge as soon as their siblings are there
pending          the nodes that are left when only some blocks were run

Sums of floating-point numbers depend on their order. The tree fixes the order by the numbers of the blocks alone, so
the total is bitwise the same however the blocks are scattered over shards, and in whatever order these come back.

A place is a level and an index: (level, index) holds the blocks from ``index << level`` up to ``(index + 1) << level``,
as far as they belong to the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

Values: TypeAlias = Any  # (unit,), float64: an array of NumPy or a tensor of PyTorch, on any device
Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Node:
    """Count, mean and sum of squared deviations of every unit over some stimuli of one cell.

    Parameters
    ----------
    count : int
        1 or more.
    mean, m2 : ndarray or Tensor (unit,), float64
        Never changed by this room.
    """

    count: int
    mean: Values
    m2: Values


def merged(first: Node, second: Node) -> Node:
    """Take the stimuli of two nodes together.

    Parameters
    ----------
    first, second : Node
        Of the same units. Not changed.

    Notes
    -----
    The update of Chan, Golub & LeVeque (1983, The American Statistician 37:242-247). One operation after another on
    the elements, so that NumPy and PyTorch, on any device, give the same bits. A mean infinite in both gives NaN.
    """
    count = first.count + second.count
    weight = second.count / count
    with np.errstate(invalid="ignore", over="ignore"):  # such values come through, for the caller to find
        delta = second.mean - first.mean
        square = delta * delta
        square *= first.count * weight
        m2 = first.m2 + second.m2
        m2 += square
        delta *= weight
        delta += first.mean
    return Node(count, delta, m2)


def leaf(values: np.ndarray) -> Node:
    """Compute the moments of one block of stimuli in float64, in two passes.

    Parameters
    ----------
    values : ndarray (stimulus, unit)
        One row or more.

    Raises
    ------
    ValueError
        If there are no rows.
    """
    if values.ndim != 2 or len(values) == 0:
        raise ValueError(f"the values have the shape {values.shape}; expected (stimulus, unit), one row or more")
    exact = values.astype(np.float64)
    mean = exact.mean(axis=0)
    return Node(len(values), mean, np.square(exact - mean).sum(axis=0))


class Tree:
    """The moments of one cell, that lies in the blocks from ``first`` up to ``stop``.

    Nodes merge with their siblings at once: of n blocks in a row, no more than 2 log₂ n nodes are held. A node whose
    sibling lies wholly outside the cell takes the place above as it is.
    """

    def __init__(self, first: int, stop: int) -> None:
        if not 0 <= first < stop:
            raise ValueError(f"a cell cannot lie in the blocks from {first} up to {stop}")
        self.first, self.stop = first, stop
        self._nodes: dict[Place, Node] = {}

    @property
    def nodes(self) -> dict[Place, Node]:
        """The nodes whose siblings are not there yet, in the order of their blocks."""
        return dict(sorted(self._nodes.items(), key=lambda item: _range(item[0], self.first, self.stop)))

    def add(self, block: int, node: Node) -> None:
        """Add the moments of one block.

        Raises
        ------
        ValueError
            If the block does not belong to the cell or was there already.
        """
        self.put(0, block, node)

    def put(self, level: int, index: int, node: Node) -> None:
        """Add the moments of all the cell's blocks at a place, such as a shard has left.

        Raises
        ------
        ValueError
            If the cell has no blocks at this place, some of them were there already, or the units are others.
        """
        place = (level, index)
        start, end = _range(place, self.first, self.stop)
        if start >= end or level > self._root[0]:
            lies = _named(self.first, self.stop)
            raise ValueError(f"node {index} of level {level} does not belong to the cell, which lies in {lies}")
        for held, other in self._nodes.items():
            held_start, held_end = _range(held, self.first, self.stop)
            if start < held_end and held_start < end:
                again = _named(max(start, held_start), min(end, held_end))
                raise ValueError(f"the moments of {again} were there already")
            if other.mean.shape != node.mean.shape:
                shapes = f"{tuple(node.mean.shape)} and {tuple(other.mean.shape)}"
                raise ValueError(f"{_named(start, end)}: the units are others than those before, of shapes {shapes}")
        while place != self._root:
            level, index = place
            sibling = (level, index ^ 1)
            if sibling in self._nodes:
                pair = (self._nodes.pop(sibling), node)
                node = merged(*(pair if index % 2 else pair[::-1]))
            elif not _is_empty(sibling, self.first, self.stop):
                break  # an empty one is passed by: the node is all of its parent
            place = (level + 1, index // 2)
        self._nodes[place] = node

    def total(self) -> Node:
        """Give the moments of the whole cell.

        Raises
        ------
        ValueError
            If blocks are missing, naming them.
        """
        if self._root in self._nodes:
            return self._nodes[self._root]
        missing, reached = [], self.first
        for place in self.nodes:
            start, end = _range(place, self.first, self.stop)
            if start > reached:
                missing.append(_named(reached, start))
            reached = end
        if reached < self.stop:
            missing.append(_named(reached, self.stop))
        raise ValueError(f"the moments of {', '.join(missing)} are missing")

    @property
    def _root(self) -> Place:
        return _root(self.first, self.stop)


def pending(first: int, stop: int, start: int, end: int) -> list[Place]:
    """Tell which nodes of a cell are left when only some blocks were run.

    Parameters
    ----------
    first, stop : int
        The cell lies in the blocks from ``first`` up to ``stop``.
    start, end : int
        The blocks from ``start`` up to ``end`` were run.

    Returns
    -------
    list of (level, index)
        What `Tree.nodes` holds then, in the order of their blocks; none if the cell has no block among them.
    """
    found = []
    places = [_root(first, stop)]
    while places:
        level, index = place = places.pop()
        low, high = _range(place, first, stop)
        if max(low, start) >= min(high, end):
            continue  # nothing of it was run
        if start <= low and high <= end:
            found.append(place)
        else:
            places += [(level - 1, 2 * index + 1), (level - 1, 2 * index)]
    return found


def _root(first: int, stop: int) -> Place:
    """Give the lowest place that holds all blocks of a cell."""
    level = (first ^ (stop - 1)).bit_length()
    return level, first >> level


def _range(place: Place, first: int, stop: int) -> tuple[int, int]:
    """Give the blocks of a cell at a place; the end is not above the start if there are none."""
    level, index = place
    return max(index << level, first), min((index + 1) << level, stop)


def _is_empty(place: Place, first: int, stop: int) -> bool:
    start, end = _range(place, first, stop)
    return start >= end


def _named(start: int, end: int) -> str:
    return f"block {start}" if end == start + 1 else f"blocks {start} to {end - 1}"
