"""Where the nodes of a directed graph without cycles stand when it is drawn in rows.

Layout           rows of nodes and of the bends of edges, and how far along its row each of them is
arrange          give every node a row, and a place in it, so that few edges cross

The rows are those of Coffman & Graham (1972), by the longest way and no longer than allowed; within them, sweeps that
sort by the mean place of the neighbours (Sugiyama, Tagawa & Toda, 1981) make edges cross less, and isotonic regression
puts every node as near to its neighbours as the room that nodes need allows. Nothing is random.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.optimize import isotonic_regression

from deeplocalizer.plots.topology import Edge, topological

SWEEPS = 24
SETTLED = 0.002  # inches that nothing moves any more
BEND = 0.09  # inches that an edge needs beside a node


@dataclass(frozen=True)
class Layout:
    """Rows of nodes and bends.

    Parameters
    ----------
    rows : tuple of tuple of int
        From the first row to the last, what stands in it, in order: nodes by their number, then bends.
    place : ndarray of float (node or bend,)
        Middle of each along its row, in inches; the smallest edge of all is at 0.
    size : ndarray of float (node or bend,)
        What each takes of its row.
    ways : dict of edge to tuple of int
        Source, bends and target of every edge: one in every row from the source's to the target's.
    """

    rows: tuple[tuple[int, ...], ...]
    place: np.ndarray
    size: np.ndarray
    ways: dict[Edge, tuple[int, ...]]

    def extent(self, rows: Sequence[int]) -> tuple[float, float]:
        """Find the ends of what some rows hold."""
        held = [one for row in rows for one in self.rows[row]]
        return float((self.place - self.size / 2)[held].min()), float((self.place + self.size / 2)[held].max())


def arrange(sizes: Sequence[float], edges: Sequence[Edge], gap: float, most: float) -> Layout:
    """Give every node a row and a place in it.

    Parameters
    ----------
    sizes : sequence of float
        What each node takes of its row, in inches.
    edges : sequence of (int, int)
        From node to node.
    gap : float
        Between neighbours in a row.
    most : float
        Length of a row above which nodes go to the next, bends left aside.

    Raises
    ------
    ValueError
        If edges go round in a circle.
    """
    row_of = _rows(sizes, edges, gap, most)
    size, rows = list(sizes), [[] for _ in range(max(row_of, default=-1) + 1)]  # type: list[float], list[list[int]]
    for node, row in enumerate(row_of):
        rows[row].append(node)
    ways = {}
    for source, target in sorted(set(edges)):
        between = range(row_of[source] + 1, row_of[target])
        bends = range(len(size), len(size) + len(between))
        for bend, row in zip(bends, between, strict=True):
            rows[row].append(bend)
            size.append(BEND)
        ways[source, target] = (source, *bends, target)
    steps = [step for way in ways.values() for step in pairwise(way)]
    above, below = _neighbours(len(size), steps)
    ordered = _untangled(rows, above, below)
    taken = np.array(size, dtype=float)
    return Layout(tuple(map(tuple, ordered)), _places(ordered, taken, above, below, gap, len(sizes)), taken, ways)


def _rows(sizes: Sequence[float], edges: Sequence[Edge], gap: float, most: float) -> list[int]:
    """Put every node into the first row below all its sources that has room, the longest way ahead first."""
    order, ahead = topological(len(sizes), edges), np.zeros(len(sizes), dtype=int)
    sources: list[list[int]] = [[] for _ in sizes]
    for source, target in set(edges):
        sources[target].append(source)
    for node in reversed(order):
        for source in sources[node]:
            ahead[source] = max(ahead[source], ahead[node] + 1)
    row_of, row, left = [-1] * len(sizes), 0, set(order)
    while left:
        ready = [node for node in left if all(0 <= row_of[one] < row for one in sources[node])]
        taken = 0.0
        for node in sorted(ready, key=lambda one: (-ahead[one], one)):
            if taken and taken + gap + sizes[node] > most:
                break
            taken += sizes[node] + (gap if taken else 0)
            row_of[node] = row
        left = {node for node in left if row_of[node] < 0}
        row += 1
    return row_of


def _neighbours(number: int, steps: Sequence[Edge]) -> tuple[list[list[int]], list[list[int]]]:
    """List what every node or bend is connected with in the row above, and in the row below."""
    above: list[list[int]] = [[] for _ in range(number)]
    below: list[list[int]] = [[] for _ in range(number)]
    for source, target in steps:
        below[source].append(target)
        above[target].append(source)
    return above, below


def _untangled(rows: Sequence[list[int]], above: list[list[int]], below: list[list[int]]) -> list[list[int]]:
    """Sort rows by the mean place of neighbours, down and up again, and keep the order with the fewest crossings."""
    now = [list(row) for row in rows]
    best, fewest = now, _crossings(now, below)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        down = sweep % 2 == 0
        now = [list(row) for row in now]
        for index in range(1, len(now)) if down else range(len(now) - 2, -1, -1):
            # a share of its row, so that long and short rows compare
            fixed = now[index - 1 if down else index + 1]
            share = {one: (rank + 0.5) / len(fixed) for rank, one in enumerate(fixed)}
            own = {one: (rank + 0.5) / len(now[index]) for rank, one in enumerate(now[index])}
            beside = above if down else below
            wanted = {one: _mean([share[other] for other in beside[one]], own[one]) for one in now[index]}
            now[index].sort(key=lambda one, wanted=wanted: wanted[one])  # type: ignore[misc]
        number = _crossings(now, below)
        if number < fewest:
            best, fewest = now, number
    return best


def _crossings(rows: Sequence[Sequence[int]], below: list[list[int]]) -> int:
    """Count the pairs of edges that cross between neighbouring rows."""
    total = 0
    for upper, lower in pairwise(rows):
        rank = {one: index for index, one in enumerate(lower)}
        ends = np.array([end for one in upper for end in sorted(rank[other] for other in below[one])])
        # edges of one source end in order, so whatever is out of order crosses
        total += int(sum((ends[:index] > end).sum() for index, end in enumerate(ends)))
    return total


def _places(
    rows: Sequence[Sequence[int]],
    size: np.ndarray,
    above: list[list[int]],
    below: list[list[int]],
    gap: float,
    nodes: int,
) -> np.ndarray:
    """Put everything as near to its neighbours as may be: least squares, given the order and the room between."""
    place = np.zeros(len(size))
    apart = [_apart(row, size, gap, nodes) for row in rows]
    for row, offset in zip(rows, apart, strict=True):
        place[list(row)] = offset - offset[-1] / 2
    near = [np.array(above[one] + below[one], dtype=int) for one in range(len(size))]
    # the bends of an edge keep it straight
    pull = [np.where((one >= nodes) & (near[one] >= nodes), 8.0, 1.0) for one in range(len(size))]
    weight = np.array([max(each.sum(), 0.1) for each in pull])
    for sweep in range(4 * SWEEPS):
        before = place.copy()
        for index in range(len(rows)) if sweep % 2 == 0 else range(len(rows) - 1, -1, -1):
            row = list(rows[index])
            wanted = np.array(
                [pull[one] @ place[near[one]] / weight[one] if len(near[one]) else place[one] for one in row]
            )
            if len(row) > 1:
                wanted = isotonic_regression(wanted - apart[index], weights=weight[row]).x + apart[index]
            place[row] = wanted
        if np.abs(place - before).max() < SETTLED:
            break
    return np.round(place - (place - size / 2).min(initial=np.inf), 4) if len(size) else place


def _apart(row: Sequence[int], size: np.ndarray, gap: float, nodes: int) -> np.ndarray:
    """Find how far from the first the middle of everything in a row is at least; bends stand close to each other."""
    offset = np.zeros(len(row))
    for index, (one, other) in enumerate(pairwise(row)):
        between = gap if one < nodes and other < nodes else gap / 4
        offset[index + 1] = offset[index] + (size[one] + size[other]) / 2 + between
    return offset


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
