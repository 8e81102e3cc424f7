"""How preferences and masks repeat in halves of the stimuli.

draw             correlation of the contrast maps and Dice of the masks, beside shuffled labels
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deeplocalizer import summaries
from deeplocalizer.plots import drawing
from deeplocalizer.summaries import Repeated, plain

ROW = 0.46  # inches for a localizer
LABEL = 18  # letters in a line of a label
SPREAD = 0.95  # share of the values under shuffled labels that a band holds
PANELS = {
    "correlation": ("Contrast maps", "Correlation between halves"),
    "dice": ("Masks", "Dice coefficient between halves"),
}


def draw(reliability: xr.Dataset) -> Figure:
    """Show how every localizer repeats between halves of the stimuli.

    Parameters
    ----------
    reliability : Dataset
        ``correlation`` and ``dice`` on (localizer, half), the same with ``_null`` on (localizer, shuffle) and with
        ``_p`` on (localizer,).

    Returns
    -------
    Figure
        A panel for the contrast maps and one for the masks, a row for each localizer: small dots for single ways of
        halving, a line over their range, a large dot at their mean; behind them a band that spans the middle 95 % of
        the values under shuffled labels, with a line at their mean, and for masks a dotted line at what they share by
        chance; at the right, the p among shuffled labels.
    """
    names = [str(name) for name in reliability["localizer"].values]
    with drawing.style():
        made = drawing.figure(1.15 + ROW * len(names))
        for axes, measure in zip(drawing.grid(made, len(PANELS), len(PANELS)), PANELS, strict=True):
            every = {name: summaries.repeated(reliability, name, measure) for name in names}
            _panel(axes, measure, every)
            axes.tick_params(axis="y", labelleft=measure == "correlation")
        _legend(made, bool(reliability.sizes.get("shuffle")))
    return made


def _panel(axes: Axes, measure: str, every: dict[str, Repeated]) -> None:
    title, label = PANELS[measure]
    axes.set_title(title)
    axes.set(ylim=(len(every) - 0.4, -0.6), xlim=_limits(list(every.values())), xlabel=label)
    axes.set_yticks(range(len(every)), [drawing.wrapped(plain(name), LABEL) for name in every])
    axes.spines["left"].set_visible(False)
    axes.axvline(0, color=drawing.MUTED, linewidth=0.7, zorder=0)
    for row, (name, one) in enumerate(every.items()):
        _null(axes, one, row, f"{measure}/{name}")
        _halves(axes, one, row, drawing.color(row), f"{measure}/{name}")


def _limits(every: list[Repeated]) -> tuple[float, float]:
    """Find ends of an axis that hold everything, and zero and one."""
    lowest = min(
        [
            0.0,
            *(one.values.min() for one in every if one.values.size),
            *(one.band(SPREAD)[0] for one in every if one.null.size),
        ]
    )
    return float(lowest) - 0.05, 1.03


def _null(axes: Axes, one: Repeated, row: int, name: str) -> None:
    """Draw the values under shuffled labels as a band."""
    if not one.null.size:
        return
    low, high = one.band(SPREAD)
    (band,) = axes.barh([row], [high - low], left=[low], height=0.62, color=drawing.FAINT, alpha=0.7)
    band.set(linewidth=0, gid=f"null/{name}")
    axes.plot([one.null.mean()] * 2, [row - 0.31, row + 0.31], color=drawing.RANDOM, linewidth=1)
    if np.isfinite(one.chance) and one.chance:
        (mark,) = axes.plot([one.chance] * 2, [row - 0.31, row + 0.31], color=drawing.INK, linewidth=1)
        mark.set(linestyle=(0, (1.5, 1.5)), gid=f"chance/{name}")


def _halves(axes: Axes, one: Repeated, row: int, tint: str, name: str) -> None:
    """Draw the ways of halving, their range and their mean."""
    if not one.values.size:
        drawing.note(axes, 0.5, row, "not available", axes.get_yaxis_transform(), align="center")
        return
    axes.plot(one.range, [row] * 2, color=tint, linewidth=1.6, zorder=3)
    dots = axes.scatter(one.values, np.full(one.values.size, row), s=7, color="white", edgecolor=tint, linewidth=0.7)
    dots.set(zorder=4, gid=f"halves/{name}")
    (mark,) = axes.plot([one.mean], [row], "o", color=tint)
    mark.set(zorder=5, gid=f"mean/{name}")
    if np.isfinite(one.p):
        text = drawing.note(axes, 1.01, row, f"p {summaries.p_text(one.p)}", axes.get_yaxis_transform())
        text.set_gid(f"p/{name}")


def _legend(made: Figure, shuffled: bool) -> None:
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=drawing.INK, marker="o", markersize=5.5, label="mean and range over halves"),
        Line2D(
            [], [], linestyle="", marker="o", markersize=3, mfc="white", mec=drawing.INK, label="one way of halving"
        ),
    ]
    if shuffled:
        handles.append(Patch(color=drawing.FAINT, alpha=0.7, label=f"shuffled labels (middle {100 * SPREAD:g} %)"))
    made.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.5, columnspacing=1.4)
