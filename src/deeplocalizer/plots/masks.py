"""What the localizers select.

draw             share of each layer that every localizer selects, and how the masks overlap
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from deeplocalizer import summaries
from deeplocalizer.plots import drawing
from deeplocalizer.summaries import plain

ROW = 0.27  # inches for a layer
TITLE, LABEL = {1: 60, 2: 32, 3: 22}, 14  # letters in a line: of a title by the number of columns, and of a name
SHADES = LinearSegmentedColormap.from_list("shades", ["#ffffff", drawing.RANDOM])


def draw(masks: xr.Dataset) -> Figure:
    """Show what share of each layer every localizer selects, and how many units target masks share.

    Parameters
    ----------
    masks : Dataset
        As `masks.table` makes it.

    Returns
    -------
    Figure
        A panel of bars for each localizer and, if there are several, one with the units that two masks share.
    """
    summary = summaries.selection(masks)
    shared = summaries.overlap(masks)
    names = summary["localizer"].values
    panels = len(names) + (len(names) > 1)
    columns = min(3, panels)
    rows = -(-panels // columns)
    titles = {str(one): _title(summary.sel(localizer=one), TITLE[columns]) for one in names}
    labels = [drawing.wrapped(plain(str(name)), LABEL) for name in names] if len(names) > 1 else []
    least = max(0.34, 0.04 + drawing.LINE * (1 + drawing.deepest(labels))) * len(labels)
    least += 0.2 + 0.09 * _longest(labels) if _upright(labels) else 0.0
    with drawing.style():
        high = 0.75 + drawing.LINE * drawing.deepest(titles.values())
        made = drawing.figure(0.2 + rows * (high + max(ROW * summary.sizes["place"], least, 0.9)))
        axes = drawing.grid(made, panels, columns, shared=False)
        widest = max(1e-9, float((summary["selected"] / summary["units"]).max()))
        for index, name in enumerate(names):
            _bars(axes[index], summary.sel(localizer=name), drawing.color(index), widest)
            axes[index].set_title(titles[str(name)])
            axes[index].tick_params(axis="y", labelleft=index % columns == 0)
        if len(names) > 1:
            _overlap(axes[-1], shared, labels)
    return made


def _title(summary: xr.Dataset, letters: int) -> str:
    """Name a localizer, with the number of units that it selects."""
    return drawing.wrapped(
        f"{plain(str(summary['localizer'].item()))} ({summary['selected'].sum():,}\N{NO-BREAK SPACE}units)", letters
    )


def _longest(labels: Sequence[str]) -> int:
    return max((len(line) for label in labels for line in label.split("\n")), default=0)


def _upright(labels: Sequence[str]) -> bool:
    """Say whether names are too long to stand side by side."""
    return _longest(labels) > 8 or len(labels) > 4


def _bars(axes: Axes, summary: xr.Dataset, tint: str, widest: float) -> None:
    """Draw the share of each layer that one localizer selects."""
    name = str(summary["localizer"].item())
    selected, units = summary["selected"].values, summary["units"].values
    share = selected / units
    rows = range(len(share))
    for row, bar in zip(rows, axes.barh(rows, share * 100, height=0.62, color=tint), strict=True):
        bar.set_gid(f"share/{name}/{row}")
        text = f"{selected[row]:,} of {units[row]:,}"
        axes.text(1, row, text, transform=axes.get_yaxis_transform(), va="center", ha="right", fontsize=drawing.SMALL)
    overall = selected.sum() / units.sum() * 100
    line = axes.axvline(overall, color=drawing.MUTED, linewidth=0.8, linestyle=(0, (2, 2)), zorder=0)
    line.set_gid(f"overall/{name}")
    axes.set(xlim=(0, widest * 100 * 1.75), ylim=(len(share) - 0.4, -0.6), xlabel="% of the layer's units")
    axes.set_yticks(rows, summary["place"].values)
    axes.spines["left"].set_color(drawing.FAINT)


def _overlap(axes: Axes, shared: xr.DataArray, names: Sequence[str]) -> None:
    """Draw how many units two target masks share."""
    counts = shared.values
    size = counts.diagonal().clip(min=1)
    # the shade is the share of the smaller of the two masks
    axes.imshow(counts / np.minimum.outer(size, size), cmap=SHADES, vmin=0, vmax=1, aspect="equal")
    axes.set_anchor("N")
    for row in range(len(names)):
        for column in range(len(names)):
            text = axes.text(column, row, f"{counts[row, column]:,}", ha="center", va="center", fontsize=9.5)
            text.set_gid(f"overlap/{row}/{column}")
    axes.set_xticks(range(len(names)), names, rotation=90 if _upright(names) else 0)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="x", length=0)
    axes.spines[:].set_visible(False)
    axes.set_title("Units shared")
