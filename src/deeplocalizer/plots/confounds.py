"""What may tell the categories apart besides what they show.

draw             distribution of each measure by category, and how far the sides of each contrast differ
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from deeplocalizer.confounds import MEASURED_SPLITS, STATISTICS
from deeplocalizer.plots import drawing, labels
from deeplocalizer.summaries import plain

COLUMNS = 3  # panels side by side
ROW = 0.3  # inches for a category
LINE = 0.19  # inches for a contrast in a measure
MOST_DOTS = 300  # stimuli that are shown one by one
BINS = 40
LABEL = 15  # letters in a line of a category's name
SHORT, LONG = 12, 20  # letters of the name of a contrast that need no more room for words, and that there are at most
NEGLIGIBLE = 0.2  # Cohen (1988) calls a d of 0.2 small
FARTHEST = 3.0  # the axis of d ends there; what lies beyond is written

# title, label of the axis, factor of the values
_SHOWN = {
    "luminance": ("Luminance", "mean, 0 to 1", 1),
    "contrast": ("Contrast", "SD of luminance", 1),
    "low": ("Low frequencies", "% of power, below 8 cycles", 100),
    "middle": ("Middle frequencies", "% of power, 8 to 32 cycles", 100),
    "high": ("High frequencies", "% of power, from 32 cycles", 100),
    "slope": ("Spectral slope", "log\u2013log slope of amplitude", 1),
    "colourfulness": ("Colourfulness", "0 is grey", 1),
}
assert list(_SHOWN) == list(STATISTICS)


def draw(measured: xr.Dataset, comparison: xr.Dataset) -> Figure:
    """Show what was measured in the images of each category, and how far the sides of each contrast differ.

    Parameters
    ----------
    measured : Dataset
        As `confounds.measure` makes it.
    comparison : Dataset
        As `confounds.compare` makes it of that.

    Returns
    -------
    Figure
        A panel for each measure: in the row of each category its images as dots (of very many, the outline of their
        histogram), a line from the first to the third quartile, a tick at the median. Below, Cohen's d of each measure
        in each contrast with its 95 % interval, and the AUROC; d below `NEGLIGIBLE` lies in the grey band.
    """
    names = [str(name) for name in measured["statistic"].values]
    contrasts = [str(name) for name in comparison["contrast"].values]
    used = measured.isel(stimulus=np.isin(measured["split"].values.astype(str), MEASURED_SPLITS))
    categories = list(dict.fromkeys(used["category"].values.astype(str).tolist()))
    columns = min(COLUMNS, len(names))
    rows = -(-len(names) // columns)
    row = max(ROW, 0.05 + drawing.LINE * (1 + drawing.deepest(_named(categories))))
    high = [0.8 + row * len(categories)] * rows + [0.8 + len(names) * (0.12 + LINE * len(contrasts))]
    with drawing.style():
        made = drawing.figure(sum(high))
        places = made.add_gridspec(rows + 1, columns, height_ratios=high)
        for index, name in enumerate(names):
            axes = made.add_subplot(places[divmod(index, columns)])
            _distributions(axes, used, name, categories)
            axes.tick_params(axis="y", labelleft=index % columns == 0)
        # words beside the panel are a panel of their own: they must not narrow those above
        wide = max(map(len, contrasts)) > SHORT
        below = places[rows, :].subgridspec(1, 2, width_ratios=(3, 2) if wide else (2, 1))
        panel, words = made.add_subplot(below[0]), made.add_subplot(below[1])
        _differences(panel, words, comparison, names, contrasts)
    return made


def _distributions(axes: Axes, used: xr.Dataset, name: str, categories: Sequence[str]) -> None:
    """Draw one measure of every category."""
    title, label, factor = _SHOWN[name]
    values = factor * used["value"].sel(statistic=name).values
    category = used["category"].values.astype(str)
    limits = _limits(values)
    axes.set_title(title)
    axes.set(xlim=limits, ylim=(len(categories) - 0.55, -0.75))
    axes.set_xlabel(label, fontsize=drawing.SMALL)
    axes.set_yticks(range(len(categories)), _named(categories))
    # as many numbers as fit side by side
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
    axes.spines["left"].set_visible(False)
    for place, one in enumerate(categories):
        mine = values[(category == one) & np.isfinite(values)]
        if not len(mine):
            drawing.note(axes, 0.02, place, "none", axes.get_yaxis_transform())
            continue
        if np.isfinite(values).sum() > MOST_DOTS:
            _outline(axes, mine, place, limits, f"{name}/{one}")
        else:
            level = place - 0.04 - drawing.swarm(mine, limits, 0.55, bins=50)
            dots = axes.scatter(mine, level, s=4, facecolor=drawing.RANDOM, edgecolor="none")
            dots.set_gid(f"images/{name}/{one}")
        low, middle, high = np.quantile(mine, [0.25, 0.5, 0.75])
        axes.plot([low, high], [place + 0.12] * 2, color=drawing.INK, linewidth=1.2, solid_capstyle="butt")
        (tick,) = axes.plot([middle], [place + 0.12], "|", color=drawing.INK, markersize=6, markeredgewidth=1.4)
        tick.set_gid(f"median/{name}/{one}")


def _named(categories: Sequence[str]) -> list[str]:
    return [drawing.wrapped(plain(one), LABEL) for one in categories]


def _outline(axes: Axes, values: np.ndarray, place: int, limits: tuple[float, float], name: str) -> None:
    heights, edges = np.histogram(values, bins=BINS, range=limits)
    level = place - 0.04 - 0.6 * heights / heights.max()
    outline = axes.stairs(level, edges, baseline=place - 0.04, fill=True, color=drawing.RANDOM)
    outline.set_gid(f"images/{name}")


def _limits(values: np.ndarray) -> tuple[float, float]:
    """Find ends of an axis that hold every value."""
    known = values[np.isfinite(values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)
    margin = 0.04 * (high - low) or max(0.05 * abs(high), 0.05)  # all may be alike
    return low - margin, high + margin


def _differences(
    axes: Axes, words: Axes, comparison: xr.Dataset, names: Sequence[str], contrasts: Sequence[str]
) -> None:
    """Draw Cohen's d of every measure in every contrast in one panel, and write it in another."""
    ends = comparison[["d_low", "d_high"]].to_array().values
    ends = ends[np.isfinite(ends)]
    reach = float(np.clip(1.1 * np.abs(ends).max(initial=0), 0.6, FARTHEST))
    axes.axvspan(-NEGLIGIBLE, NEGLIGIBLE, color=drawing.FAINT, alpha=0.45, linewidth=0, zorder=0)
    axes.axvline(0, color=drawing.MUTED, linewidth=0.7, zorder=1)
    step = 0.8 / len(contrasts)
    for row, name in enumerate(names):
        for place, contrast in enumerate(contrasts):
            height = row + step * (place - (len(contrasts) - 1) / 2)
            cell = comparison.sel(contrast=contrast, statistic=name)
            _write(words, cell, height)
            _difference(axes, cell, height, reach, drawing.color(place))
    words.set(xlim=(0, 1), ylim=(len(names) - 0.45, -0.6))
    words.set_axis_off()
    axes.set_title("Difference between the sides of each contrast")
    axes.set(xlim=(-reach, reach), ylim=(len(names) - 0.45, -0.6), xlabel="Cohen's d with 95 % interval")
    axes.set_yticks(range(len(names)), [_SHOWN[name][0] for name in names])
    axes.spines["left"].set_visible(False)


def _write(words: Axes, cell: xr.Dataset, height: float) -> None:
    """Write one d, its contrast and its AUROC."""
    d, auroc = float(cell["d"]), float(cell["auroc"])
    contrast, name = cell["contrast"].item(), cell["statistic"].item()
    known = f"d = {_signed(d)}, AUROC {auroc:.2f}" if np.isfinite(auroc) else "not measured"
    named = labels.cut(plain(contrast), LONG)
    text = drawing.note(words, 0, height, f"{named}: {known}", words.transData, color=drawing.INK)
    text.set_gid(f"words/{contrast}/{name}")


def _difference(axes: Axes, cell: xr.Dataset, height: float, reach: float, tint: str) -> None:
    """Draw one d with its interval, or what part of it the panel holds."""
    d, low, high = (float(cell[key]) for key in ("d", "d_low", "d_high"))
    name = f"{cell['contrast'].item()}/{cell['statistic'].item()}"
    if np.isnan(d):
        return
    marker = "o" if abs(d) <= reach else ">" if d > 0 else "<"
    (mark,) = axes.plot(
        [np.clip(d, -0.985 * reach, 0.985 * reach)], [height], marker, color=tint, markersize=5, zorder=4
    )
    mark.set_gid(f"d/{name}")
    if abs(d) <= reach:
        (line,) = axes.plot([max(low, -reach), min(high, reach)], [height] * 2, color=tint, linewidth=1.6, zorder=3)
        line.set_gid(f"interval/{name}")


def _signed(d: float) -> str:
    """Write d with its sign, a true minus, and no sign where it rounds to nothing."""
    if np.isinf(d):
        return "+∞" if d > 0 else "\u2212∞"
    return f"{d:+.2f}".replace("-", "\u2212") if abs(d) >= 0.005 else "0.00"
