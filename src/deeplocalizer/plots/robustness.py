"""The central results under other conditions.

draw             each result as it is, with other values, over networks and in the untrained twin
label            what the row of a condition is called
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from deeplocalizer import robustness
from deeplocalizer.plots import drawing
from deeplocalizer.robustness import Case, Result
from deeplocalizer.summaries import plain

ROW = 0.42  # inches for a condition
COLUMNS = 3  # panels side by side
WRAP = {1: 60, 2: 34, 3: 21}  # characters in a line of a title, by the number of panels side by side
LABEL = 16  # characters in a line of a row's label
HIGHLIGHT = "#fff1c9"
AXES = {
    ("advantage", "correct"): "Harm beyond random masks\n(percentage points)",
    ("advantage", "kept"): "Decisions changed beyond\nrandom masks (%)",
    ("double_dissociation", "correct"): "Smaller difference of masks\n(percentage points)",
}


def draw(table: xr.Dataset) -> Figure:
    """Show every central result of a study under every condition that was tried.

    Parameters
    ----------
    table : Dataset
        As `robustness.table` makes it.

    Returns
    -------
    Figure
        A panel for each result and a row for each condition, the study as it is on a tinted ground and with a dotted
        line at its estimate. Grey bands span the random masks of the condition, from their mean, which is 0; small dots
        are single networks of those that replicate one another.

    Raises
    ------
    ValueError
        If the table has no result or no condition.
    """
    asked = robustness.results(table)
    if not asked or not table.sizes["variant"]:
        raise ValueError("robustness: there is nothing to draw; expected a result and a condition or more")
    found = {one: robustness.cases(table, one) for one in asked}
    columns = min(COLUMNS, len(asked))
    rows = -(-len(asked) // columns)
    titles = [_title(one, columns) for one in asked]
    lines = max(title.count("\n") + 1 for title in titles)
    localizers = list(dict.fromkeys(one.localizer for one in asked))
    with drawing.style():
        made = drawing.figure(0.45 + rows * (0.72 + 0.18 * lines + ROW * table.sizes["variant"]))
        panels = drawing.grid(made, len(asked), columns)
        for index, (axes, (one, cases)) in enumerate(zip(panels, found.items(), strict=True)):
            double = one.kind == "double_dissociation"
            tint = drawing.INK if double else drawing.color(localizers.index(one.localizer))
            _panel(axes, one, cases, tint)
            axes.set_title(titles[index], fontsize=9.5)
            axes.set_xlabel(AXES[one.kind, cases[0].outcome], fontsize=9)
            axes.tick_params(axis="y", labelleft=index % columns == 0)
        _legend(made, [case for cases in found.values() for case in cases])
    return made


def label(case: Case) -> str:
    """Name a condition as its row is called."""
    if case.kind == "twin":
        return "untrained twin"
    if case.kind == "replicates":
        return f"{textwrap.fill(plain(case.name), LABEL)}\n({case.models} networks)"
    return plain(case.name)


def _title(asked: Result, columns: int) -> str:
    told = f"{plain(asked.localizer)} units, {plain(asked.task)}"
    if asked.kind == "double_dissociation":
        told = f"{plain(asked.localizer)} and {plain(asked.other)}, double dissociation"
    return textwrap.fill(told, WRAP[columns])


def _panel(axes: Axes, asked: Result, cases: Sequence[Case], tint: str) -> None:
    axes.axvline(0, color=drawing.MUTED, linewidth=0.7, zorder=1)
    axes.set(ylim=(len(cases) - 0.45, -0.55))
    axes.set_yticks(range(len(cases)), [label(case) for case in cases])
    axes.spines["left"].set_visible(False)
    axes.use_sticky_edges = False  # a band does not end at the edge of its panel
    axes.axhspan(-0.48, 0.48, color=HIGHLIGHT, linewidth=0, zorder=0).set_gid(f"main/{asked.name}")
    main = cases[0].effect
    if main is not None:
        line = axes.axvline(100 * main.estimate, color=tint, linewidth=0.9, linestyle=(0, (1, 2)), zorder=1)
        line.set_gid(f"reference/{asked.name}")
    for row, case in enumerate(cases):
        _row(axes, case, row, tint, f"{case.kind}/{case.name}/{asked.name}")
    _room(axes)


def _row(axes: Axes, case: Case, row: int, tint: str, name: str) -> None:
    """Draw one condition: the band of its random masks, its estimate and interval, and single networks."""
    if case.band is not None:
        low, high = (100 * end for end in case.band)
        (band,) = axes.barh([row], [high - low], left=[low], height=0.56, color=drawing.FAINT, alpha=0.8, zorder=0.5)
        band.set(linewidth=0, gid=f"band/{name}")
    if case.effect is None:
        drawing.note(axes, 0.5, row, "not available", axes.get_yaxis_transform(), align="center")
        return
    drawing.estimate(axes, case.effect, row, tint, case.kind == "main", f"estimate/{name}")
    if case.each:
        values = 100 * np.array(case.each)
        dots = axes.scatter(values, np.full(len(values), row + 0.3), s=7, color=tint, alpha=0.75, linewidth=0, zorder=3)
        dots.set_gid(f"each/{name}")


def _room(axes: Axes) -> None:
    """Let no axis be so narrow that it makes much of nothing."""
    low, high = axes.get_xlim()
    if high - low < 1:
        middle = (low + high) / 2
        axes.set_xlim(middle - 0.5, middle + 0.5)


def _legend(made: Figure, cases: Sequence[Case]) -> None:
    kinds: Mapping[str, str] = {"main": "the study as it is", "other": "another condition"}
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=drawing.INK, marker="o", markersize=5, mfc=face, label=kinds[kind])
        for kind, face in (("main", drawing.INK), ("other", "white"))
        if kind == "main" or any(case.kind != "main" for case in cases)
    ]
    if any(case.band is not None for case in cases):
        handles.append(Patch(color=drawing.FAINT, alpha=0.8, label="random masks"))
    if any(case.each for case in cases):
        handles.append(
            Line2D([], [], color=drawing.INK, linestyle="", marker="o", markersize=2.6, label="single networks")
        )
    made.legend(handles=handles, loc="outside lower center", ncols=len(handles), handletextpad=0.5, columnspacing=1.4)
