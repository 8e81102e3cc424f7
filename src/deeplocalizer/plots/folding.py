"""Where boxes and arrows of a layered graph lie on the page.

Spot             middle and size of a box
Placed           boxes and arrows on a page of some width and height
sideways         rows side by side, from the left to the right, if they fit
downwards        rows from the top to the bottom, in one column or several

All lengths are in inches, x to the right and y downwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from deeplocalizer.plots import layering
from deeplocalizer.plots.layering import Layout
from deeplocalizer.plots.lines import Line, Way
from deeplocalizer.plots.topology import Edge

LANE = 0.07  # between arrows that go on in the next column
MOST_COLUMNS = 5
GUTTER = 0.22  # between columns, arrows left aside


@dataclass(frozen=True)
class Spot:
    """Middle and size of a box."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Placed:
    """Boxes by their number, arrows by their ends, and the size of it all."""

    spots: list[Spot]
    ways: dict[Edge, Way]
    width: float
    height: float


def sideways(
    widths: np.ndarray, heights: np.ndarray, edges: Sequence[Edge], step: float, room: float, most: float
) -> Placed | None:
    """Put rows side by side, from the left to the right.

    Parameters
    ----------
    widths, heights : ndarray (box,)
    edges : sequence of (int, int)
    step : float
        Between rows, for the arrows.
    room : float
        Between boxes of a row.
    most : float
        Width of the page.

    Returns
    -------
    Placed or None
        None if the page is not wide enough.
    """
    layout = layering.arrange(heights.tolist(), edges, room, np.inf)
    starts, ends = _levels(layout, widths, 1.5 * step)
    if ends[-1] > most:
        return None
    number = len(widths)
    middles = (starts + ends) / 2
    row_of = {node: row for row, held in enumerate(layout.rows) for node in held if node < number}
    spots = [
        Spot(float(middles[row_of[node]]), float(layout.place[node]), float(widths[node]), float(heights[node]))
        for node in range(number)
    ]
    ways = {}
    for edge, way in layout.ways.items():
        source, target = (spots[end] for end in edge)
        line = Line(source.x + source.width / 2, source.y, sideways=True)
        line.straight(float(ends[row_of[edge[0]]]), source.y)
        for bend in way[1:-1]:
            row = next(row for row, held in enumerate(layout.rows) if bend in held)
            line.curve(float(starts[row]), float(layout.place[bend]))
            line.straight(float(ends[row]), float(layout.place[bend]))
        line.curve(float(starts[row_of[edge[1]]]), target.y)
        line.straight(target.x - target.width / 2, target.y)
        ways[edge] = Way(line.points, line.codes, (1, 0))
    _, height = layout.extent(range(len(layout.rows)))
    return Placed(spots, ways, float(ends[-1]), height)


def downwards(
    widths: np.ndarray,
    heights: np.ndarray,
    edges: Sequence[Edge],
    step: float,
    room: float,
    most: float,
    tallest: float,
) -> Placed:
    """Put rows below each other, in as few columns as are not too tall, as far as the page is wide enough for them.

    Parameters
    ----------
    widths, heights, edges, step, room, most
        As `sideways` takes them.
    tallest : float
        Height of a column above which there are more, where the page has room.
    """
    best: Placed | None = None
    for number in range(1, MOST_COLUMNS + 1):
        share = (most + GUTTER) / number - GUTTER
        if share < max(widths) and number > 1:
            break
        layout = layering.arrange(widths.tolist(), edges, room, share)
        starts, ends = _levels(layout, heights, step)
        placed = _stacked(layout, _columns(layout, ends, number), widths, heights, starts, ends)
        if best is None or (placed.width <= most and placed.height < best.height):
            best = placed
        if best.height <= tallest:
            break
    assert best is not None
    return best


class _Column:
    """Rows that stand below each other, and what goes on from them in the next column."""

    def __init__(self, first: int, last: int, layout: Layout) -> None:
        self.first, self.last = first, last
        self.low, self.high = layout.extent(range(first, last))
        self.width = self.high - self.low
        rows = {one: row for row, held in enumerate(layout.rows) for one in held}
        steps = [(one, other) for way in layout.ways.values() for one, other in pairwise(way) if rows[one] == last - 1]
        self.onward = sorted(steps, key=lambda each: (layout.place[each[0]], layout.place[each[1]]))

    @property
    def gutter(self) -> float:
        """Room at the right for the arrows that go on."""
        return GUTTER + LANE * len(self.onward)


def _columns(layout: Layout, ends: np.ndarray, number: int) -> list[_Column]:
    """Cut rows into columns of about one height, where few arrows cross the cut."""
    crossing = np.zeros(len(layout.rows))
    rows = {one: row for row, held in enumerate(layout.rows) for one in held}
    for way in layout.ways.values():
        for one in way[:-1]:
            crossing[rows[one]] += 1
    cuts = [0]
    for index in range(1, number):
        ideal = ends[-1] * index / number
        near = [row for row in range(cuts[-1] + 1, len(ends)) if abs(ends[row - 1] - ideal) <= 0.12 * ends[-1] / number]
        near = near or [int(np.clip(np.searchsorted(ends, ideal), cuts[-1] + 1, len(ends) - 1))]
        cuts.append(min(near, key=lambda row: (crossing[row - 1], abs(ends[row - 1] - ideal))))
    return [
        _Column(first, last, layout) for first, last in zip(cuts, [*cuts[1:], len(ends)], strict=True) if first < last
    ]


def _stacked(
    layout: Layout,
    columns: Sequence[_Column],
    widths: np.ndarray,
    heights: np.ndarray,
    starts: np.ndarray,
    ends: np.ndarray,
) -> Placed:
    """Put the columns side by side and lead the arrows through and between them."""
    number, place = len(widths), layout.place.copy()
    top, bottom = np.zeros(len(place)), np.zeros(len(place))
    # lanes that lead to a column run above it
    above = max((LANE * len(one.onward) + 0.12 for one in columns[:-1]), default=0.0)
    left = 0.0
    for one in columns:
        for row in range(one.first, one.last):
            held = list(layout.rows[row])
            place[held] += left - one.low
            top[held] = starts[row] - starts[one.first] + above
            bottom[held] = ends[row] - starts[one.first] + above
        left += one.width + one.gutter
    spots = [
        Spot(float(place[node]), float((top[node] + bottom[node]) / 2), float(widths[node]), float(heights[node]))
        for node in range(number)
    ]
    lanes = _lanes(layout, columns, bottom, above)
    ways = {}
    for edge, way in layout.ways.items():
        source, target = (spots[end] for end in edge)
        line = Line(source.x, source.y + source.height / 2)
        line.straight(source.x, float(bottom[edge[0]]))
        for before, other in pairwise(way):
            x = float(place[other])
            y = float(top[other])
            if (before, other) in lanes:
                line.around(*lanes[before, other], x, y)
            else:
                line.curve(x, y)
            line.straight(x, target.y - target.height / 2 if other == edge[1] else float(bottom[other]))
        ways[edge] = Way(line.points, line.codes, (0, 1))
    deepest = max([float(bottom.max()), *(low for low, _, _ in lanes.values())])
    return Placed(spots, ways, left - columns[-1].gutter, deepest)


def _lanes(
    layout: Layout, columns: Sequence[_Column], bottom: np.ndarray, above: float
) -> dict[Edge, tuple[float, float, float]]:
    """Find how arrows go on in the next column: how low they run, where they go up, and how high they run, nested."""
    lanes, left = {}, 0.0
    for column in columns[:-1]:
        left += column.width
        floor = float(bottom[list(layout.rows[column.last - 1])].max())
        for index, step in enumerate(column.onward):
            inner = len(column.onward) - index
            lane = left + GUTTER / 2 + LANE * (inner - 0.5)
            lanes[step] = (floor + 0.06 + LANE * inner, lane, above - 0.1 - LANE * inner)
        left += column.gutter
    return lanes


def _levels(layout: Layout, thick: np.ndarray, step: float) -> tuple[np.ndarray, np.ndarray]:
    """Find where each row begins and ends, across rows."""
    rows = [max((float(thick[one]) for one in row if one < len(thick)), default=0.0) for row in layout.rows]
    ends = np.cumsum(rows) + step * np.arange(len(rows))
    return ends - rows, ends
