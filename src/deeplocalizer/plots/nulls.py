"""Effect sizes of all units beside shuffled labels.

draw             the distribution of Cohen's d over the network and by layer, as it is and under exchanged labels
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deeplocalizer import nulls
from deeplocalizer.plots import drawing
from deeplocalizer.summaries import plain

MOST_ROWS = 12  # layers with a histogram of their own; more are shown as a strip of shades
TOP, ROW = 1.75, 0.34  # inches for the whole network and for a layer
STRIP, DEEPEST = 0.115, 3.2  # inches for a layer of a strip, and for a strip at most
LEAST = 0.5  # |d| that is told of in words
_DASHES = (0, (4, 2))


def draw(found: xr.Dataset) -> Figure:
    """Show the distribution of Cohen's d beside those under exchanged labels.

    Parameters
    ----------
    found : Dataset
        As `nulls.measure` makes it.

    Returns
    -------
    Figure
        For each contrast, above: numbers of units by d, all layers together, filled; a line for their mean under
        exchanged labels and a grey band that holds the middle 95 % of exchanges; dashed lines at the family-wise
        threshold, where there is one. Heights are square roots of numbers, for the tails matter. Below, the same for
        each layer, from the earliest at the top, each to its own scale; more than 12 layers as shades, with lines
        between which 95 % of the layer's units lie under exchanged labels. Units beyond the axis are counted at its
        ends.
    """
    names = found["contrast"].values.astype(str)
    layers = found.sizes["place"]
    rows = -(-len(names) // 2)
    below = max(0.5, layers * ROW) if layers <= MOST_ROWS else min(DEEPEST, layers * STRIP)
    with drawing.style():
        if not len(names):
            return _nothing()
        made = drawing.figure(0.5 + rows * (TOP + below + 1.05))
        columns = min(2, len(names))
        panels = drawing.grid(made, 2 * rows * columns, columns, shared=False, heights=[TOP, below] * rows)
        limits = _limits(found)
        for index, name in enumerate(names):
            place = 2 * columns * (index // columns) + index % columns
            above, under = panels[place], panels[place + columns]
            tint = drawing.color(index)
            _network(above, found, name, tint, first=index % columns == 0)
            _layers(under, found.sel(contrast=name), name, tint, labelled=index % columns == 0)
            for axes in (above, under):
                axes.set_xlim(limits)
                axes.axvline(0, color=drawing.MUTED, linewidth=0.7, zorder=0)
                _threshold(axes, found, name)
            above.tick_params(axis="x", labelbottom=False)
        for spare in (panels[i] for i in range(len(panels)) if not panels[i].has_data()):
            spare.set_axis_off()
        _legend(made, found)
    return made


def _nothing() -> Figure:
    """Say that there is nothing to show."""
    made = drawing.figure(0.8)
    (axes,) = drawing.grid(made, 1, 1)
    axes.set_axis_off()
    words = "Labels cannot be exchanged: there are too few folds or stimuli."
    drawing.note(axes, 0.5, 0.5, words, axes.transAxes, align="center")
    return made


def _limits(found: xr.Dataset) -> tuple[float, float]:
    """Find ends of an axis that hold every unit, every band and every threshold."""
    filled = (found["observed"].sum(["contrast", "place"]).values > 0) | (
        found["network_null_high"].sum("contrast").values > 0
    )
    edges = found["edge"].values
    used = np.flatnonzero(filled) if filled.any() else np.arange(len(filled))
    largest = float(found["threshold"].max()) if found.sizes["tested"] else 0.0
    low, high = min(edges[used[0]], -largest), max(edges[used[-1] + 1], largest)
    margin = 0.02 * (high - low)
    return float(low - margin), float(high + margin)


def _network(axes: Axes, found: xr.Dataset, name: str, tint: str, first: bool) -> None:
    """Draw all units together."""
    one, edges = found.sel(contrast=name), found["edge"].values
    axes.set_title(plain(name), pad=drawing.SUBTITLE)
    told = nulls.beyond(found, name, LEAST)
    units = max(1, int(one["units"].sum()))
    seen, chance = (_share(number / units) for number in (told.units, told.expected))
    drawing.subtitle(axes, f"|d| > {LEAST:g}: {seen} of units; shuffled labels {chance}")
    parts = [one[kind].sum("place").values for kind in ("observed", "null_mean")]
    parts += [one[f"network_null_{end}"].values for end in ("low", "high")]
    _steps(axes, edges, f"network/{name}", tint, parts)
    highest = max(1.0, *(float(part.max()) for part in parts))
    ticks = _ticks(highest)
    axes.set_yticks(np.sqrt(ticks), [f"{tick:,}" for tick in ticks])
    axes.set(ylim=(0, 1.04 * np.sqrt(highest)), ylabel="Units (square root)" if first else "")


def _steps(
    axes: Axes,
    edges: np.ndarray,
    name: str,
    tint: str,
    parts: Sequence[np.ndarray],
    base: float = 0.0,
    scale: float = 1.0,
) -> None:
    """Draw a distribution, and over it the mean and the band (its low and high end) of those under exchanged labels."""
    heights = [base + scale * np.sqrt(values) for values in parts]
    axes.stairs(heights[0], edges, baseline=base, fill=True, color=tint, alpha=0.85).set_gid(f"observed/{name}")
    band = axes.stairs(heights[3], edges, baseline=heights[2], fill=True, color=drawing.MUTED, alpha=0.4)
    band.set(gid=f"band/{name}", linewidth=0)
    line = axes.stairs(heights[1], edges, baseline=None, color=drawing.INK, linewidth=0.9)
    line.set_gid(f"mean/{name}")


def _layers(axes: Axes, one: xr.Dataset, name: str, tint: str, labelled: bool) -> None:
    """Draw every layer by itself."""
    layers, edges = one["place"].values.astype(str), one["edge"].values
    if len(layers) <= MOST_ROWS:
        for row, layer in enumerate(layers):
            cell = one.sel(place=layer)
            parts = [cell[kind].values for kind in ("observed", "null_mean", "null_low", "null_high")]
            highest = max(1.0, *(float(part.max()) for part in parts))
            _steps(axes, edges, f"{layer}/{name}", tint, parts, base=row + 0.4, scale=-0.8 / np.sqrt(highest))
            if not int(cell["units"]):
                drawing.note(axes, 0.02, row, "all units are dead", axes.get_yaxis_transform())
    else:
        _strip(axes, one, name, tint)
    axes.set(ylim=(len(layers) - 0.45, -0.55), xlabel="Cohen's d")
    every = 1 if len(layers) <= MOST_ROWS else -(-len(layers) // int(DEEPEST / STRIP))
    shown = range(0, len(layers), every)
    axes.set_yticks(shown, [layers[row] for row in shown], fontsize=9 if len(layers) <= MOST_ROWS else 6.5)
    axes.tick_params(axis="y", labelleft=labelled)
    axes.spines["left"].set_visible(False)


def _strip(axes: Axes, one: xr.Dataset, name: str, tint: str) -> None:
    """Draw layers as rows of shades, with lines at the ends of what exchanged labels give."""
    edges = one["edge"].values
    heights = np.sqrt(one["observed"].values)
    shades = heights / np.maximum(heights.max(axis=1, keepdims=True), 1)
    ramp = LinearSegmentedColormap.from_list("ramp", ["white", tint])
    rows = np.arange(len(shades) + 1) - 0.5
    filled, bins = np.nonzero(shades)  # an empty cell is no mark: a file of all cells would be large
    width = edges[1] - edges[0]
    corners = np.array([[0, -0.5], [width, -0.5], [width, 0.5], [0, 0.5]])
    cells = corners + np.column_stack([edges[bins], filled])[:, None, :]
    drawn = PolyCollection(list(cells), facecolor=ramp(shades[filled, bins]), linewidth=0)
    drawn.set_gid(f"strip/{name}")
    axes.add_collection(drawn)
    share = one["null_mean"].values.cumsum(axis=1) / np.maximum(one["units"].values, 1)[:, None]
    for side, index in (("low", (share < 0.025).sum(axis=1)), ("high", (share < 0.975).sum(axis=1) + 1)):
        ends = edges[np.minimum(index, len(edges) - 1)]
        (line,) = axes.plot(np.repeat(ends, 2), np.repeat(rows, 2)[1:-1], color=drawing.INK, linewidth=0.9)
        line.set_gid(f"{side}/{name}")


def _threshold(axes: Axes, found: xr.Dataset, name: str) -> None:
    """Draw lines at the family-wise threshold."""
    passed = nulls.passed(found, name)
    if passed is not None:
        for side in (-1, 1):
            line = axes.axvline(side * passed.threshold, color=drawing.INK, linewidth=0.8, linestyle=_DASHES)
            line.set_gid(f"threshold/{name}/{side}")


def _share(share: float) -> str:
    """Write a share in per cent."""
    return "< 0.1 %" if 0 < share < 0.001 else f"{100 * share:.1f} %"


def _ticks(highest: float) -> list[int]:
    """Choose numbers for an axis of square roots: 0, and round ones that are not too close."""
    power = 10 ** np.floor(np.log10(highest))
    top = max(step * power for step in (1, 2, 5) if step * power <= highest)
    return sorted({0, *(round(top * part) for part in (0.04, 0.25, 1) if top * part >= 1)})


def _legend(made: Figure, found: xr.Dataset) -> None:
    handles: list[Line2D | Patch] = [
        Patch(color=drawing.color(0), alpha=0.85, label="units"),
        Line2D([], [], color=drawing.INK, linewidth=0.9, label="shuffled labels, mean"),
        Patch(color=drawing.MUTED, alpha=0.4, label="middle 95 %"),
    ]
    if found.sizes["tested"]:
        dashed = Line2D([], [], color=drawing.INK, linewidth=0.8, linestyle=_DASHES, label="family-wise threshold")
        handles.append(dashed)
    made.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.5, columnspacing=1.2)
