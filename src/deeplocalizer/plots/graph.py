"""Graphs of boxes and arrows: what follows from what.

rules            the rules of a workflow, and which needs the output of which
layers           the recorded layers of a network, and how they are connected
Boxes            what a graph shows, before anything has a place
draw             boxes in rows, side by side where there are few, in columns where there are many
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, PathPatch, Polygon
from matplotlib.path import Path

from deeplocalizer.plots import drawing, folding, labels, lines, topology
from deeplocalizer.plots.folding import Spot
from deeplocalizer.plots.topology import Edge

LINE = 0.145  # inches
PADDING = (0.07, 0.045)  # inches between the words and the rim of a box, beside and above
ROOM = 0.17  # inches between boxes side by side
STEP = 0.17  # inches between rows, for the arrows
TALLEST = 4.5  # inches of a column, if the page is wide enough for another
PAGE = 7.0  # inches of a figure, above which it is drawn smaller
SCALES = (1.0, 0.85)  # of words and boxes
MARGIN = 0.08
TIP = 0.055  # inches of the head of an arrow


@dataclass(frozen=True)
class Boxes:
    """What a graph shows.

    Parameters
    ----------
    names : tuple of str
    edges : tuple of (int, int)
        Arrows, by positions in ``names``.
    kinds : tuple of str
        What the colour of each box stands for; the rarest, where there are more than colours, are grey.
    """

    names: tuple[str, ...]
    edges: tuple[Edge, ...]
    kinds: tuple[str, ...]

    @property
    def colors(self) -> dict[str, str]:
        """The colour of every kind, in the order in which they come."""
        found = list(dict.fromkeys(self.kinds))
        often = sorted(found, key=lambda kind: -self.kinds.count(kind))[: len(drawing.PALETTE)]
        tints = {kind: drawing.color(index) for index, kind in enumerate(kind for kind in found if kind in often)}
        return {kind: tints.get(kind, drawing.MUTED) for kind in found}

    @property
    def legend(self) -> dict[str, str]:
        """What is said of the colours: nothing of a single one, and of all grey ones together."""
        colors = self.colors if len(set(self.kinds)) > 1 else {}
        grey = [kind for kind, tint in colors.items() if tint == drawing.MUTED]
        told = {kind: tint for kind, tint in colors.items() if kind not in grey}
        return told | ({grey[0] if len(grey) == 1 else "other types": drawing.MUTED} if grey else {})


def rules(graph: Mapping[str, Any]) -> Figure:
    """Show which rule needs the output of which.

    Parameters
    ----------
    graph : mapping
        ``rules``: for each its ``name`` and its ``stage``; ``edges``: pairs of names, from a rule to the one that needs
        its output. Arrows that a longer way makes superfluous are not drawn.

    Returns
    -------
    Figure
        A box for each rule, in the colour of its stage, below all that it needs.
    """
    names = [rule["name"] for rule in graph["rules"]]
    edges = [(names.index(source), names.index(target)) for source, target in graph["edges"]]
    stages = tuple(rule["stage"] for rule in graph["rules"])
    return draw(Boxes(tuple(names), tuple(topology.reduced(len(names), edges)), stages), PAGE)


def layers(architecture: xr.Dataset) -> Figure:
    """Show how the recorded layers of a network are connected.

    Parameters
    ----------
    architecture : Dataset
        As `architecture.table` makes it: ``layer``, its ``module`` and ``call``; ``source`` and ``target`` of
        each edge.

    Returns
    -------
    Figure
        A box for each layer, in the colour of its type. An arrow leads from a layer to each that it feeds with no
        recorded one between; where these are very many, those that bypass other layers are left out.
    """
    names = [
        name + (f"#{call}" if call else "")
        for name, call in zip(architecture["layer"].values.astype(str), architecture["call"].values, strict=True)
    ]
    sources, targets = (architecture[end].values.astype(int).tolist() for end in ("source", "target"))
    edges = list(zip(sources, targets, strict=True))
    modules = tuple(architecture["module"].values.astype(str))
    return draw(Boxes(tuple(names), tuple(topology.drawn(len(names), edges)), modules))


def draw(boxes: Boxes, tallest: float = TALLEST) -> Figure:
    """Draw boxes and arrows.

    Parameters
    ----------
    boxes : Boxes
    tallest : float, optional
        Height in inches above which there are several columns, where the page is wide enough.

    Returns
    -------
    Figure
        From the left to the right where all rows fit side by side; else from the top to the bottom, in
        several columns if one would be very tall.

    Raises
    ------
    ValueError
        If there are no boxes, or arrows go round in a circle.
    """
    if not boxes.names:
        raise ValueError("there is nothing to draw: the graph has no boxes")
    with drawing.style():
        prefix = labels.common(boxes.names)
        words = [labels.wrapped(labels.shortened(name, prefix)) for name in boxes.names]
        for tried in SCALES:
            placed = _placed(words, boxes.edges, drawing.WIDTH / tried - 2 * MARGIN, tallest)
            # many arrows side by side may need more than the page has
            scale = min(tried, drawing.WIDTH / (placed.width + 2 * MARGIN))
            if placed.height * scale <= PAGE:
                break
        breadth = drawing.WIDTH / scale
        notes = len(_legend(boxes, breadth)) + bool(prefix)
        height = placed.height + 2 * MARGIN + (0.22 * notes + 0.06 if notes else 0)
        made = drawing.figure(scale * height, scale * breadth)
        made.set_layout_engine("none")
        axes = _canvas(made, scale)
        for edge, way in placed.ways.items():
            _arrow(axes, way, "/".join(boxes.names[end] for end in edge))
        for index, spot in enumerate(placed.spots):
            tint = boxes.colors[boxes.kinds[index]]
            _box(axes, spot, boxes.names[index], words[index], tint, scale)
        _explain(axes, boxes, prefix, placed.height + MARGIN, breadth, scale)
    return made


def _placed(words: Sequence[Sequence[str]], edges: Sequence[Edge], width: float, tallest: float) -> folding.Placed:
    """Give boxes and arrows a place, in the way that takes less height."""
    across = np.array([max(map(labels.width, lines)) + 2 * PADDING[0] for lines in words])
    along = np.array([len(lines) * LINE + 2 * PADDING[1] for lines in words])
    beside = folding.sideways(across, along, edges, STEP, ROOM, width)
    below = folding.downwards(across, along, edges, STEP, ROOM, width, tallest)
    return beside if beside and beside.height <= below.height else below


def _canvas(made: Figure, scale: float) -> Axes:
    """Cover the figure with axes in inches, before scaling, downwards; boxes begin at its left, as words do."""
    axes: Axes = made.add_axes((0, 0, 1, 1))
    width, height = made.get_size_inches() / scale
    axes.set(xlim=(-MARGIN, width - MARGIN), ylim=(height - MARGIN, -MARGIN))
    axes.set_axis_off()
    return axes


def _box(axes: Axes, spot: Spot, name: str, lines: Sequence[str], tint: str, scale: float) -> None:
    """Draw a box with its name."""
    corner = (spot.x - spot.width / 2, spot.y - spot.height / 2)
    shape = FancyBboxPatch(corner, spot.width, spot.height, boxstyle="round,pad=0,rounding_size=0.05")
    shape.set(facecolor=_light(tint), edgecolor=tint, linewidth=scale, zorder=3, gid=f"node/{name}")
    axes.add_patch(shape)
    for index, line in enumerate(lines):
        middle = spot.y + (index - (len(lines) - 1) / 2) * LINE
        axes.text(spot.x, middle, line, fontsize=scale * labels.FONT, ha="center", va="center_baseline", zorder=4)


def _arrow(axes: Axes, way: lines.Way, name: str) -> None:
    """Draw an arrow along its way."""
    line = PathPatch(Path(way.points, way.codes), facecolor="none", edgecolor=drawing.RANDOM, linewidth=0.9)
    line.set(zorder=1, gid=f"edge/{name}", capstyle="round")
    axes.add_patch(line)
    end, ahead = np.array(way.points[-1]), np.array(way.heading)
    side = np.array([-ahead[1], ahead[0]])
    corners = [end, end - TIP * ahead + 0.6 * TIP * side, end - TIP * ahead - 0.6 * TIP * side]
    axes.add_patch(Polygon(corners, closed=True, facecolor=drawing.MUTED, edgecolor="none", zorder=2))


def _explain(axes: Axes, boxes: Boxes, prefix: str, top: float, breadth: float, scale: float) -> None:
    """Write below the boxes what colours stand for, and what is left out of names."""
    left, y = axes.get_xlim()[0] + MARGIN, top + 0.11
    for row in _legend(boxes, breadth):
        x = left
        for kind in row:
            tint = boxes.legend[kind]
            swatch = FancyBboxPatch((x, y - 0.05), 0.12, 0.1, boxstyle="round,pad=0,rounding_size=0.03")
            swatch.set(facecolor=_light(tint), edgecolor=tint, linewidth=scale, gid=f"kind/{kind}")
            axes.add_patch(swatch)
            drawing.note(axes, x + 0.18, y, kind, axes.transData).set_fontsize(scale * labels.FONT)
            x += 0.4 + labels.width(kind)
        y += 0.22
    if prefix:
        said = drawing.note(axes, left, y, f"… stands for {prefix}", axes.transData)
        said.set(fontsize=scale * labels.FONT, gid="prefix")


def _legend(boxes: Boxes, breadth: float) -> list[list[str]]:
    """Put the kinds that have a colour into lines, none where all boxes are of one kind."""
    rows: list[list[str]] = []
    left = 0.0
    for kind in boxes.legend:
        taken = 0.4 + labels.width(kind)
        if not rows or left < taken:
            rows.append([])
            left = breadth - 2 * MARGIN
        rows[-1].append(kind)
        left -= taken
    return rows


def _light(tint: str) -> str:
    """Mix a colour with much white, so that words on it can be read."""
    red, green, blue = (0.14 * part + 0.86 for part in to_rgb(tint))
    return to_hex((red, green, blue))
