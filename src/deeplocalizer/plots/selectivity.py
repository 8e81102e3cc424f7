"""Preference of the units, by layer.

draw             distribution of Cohen's d in every layer, for every contrast
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from deeplocalizer import summaries
from deeplocalizer.plots import drawing
from deeplocalizer.summaries import Places, plain

ROW = 0.56  # inches for a layer
MOST_UNITS = 400  # of a layer that are shown one by one
BINS = 60


def draw(contrasts: xr.Dataset, alpha: float) -> Figure:
    """Show Cohen's d of every unit, layer by layer.

    Parameters
    ----------
    contrasts : Dataset
        As `contrast.welch` makes it.
    alpha : float
        False discovery rate, of either side by itself, up to which a unit is drawn in colour.

    Returns
    -------
    Figure
        A panel for each contrast. In each layer, from the earliest at the top: units as dots (of very many, the outline
        of their histogram, and in it that of the units in colour), a line from the first to the third quartile, a tick
        at the median; at the right the share of units that respond more, and of those that respond less, to the
        preferred categories.
    """
    names = contrasts["contrast"].values.astype(str)
    where = summaries.places(contrasts)
    summary = summaries.selectivity(contrasts, alpha)
    limits = _limits(contrasts)
    columns = min(2, len(names))
    rows = -(-len(names) // columns)
    with drawing.style():
        made = drawing.figure(0.75 + rows * (0.85 + ROW * len(where.names)))
        panels = drawing.grid(made, len(names), columns)
        for index, (axes, name) in enumerate(zip(panels, names, strict=True)):
            one = contrasts.sel(contrast=name)
            tint = drawing.color(index)
            _frame(axes, one, str(name), where, limits)
            axes.tick_params(axis="y", labelleft=index % columns == 0)
            for place in range(len(where.names)):
                _layer(axes, one, where, place, limits, alpha, tint)
            _shares(axes, summary.sel(contrast=str(name)), tint)
        _legend(made, alpha, where)
    return made


def _limits(contrasts: xr.Dataset) -> tuple[float, float]:
    """Find ends of an axis that hold zero and every d."""
    live = contrasts["d"].values[~contrasts["dead"].values]
    low, high = (min(live.min(), -0.5), max(live.max(), 0.5)) if live.size else (-1.0, 1.0)
    margin = 0.04 * (high - low)
    return float(low - margin), float(high + margin)


def _frame(axes: Axes, one: xr.Dataset, name: str, where: Places, limits: tuple[float, float]) -> None:
    """Draw what a panel has whatever its units do."""
    axes.set_title(plain(name), pad=drawing.SUBTITLE)
    reliability = float(one["reliability"])
    between = f"split-half r = {reliability:.2f}" if np.isfinite(reliability) else "no split-half r"
    numbers = f"{int(one['n_preferred']):,} against {int(one['n_other']):,} stimuli, {between}"
    drawing.subtitle(axes, numbers)
    axes.axvline(0, color=drawing.MUTED, linewidth=0.7, zorder=0)
    axes.set(xlim=limits, ylim=(len(where.names) - 0.45, -0.6), xlabel="Cohen's d")
    axes.set_yticks(range(len(where.names)), where.names)
    axes.spines["left"].set_visible(False)


def _layer(
    axes: Axes,
    one: xr.Dataset,
    where: Places,
    place: int,
    limits: tuple[float, float],
    alpha: float,
    tint: str,
) -> None:
    """Draw the units of one layer."""
    name = f"{one['contrast'].item()}/{place}"
    members = (where.of_unit == place) & ~one["dead"].values
    d = one["d"].values[members]
    if not len(d):
        drawing.note(axes, 0.02, place, "all units are dead", axes.get_yaxis_transform())
        return
    sides = [side[members] for side in summaries.directions(one, alpha)]
    shown = _outline if len(d) > MOST_UNITS else _dots
    shown(axes, d, sides, place, limits, tint, name)
    low, middle, high = np.quantile(d, [0.25, 0.5, 0.75])
    axes.plot([low, high], [place + 0.16] * 2, color=drawing.INK, linewidth=1.2, solid_capstyle="butt")
    (tick,) = axes.plot([middle], [place + 0.16], "|", color=drawing.INK, markersize=7, markeredgewidth=1.4)
    tick.set_gid(f"median/{name}")


def _dots(
    axes: Axes,
    d: np.ndarray,
    sides: Sequence[np.ndarray],
    place: int,
    limits: tuple[float, float],
    tint: str,
    name: str,
) -> None:
    """Draw every unit of a layer as a dot."""
    preferring, opposing = sides
    level = place - 0.02 - drawing.swarm(d, limits, 0.5)
    for kind, shown, face, edge in (
        ("neither", ~preferring & ~opposing, "white", drawing.MUTED),
        ("preferring", preferring, tint, tint),
        ("opposing", opposing, drawing.MUTED, drawing.MUTED),
    ):
        dots = axes.scatter(d[shown], level[shown], s=5, facecolor=face, edgecolor=edge, linewidth=0.4)
        dots.set_gid(f"{kind}/{name}")


def _outline(
    axes: Axes,
    d: np.ndarray,
    sides: Sequence[np.ndarray],
    place: int,
    limits: tuple[float, float],
    tint: str,
    name: str,
) -> None:
    """Draw very many units as the outline of their histogram, and in it those that differ from zero."""
    preferring, opposing = sides
    base = place - 0.02
    everything, edges = np.histogram(d, bins=BINS, range=limits)
    for kind, members, color in (
        ("units", np.ones_like(preferring), drawing.FAINT),
        ("preferring", preferring, tint),
        ("opposing", opposing, drawing.MUTED),
    ):
        heights = np.histogram(d[members], bins=edges)[0]
        level = base - 0.5 * heights / everything.max()
        axes.stairs(level, edges, baseline=base, fill=True, color=color).set_gid(f"{kind}/{name}")


def _shares(axes: Axes, summary: xr.Dataset, tint: str) -> None:
    """Write the shares of units that prefer, and that oppose, at the right of each layer."""
    across = axes.get_yaxis_transform()
    for place in range(summary.sizes["place"]):
        for kind, sign, shift, shade in (
            ("preferring", "+", -0.17, tint),
            ("opposing", "\u2212", 0.17, drawing.MUTED),
        ):
            share = 100 * summary[kind].values[place] / summary["units"].values[place]
            text = drawing.note(axes, 1.01, place + shift, f"{sign} {share:.0f} %", across, color=shade)
            text.set_gid(f"share/{kind}/{summary['contrast'].item()}/{place}")


def _legend(made: Figure, alpha: float, where: Places) -> None:
    def dot(face: str, edge: str, label: str) -> Line2D:
        return Line2D([], [], linestyle="", marker="o", markersize=4, mfc=face, mec=edge, mew=0.6, label=label)

    dots = bool((np.bincount(where.of_unit) <= MOST_UNITS).any())
    quartiles = Line2D([], [], color=drawing.INK, marker="|", markersize=7, mew=1.4, label="quartiles, median")
    handles = [
        dot(drawing.color(0), drawing.color(0), f"responds more (q \u2264 {alpha:g})"),
        dot(drawing.MUTED, drawing.MUTED, f"responds less (q \u2264 {alpha:g})"),
        dot("white" if dots else drawing.FAINT, drawing.MUTED if dots else drawing.FAINT, "neither"),
        quartiles,
    ]
    made.legend(handles=handles, loc="outside lower center", ncols=4, handletextpad=0.5, columnspacing=1.4)
