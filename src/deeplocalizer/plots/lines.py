"""Smooth lines from box to box, in inches, x to the right and y downwards.

Way              the line of an arrow
Line             a line in the making
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from matplotlib.path import Path

ROUND = 0.06  # radius of corners
Point = tuple[float, float]


@dataclass(frozen=True)
class Way:
    """Points of the line of an arrow with Matplotlib's codes for them, and where it points in the end."""

    points: list[Point]
    codes: list[int]
    heading: Point


class Line:
    """A line in the making."""

    def __init__(self, x: float, y: float, sideways: bool = False) -> None:
        self.points: list[Point] = [(x, y)]
        self.codes: list[int] = [int(Path.MOVETO)]
        self._sideways = sideways

    def straight(self, x: float, y: float) -> None:
        """Go straight on."""
        if (x, y) != self.points[-1]:
            self.points.append((x, y))
            self.codes.append(int(Path.LINETO))

    def curve(self, x: float, y: float) -> None:
        """Swing over to a point, leaving and arriving across rows."""
        a, b = self.points[-1]
        middle = (a + x) / 2 if self._sideways else (b + y) / 2
        controls = [(middle, b), (middle, y)] if self._sideways else [(a, middle), (x, middle)]
        self.points += [*controls, (x, y)]
        self.codes += [int(Path.CURVE4)] * 3

    def around(self, low: float, lane: float, high: float, x: float, y: float) -> None:
        """Go down, to a lane, up along it, and down to a point, with round corners."""
        a, b = self.points[-1]
        corners = [(a, b), (a, low), (lane, low), (lane, high), (x, high), (x, y)]
        for before, corner, after in zip(corners[:-2], corners[1:-1], corners[2:], strict=True):
            self.straight(*_towards(corner, before))
            self.points += [corner, _towards(corner, after)]
            self.codes += [int(Path.CURVE3)] * 2
        self.straight(x, y)


def _towards(corner: Point, other: Point) -> Point:
    """Go from a corner a little towards another point, at most half the way."""
    way = np.subtract(other, corner)
    length = float(np.hypot(*way))
    x, y = np.array(corner) + (way / length * min(ROUND, length / 2) if length else 0)
    return float(x), float(y)
